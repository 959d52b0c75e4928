"""Gives tests a real database each: one server a run, one migrated template, one clone a test.

Under xdist the server belongs to the controller, which hands its address to the workers: session fixtures would start one each.
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from cordon.kernels import environment
from store.migrate import upgrade
from store.pool import Store
from store.postgres import Postgres

TEMPLATE = "cordon_template"
MEMORY = Path("/dev/shm")
MEMORY_FREE_BYTES = 4_000_000_000  # a run writes some hundred megabytes; a container's 64 MB would not do


def server_folder() -> Path:
    """A new folder another uid can enter; in memory where there is room: a clone then takes 40 ms instead of 900."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_FREE_BYTES
    folder = Path(tempfile.mkdtemp(prefix="cordon-tests-", dir=MEMORY if roomy else None))
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


SERVER = pytest.StashKey[Server]()


def pytest_configure(config: pytest.Config) -> None:
    # Before any test module imports numba: compiled kernels are kept between runs, until their sources change.
    os.environ.update(environment(config.rootpath / ".pytest_cache" / "kernels"))
    if not hasattr(config, "workerinput"):
        config.stash[SERVER] = Server()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Runs in the controller, once for each xdist worker."""
    node.workerinput["cordon_server"] = node.config.stash[SERVER].pattern()


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(SERVER, None)
    if server is not None:
        server.stop()


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> str:
    """Address of the run's databases, ``DATABASE`` standing for the name."""
    handed: dict[str, Any] = getattr(request.config, "workerinput", {})
    return handed["cordon_server"] if handed else request.config.stash[SERVER].pattern()


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
    with psycopg.connect(databases.replace("DATABASE", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield databases.replace("DATABASE", name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """A store on a migrated database of this test's own."""
    async with Store(database) as opened:
        yield opened
