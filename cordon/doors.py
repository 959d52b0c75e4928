"""Turns settings and a store into what every gateway door asks: whose key it is, what became of a receipt, what is let in."""

import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from cordon.settings import Settings
from ingest.decoded import Limits
from ingest.gateway import Authenticate, Gateway
from ingest.http import FindReceipt
from ingest.link import RETRY_AFTER_S
from ingest.tcp import listen
from model.batch import Receipt, Sink
from model.errors import BusyError
from model.instant import DAY_US
from store import keys, receipts
from store.pool import FAILURES, Store

T = TypeVar("T")


def limits(settings: Settings) -> Limits:
    """What the doors let in."""
    return Limits(oldest_us=settings.retention_days * DAY_US, trace_clock=settings.trace_clock)


def authenticator(store: Store) -> Authenticate:
    """Asks the store whose key it is."""

    async def authenticate(key: str) -> Gateway | None:
        name = await _asked(keys.authenticate(store, key))
        return None if name is None else Gateway(name)

    return authenticate


def receipt_finder(store: Store) -> FindReceipt:
    """Asks the store what became of a receipt."""

    async def find(id_: str) -> Receipt | None:
        return await _asked(receipts.get(store, id_))

    return find


async def _asked(question: Awaitable[T]) -> T:
    """The database's answer; a gateway that asks while it is away is told to come back."""
    try:
        return await question
    except FAILURES as error:
        raise BusyError(RETRY_AFTER_S) from error


@contextlib.asynccontextmanager
async def tcp(settings: Settings, store: Store, sink: Sink) -> AsyncIterator[None]:
    """The TCP door on the listening socket handed over, where there is one."""
    if settings.tcp_listen_fd < 0:
        yield
        return
    listener = socket.socket(fileno=settings.tcp_listen_fd)
    async with listen(listener, sink, authenticator(store), limits(settings)):
        yield
