"""Turns settings into a running system on this machine: database, worker and officers' API, each kept alive."""

import asyncio
import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import structlog

from cordon import kernels
from cordon.settings import Settings
from cordon.supervisor import Child, keep
from model.errors import CordonError
from store.migrate import upgrade
from store.pool import Store
from store.postgres import Postgres

log = structlog.get_logger()


class Database(NamedTuple):
    """A migrated database; ``settings`` name it, ``server`` is its own process where it is the data folder's."""

    settings: Settings
    server: Postgres | None = None

    @property
    def dsn(self) -> str:
        """Its address."""
        return self.settings.dsn

    async def keep(self) -> None:
        """Keep our own server, which recovers everything that was acknowledged; an outside one is others' to keep."""
        if self.server is not None:
            await keep(self.server, "database", self.settings.deaths_a_minute)


class Running(NamedTuple):
    """A system that answers."""

    url: str
    store: Store
    settings: Settings
    database: Database
    children: tuple[Child, ...]
    edge: str = ""  # where gateways send, if elsewhere

    @property
    def door(self) -> str:
        """Where gateways send."""
        return self.edge or self.url

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep every part running meanwhile; a part that cannot be ends what goes on."""
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self.keep())
            yield
            keeping.cancel()

    async def keep(self) -> None:
        """Keep every part running until cancelled; raises ``CordonError`` when one cannot be."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.database.keep())
            for child in self.children:
                group.create_task(child.keep())


@contextlib.asynccontextmanager
async def database(settings: Settings, *, fsync: bool = True) -> AsyncIterator[Database]:
    """A migrated database: the outside one that the settings name, or the data folder's own, run meanwhile."""
    if settings.dsn:
        await asyncio.to_thread(upgrade, settings.dsn)
        yield Database(settings)
        return
    assert settings.data_dir is not None
    async with Postgres(settings.data_dir, fsync=fsync) as server:
        await asyncio.to_thread(upgrade, server.dsn)
        yield Database(settings.model_copy(update={"dsn": server.dsn}), server)


@contextlib.asynccontextmanager
async def running(base: Database) -> AsyncIterator[Running]:
    """Worker and API on a migrated database, ready to answer; stopped in order at the end.

    Raises
    ------
    CordonError
        If the port is taken or a part does not start.
    """
    settings = base.settings
    assert settings.data_dir is not None
    listener = listening(settings.host, settings.port, "--port")
    frames = None if settings.tcp_port is None else listening(settings.host, settings.tcp_port, "--tcp-port")
    with listener, frames or contextlib.nullcontext(), tempfile.TemporaryDirectory(prefix="cordon-") as folder:
        port = listener.getsockname()[1]
        own = settings.model_copy(
            update={
                "port": port,
                "tcp_port": None if frames is None else frames.getsockname()[1],
                "worker_socket": Path(folder) / "worker",
                "token_secret_file": token_secret(settings.data_dir),
                "parent_pipe": True,
            }
        )
        logs = settings.data_dir / "log"
        compiled = kernels.environment()
        handed = [] if frames is None else [frames.fileno()]
        judging = own.model_copy(update={"log_file": logs / "worker.log", "tcp_listen_fd": handed[0] if handed else -1})
        worker = Child(
            "worker", ["-m", "cordon.worker"], judging.environment() | compiled, handed, deaths_a_minute=own.deaths_a_minute
        )
        fd = listener.fileno()
        officers = own.model_copy(update={"log_file": logs / "api.log", "listen_fd": fd})
        api = Child("API", ["-m", "cordon.serve"], officers.environment() | compiled, [fd], deaths_a_minute=own.deaths_a_minute)
        async with Store(own.dsn, size=4) as store:
            try:
                await worker.start()
                await api.start()
                yield Running(f"http://{own.address(port)}", store, own, base, (worker, api))
            finally:
                # The door first, so that nothing is taken that the worker can no longer commit.
                await api.stop()
                await worker.stop()


def listening(host: str, port: int, option: str) -> socket.socket:
    """A listening socket, bound here so that a taken port is one clear line, and kept while the API restarts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CordonError(f"port {port} on {host} cannot be used ({error.strerror}); choose another with {option}") from error
    listener.listen(1024)
    return listener


def token_secret(data_dir: Path) -> Path:
    """The file of the key that signs access tokens, made at the first start, readable by its owner only."""
    path = data_dir / "token.key"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
    return path
