"""What passes from a door to the worker, and what comes back once it is durable."""

from typing import NamedTuple, Protocol

from model.arrays import Array


class Position(NamedTuple):
    """Where a batch lies in its partition's log; None of it when the engine is embedded."""

    partition: int
    first: int  # offset of the first record
    next: int  # offset after the last
    epoch: int  # generation of the topics


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
    """One door request within a batch that was put together from several: its receipt, and which rows are its own."""

    receipt: str
    fixes: int  # how many of the batch's fixes, in order after those of the parts before it
    events: int


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


class Receipt(NamedTuple):
    """What became of a batch, known once it is durable."""

    id: str
    stored: int | None  # fixes and events new to the store; None until the commit when a log stands between
    duplicate: int | None  # the same identity and content again
    conflicting: tuple[int, ...] = ()  # rows of the batch's fixes with a stored identity but other content: dead letters
    conflicting_events: tuple[int, ...] = ()  # likewise, rows of its events


class Sink(Protocol):
    """Takes batches and answers when they are durable; raises ``Busy`` when full."""

    async def accept(self, batch: Batch) -> Receipt:
        """Return once the batch is durable, never before."""
        ...
