"""Refuses a body that is larger than its operation takes, before it is read, or as soon as it shows."""

from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST: Final = 256 * 1024  # bytes; a thousand times what most requests need
MOST_ZONE: Final = 8 * 1024 * 1024  # a hundred thousand points with all their digits
ZONES: Final = "/api/v1/zones"


class Limited:
    """ASGI middleware. FastAPI's own limit answers in plain text; this one raises, so that the answer is a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = MOST_ZONE if scope["path"].startswith(ZONES) else MOST
        announced = Headers(scope=scope).get("content-length", "0")
        too_large = not announced.isdigit() or len(announced) > 12 or int(announced) > most
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            if too_large:
                raise HTTPException(413)
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(413)
            return message

        await self._app(scope, limited, send)
