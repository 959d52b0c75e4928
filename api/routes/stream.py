"""The live stream: every change of an alert as it happens, resumed where it was cut."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Header, Query
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from api.alert import SUMMARY, scope
from api.caller import needs
from api.fields import LARGEST
from api.parts import PartsDep
from api.problem import Kind, documented
from api.roles import May
from api.token import Caller
from store import audit

router = APIRouter(prefix="/alerts", tags=["alerts"])

log = structlog.get_logger(__name__)

STALLED_S: Final = 60.0  # a client that takes nothing for this long is cut off; it resumes when it can

Position = Annotated[int | None, Query(ge=0, le=LARGEST, description="the last `id:` seen; the header goes before it")]
LastEventId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=LARGEST)]

EXAMPLE: Final = (
    'event: hello\nid: 4711\ndata: {"position":4711,'
    '"status":{"state":"live","as_of":"2026-11-22T08:00:00Z","text":"judging live"}}\n\n'
    f'event: alert\nid: 4713\ndata: {{"change":"acknowledged","id":{SUMMARY["id"]},"...":"as in the list"}}\n\n: ping\n\n'
)


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "`hello`, then `alert` for each change in feed order; `status` and `reset` as docs/api.md says",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
    },
    **documented(Kind.SIGNED_OUT, Kind.NOT_ALLOWED, Kind.INVALID),
}


class _StalledError(Exception):
    """A client that takes nothing."""


class Stream(StreamingResponse):
    """Server-sent events that give up on a client that takes nothing, and end their source whatever happens."""

    def __init__(self, events: AsyncGenerator[bytes, None]) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def within_time(message: Message) -> None:
            try:
                async with asyncio.timeout(STALLED_S):
                    await send(message)
            except TimeoutError:
                raise _StalledError from None

        try:
            await super().__call__(scope, receive, within_time)
        except _StalledError:
            log.info("stream cut off: its client takes nothing")
        finally:
            await self._events.aclose()


@router.get(
    "/stream",
    summary="Alerts as they change (server-sent events)",
    response_class=StreamingResponse,
    responses=RESPONSES,
)
async def stream(
    parts: PartsDep,
    caller: Annotated[Caller, needs(May.SEE_QUEUE)],
    last_event_id: Position = None,
    last_event_id_header: LastEventId = None,
) -> Stream:
    """Ends when the access token does: refresh it, and resume with the last `id:` seen. Who listens is noted."""
    after = last_event_id if last_event_id_header is None else last_event_id_header
    beginning = await parts.hub.begin(after)
    await audit.note(parts.store, caller.account, "read", "alerts/stream", after=beginning.after)
    return Stream(parts.hub.stream(beginning, caller.expires_s - time.time(), scope(caller)))
