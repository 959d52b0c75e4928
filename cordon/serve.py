"""The API process: officers' routes, console and stream, and beside them the gateways' HTTP door."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, MutableMapping
from typing import Any

import structlog
import uvicorn

import api.settings
from api.app import create_app, end_streams
from cordon import again, child, doors, logs
from cordon.producer import producing
from cordon.settings import Settings, read
from ingest.http import create_door
from ingest.link import GIVE_UP_S, LinkSink
from model import reach
from model.batch import Sink
from model.errors import CordonError
from store.pool import Store

GATEWAY_PATH = "/gateway/"
SECRET_BYTES = 32
DRAIN_S = 10  # a request in hand ends well within this; open streams are cut and resume elsewhere

log = structlog.get_logger()

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


def front(officers: Application, door: Application) -> Application:
    """One ASGI application: gateways' paths go to the door, everything else to the officers' API."""

    async def answer(scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        to_door = scope["type"] == "http" and scope["path"].startswith(GATEWAY_PATH)
        await (door if to_door else officers)(scope, receive, send)

    return answer


def hosts(settings: Settings) -> tuple[str, ...]:
    """Values of the Host header, less its port, that officers' requests may have.

    The demo's passwords are known to everyone: a page elsewhere whose name is made to lead here must not reach it. An instance
    of one's own answers by whatever names people and proxies know it.
    """
    if not settings.demo:
        return ("*",)
    own = f"[{settings.host}]" if ":" in settings.host else settings.host
    return ("127.0.0.1", "localhost", "[::1]", own)


async def serve(settings: Settings) -> None:
    """Answer on the listening socket handed over, or on host and port, until told to stop."""
    assert settings.token_secret_file is not None
    async with child.database(settings.dsn, 4) as store, _sink(settings, store) as sink:
        officers = create_app(
            api.settings.Settings(
                database=settings.dsn,
                token_secret=settings.token_secret_file.read_bytes().strip(),
                hosts=hosts(settings),
                inside=reach.networks(settings.channel_networks),
                replay=again.through(sink, doors.limits(settings)),
            )
        )
        application: Application = officers
        if not settings.kafka:  # else edges have the doors
            door = create_door(sink, doors.authenticator(store), doors.receipt_finder(store), doors.limits(settings))
            application = front(officers, door)
        config = uvicorn.Config(
            application,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_S,
        )
        server = Server(config)
        sockets = [socket.socket(fileno=settings.listen_fd)] if settings.listen_fd >= 0 else None
        serving = asyncio.create_task(server.serve(sockets))
        stop = asyncio.create_task(child.until_told(settings.parent_pipe))
        await asyncio.wait([stop, serving], return_when=asyncio.FIRST_COMPLETED)
        end_streams(officers)
        server.should_exit = True
        await serving
        stop.cancel()


@contextlib.asynccontextmanager
async def _sink(settings: Settings, store: Store) -> AsyncIterator[Sink]:
    """Where batches go: to the one worker, or to Kafka; for the door, and for dead letters that are given another try."""
    if settings.kafka:
        async with producing(settings, store, heartbeats=False) as log_sink:
            yield log_sink
        return
    assert settings.worker_socket is not None
    # An instance on a trace's clock has one sender, who counts the answers: a batch sent twice would count as a duplicate.
    sink = LinkSink(settings.worker_socket, None if settings.trace_clock else GIVE_UP_S)
    beating = asyncio.create_task(sink.beat())
    try:
        yield sink
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        await sink.close()


async def run_api(dsn: str, address: str, host: str | None, port: int | None) -> None:
    """The command's process: the officers' API and console over a database, until told to stop.

    Raises
    ------
    CordonError
        If no database or no broker is named, or the key that signs access tokens is not.
    """
    given: dict[str, Any] = {"dsn": dsn or None, "kafka": address or None, "host": host, "port": port}
    settings = read().model_copy(update={name: value for name, value in given.items() if value is not None})
    if not settings.dsn or not settings.kafka:
        raise CordonError(
            "which database, and which broker? Give --dsn and --kafka, or set CORDON_DSN and CORDON_KAFKA; "
            "on one machine `cordon up` has the API without any broker"
        )
    file = settings.token_secret_file
    if file is None or not file.is_file() or len(file.read_bytes().strip()) < SECRET_BYTES:
        raise CordonError(
            f"set CORDON_TOKEN_SECRET_FILE to a file of at least {SECRET_BYTES} random bytes, the same for every `cordon api`: "
            "access tokens are signed with it"
        )
    logs.configure(settings.log_level, settings.log_file, "api")
    await serve(settings)


class Server(uvicorn.Server):
    """Says when it answers, and leaves signals to ``child``."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            child.say_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals are heard by ``child.until_told``."""
        yield


def main() -> int:
    """Run as ``python -m cordon.serve``, settings in the environment."""
    settings = read()
    logs.configure(settings.log_level, settings.log_file, "api")
    return child.run(serve(settings), "API", watch_parent=settings.parent_pipe)


if __name__ == "__main__":
    sys.exit(main())
