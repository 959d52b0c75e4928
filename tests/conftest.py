"""Gives tests a real database each, and topics of their own on a real Kafka: one server and one broker a run.

Under xdist both belong to the controller, which hands their addresses to the workers: session fixtures would start one each.
Neither is ever skipped: where Kafka cannot start, the tests that need it fail.
"""

import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from cordon.broker import Broker
from cordon.kernels import environment
from model.errors import CordonError
from store.migrate import upgrade
from store.pool import Store
from store.postgres import Postgres
from tests import chance  # noqa: F401 - by which every property test's settings begin
from tests.prepare import KERNELS

# A run in the background of a shell has Ctrl-C ignored, and so has whatever it starts, which tests tell to end by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TEMPLATE = "cordon_template"
MEMORY = Path("/dev/shm")
MEMORY_FREE_BYTES = 4_000_000_000  # a run writes some hundred megabytes; a container's 64 MB would not do


def roomy() -> bool:
    """Whether there is memory to keep files in."""
    return MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_FREE_BYTES


def server_folder() -> Path:
    """A new folder another uid can enter; in memory where there is room: a clone then takes 40 ms instead of 900."""
    folder = Path(tempfile.mkdtemp(prefix="cordon-tests-", dir=MEMORY if roomy() else None))
    folder.chmod(0o755)
    return folder


class Server:
    """The run's one database server, started when first asked for and stopped when the run ends."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._postgres: Postgres | None = None

    def pattern(self) -> str:
        """Address of its databases, ``DATABASE`` standing for the name."""
        if self._postgres is None:
            self._folder = server_folder()
            self._postgres = Postgres(self._folder, fsync=False)
            self._postgres.start()
            with psycopg.connect(self._postgres.dsn_of("postgres"), autocommit=True) as admin:
                admin.execute(f"CREATE DATABASE {TEMPLATE}")
            upgrade(self._postgres.dsn_of(TEMPLATE))
        return self._postgres.dsn_of("DATABASE")

    def stop(self) -> None:
        """Leave nothing behind."""
        if self._postgres is not None:
            self._postgres.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder)


class Kafka:
    """The run's one broker, started when first asked for and stopped when the run ends."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._broker: Broker | None = None
        self._failed = ""

    def address(self) -> str:
        """Where it answers, ``host:port``; a sentence with spaces where it does not."""
        if self._broker is None and not self._failed:
            self._folder = server_folder()
            self._broker = Broker(self._folder)
            try:
                self._broker.start()
            except CordonError as error:
                self._broker, self._failed = None, str(error)
        return self._failed if self._broker is None else self._broker.address

    def stop(self) -> None:
        """Leave nothing behind."""
        if self._broker is not None:
            self._broker.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder)


SERVER = pytest.StashKey[Server]()
KAFKA = pytest.StashKey[Kafka]()


def pytest_configure(config: pytest.Config) -> None:
    # Before any test module imports numba: compiled kernels are kept between runs, until their sources change.
    os.environ.update(environment(KERNELS))
    # So are compiled modules, whatever the shell says: each of some hundred processes would take half a second for its own.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if not hasattr(config, "workerinput"):
        config.stash[SERVER] = Server()
        config.stash[KAFKA] = Kafka()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Runs in the controller, once for each xdist worker."""
    node.workerinput["cordon_server"] = node.config.stash[SERVER].pattern()
    node.workerinput["cordon_kafka"] = node.config.stash[KAFKA].address()


def pytest_unconfigure(config: pytest.Config) -> None:
    for part in (config.stash.get(SERVER, None), config.stash.get(KAFKA, None)):
        if part is not None:
            part.stop()


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> str:
    """Address of the run's databases, ``DATABASE`` standing for the name."""
    handed: dict[str, Any] = getattr(request.config, "workerinput", {})
    return handed["cordon_server"] if handed else request.config.stash[SERVER].pattern()


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> str:
    """Address of the run's broker, ``host:port``. Tests name their topics by ``prefix``."""
    handed: dict[str, Any] = getattr(request.config, "workerinput", {})
    address = handed["cordon_kafka"] if handed else request.config.stash[KAFKA].address()
    assert " " not in address, address
    return str(address)


@pytest.fixture
def prefix() -> str:
    """What the topics and the group of this test are named by."""
    return f"test-{os.getpid()}-{next(_numbers)}"


_numbers = itertools.count()


@pytest.fixture
def empty_database(databases: str) -> Iterator[str]:
    """Address of a database of this test's own, with nothing in it."""
    yield from _own(databases, "template1")


@pytest.fixture
def database(databases: str) -> Iterator[str]:
    """Address of a migrated database of this test's own."""
    yield from _own(databases, TEMPLATE)


def _own(databases: str, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    # 11 MB. As files it takes half as long as by the log where files are memory, and three times as long where they are a disk's.
    way = "FILE_COPY" if str(MEMORY) in databases.replace("%2F", "/") else "WAL_LOG"
    with psycopg.connect(databases.replace("DATABASE", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY {way}")
        yield databases.replace("DATABASE", name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """A store on a migrated database of this test's own."""
    async with Store(database) as opened:
        yield opened
