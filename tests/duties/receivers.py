"""Those who are told: a web server and a mail server of the test's own, real ones, that fail as they are bid."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, TypeVar, cast

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

HANG = -1  # a status: never answer

Served = TypeVar("Served")


@dataclass
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Web:
    """A web server. ``says`` is what it answers, by path: a status, 200 where none is named."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.says: dict[str, int] = {}
        self.slow_s = 0.0
        self.came = asyncio.Event()
        self.url = ""

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(request.path, headers, await request.read()))
        self.came.set()
        await asyncio.sleep(self.slow_s)
        status = self.says.get(request.path, 200)
        if status == HANG:
            await asyncio.Event().wait()
        return web.Response(status=status, headers={"Location": f"{self.url}/elsewhere"} if 300 <= status < 400 else {})

    async def until(self, enough: Callable[["Web"], bool]) -> None:
        """Until what came is enough."""
        while not enough(self):
            self.came.clear()
            await self.came.wait()

    def counted(self) -> Counter[str]:
        """How often each message came."""
        return Counter(one.id for one in self.got)


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Web]:
    """A web server on a free port."""
    received = Web()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", received._take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    received.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield received
    finally:
        await runner.cleanup()


class Post:
    """A mail server. ``says`` is what it answers to recipients, in turn; then it takes everything."""

    def __init__(self, *says: str) -> None:
        self.says = list(says)
        self.asked = 0
        self.got: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.url = ""

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:
        self.asked += 1
        if self.says:
            return self.says.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        content = cast(bytes, envelope.content)
        self.raw.append(content)
        self.got.append(cast(EmailMessage, message_from_bytes(content, policy=policy.default)))
        return "250 taken"


@contextlib.asynccontextmanager
async def posting(*says: str, **options: Any) -> AsyncIterator[Post]:
    """A mail server on a free port."""
    post = Post(*says)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(post, hostname="test", loop=loop, **options), "127.0.0.1", 0)
    post.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield post
    finally:
        server.close()
        await server.wait_closed()


@contextlib.contextmanager
def beside(received: contextlib.AbstractAsyncContextManager[Served]) -> Iterator[Served]:
    """One of these on a thread of its own, for tests that wait for other processes."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        running = asyncio.run_coroutine_threadsafe(received.__aenter__(), loop).result()
        try:
            yield running
        finally:
            asyncio.run_coroutine_threadsafe(received.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
