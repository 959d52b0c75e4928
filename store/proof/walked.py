"""What a proof is of, what it has gathered on its way along the links, and how it says that something does not match."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from model.errors import CordonError
from model.fix import IDENTITY
from model.instant import BEGINNING_US, DAY_US, FOREVER_US
from store.admission import EVENT_IDENTITY
from store.copy import EVENTS, FIXES, Codec
from store.pool import Connection, Record

ROWS_AT_ONCE: Final = 1000

Key = tuple[int, int, int, int]  # a fix's identity


class Codecs(NamedTuple):
    """One table of records and what its rows go by."""

    codec: Codec
    identity: tuple[str, ...]
    noun: str


KINDS: Final = {"fix": Codecs(FIXES, IDENTITY, "fix"), "event": Codecs(EVENTS, EVENT_IDENTITY, "device event")}


class MismatchError(CordonError):
    """Something does not stand as it was stored: where it is, and one sentence about it."""

    def __init__(self, table: str, text: str, *, lane: int | None = None, day: int | None = None) -> None:
        super().__init__(text)
        self.table = table
        self.lane = lane
        self.day = day


class Span(NamedTuple):
    """What is to be checked besides the chain: rows of days, and commits by lane time, in ``[from, to)``; one lane or all."""

    from_us: int = BEGINNING_US
    to_us: int = FOREVER_US
    lane: int | None = None

    def holds(self, lane: int, at_us: int) -> bool:
        """Whether a commit is in it."""
        return self.lane in (None, lane) and self.from_us <= at_us < self.to_us

    def holds_day(self, day: int) -> bool:
        """Whether any of a day is in it."""
        return day * DAY_US < self.to_us and (day + 1) * DAY_US > self.from_us


@dataclass
class Counts:
    """What was checked."""

    links: int = 0
    heads: int = 0
    fixes: int = 0
    events: int = 0
    alerts: int = 0
    entries: int = 0  # of alerts' histories
    edits: int = 0  # links of what people did
    retired: int = 0  # days past their time, of which nothing or only held rows are left


class Last(NamedTuple):
    """The newest commit that wrote a row, and what the row then was."""

    version: int
    digest: str
    lane: int
    commit_no: int
    at_us: int


class Requalified(NamedTuple):
    """That a commit gave a stored fix another quality."""

    lane: int
    commit_no: int
    at_us: int  # of the commit
    before: tuple[int, int]  # quality, flags
    after: tuple[int, int]


@dataclass
class Walked:
    """What the links say, gathered on the way along them."""

    slices: Counter[tuple[str, int]] = field(default_factory=Counter)  # by kind and day
    requalified: dict[int, dict[Key, list[Requalified]]] = field(default_factory=dict)  # by day and identity
    alerts: dict[int, Last] = field(default_factory=dict)
    writes: Counter[int] = field(default_factory=Counter)  # of each alert
    occurrences: dict[tuple[int, int, int], Last] = field(default_factory=dict)
    said: list[tuple[int, int]] = field(default_factory=list)  # (position, alert) of every entry of a history
    edited: set[tuple[int, int]] = field(default_factory=set)  # likewise, of those that people and the watch wrote
    shown: list[tuple[int, int]] = field(default_factory=list)  # likewise, those with evidence


Progress = Callable[[int], None]


async def batches(connection: Connection, sql: str, *args: Any, at_once: int = ROWS_AT_ONCE) -> AsyncIterator[list[Record]]:
    """A statement's rows, so many at once."""
    cursor = await connection.cursor(sql, *args)
    while rows := await cursor.fetch(at_once):
        yield rows
