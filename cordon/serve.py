"""The API process: officers' routes, console and stream, and beside them the gateways' HTTP door."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable, Generator, MutableMapping
from typing import Any, TypeVar

import structlog
import uvicorn

import api.settings
from api.app import create_app, end_streams
from cordon import child, logs
from cordon.settings import Settings, read
from ingest.decoded import Limits
from ingest.gateway import Gateway
from ingest.http import create_door
from ingest.link import GIVE_UP_S, RETRY_AFTER_S, LinkSink
from model.batch import Receipt
from model.errors import BusyError
from model.instant import DAY_US
from store import keys, receipts
from store.pool import FAILURES

GATEWAY_PATH = "/gateway/"
DRAIN_S = 10  # a request in hand ends well within this; open streams are cut and resume elsewhere

log = structlog.get_logger()

T = TypeVar("T")
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
    assert settings.worker_socket is not None
    assert settings.token_secret_file is not None
    limits = Limits(
        oldest_us=settings.retention_days * DAY_US,
        trace_clock=settings.trace_clock,
    )
    async with child.database(settings.dsn, 4) as store:

        async def authenticate(key: str) -> Gateway | None:
            name = await _asked(keys.authenticate(store, key))
            return None if name is None else Gateway(name)

        async def find_receipt(id_: str) -> Receipt | None:
            return await _asked(receipts.get(store, id_))

        # An instance on a trace's clock has one sender, who counts the answers: a batch sent twice would count as a duplicate.
        sink = LinkSink(settings.worker_socket, None if settings.trace_clock else GIVE_UP_S)
        officers = create_app(
            api.settings.Settings(
                database=settings.dsn,
                token_secret=settings.token_secret_file.read_bytes().strip(),
                hosts=hosts(settings),
            )
        )
        door = create_door(sink, authenticate, find_receipt, limits)
        config = uvicorn.Config(
            front(officers, door),
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
        await sink.close()


async def _asked(question: Awaitable[T]) -> T:
    """The database's answer; a gateway that asks while it is away is told to come back."""
    try:
        return await question
    except FAILURES as error:
        raise BusyError(RETRY_AFTER_S) from error


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
