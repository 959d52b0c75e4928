"""A running API, called over real HTTP as each role."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI

from api.app import create_app, end_streams
from api.password import hash_password
from api.roles import Role
from api.settings import Settings
from api.token import Signer
from store import accounts
from store.pool import Store

SECRET = b"a secret that only this test run knows"
PASSWORD = "correct horse"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # what is checked says how slow it is
PASSWORD_HASH = hash_password(PASSWORD, CHEAP)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Api:
    """A running API and one account a role."""

    app: FastAPI
    url: str
    store: Store
    http: aiohttp.ClientSession
    signer: Signer
    server: uvicorn.Server
    accounts: dict[str, int] = field(default_factory=dict)

    def bearer(self, role: str | None) -> dict[str, str]:
        if role is None:
            return {}
        return {"Authorization": f"Bearer {self.signer.sign(self.accounts[role], role, Role(role))}"}

    async def call(
        self,
        method: str,
        path: str,
        role: str | None = "admin",
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        """One request; ``path`` without the prefix, or whole where it begins with two slashes."""
        url = self.url + (path[1:] if path.startswith("//") else "/api/v1" + path)
        if body is not None:
            more["data"] = io.BytesIO(json.dumps(body).encode())
            headers = {"Content-Type": "application/json"} | (headers or {})
        async with self.http.request(method, url, headers=self.bearer(role) | (headers or {}), **more) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, role: str | None = "admin", **more: Any) -> Answer:
        return await self.call("GET", path, role, **more)

    async def post(self, path: str, body: Any = None, role: str | None = "admin", **more: Any) -> Answer:
        return await self.call("POST", path, role, body, **more)

    async def patch(self, path: str, body: Any, version: int | str, role: str = "admin") -> Answer:
        return await self.call("PATCH", path, role, body, headers={"If-Match": f'"{version}"'})

    async def sign_in(self, name: str = "operator", password: str = PASSWORD) -> Answer:
        return await self.call("POST", "/token", None, data={"grant_type": "password", "username": name, "password": password})

    async def make(self, path: str, body: Any) -> Any:
        """Create as admin; the answer."""
        answer = await self.post(path, body)
        assert answer.status == 201, answer.body
        return answer.json


class _Server(uvicorn.Server):
    def capture_signals(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()  # the test's process keeps its own


@contextlib.asynccontextmanager
async def serving(database: str, store: Store, **settings: Any) -> AsyncIterator[Api]:
    """An API on a free port, one account a role, each with the same password.

    Of one database connection: an operation that holds one and asks for another waits for itself, and is answered 503.
    """
    app = create_app(Settings(database=database, token_secret=SECRET, pool=1, **settings))
    server = _Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), task.exception()
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    known = {account.name: account.id for account in await accounts.everyone(store)}
    for role in Role:
        known[role] = known.get(role) or await accounts.add(store.pool, role, PASSWORD_HASH, role)
    try:
        async with aiohttp.ClientSession() as http:
            yield Api(app, f"http://127.0.0.1:{port}", store, http, Signer(SECRET, 900), server, known)
    finally:
        end_streams(app)
        server.should_exit = True
        await task


MISSING_CONSOLE = Path("/nonexistent/console")
