"""Turns settings and a store into what every gateway door asks: whose key it is, what became of a receipt, what is let in."""

import contextlib
import socket
import time
from collections.abc import AsyncIterator
from typing import Final

from cordon.settings import Settings
from ingest.decoded import Limits
from ingest.gateway import Authenticate, FindReceipt, Gateway
from ingest.link import RETRY_AFTER_S
from ingest.tcp import listen
from model.batch import Receipt, Sink, receipt_us
from model.errors import BusyError
from model.instant import DAY_US, MINUTE_US, SECOND_US
from store import keys, receipts
from store.pool import FAILURES, Store

AHEAD_US: Final = MINUTE_US  # an edge's clock may run so far ahead of this one's
AWAITED_US: Final = DAY_US  # once its lanes are past the time of a receipt, a backlog may still take so long to come to it
REMEMBERED: Final = 10_000  # keys, should the store go away


def limits(settings: Settings) -> Limits:
    """What the doors let in."""
    return Limits(oldest_us=settings.retention_days * DAY_US, trace_clock=settings.trace_clock)


def authenticator(store: Store) -> Authenticate:
    """Asks the store whose key it is, each time; while it is away what was good stays so, as a log may go on without it."""
    good: dict[str, Gateway] = {}

    async def authenticate(key: str) -> Gateway | None:
        try:
            name = await keys.authenticate(store, key)
        except FAILURES as error:
            if key in good:
                return good[key]
            raise BusyError(RETRY_AFTER_S) from error
        good.pop(key, None)
        if name is None:
            return None
        if len(good) >= REMEMBERED:
            good.pop(next(iter(good)))
        good[key] = Gateway(name)
        return good[key]

    return authenticate


def receipt_finder(store: Store) -> FindReceipt:
    """Asks the store what became of a receipt."""

    async def find(id_: str) -> Receipt | None:
        made_us = receipt_us(id_)
        try:
            found = await receipts.get(store, id_)
            if found is None and made_us is not None and await _awaited(store, made_us):
                return Receipt(id_, None, None)  # its records are on the log, and no worker has come to them yet
        except FAILURES as error:
            raise BusyError(RETRY_AFTER_S) from error
        return found

    return find


async def _awaited(store: Store, made_us: int) -> bool:
    """Whether records of a receipt made then may still be to come. They are noted when committed: one invented today counts."""
    age_us = time.time_ns() // 1000 - made_us
    if not -AHEAD_US <= age_us < receipts.KEPT_S * SECOND_US:
        return False
    return age_us < AWAITED_US or not await receipts.passed(store, made_us)


@contextlib.asynccontextmanager
async def tcp(settings: Settings, store: Store, sink: Sink, listener: socket.socket | None) -> AsyncIterator[None]:
    """The TCP door on a listening socket, where there is one."""
    if listener is None:
        yield
        return
    async with listen(listener, sink, authenticator(store), limits(settings)):
        yield


def handed(fd: int) -> socket.socket | None:
    """The listening socket that a parent handed over, where it did."""
    return socket.socket(fileno=fd) if fd >= 0 else None
