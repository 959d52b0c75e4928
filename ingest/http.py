"""The gateways' HTTP door: turns POST bodies into batches and answers once they are durable."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from prometheus_client import Counter
from starlette.exceptions import HTTPException

from ingest.decoded import WHOLE_BYTES, Decoded, Limits
from ingest.gateway import Authenticate, FindReceipt, Gateway
from ingest.records import PROTOCOL, decode
from ingest.rules import is_receivable
from ingest.settled import settled
from model.batch import Batch, DeadLetter, Receipt, Rejected, Sink
from model.errors import BusyError, CordonError
from model.event import EVENT
from model.fix import FIX
from model.instant import show

BODY_MAX_BYTES: Final = 16 * 1024 * 1024  # about 60,000 fixes: more in one request only delays the first of them
DECODE_HERE_BYTES: Final = 256 * 1024  # a thousand fixes; officers share the loop, so a longer body is decoded in a thread
WAIT_S: Final = 5  # a gateway comes back after this where the sink failed and does not know better

RECORDS: Final = Counter("cordon_gateway_records_total", "Records at the HTTP door by what became of them", ["outcome"])
REFUSALS: Final = Counter("cordon_gateway_refusals_total", "Whole requests refused at the HTTP door", ["reason"])


class Problem(Exception):
    """A refusal of a whole request, as RFC 9457 problem+json."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers or {}


class Hand:
    """How many bytes of bodies are in hand, so that many large ones at once are told to come again, not held."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0

    @contextlib.contextmanager
    def body(self, declared_bytes: int) -> Iterator[Callable[[int], None]]:
        """Count one body while it is in hand: call what this gives with the size of each piece, before keeping it.

        Raises
        ------
        Problem
            Where the pieces do not fit beside the other bodies, or will not by the length it declared.
        """
        held = 0

        def add(count: int) -> None:
            nonlocal held
            self._refuse_beyond(count)
            held += count
            self._bytes += count

        self._refuse_beyond(declared_bytes)
        try:
            yield add
        finally:
            self._bytes -= held

    def _refuse_beyond(self, more_bytes: int) -> None:
        if self._bytes + more_bytes > self._most_bytes:
            REFUSALS.labels("hand").inc()
            detail = f"too many large bodies are in hand; nothing is lost: send the same again after {WAIT_S} s"
            # The rest is not read: the connection cannot be used again.
            raise Problem(503, "busy", detail, {"Retry-After": str(WAIT_S), "Connection": "close"})


_TITLES: Final = {
    400: "The request cannot be read",
    401: "The gateway key is not good",
    404: "There is nothing here",
    405: "This method does nothing here",
    411: "The body has no length",
    413: "The body is too large",
    503: "The pipeline is full",
}


def create_door(sink: Sink, authenticate: Authenticate, find_receipt: FindReceipt, limits: Limits) -> FastAPI:
    """An application with the routes under ``/gateway/v1``, to answer beside the officers' API.

    Parameters
    ----------
    sink : takes each batch; the answer waits for it.
    authenticate : gives the gateway whose key this is, or None.
    find_receipt : gives a receipt by its id, or None.
    limits : what is let in; with ``trace_clock`` there is also ``POST /clock``, which moves the trace's clock.
    """
    app = FastAPI(title="Cordon gateway door", docs_url=None, redoc_url=None, openapi_url="/gateway/v1/openapi.json")
    router = APIRouter(prefix="/gateway/v1")
    hand = Hand(limits.hand_bytes)

    async def gateway(authorization: str | None) -> Gateway:
        scheme, _, key = (authorization or "").partition(" ")
        found = await authenticate(key.strip()) if scheme.lower() == "bearer" and key else None
        if found is None:
            REFUSALS.labels("key").inc()
            detail = "send a gateway's key as `Authorization: Bearer <key>`; `cordon keys` makes and lists them"
            raise Problem(401, "key", detail, {"WWW-Authenticate": "Bearer"})
        return found

    @router.post(
        "/fixes",
        summary="Send fixes and device events",
        responses={200: {"content": {"application/json": {"example": _EXAMPLE}}}},
    )
    async def fixes(request: Request, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        sender = await gateway(authorization)
        with hand.body(_declared_bytes(request)) as count:
            body = await _body(request, sink, sender, count)
            received_us = time.time_ns() // 1000
            own = sender.limits(limits)
            if len(body) > DECODE_HERE_BYTES:
                decoded = await asyncio.to_thread(decode, body, received_us, own)
            else:
                decoded = decode(body, received_us, own)
            if isinstance(decoded, Rejected):
                await _bury(sink, sender, decoded.reason, body)
                REFUSALS.labels("unreadable").inc()
                raise Problem(400, "unreadable", decoded.reason)
            receipt = await sink.accept(decoded.batch)
        return JSONResponse(_answer(decoded, receipt))

    @router.get("/receipts/{id}", summary="What became of a frame")
    async def receipt(id: str, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        await gateway(authorization)
        found = await find_receipt(id)
        if found is None:
            raise Problem(404, "receipt", f"no receipt {id[:80]!r}; receipts are kept for a week after their commit")
        return JSONResponse({"receipt": found.id, "stored": found.stored, "duplicate": found.duplicate})

    if limits.trace_clock:

        @router.post("/clock/{now_us}", summary="Move the trace's clock on")
        async def clock(now_us: int, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
            sender = await gateway(authorization)
            if not is_receivable(now_us):
                raise Problem(400, "clock", "give microseconds since 1970 UTC, of a time from 2000 to 9000")
            await sink.accept(Batch(np.zeros(0, FIX), np.zeros(0, EVENT), sender.name, now_us))
            return JSONResponse({"now": show(now_us)})

    app.include_router(router)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _elsewhere)
    app.add_exception_handler(CordonError, _busy)
    return app


def _declared_bytes(request: Request) -> int:
    """The body's length as its header says, 0 where it does not; one too large to take is refused as such, when it comes."""
    text = request.headers.get("content-length", "")
    length = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return length if length <= BODY_MAX_BYTES else 0


async def _body(request: Request, sink: Sink, sender: Gateway, count: Callable[[int], None]) -> bytes:
    """The request's body, never holding more than the bound of it."""
    body = bytearray()
    async for chunk in request.stream():
        count(len(chunk))
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            REFUSALS.labels("size").inc()
            reason = f"the body is over {BODY_MAX_BYTES} bytes; send fewer records in one request"
            await _bury(sink, sender, reason, bytes(body[:WHOLE_BYTES]))
            # The rest is not read: the connection cannot be used again.
            raise Problem(413, "size", reason, {"Connection": "close"})
    return bytes(body)


async def _bury(sink: Sink, sender: Gateway, reason: str, body: bytes) -> None:
    """Keep a body that cannot be read as a dead letter, by the same way that fixes take."""
    dead = DeadLetter(reason, body[:WHOLE_BYTES], PROTOCOL)
    await sink.accept(Batch(np.zeros(0, FIX), np.zeros(0, EVENT), sender.name, 0, (dead,)))


def _answer(decoded: Decoded, receipt: Receipt) -> dict[str, Any]:
    """CONTRACT.md's answer: what was accepted, and each refused record by its place in the frame."""
    accepted, rejected = settled(decoded, receipt)
    RECORDS.labels("accepted").inc(accepted)
    RECORDS.labels("duplicate").inc(receipt.duplicate or 0)
    RECORDS.labels("rejected").inc(len(rejected))
    return {
        "accepted": accepted,
        "receipt": receipt.id,
        "stored": receipt.stored,
        "duplicate": receipt.duplicate,
        "rejected": [{"index": one.row, "in": one.place, "reason": one.reason} for one in rejected],
    }


async def _problem(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    body = {
        "type": f"urn:cordon:gateway:{error.code}",
        "title": _TITLES[error.status],
        "status": error.status,
        "detail": error.detail,
    }
    return JSONResponse(body, error.status, error.headers, "application/problem+json")


async def _elsewhere(request: Request, error: Exception) -> JSONResponse:
    """A path or a method that the door does not have."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        wanted = f"{request.url.path} takes {headers.get('Allow', 'another method')}, not {request.method}"
        return await _problem(request, Problem(405, "method", wanted, headers))
    return await _problem(request, Problem(404, "path", "see /gateway/v1/openapi.json for what there is", headers))


async def _busy(request: Request, error: Exception) -> JSONResponse:
    """Not taken, or not known to be: either way the gateway keeps it and sends it again, and a repeat is stored once."""
    REFUSALS.labels("busy" if isinstance(error, BusyError) else "failed").inc()
    wait_s = max(1, round(error.retry_after_s)) if isinstance(error, BusyError) else WAIT_S
    problem = Problem(503, "busy", f"nothing is lost: send the same again after {wait_s} s", {"Retry-After": str(wait_s)})
    return await _problem(request, problem)


_EXAMPLE: Final = {
    "accepted": 2,
    "receipt": "01JD9Z3V7Q",
    "stored": 2,
    "duplicate": 0,
    "rejected": [{"index": 1, "in": "fixes", "reason": "lat 151.0 is not between -90 and 90; are lon and lat swapped?"}],
}
