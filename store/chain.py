"""Turns what a commit stored into the next link of its lane's chain, from which anyone can tell later whether it still stands.

``link = SHA-256(link before || body)``. The body is JSON that says what was stored as digests of the rows' own bytes, so that it
can be made again from the tables alone; docs/evidence.md lists it. Rows do not name their commit: marks, eight bytes a row, say
which rows of a day's table are a commit's. They only find; what proves is the SHA-256 over the rows and the marks.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.arrays import Array
from model.instant import DAY_US
from store.lanes import Claim
from store.pool import Connection, Record

VERSION: Final = 1
HASHED_AT_ONCE: Final = 4096  # rows; of more the loop's other lanes would feel it, so they go to a thread

# Odd, so that multiplying loses nothing; 2^64 over the golden ratio.
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_HALF: Final = np.uint64(32)

# What a lane writes of an alert, an occurrence and a dead letter, in the order it is hashed. People's columns are not among them,
# nor ``raised_seq``: it is where the history's first entry stands.
ALERT: Final = (
    *("id", "wearer", "family", "zone", "kind", "severity", "condition", "confidence", "late", "tag", "zone_version"),
    *("monitoring_order", "event_at", "detected_at", "ended_at", "occurrences", "calls"),
    *("due_acknowledge", "due_contact", "due_decision", "condition_version", "held_under"),
)
OCCURRENCE: Final = (
    *("alert", "tag", "occurrence", "kind", "severity", "confidence", "late", "event_at", "detected_at", "ended_at"),
    *("withdrawn", "zone_version", "monitoring_order"),
)
LETTER: Final = ("id", "received_at", "gateway", "protocol", "reason", "body")
HISTORY: Final = ("alert", "at", "actor", "what", "text", "details")
EVIDENCE: Final = ("alert", "fixes", "zone", "zone_version", "distance_m", "events")


class Slice(NamedTuple):
    """Rows of one day that a commit stored in one table."""

    day: int  # days since 1970 UTC
    rows: int
    digest: str  # SHA-256 of the rows in identity order, as their dtype lays them out, and of their marks
    marks: bytes


def marks(rows: Array) -> npt.NDArray[np.uint64]:
    """(n,) marks of (n,) rows of FIX or EVENT: 64 bits that differ where the rows do, but for chance and for malice."""
    words = np.ascontiguousarray(rows).view("<u8").reshape(len(rows), rows.dtype.itemsize // 8)
    mixed = np.zeros(len(rows), np.uint64)
    for column in words.T:
        mixed ^= column
        mixed *= _ODD
        mixed ^= mixed >> _HALF
    return mixed.astype("<u8", copy=False)


def settled(rows: Array) -> Array:
    """(n,) rows of FIX or EVENT in which every NaN is the one PostgreSQL writes for ``NaN``: a restored dump has no other."""
    names = [name for name in rows.dtype.names or () if rows.dtype[name].kind == "f"]
    odd = {name: np.isnan(rows[name]) & (_bits(rows[name]) != _bits(np.full(1, np.nan, rows.dtype[name]))) for name in names}
    if not any(mask.any() for mask in odd.values()):
        return rows
    rows = rows.copy()
    for name, mask in odd.items():
        rows[name][mask] = np.nan
    return rows


def _bits(column: Array) -> Array:
    return np.ascontiguousarray(column).view(f"<u{column.dtype.itemsize}")


def slices(rows: Array, at_us: str) -> list[Slice]:
    """What a commit stored in one table, by day: (n,) rows in identity order, ``at_us`` the field that says their day."""
    if not len(rows):
        return []
    rows = settled(rows)
    of_day = rows[at_us] // DAY_US
    found = []
    days = [int(of_day[0])] if (of_day == of_day[0]).all() else np.unique(of_day).tolist()
    for day in days:
        own = np.ascontiguousarray(rows if len(days) == 1 else rows[of_day == day])  # mostly one: nothing is copied
        marked = marks(own).tobytes()
        hashed = hashlib.sha256(own.data)
        hashed.update(marked)
        found.append(Slice(day, len(own), hashed.hexdigest(), marked))
    return found


def digest(values: Iterable[Any]) -> str:
    """SHA-256 of the columns of one row: JSON of them in order, bytes as their own SHA-256."""
    plain = [hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value for value in values]
    return hashlib.sha256(canonical(plain)).hexdigest()


def canonical(value: Any) -> bytes:
    """JSON without spaces, keys in order, ASCII: the same bytes for the same value, also after a ``jsonb`` column."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()


def following(before: bytes, body: bytes) -> bytes:
    """The link after ``before``: 32 bytes."""
    return hashlib.sha256(before + body).digest()


class Stored(NamedTuple):
    """All that a commit stored. Lists of rows are as the tables hold them."""

    fixes: Array  # (n,) FIX in identity order
    events: Array  # (m,) EVENT in identity order
    requalified: Sequence[Sequence[int]]  # tag, fix_at, seq, source, then quality and flags as they were, and as they are
    alerts: Sequence[int]  # ids of the rows written
    occurrences: Sequence[tuple[int, int, int]]  # alert, tag, occurrence
    said: Sequence[tuple[Any, ...]]  # HISTORY of each entry in the feed, in order
    shown: Mapping[int, tuple[Any, ...]]  # EVIDENCE, by place in ``said``
    dead: Sequence[Record]  # LETTER, among others
    journal: bytes  # the journal row's

    @property
    def size(self) -> int:
        """How much it is; of nothing there is no link."""
        return sum(map(len, (self.fixes, self.events, self.requalified, self.alerts, self.dead, self.journal)))


async def link(connection: Connection, claim: Claim, commit_no: int, now_us: int, control_seq: int, stored: Stored) -> bytes:
    """Write the link of a commit, of which everything but the feed's numbers is written; returns it. Nothing stored, no link."""
    if not stored.size:
        return claim.link
    made = await _sliced(stored)
    said = {"fix": made[0], "event": made[1]}
    alerts, occurrences = await _alerts(connection, stored)
    parts: dict[str, Any] = {
        **{kind: [[one.day, one.rows, one.digest] for one in found] for kind, found in said.items()},
        "requalified": [list(row) for row in stored.requalified],
        "alert": alerts,
        "occurrence": occurrences,
        "history": [
            [row[0], digest(row), digest(stored.shown[i]) if i in stored.shown else None] for i, row in enumerate(stored.said)
        ],
        "dead": [[letter["id"], digest(letter[name] for name in LETTER)] for letter in stored.dead],
        "journal": hashlib.sha256(stored.journal).hexdigest() if stored.journal else None,
    }
    head = {
        "v": VERSION,
        "lane": claim.partition,
        "commit": commit_no,
        "epoch": claim.epoch,
        "at": now_us,
        "control": control_seq,
        "told": claim.told,
    }
    body = canonical(head | {name: part for name, part in parts.items() if part})
    now = following(claim.link, body)
    marked = [(one.day, kind, one.marks) for kind, found in said.items() for one in found]
    await connection.execute(
        """
        WITH linked AS (
            INSERT INTO commit_link (lane, commit_no, at, link, body) VALUES ($1, $2, $3, $4, $5)
        ), marked AS (
            INSERT INTO commit_slice (day, lane, commit_no, kind, marks)
            SELECT day, $1, $2, kind, marks FROM unnest($6::integer[], $7::text[], $8::bytea[]) AS own (day, kind, marks)
        ) UPDATE lane SET link = $4 WHERE partition = $1
        """,
        *(claim.partition, commit_no, now_us, now, body.decode()),
        *([row[column] for row in marked] for column in range(3)),
    )
    return now


async def _sliced(stored: Stored) -> tuple[list[Slice], list[Slice]]:
    def both() -> tuple[list[Slice], list[Slice]]:
        return slices(stored.fixes, "fix_at_us"), slices(stored.events, "at_us")

    return both() if len(stored.fixes) + len(stored.events) < HASHED_AT_ONCE else await asyncio.to_thread(both)


async def _alerts(connection: Connection, stored: Stored) -> tuple[list[list[Any]], list[list[Any]]]:
    """Digests of alerts and occurrences, read as they now stand in the tables."""
    if not stored.alerts:
        return [], []
    rows = await connection.fetch(
        f"SELECT {', '.join(ALERT)} FROM alert WHERE id = ANY($1::bigint[]) ORDER BY id",  # noqa: S608 (constants)
        stored.alerts,
    )
    held = await connection.fetch(
        f"""SELECT {", ".join(OCCURRENCE)} FROM alert_occurrence
            JOIN unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS asked (alert, tag, occurrence)
            USING (alert, tag, occurrence) ORDER BY alert, tag, occurrence""",  # noqa: S608 (constants)
        *([key[column] for key in stored.occurrences] for column in range(3)),
    )
    return [[row["id"], row["condition_version"], digest(row)] for row in rows], [[*tuple(row)[:3], digest(row)] for row in held]
