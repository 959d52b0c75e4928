"""Which names the officers' API answers to."""

from typing import Any

import pytest

from api.app import create_app
from api.settings import Settings as ApiSettings
from cordon.serve import hosts
from cordon.settings import Settings


async def status(settings: Settings, host: str) -> int:
    """What a request with this Host header is answered, by the app alone: no database stands behind it."""
    app = create_app(ApiSettings(database="", token_secret=b"x" * 32, hosts=hosts(settings)))
    scope = {
        "type": "http", "method": "GET", "path": "/nothing", "raw_path": b"/nothing", "query_string": b"", "http_version": "1.1",
        "scheme": "http", "headers": [(b"host", host.encode())], "client": None, "server": None, "root_path": "",
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return int(sent[0]["status"])


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:41234", "LOCALHOST", "[::1]:8000", "127.0.0.1"])
async def test_the_demo_answers_by_the_names_of_this_machine(host: str) -> None:
    assert await status(Settings(demo=True), host) != 400


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example:8000", "127.0.0.1.evil.example"])
async def test_the_demo_answers_by_no_other(host: str) -> None:
    assert await status(Settings(demo=True), host) == 400
    assert await status(Settings(), host) != 400, "an instance of one's own is known by names we do not know"


@pytest.mark.parametrize(("bound", "host"), [("127.8.0.1", "127.8.0.1:8000"), ("::1", "[::1]:8000")])
async def test_the_demo_answers_by_the_address_it_was_given(bound: str, host: str) -> None:
    assert await status(Settings(demo=True, host=bound), host) != 400
