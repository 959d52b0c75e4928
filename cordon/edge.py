"""The edge process of a distributed system: the gateways' HTTP and TCP doors, and Kafka behind them."""

import asyncio
import contextlib
import socket
from typing import Any, Final

import structlog
import uvicorn

from cordon import child, doors, logs, scrape
from cordon.instance import listening
from cordon.producer import producing
from cordon.serve import Server
from cordon.settings import Settings, read
from ingest.http import create_door
from model.errors import CordonError

DRAIN_S: Final = 10  # a request in hand ends well within this

log = structlog.get_logger()


async def run_edge(dsn: str, address: str, host: str | None, port: int | None, tcp_port: int | None) -> None:
    """The command's process: both doors over a database and a broker, until told to stop.

    Raises
    ------
    CordonError
        If no database or no broker is named, one of them cannot be reached, or a port is taken.
    """
    given: dict[str, Any] = {"dsn": dsn or None, "kafka": address or None, "host": host, "port": port, "tcp_port": tcp_port}
    settings = read().model_copy(update={name: value for name, value in given.items() if value is not None})
    if not settings.dsn or not settings.kafka:
        raise CordonError(
            "which database, and which broker? Give --dsn and --kafka, or set CORDON_DSN and CORDON_KAFKA; "
            "on one machine `cordon up` has the doors without any broker"
        )
    logs.configure(settings.log_level, settings.log_file, "edge")
    http = doors.handed(settings.listen_fd) or listening(settings.host, settings.port, "--port")
    frames = doors.handed(settings.tcp_listen_fd)
    if frames is None and settings.tcp_port is not None:
        frames = listening(settings.host, settings.tcp_port, "--tcp-port")
    with http, frames or contextlib.nullcontext():
        await edge(settings, http, frames)


async def edge(settings: Settings, http: socket.socket, frames: socket.socket | None) -> None:
    """Take what gateways send into Kafka, until told to stop; then answer what is under way."""
    scrape.expose(settings.metrics_port)
    async with child.database(settings.dsn, 4) as store, producing(settings, store) as sink:
        door = create_door(sink, doors.authenticator(store), doors.receipt_finder(store), doors.limits(settings))
        door.add_api_route("/healthz", _alive, include_in_schema=False)
        config = uvicorn.Config(door, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=DRAIN_S)
        server = Server(config)
        async with doors.tcp(settings, store, sink, frames):
            serving = asyncio.create_task(server.serve([http]))
            stop = asyncio.create_task(child.until_told(settings.parent_pipe))
            log.info("the doors are open", http=http.getsockname()[1], tcp=frames.getsockname()[1] if frames else None)
            await asyncio.wait([stop, serving], return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
        await serving
        stop.cancel()


async def _alive() -> dict[str, str]:
    """For whoever balances load: this edge answers. Whether the broker takes what it sends, each answer tells."""
    return {"status": "alive"}
