"""Runs `cordon up` in a folder of its own and lets a test talk to it, look at its processes and kill them."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
from argon2 import PasswordHasher

from api.password import hash_password
from bench.process import alive
from store.postgres import Postgres
from tests.conftest import server_folder

ROOT: Final = Path(__file__).parents[2]
COMMAND: Final = (sys.executable, "-m", "cordon.main")
PASSWORD: Final = "correct horse battery staple"
START_S: Final = 240.0  # the first start of a run compiles kernels, on a machine that is busy with other tests
END_S: Final = 60.0
WAIT_S: Final = 60.0
GATEWAY: Final = "gw-test"
MARK: Final = "A_TEST_OF_CORDON"  # in the environment of every process we start; children inherit it

Found = TypeVar("Found")


def until(look: Callable[[], Found], what: str, within_s: float = WAIT_S) -> Found:
    """What ``look`` gives as soon as it is true; fails where that takes too long."""
    ends = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < ends, f"not within {within_s} s: {what}"
        time.sleep(0.05)
    return found


def stamp(shift_s: float = 0.0) -> str:
    """So many seconds from now, RFC 3339 UTC."""
    return (datetime.now(UTC) + timedelta(seconds=shift_s)).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def http(method: str, url: str, *, bearer: str | None = None, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """One request; a body that is not bytes is sent as JSON."""
    request = urllib.request.Request(url, method=method, headers=headers or {})
    if bearer is not None:
        request.add_header("Authorization", f"Bearer {bearer}")
    if body is not None:
        request.data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if not request.has_header("Content-type"):
            request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.headers, refusal.read())


class System:
    """One data folder, and the `cordon up` that runs on it, if one does."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.log = folder / "up.log"
        self._mark = uuid.uuid4().hex
        own = {MARK: self._mark, "TMPDIR": str(self.temporary), "CORDON_SYNTHETIC_S": "0"}  # what is stored is counted exactly
        self._environment = os.environ | own | (environment or {})
        self._tokens: dict[str, str] = {}
        self._key = ""
        self.up: subprocess.Popen[bytes] | None = None
        self.url = self.door = ""

    # -- its life

    def launch(self, *options: str) -> "subprocess.Popen[bytes]":
        """`cordon up` on a free port, not yet ready."""
        self._tokens.clear()
        self.up = self.begin("up", "--data-dir", str(self.data_dir), *(options or ("--port", "0")))
        return self.up

    def begin(self, *words: str, through: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
        """Any `cordon` command, going on; started ``through`` another that becomes it."""
        with self.log.open("wb") as said:
            return subprocess.Popen([*through, *COMMAND, *words], cwd=ROOT, env=self._environment, stdout=said, stderr=said)

    def start(self, *options: str) -> "System":
        """`cordon up`, ready."""
        up = self.launch(*options)

        def address() -> str:
            assert up.poll() is None, f"cordon up ended:\n{self.said()}"
            found = re.search(r"Console\s+(http://\S+)", self.said())
            return found[1] if found else ""

        self.url = until(address, "cordon up says where it is", START_S)
        gateways = re.search(r"Gateways\s+(http://[^/\s]+)", self.said())
        assert gateways is not None
        self.door = gateways[1]
        until(lambda: self.get("/readyz").status == 200, "/readyz answers 200")
        return self

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it as a person would; its exit code."""
        assert self.up is not None
        self.up.send_signal(number)
        return self.up.wait(END_S)

    def said(self) -> str:
        """What it printed so far."""
        return self.log.read_text()

    def logs(self) -> str:
        """What its processes logged."""
        return "".join(path.read_text() for path in sorted((self.data_dir / "log").glob("*.log*")))

    # -- its processes

    def processes(self) -> dict[int, str]:
        """Every process of this folder that is alive, by id: what it runs."""
        return alive(self._mark, self.folder)

    def pid(self, part: str) -> int:
        """Id of the one process of a part: ``worker``, ``api``, ``up`` or ``database``."""
        if part == "database":
            return int((self.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        (pid,) = self.pids(part)
        return pid

    def pids(self, part: str) -> list[int]:
        """Ids of every process of a part, with ``cordon up --kafka`` also ``edge`` and ``broker``."""
        module = {
            "worker": "-m cordon.worker",
            "api": "-m cordon.serve",
            "up": "-m cordon.main up",
            "edge": "-m cordon.main edge",
            "broker": " kafka.Kafka ",
        }[part]
        return [pid for pid, words in self.processes().items() if module in words and "guard.py" not in words]

    def kill(self, part: str) -> int:
        """kill -9; the id of what died."""
        pid = self.pid(part)
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_for_another(self, part: str, died: int) -> None:
        """Until the part runs again, as another process, and the system is ready."""

        def another() -> bool:
            try:
                return self.pid(part) != died
            except (ValueError, OSError, IndexError):
                return False

        until(another, f"another {part} runs")
        until(lambda: self.get("/readyz").status == 200, "/readyz answers 200 again")

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.up is not None and self.up.poll() is None:
            self.up.send_signal(signal.SIGTERM)
            try:
                self.up.wait(END_S)
            except subprocess.TimeoutExpired:
                self.up.kill()
                self.up.wait()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # -- its commands

    def run(self, *words: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Another `cordon` command on the same folder."""
        return subprocess.run(
            [*COMMAND, *words, "--data-dir", str(self.data_dir)],
            cwd=ROOT,
            env=self._environment | {"COLUMNS": "200"},
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_S,
        )

    # -- its database

    def sql(self, query: str, *args: Any) -> list[Any]:
        """Rows of a query."""
        with psycopg.connect(Postgres(self.data_dir).dsn) as connection:
            cursor = connection.execute(query.encode(), args or None)
            return cursor.fetchall() if cursor.description else []

    def people(self, *roles: str) -> None:
        """One account a role, of that name; their password is ``PASSWORD``."""
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        for role in roles:
            self.sql(
                "INSERT INTO account (name, password_hash, role) VALUES (%s, %s, %s)", role, hash_password(PASSWORD, cheap), role
            )

    @property
    def key(self) -> str:
        """A gateway key, made when first asked for."""
        if not self._key:
            made = self.run("keys", "create", GATEWAY)
            assert made.returncode == 0, made.stderr
            self._key = made.stdout.strip()
        return self._key

    # -- its doors

    def get(self, path: str) -> Answer:
        """Without a token; status 0 where nothing answers."""
        try:
            return http("GET", self.url + path)
        except OSError:
            return Answer(0, {}, b"")

    def token(self, role: str) -> str:
        """An access token of the role's account."""
        if role not in self._tokens:
            form = urllib.parse.urlencode({"grant_type": "password", "username": role, "password": PASSWORD}).encode()
            answer = http(
                "POST",
                f"{self.url}/api/v1/token",
                body=form,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
            assert answer.status == 200, answer.body
            self._tokens[role] = answer.json["access_token"]
        return self._tokens[role]

    def call(self, role: str, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Answer:
        """One request to the officers' API; ``path`` without its prefix."""
        return http(method, f"{self.url}/api/v1{path}", bearer=self.token(role), body=body, headers=headers)

    def ask(self, role: str, method: str, path: str, body: Any = None) -> Any:
        """The same, for its JSON; anything but a success fails."""
        answer = self.call(role, method, path, body)
        assert 200 <= answer.status < 300, f"{method} {path}: {answer.status} {answer.body.decode()}"
        return answer.json

    def post(self, body: Any, *, key: str | None = None, headers: dict[str, str] | None = None) -> Answer:
        """A frame through the gateway door, as it is."""
        return http("POST", f"{self.door}/gateway/v1/fixes", bearer=key or self.key, body=body, headers=headers)

    def get_receipt(self, receipt: str) -> Any:
        """What the door says of a receipt."""
        answer = http("GET", f"{self.door}/gateway/v1/receipts/{receipt}", bearer=self.key)
        assert answer.status == 200, answer.body
        return answer.json

    def send(self, *fixes: dict[str, Any], events: Sequence[dict[str, Any]] = ()) -> Any:
        """Fixes through the gateway door, again while it is busy or away as a gateway would; the receipt."""
        frame = {"gateway": GATEWAY, "fixes": list(fixes), "events": list(events)}

        def taken() -> Answer | None:
            try:
                answer = self.post(frame)
            except OSError:
                return None
            assert answer.status in {200, 503}, answer.body
            return answer if answer.status == 200 else None

        answer = until(taken, "the door takes a frame")
        assert answer is not None
        return answer.json


@contextlib.contextmanager
def system(environment: dict[str, str] | None = None) -> Iterator[System]:
    """A folder for a system of this test's own; nothing is left of either afterwards."""
    folder = server_folder()
    made = System(folder, environment)
    try:
        yield made
    finally:
        made.end()
        remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder, also while its last processes are still going."""
    import shutil

    until(lambda: (shutil.rmtree(folder, ignore_errors=True), not folder.exists())[1], f"{folder} can be removed", 10.0)
