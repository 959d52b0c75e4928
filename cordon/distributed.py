"""Turns settings into the distributed form on this machine: broker, edge, workers and officers' API, each kept alive."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from cordon import kernels
from cordon.broker import Broker
from cordon.instance import Database, Running, listening, token_secret
from cordon.settings import Settings
from cordon.supervisor import Child
from store.pool import Store

BROKER_FOLDER = "kafka"  # in the data folder


@contextlib.asynccontextmanager
async def broker(base: Database) -> AsyncIterator[tuple[Database, Broker | None]]:
    """A broker: the outside one that the settings name, or the data folder's own, run meanwhile."""
    settings = base.settings
    if settings.kafka:
        yield base, None
        return
    assert settings.data_dir is not None
    async with Broker(settings.data_dir / BROKER_FOLDER, settings.broker_advertised) as server:
        yield base._replace(settings=settings.model_copy(update={"kafka": server.address})), server


@contextlib.asynccontextmanager
async def running(base: Database) -> AsyncIterator[Running]:
    """Edge, workers and API on a migrated database and a broker, ready to answer; stopped in order at the end.

    Raises
    ------
    CordonError
        If a port is taken or a part does not start.
    """
    settings = base.settings
    assert settings.data_dir is not None
    async with contextlib.AsyncExitStack() as stack:
        officers = stack.enter_context(listening(settings.host, settings.port, "--port"))
        edge_port = settings.edge_port if settings.edge_port is not None else settings.port and settings.port + 1
        gateways = stack.enter_context(listening(settings.host, edge_port, "--edge-port"))
        frames = None
        if settings.tcp_port is not None:
            frames = stack.enter_context(listening(settings.host, settings.tcp_port, "--tcp-port"))
        own = settings.model_copy(
            update={
                "port": officers.getsockname()[1],
                "tcp_port": None if frames is None else frames.getsockname()[1],
                "token_secret_file": token_secret(settings.data_dir),
                "parent_pipe": True,
            }
        )
        logs = settings.data_dir / "log"
        workers = [_child(own, f"worker {n}", ["-m", "cordon.worker"], logs / f"worker-{n}.log") for n in range(settings.workers)]
        handed = [gateways.fileno(), *([] if frames is None else [frames.fileno()])]
        doors = own.model_copy(update={"listen_fd": handed[0], "tcp_listen_fd": handed[1] if frames else -1})
        edge = _child(doors, "edge", ["-m", "cordon.main", "edge"], logs / "edge.log", handed)
        desk = own.model_copy(update={"listen_fd": officers.fileno()})
        api = _child(desk, "API", ["-m", "cordon.serve"], logs / "api.log", [officers.fileno()])
        async with Store(own.dsn, size=4) as store:
            try:
                for child in (*workers, edge, api):
                    await child.start()
                yield Running(
                    f"http://{own.address(own.port)}",
                    store,
                    own,
                    base,
                    (*workers, edge, api),
                    f"http://{own.address(gateways.getsockname()[1])}",
                )
            finally:
                # The doors first; what they took is on the broker, for the workers or for the next start.
                await edge.stop()
                await asyncio.gather(*(worker.stop() for worker in workers))
                await api.stop()


def _child(settings: Settings, name: str, command: list[str], log: Path, fds: list[int] | None = None) -> Child:
    environment = settings.model_copy(update={"log_file": log}).environment() | kernels.environment()
    return Child(name, command, environment, fds or [], deaths_a_minute=settings.deaths_a_minute)
