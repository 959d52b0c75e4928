"""Turns a lane's shares of requests into one batch, and a batch that cannot be judged into smaller ones, down to the record."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cordon.pieces import added
from model.arrays import Array, joined
from model.batch import Batch, DeadLetter, Part, Position, Receipt
from model.event import EVENT
from model.fix import FIX
from store.admission import as_frame


class Work(NamedTuple):
    """A lane's share of one request: from a door of this machine, where somebody waits for it, or from one record of Kafka."""

    fixes: Array  # (n,) FIX with the gateway's number set
    events: Array  # (m,) EVENT likewise
    dead: tuple[DeadLetter, ...]
    gateway: str
    received_us: int  # lane time once it is consumed; 0 where it does not move the clock
    part: Part | None = None  # None: no request's, such as a heartbeat
    done: "asyncio.Future[Receipt] | None" = None  # of this share alone
    live: int | None = None  # offset of the next record, once this share is all consumed
    backlog: int | None = None
    old: bool = False  # backlog, which live records do not wait for

    @property
    def rows(self) -> int:
        return len(self.fixes) + len(self.events)

    @property
    def records(self) -> int:
        return self.rows + len(self.dead)


def merged(shares: Sequence[Work], clock_us: int, position: Position) -> Batch:
    """One batch of several shares, in the order they came.

    Its time is that of the newest receipt, or ``clock_us`` with none; ``position`` is what was consumed before it.
    """
    live, backlog = position
    for share in shares:
        live = live if share.live is None else share.live
        backlog = backlog if share.backlog is None else share.backlog
    return Batch(
        joined([share.fixes for share in shares], FIX),
        joined([share.events for share in shares], EVENT),
        "",
        max((share.received_us for share in shares), default=clock_us),
        tuple(letter for share in shares for letter in share.dead),
        Position(live, backlog),
        tuple(share.part for share in shares if share.part is not None),
    )


def narrowed(shares: Sequence[Work], why: str) -> list[list[Work]]:
    """What to try instead of a batch that the judge fails on: its halves, or, of a single record, a dead letter in its place."""
    rows = sum(share.rows for share in shares)
    if rows == 1:
        return [[_buried(share, why) if share.rows else share for share in shares]]
    if len(shares) > 1:
        middle = len(shares) // 2
        return [list(shares[:middle]), list(shares[middle:])]
    first, second = _halves(shares[0])
    return [[first], [second]]


def _buried(share: Work, why: str) -> Work:
    letter = DeadLetter(why, as_frame(share.gateway, share.fixes, share.events), "http-json", share.gateway)
    part = None if share.part is None else share.part._replace(fixes=0, events=0)
    return share._replace(fixes=share.fixes[:0], events=share.events[:0], dead=(*share.dead, letter), part=part)


def _halves(share: Work) -> tuple[Work, Work]:
    """A share in two, of which only the second one finishes it; who waits for the whole hears of it when both are done."""
    half = share.rows // 2
    fixes = min(half, len(share.fixes))
    events = half - fixes
    first = share._replace(fixes=share.fixes[:fixes], events=share.events[:events], live=None, backlog=None)
    second = share._replace(fixes=share.fixes[fixes:], events=share.events[events:], dead=())
    if share.part is not None:
        first = first._replace(part=share.part._replace(fixes=fixes, events=events, done=0))
        second = second._replace(part=share.part._replace(fixes=len(second.fixes), events=len(second.events)))
    if share.done is not None:
        loop = asyncio.get_running_loop()
        first, second = first._replace(done=loop.create_future()), second._replace(done=loop.create_future())
        _tell_both(share.done, first, second)
    return first, second


def _tell_both(whole: "asyncio.Future[Receipt]", first: Work, second: Work) -> None:
    assert first.done is not None
    assert second.done is not None

    def tell(both: "asyncio.Future[tuple[Receipt | BaseException, Receipt | BaseException]]") -> None:
        if whole.done() or both.cancelled():
            return
        total = Receipt("", 0, 0)
        at_fix = at_event = 0
        for part, own in zip((first, second), both.result(), strict=True):
            if isinstance(own, BaseException):
                whole.set_exception(own)
                return
            fixes, events = np.arange(len(part.fixes)) + at_fix, np.arange(len(part.events)) + at_event
            total = added(total, own, fixes, events)._replace(id=own.id)
            at_fix, at_event = at_fix + len(fixes), at_event + len(events)
        whole.set_result(total)

    asyncio.gather(first.done, second.done, return_exceptions=True).add_done_callback(tell)
