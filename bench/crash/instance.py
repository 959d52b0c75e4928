"""A private folder becomes a running `cordon up` whose parts can be found, killed, frozen and asked what is stored."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
from psycopg import conninfo

from bench.process import alive
from model.errors import CordonError

ROOT: Final = Path(__file__).parents[2]
COMMAND: Final = (sys.executable, "-m", "cordon.main")
MARK: Final = "A_BENCH_OF_CORDON"  # in the environment of all we start: orphans are found by it, too
START_S: Final = 600.0  # the first start compiles the kernels, on a machine that may be busy
END_S: Final = 90.0
WAIT_S: Final = 120.0
LOOK_S: Final = 0.02

# What a part's process runs. The database is found by its pid file.
DATABASE: Final = "database"
PARTS: Final = {
    "worker": "-m cordon.worker",
    "edge": "-m cordon.main edge",
    "broker": "kafka.Kafka",
    "API": "-m cordon.serve",
    "parent": "-m cordon.main up",
}

Found = TypeVar("Found")


def until(look: Callable[[], Found], what: str, within_s: float = WAIT_S) -> Found:
    """What ``look`` gives as soon as it is true.

    Raises
    ------
    CordonError
        If it is not in time: the system did not recover.
    """
    ends = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > ends:
            raise CordonError(f"not within {within_s:.0f} s: {what}")
        time.sleep(LOOK_S)
    return found


class Instance:
    """One data folder and the `cordon up` that runs on it.

    Parameters
    ----------
    folder : of its own; made where it is missing
    environment : further settings, as ``CORDON_...``
    options : further words for `cordon up`
    """

    def __init__(self, folder: Path, environment: dict[str, str], options: Sequence[str] = ()) -> None:
        self.folder = folder
        self._options = tuple(options)
        self.data_dir = folder / "data"
        self._mark = uuid.uuid4().hex
        temporary = folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # the server's own user has to enter
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CORDON_")}
        own = {
            "CORDON_SYNTHETIC_S": "0",
            "CORDON_PARENT_PIPE": "1",
        }  # what is stored is held against the ledger, and synthetic wearers write none
        self._environment = kept | own | environment | {MARK: self._mark, "TMPDIR": str(temporary)}
        self._said = folder / "up.log"
        self._up: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.door_port = 0  # where gateways send
        self.dsn = environment.get("CORDON_DSN", "")

    # -- its life

    def start(self) -> None:
        """Return when it answers; where it did before, if it did."""
        ports = ["--port", str(self.port)] if self.url else ["--port", "0"]
        if self.url and self.door_port != self.port:
            ports += ["--edge-port", str(self.door_port)]
        self._let_go()
        with self._said.open("wb") as said:
            self._up = subprocess.Popen(
                [*COMMAND, "up", *self._options, *ports, "--data-dir", str(self.data_dir)],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,  # it ends when this does: with us, whatever becomes of us
                stdout=said,
                stderr=said,
            )

        def address() -> str:
            if not self.alive:
                raise CordonError(f"cordon up ended: {self._said.read_text().strip()}")
            found = re.search(r"Console\s+(http://\S+)", self._said.read_text())
            return found[1] if found else ""

        self.url = until(address, "cordon up says where it is", START_S)
        door = re.search(r"Gateways\s+http://\S+?:(\d+)/", self._said.read_text())
        assert door is not None
        self.door_port = int(door[1])
        self.dsn = self._setting("worker", "CORDON_DSN")
        until(self.ready, "/readyz answers 200")

    @property
    def alive(self) -> bool:
        """Whether its parent process is."""
        return self._up is not None and self._up.poll() is None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def ready(self) -> bool:
        """Whether it says so."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def stop(self) -> None:
        """End it in order."""
        if self._up is not None and self._up.poll() is None:
            self._up.send_signal(signal.SIGTERM)
            self._up.wait(END_S)

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        for number in (signal.SIGCONT, signal.SIGKILL):
            for pid in [self._up.pid] if self._up is not None and self._up.poll() is None else []:
                os.kill(pid, number)
        if self._up is not None:
            self._up.wait()
        self._let_go()
        for number in (signal.SIGCONT, signal.SIGKILL):
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def _let_go(self) -> None:
        if self._up is not None and self._up.stdin is not None:
            self._up.stdin.close()

    def command(self, *words: str) -> str:
        """What another `cordon` command on the same folder prints.

        Raises
        ------
        CordonError
            If it fails.
        """
        done = subprocess.run(
            [*COMMAND, *words, "--data-dir", str(self.data_dir)],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_S,
        )
        if done.returncode:
            raise CordonError(f"cordon {words[0]} failed: {done.stderr.strip()}")
        return done.stdout.strip()

    # -- its parts

    def processes(self) -> dict[int, str]:
        """All that is alive and ours, by id: what it runs."""
        return alive(self._mark, self.folder)

    def pid(self, part: str) -> int:
        """Id of a part's process, of several the oldest; 0 while there is none."""
        if part == DATABASE:
            try:
                return int((self.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
            except (OSError, ValueError, IndexError):
                return 0
        found = [pid for pid, words in self.processes().items() if PARTS[part] in words]
        return min(found, default=0)

    def send(self, part: str, number: int) -> int:
        """Send a part a signal as soon as it runs; the id of who got it."""
        pid = until(lambda: self.pid(part), f"the {part} runs")
        os.kill(pid, number)
        return pid

    def logs(self) -> str:
        """What its processes logged."""
        return "".join(path.read_text() for path in sorted((self.data_dir / "log").glob("*.log*")))

    def worker_socket(self) -> Path:
        """Where the door finds the worker."""
        return Path(self._setting("API", "CORDON_WORKER_SOCKET"))

    def broker(self) -> tuple[str, int] | None:
        """Where its own broker listens; None while there is none."""
        try:
            said = (self.data_dir / "kafka" / "server.properties").read_text()
        except FileNotFoundError:
            return None
        found = re.search(r"^listeners=PLAINTEXT://(\S+?):(\d+)", said, re.MULTILINE)
        return (found[1], int(found[2])) if found else None

    def database_socket(self) -> Path:
        """Where everybody finds the database."""
        return Path(str(conninfo.conninfo_to_dict(self.dsn)["host"])) / ".s.PGSQL.5432"

    def _setting(self, part: str, name: str) -> str:
        pid = until(lambda: self.pid(part), f"the {part} runs")
        pairs = (line.partition(b"=") for line in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
        return next(value.decode() for key, _, value in pairs if key == name.encode())

    # -- what it stores

    def sql(self, query: str, *args: Any) -> list[Any]:
        """Rows of a query."""
        with psycopg.connect(self.dsn, connect_timeout=10) as connection:
            cursor = connection.execute(query.encode(), args or None)
            return cursor.fetchall() if cursor.description else []
