"""A client of the stream, as small as the standard allows."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.api.client import Api


@dataclass
class Event:
    """One server-sent event; ``id`` None where it has none."""

    name: str
    id: int | None
    data: Any


async def read(content: aiohttp.StreamReader) -> AsyncIterator[Event]:
    """The events of a body; comments come as events named ``:``."""
    fields: dict[str, str] = {}
    async for raw in content:
        line = raw.decode().rstrip("\r\n")
        if line.startswith(":"):
            yield Event(":", None, line[1:].strip())
        elif line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            number = int(fields["id"]) if "id" in fields else None
            yield Event(fields.get("event", "message"), number, json.loads(fields["data"]))
            fields = {}


@contextlib.asynccontextmanager
async def streaming(
    api: Api, last: int | None = None, *, role: str = "operator", header: bool = True, headers: dict[str, str] | None = None
) -> AsyncIterator[AsyncIterator[Event]]:
    """An open stream; the first event, ``hello``, is still to be read."""
    url = f"{api.url}/api/v1/alerts/stream"
    headers = headers or api.bearer(role)
    if last is not None and header:
        headers = headers | {"Last-Event-ID": str(last)}
    elif last is not None:
        url += f"?last_event_id={last}"
    async with api.http.get(url, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-store"
        yield read(response.content)


async def alerts(events: AsyncIterator[Event], count: int) -> list[Event]:
    """The next ``count`` alert events; comments and status are passed over, ``reset`` is not expected."""
    found: list[Event] = []
    while len(found) < count:
        event = await anext(events)
        assert event.name in {"alert", "status", ":", "hello"}, event
        if event.name == "alert":
            found.append(event)
    return found
