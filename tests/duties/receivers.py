"""Those who are told: a web server and a mail server of the test's own, real ones, that fail as they are bid."""

import asyncio
import contextlib
import ssl
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar, cast

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from model import reach

HERE = reach.networks("127.0.0.0/8")  # where they are: private, so somebody has to list it
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
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Web]:
    """A web server on a free port."""
    received = Web()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", received._take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    received.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
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
        self.over_tls: list[bool] = []
        self.url = ""

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:
        self.asked += 1
        if self.says:
            return self.says.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:
        self.over_tls.append(session.ssl is not None)
        content = cast(bytes, envelope.content)
        self.raw.append(content)
        self.got.append(cast(EmailMessage, message_from_bytes(content, policy=policy.default)))
        return "250 taken"


@contextlib.asynccontextmanager
async def posting(*says: str, **options: Any) -> AsyncIterator[Post]:
    """A mail server on a free port."""
    post = Post(*says)
    loop = asyncio.get_running_loop()
    talks: list[SMTP] = []

    def talk() -> SMTP:
        talks.append(SMTP(post, hostname="test", loop=loop, **options))
        return talks[-1]

    server = await loop.create_server(talk, "127.0.0.1", 0)
    post.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield post
    finally:
        server.close()
        for one in talks:
            if one.transport is not None:
                one.transport.close()
        await asyncio.sleep(0)
        await server.wait_closed()


async def _finished() -> None:
    """Nothing goes on in this loop any more."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.sleep(0)  # what was closed is told so in the next turn of the loop


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
            asyncio.run_coroutine_threadsafe(_finished(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def untrusted(folder: Path) -> ssl.SSLContext:
    """TLS for 127.0.0.1 by a certificate that vouches for itself alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "untrusted.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
