"""A whole system of a benchmark's own: `cordon up` on a folder, driven and looked at from outside, gone at the end."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
import psycopg

from bench.workloads.crowd import GATEWAY
from model.errors import CordonError

COMMAND: Final = (sys.executable, "-m", "cordon.main")
START_S: Final = 900.0  # the first start compiles the kernels, and a large world takes its time
STOP_S: Final = 120.0
PASSWORD: Final = "benchmark only, on loopback"  # noqa: S105


class Instance:
    """`cordon up` on a data folder, with the TCP door open.

    Parameters
    ----------
    folder : of its own
    options : further words for `cordon up`
    """

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.folder, self._options = folder, options
        self.data_dir = folder / "data"
        # No synthetic wearer: its alerts are none of the crowd's.
        self._environment = os.environ | {"CORDON_SYNTHETIC_S": "0", "CORDON_PARENT_PIPE": "1"}
        self._up: subprocess.Popen[bytes] | None = None
        self.url = self.tcp = self.key = ""

    def run(self, *words: str) -> str:
        """Another `cordon` command on the same folder; what it printed."""
        done = subprocess.run(
            [*COMMAND, *words, "--data-dir", str(self.data_dir)],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CordonError(f"`cordon {words[0]}` failed: {done.stderr.strip()[-500:]}")
        return done.stdout.strip()

    def load(self, world: dict[str, Any]) -> None:
        """Write a WORLD document into it, and make the key its gateway has."""
        path = self.folder / "world.json"
        path.write_bytes(msgspec.json.encode(world))
        self.run("load", str(path))
        path.unlink()
        self.key = self.run("keys", "create", GATEWAY)
        self.run("users", "add", "bench", "--role", "operator", "--password", PASSWORD)

    def start(self) -> None:
        """Run it until it answers."""
        said = self.folder / "up.log"
        with said.open("wb") as out:
            words = ("up", *self._options, "--port", "0", "--tcp-port", "0", "--data-dir", str(self.data_dir))
            # It ends when its standard input does: with us, whatever becomes of us.
            self._up = subprocess.Popen([*COMMAND, *words], env=self._environment, stdin=subprocess.PIPE, stdout=out, stderr=out)
        ends = time.monotonic() + START_S
        while not (found := re.search(r"Console\s+(http://\S+)[\s\S]*Frames\s+tcp://(\S+)", said.read_text())):
            if self._up.poll() is not None or time.monotonic() > ends:
                raise CordonError(f"`cordon up` did not start: {said.read_text()[-500:]}")
            time.sleep(0.1)
        self.url, self.tcp = found[1], found[2]

    def stop(self) -> None:
        """End it in order; by force if it does not."""
        if self._up is None or self._up.poll() is not None:
            return
        self._up.send_signal(signal.SIGINT)
        try:
            self._up.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._up.kill()
            self._up.wait()
        assert self._up.stdin is not None
        self._up.stdin.close()

    @property
    def process_id(self) -> int:
        """Of `cordon up`, the parent of all its parts."""
        assert self._up is not None, "it has been started"
        return self._up.pid

    def database(self) -> "psycopg.Connection[Any]":
        """A connection to its database, as documented for whoever must look inside: the server's own socket and password file."""
        host = (self.data_dir / "postgres" / "postmaster.pid").read_text().split("\n")[4]
        query = urlencode({"host": host, "passfile": str(self.data_dir / "passfile")}, quote_via=quote)
        return psycopg.connect(f"postgresql://cordon@/cordon?{query}", autocommit=True)


@contextlib.contextmanager
def loaded(world: dict[str, Any]) -> Iterator[Instance]:
    """An instance that holds a world and is not run, for ``running``; nothing of it is left afterwards."""
    with _folder() as folder:
        made = Instance(folder)
        made.load(world)
        yield made


@contextlib.contextmanager
def running(held: Instance, options: Sequence[str] = ()) -> Iterator[Instance]:
    """A copy of what was loaded, running; nothing of it is left afterwards."""
    with _folder() as folder:
        made = Instance(folder, options)
        # As it is, owners included: as root, the database server's files are another user's.
        subprocess.run(["cp", "-a", str(held.data_dir), str(made.data_dir)], check=True)
        made.key = held.key
        try:
            made.start()
            yield made
        finally:
            made.stop()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cordon-bench-"))
    folder.chmod(0o755)  # as root, the database server is another user
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
