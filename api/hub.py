"""Turns the feed into events for every open stream: read once a process, kept a while, shared by all clients.

No client has a queue. Each has a place in the one ring of recent events and reads on from there; one that falls off its end
reads on from the database, exactly as one that reconnects. So a client that stalls costs its socket, and nothing grows.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from itertools import takewhile
from typing import Final, NamedTuple

import structlog
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict

from api.alert import About, Scope, about, changed
from api.judging import UNREACHABLE, Judging, lane, watched
from store import alerts, feed, status, watch
from store.feed import Entry
from store.pool import Store
from store.refusal import UNAVAILABLE

log = structlog.get_logger(__name__)

KEPT: Final = 2000  # events in the ring: about 1 KB each, a good many seconds of a bad day
READ: Final = 100  # feed entries read at once
SENT: Final = 100  # events sent at once: what a client that stalls can leave in our memory
STATUS_S: Final = 2.0  # how often judging is looked at
RETRY_S: Final = 1.0
PING_S: Final = 15.0  # of silence; less than the idle timeout of any proxy
PING: Final = b": ping\n\n"


class Event(NamedTuple):
    """One change of an alert, as it goes over the wire; ``about`` says who may see it."""

    position: int
    wire: bytes
    about: About


class Beginning(NamedTuple):
    """Where a stream begins: after this position."""

    after: int
    reset: str | None = None  # why it could not resume


class Hello(BaseModel):
    """What a stream begins with."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"position": 4711, "status": {"state": "live", "as_of": "2026-11-22T08:00:00Z", "text": "judging live"}},
            ]
        }
    )

    position: int
    status: Judging


class Reset(BaseModel):
    """What a stream says when it cannot resume."""

    position: int
    reason: str


async def events(store: Store, entries: Sequence[Entry]) -> list[Event]:
    """The events of feed entries: one for each entry of an alert, with the alert as it stands after it, or later."""
    wanted = [entry for entry in entries if entry.kind == "alert"]
    rows = await alerts.several(store, [entry.ref for entry in wanted])
    return [
        Event(entry.position, _wire("alert", changed(rows[entry.ref], entry.what), entry.position), about(rows[entry.ref]))
        for entry in wanted
        if entry.ref in rows
    ]


def _words(told: Judging) -> tuple[object, ...]:
    """What a screen would show differently; once a minute while all is well, when the synthetic alerts have come again."""
    return told.state, told.text, [(check.name, check.text) for check in told.failing], told.seen_at


def _wire(name: str, data: BaseModel, position: int | None = None) -> bytes:
    return format_sse_event(data_str=data.model_dump_json(), event=name, id=None if position is None else str(position))


class Hub:
    """The one reader of the feed in this process.

    Attributes
    ----------
    position : everything up to here has been read
    clients : streams open now
    """

    def __init__(self, store: Store, kept: int = KEPT) -> None:
        self._store = store
        self._ring: deque[Event] = deque()
        self._kept = kept
        self._start = 0  # the ring holds every event after this position
        self._changed = asyncio.Event()
        self._status: Judging = UNREACHABLE
        self._said = _words(UNREACHABLE)
        self._status_no = 0
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self.position = 0
        self.clients = 0

    async def open(self) -> None:
        """Begin reading where the feed stands."""
        self.position = self._start = await feed.position(self._store)
        await self._look()
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._watch_judging())]

    async def close(self) -> None:
        """End every stream, and reading."""
        self.end_streams()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def end_streams(self) -> None:
        """Let every stream end now: their clients resume elsewhere. A server that stops would wait for them."""
        self._closing = True
        self._wake()

    @property
    def status(self) -> Judging:
        """Whether Cordon judges, as of the last look."""
        return self._status

    async def begin(self, last_id: int | None) -> Beginning:
        """Where a client that has seen everything up to ``last_id`` (None: that begins now) goes on."""
        now = await feed.position(self._store)  # the hub itself may be a moment behind
        if last_id is None:
            return Beginning(now)
        reason = await self._cannot_resume(last_id, now)
        return Beginning(last_id) if reason is None else Beginning(now, reason)

    async def stream(self, beginning: Beginning, ends_in_s: float, scope: Scope) -> AsyncGenerator[bytes, None]:
        """What one client, who may see ``scope``, is sent until its token ends."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + ends_in_s
        self.clients += 1
        try:
            after, reset = beginning
            said_no = self._status_no
            yield _wire("hello", Hello(position=after, status=self._status), after)
            if reset is not None:
                yield _wire("reset", Reset(position=after, reason=reset), after)
            while not self._closing and loop.time() < end_s:
                woken = self._changed  # taken before looking: what comes after the look sets it
                if said_no != self._status_no:
                    said_no = self._status_no
                    yield _wire("status", self._status)
                position = self.position
                if after < position:
                    try:
                        fresh, after = await self._after(after, position)
                    except UNAVAILABLE:
                        return  # the client comes back, and resumes
                    wires = [event.wire for event in fresh if scope.covers(event.about)]
                    if wires:
                        yield b"".join(wires)
                    continue
                try:
                    async with asyncio.timeout(max(0.0, min(PING_S, end_s - loop.time()))):
                        await woken.wait()
                except TimeoutError:
                    yield PING
        finally:
            self.clients -= 1

    async def _cannot_resume(self, after: int, now: int) -> str | None:
        """Why a client cannot go on from a position; None if it can."""
        if after > now:
            return "that position is ahead of this system: its database is another one, or was restored"
        if after < self._start:
            oldest = await status.oldest_entry(self._store)
            if after < now and (oldest is None or after < oldest - 1):
                return "that position is older than what is kept"
        return None

    async def _after(self, after: int, position: int) -> tuple[list[Event], int]:
        """Events after a place, and the new place: from the ring, else from the database."""
        if after >= self._start:
            fresh = list(takewhile(lambda event: event.position > after, reversed(self._ring)))
            fresh.reverse()
            if len(fresh) > SENT:
                return fresh[:SENT], fresh[SENT - 1].position
            return fresh, position
        entries = [entry for entry in await feed.entries(self._store, after, READ) if entry.position <= position]
        if not entries:
            return [], position
        return await events(self._store, entries), entries[-1].position

    async def _read(self) -> None:
        """Follow the feed, for as long as it takes: a reader that ended would leave every screen still and nobody the wiser."""
        while True:
            try:
                async for position in feed.watch(self._store, self.position):
                    while self.position < position:
                        entries = await feed.entries(self._store, self.position, READ)
                        self._keep(await events(self._store, entries), entries[-1].position if entries else position)
            except Exception as error:
                log.error("feed cannot be read", error=type(error).__name__)  # noqa: TRY400 (its message may hold a name)
            await asyncio.sleep(RETRY_S)

    def _keep(self, fresh: list[Event], position: int) -> None:
        self._ring.extend(fresh)
        while len(self._ring) > self._kept:
            self._start = self._ring.popleft().position
        self.position = position
        self._wake()

    def _wake(self) -> None:
        woken, self._changed = self._changed, asyncio.Event()
        woken.set()

    async def _watch_judging(self) -> None:
        while True:
            await asyncio.sleep(STATUS_S)
            await self._look()

    async def _look(self) -> None:
        """Look whether Cordon judges; streams are told when what the screen says changes."""
        try:
            lanes = [lane(row) for row in await status.lanes(self._store)]
            self._status = watched(lanes, await watch.last(self._store))
        except UNAVAILABLE:
            self._status = UNREACHABLE
        said = _words(self._status)
        if said != self._said:
            self._said = said
            self._status_no += 1
            self._wake()
