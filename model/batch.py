"""What passes from a door to the worker, and what comes back once it is durable."""

import secrets
from typing import Final, NamedTuple, Protocol

from model.arrays import Array

RECEIPT_DIGITS: Final = 32  # hexadecimal: 12 of its time in milliseconds, the rest is chance


class Position(NamedTuple):
    """How far a lane's two topics are consumed with a batch: offsets of the next record of each; None when embedded."""

    live: int
    backlog: int


class Rejected(NamedTuple):
    """Bad data is a value: why one record was refused, in words its sender can act on."""

    reason: str
    row: int = -1  # place in the frame's list, -1 where the frame as a whole is meant
    place: str = ""  # "fixes", "events", "zones", ...: the list it stood in


class DeadLetter(NamedTuple):
    """Poison kept for a person to look at and replay: the bytes, and the reason."""

    reason: str
    body: bytes
    protocol: str  # "http-json", "frame", ...
    gateway: str = ""  # who sent it, by name


class Part(NamedTuple):
    """One door request within a batch that was put together from several: its receipt, and which rows are its own.

    On Kafka a request becomes several frames, each in a part of its own in some lane's batch: the receipt is whole once ``of``
    frames are ``done``.
    """

    receipt: str
    fixes: int  # how many of the batch's fixes, in order after those of the parts before it
    events: int
    done: int = 1  # frames that are done with this part
    of: int = 1  # frames the request became


class Batch(NamedTuple):
    """The good records of one or more frames, and the dead letters of the rest.

    ``fixes`` is (n,) FIX, ``events`` (m,) EVENT, each in arrival order. ``received_us`` is lane time once the batch
    is consumed: the newest time of receipt in it (DESIGN.md section 3.4); it may stand alone, to move the clock.
    """

    fixes: Array
    events: Array
    gateway: str
    received_us: int
    dead: tuple[DeadLetter, ...] = ()
    position: Position | None = None
    parts: tuple[Part, ...] = ()
    gateways: tuple[str, ...] = ()  # where records came through several: their names, of which ``gateway`` gives the place


class Receipt(NamedTuple):
    """What became of a batch, known once it is durable."""

    id: str
    stored: int | None  # fixes and events new to the store; None until the commit when a log stands between
    duplicate: int | None  # the same identity and content again
    conflicting: tuple[int, ...] = ()  # rows of the batch's fixes with a stored identity but other content: dead letters
    conflicting_events: tuple[int, ...] = ()  # likewise, rows of its events


def new_receipt(now_us: int) -> str:
    """A receipt's id that tells when it was made, so that one not heard of yet differs from one that never was."""
    return f"{now_us // 1000:012x}{secrets.token_hex(10)}"


def receipt_us(receipt: str) -> int | None:
    """When an id was made by ``new_receipt``, microseconds since 1970 UTC; None where it cannot have been."""
    if len(receipt) != RECEIPT_DIGITS or not set(receipt) <= set("0123456789abcdef"):
        return None
    return int(receipt[:12], 16) * 1000


class Sink(Protocol):
    """Takes batches and answers when they are durable; raises ``Busy`` when full."""

    async def accept(self, batch: Batch) -> Receipt:
        """Return once the batch is durable, never before."""
        ...
