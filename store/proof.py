"""Turns the tables back into the links they were stored under, and says of the first thing that does not match what it is.

Everything is read at one moment, in one read-only transaction, so that it can be done beside a running system. What is read is
the chain itself first, lane by lane, with the signed heads it must meet; then each day's rows; then what lanes say of alerts.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.arrays import Array
from model.errors import CordonError
from model.event import EventKind
from model.fix import IDENTITY, Source
from model.instant import BEGINNING_US, DAY_US, FOREVER_US, show
from store import chain, edits, heads, paper, partitions
from store.admission import EVENT_IDENTITY
from store.copy import EVENTS, FIXES, Codec, Reader
from store.erasure import REDACTED
from store.heads import Signed, day_text
from store.pool import Connection, Record, Store
from store.shares import Share, Shares

IDLE: Final = "10min"  # what is read is also judged again, a hundred alerts at a time, while the transaction waits
LINKS_AT_ONCE: Final = 500
SHARES_AT_ONCE: Final = 64  # of a few hundred kilobytes of marks, at most
ROWS_AT_ONCE: Final = 1000
PIECE_BYTES: Final = 8_000_000  # of COPY data taken together, some 55,000 rows: enough that NumPy's calls do not count
EXPLAINED: Final = 16  # missing rows looked at to say which of them a strange one was

GENESIS: Final = bytes(32)

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


@asynccontextmanager
async def moment(store: Store) -> AsyncIterator[Connection]:
    """A connection that reads everything as of one moment.

    The days' tables are held first, so that none is replaced or dropped meanwhile: a table exchanged later would look empty. No
    commit waits for that, and who would put a day in order leaves it for later.
    """
    async with store.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE}'")
        await connection.execute(f"LOCK TABLE {', '.join(KINDS)} IN ACCESS SHARE MODE")
        yield connection


async def size(connection: Connection, span: Span) -> int:
    """How much ``prove`` has to go through: links and rows."""
    found: int = await connection.fetchval(
        """SELECT (SELECT count(*) FROM commit_link)
                + (SELECT coalesce(sum(length(marks) / 8), 0) FROM commit_slice WHERE day BETWEEN $1 AND $2)""",
        span.from_us // DAY_US,
        (span.to_us - 1) // DAY_US,
    )
    return int(found)


async def prove(
    connection: Connection,
    span: Span,
    signed: Sequence[Signed],
    checks: Callable[[Signed], bool],
    progress: Progress = lambda _: None,
    *,
    forgets_us: int = BEGINNING_US,
    retires_before: int = 0,
) -> Counts:
    """Check everything of a span, in a transaction that reads at one moment.

    The chains are walked from their first links whatever the span, as each link stands on all before it.

    Parameters
    ----------
    signed : heads known from elsewhere, besides those in the database
    checks : whether a head's signature is right, by a key that is trusted
    progress : told how many links and rows were gone through since the last call
    forgets_us : dead letters that lanes kept before this may have been let go of since
    retires_before : days since 1970 UTC before this may have been let go of but for what is held, where that is noted; a note
        that a younger day was is not believed

    Raises
    ------
    MismatchError
        At the first thing that does not match.
    """
    counts, walked = Counts(), Walked()
    known = [*await heads.held(connection), *signed]
    for one in known:
        if not checks(one):
            raise MismatchError(
                "day_head",
                f"the signed head of lane {one.head.lane}, day {day_text(one.head.day)} does not check with a public key that is "
                f"trusted (its key is {one.key}): the head was changed, or that key is not among those given",
                lane=one.head.lane,
                day=one.head.day,
            )
    lanes = await connection.fetch("SELECT * FROM lane ORDER BY partition")
    for lane in lanes:
        mine = [one for one in known if one.head.lane == lane["partition"]]
        await _walk(connection, span, lane, mine, walked, counts, progress, forgets_us)
    mine = [one for one in known if one.head.lane == edits.LANE]
    await _edits(connection, span, mine, walked, counts)
    strange = {one.head.lane for one in known} - {lane["partition"] for lane in lanes} - {edits.LANE}
    if strange:
        lane_no = min(strange)
        raise MismatchError("lane", f"lane {lane_no} has signed heads and is not in the database: it was taken out", lane=lane_no)
    counts.heads = len({one.head for one in known})
    for kind in KINDS:
        await _days(connection, kind, span, walked, counts, progress, retires_before)
    await _alerts(connection, span, walked, counts)
    return counts


# --- the chain


async def _walk(
    connection: Connection,
    span: Span,
    lane: Record,
    known: Sequence[Signed],
    walked: Walked,
    counts: Counts,
    progress: Progress,
    forgets_us: int,
) -> None:
    number = lane["partition"]
    due = {one.head.commit_no: one.head for one in known}
    # The journal before the older of the snapshots that are kept is dropped; all of it with a lane that there is no longer.
    journal_from = await connection.fetchval(
        """SELECT CASE WHEN $2 < (SELECT max(generation) FROM lane) THEN $3
                  ELSE (SELECT coalesce(min(commit_no), 0) FROM snapshot_mark WHERE lane = $1) + 1 END""",
        *(number, lane["generation"], FOREVER_US),
    )
    before, last_no, last_us, told = GENESIS, 0, BEGINNING_US, None
    async for rows in _batches(
        connection,
        """SELECT commit_no, at, link, body, base FROM commit_link LEFT JOIN commit_told USING (lane, commit_no)
           WHERE lane = $1 ORDER BY commit_no""",
        number,
        at_once=LINKS_AT_ONCE,
    ):
        bodies = []
        for row in rows:
            body = _body(row, number, before, last_no)
            if body.get("told") != told:
                raise MismatchError(
                    "commit_told",
                    f"the feed's position of commit {last_no} of lane {number} is {told}, and the next link says "
                    f"{body.get('told')}: the row in commit_told was changed",
                    lane=number,
                    day=last_us // DAY_US,
                )
            head = due.pop(row["commit_no"], None)
            if head is not None and head.link != row["link"]:
                raise _parted(head, "its link is another: the chain was written anew")
            before, last_no, last_us, told = row["link"], row["commit_no"], row["at"], row["base"]
            _gather(walked, number, row, body)
            bodies.append((row, body))
        inside = [(row, body) for row, body in bodies if span.holds(number, row["at"])]
        await _said(connection, number, inside, counts)
        await _journal(connection, number, rows, bodies, journal_from)
        await _dead(connection, number, inside, forgets_us)
        counts.links += len(rows)
        progress(len(rows))
    if due:
        head = due[min(due)]
        why = f"the chain ends at commit {last_no}" if head.commit_no > last_no else "the chain has no link of that commit"
        raise _parted(head, f"{why}: links were taken out")
    if lane["link"] != before or lane["commit_no"] < last_no:
        raise MismatchError(
            "lane",
            f"lane {number} says that its newest link is {lane['link'].hex()[:16]}… and its chain ends with {before.hex()[:16]}… "
            f"(commit {last_no}): links after that were taken out, or the lane's row was changed",
            lane=number,
            day=last_us // DAY_US,
        )
    added = await connection.fetchval(
        """SELECT commit_no FROM commit_journal WHERE lane = $1
           AND commit_no > (SELECT min(commit_no) FROM commit_link WHERE lane = $1)
           AND NOT EXISTS (SELECT FROM commit_link l WHERE l.lane = $1 AND l.commit_no = commit_journal.commit_no) LIMIT 1""",
        number,
    )  # before its first link a lane had no chain
    if added is not None:
        text = (
            f"the journal has a row of commit {added} of lane {number}, which has no link: it was added, or its place was changed"
        )
        raise MismatchError("commit_journal", text, lane=number)
    orphan = await connection.fetchrow(
        """SELECT commit_no FROM commit_told WHERE lane = $1
           AND NOT EXISTS (SELECT FROM commit_link l WHERE l.lane = $1 AND l.commit_no = commit_told.commit_no) LIMIT 1""",
        number,
    )
    if orphan is not None:
        raise MismatchError("commit_told", f"commit_told has commit {orphan[0]} of lane {number}, which has no link", lane=number)


def _parted(head: heads.Head, why: str) -> MismatchError:
    day = day_text(head.day)
    text = f"the head signed for lane {head.lane}, day {day} stands on commit {head.commit_no}, and {why}"
    return MismatchError("commit_link", text, lane=head.lane, day=head.day)


def _body(row: Record, lane: int, before: bytes, last_no: int) -> dict[str, Any]:
    """A link's body, once it is what it was."""
    text, commit_no = row["body"], row["commit_no"]
    if chain.following(before, text.encode()) != row["link"]:
        after = f"commit {last_no}'s" if last_no else "the chain's beginning"
        raise MismatchError(
            "commit_link",
            f"the link of commit {commit_no} of lane {lane}, day {day_text(row['at'] // DAY_US)} does not follow from {after}: "
            "it was changed, or a link was taken out, put in or moved before it",
            lane=lane,
            day=row["at"] // DAY_US,
        )
    body: dict[str, Any] = json.loads(text)
    said = (body["lane"], body["commit"], body["at"])
    if said != (lane, commit_no, row["at"]):
        raise MismatchError(
            "commit_link",
            f"the row of commit {commit_no} of lane {lane} at {show(row['at'])} holds the link of commit {said[1]} of lane "
            f"{said[0]} at {show(said[2])}: the row was changed",
            lane=lane,
            day=said[2] // DAY_US,
        )
    if body["v"] != chain.VERSION:
        raise CordonError(
            f"a link of lane {lane} has version {body['v']}, this Cordon reads {chain.VERSION}: use the one that wrote it"
        )
    return body


def _gather(walked: Walked, lane: int, row: Record, body: Mapping[str, Any]) -> None:
    commit_no, at_us = row["commit_no"], row["at"]
    for kind in KINDS:
        walked.slices.update((kind, part[0]) for part in body.get(kind, ()))
    for tag, fix_us, seq, source, *qualities in body.get("requalified", ()):
        changed = Requalified(lane, commit_no, at_us, tuple(qualities[:2]), tuple(qualities[2:]))
        walked.requalified.setdefault(fix_us // DAY_US, {}).setdefault((tag, fix_us, seq, source), []).append(changed)
    versions = {}
    for alert, version, digest in body.get("alert", ()):
        versions[alert] = version
        walked.writes[alert] += 1
        if alert not in walked.alerts or walked.alerts[alert].version < version:
            walked.alerts[alert] = Last(version, digest, lane, commit_no, at_us)
    for alert, tag, occurrence, digest in body.get("occurrence", ()):
        key, version = (alert, tag, occurrence), versions[alert]
        if key not in walked.occurrences or walked.occurrences[key].version < version:
            walked.occurrences[key] = Last(version, digest, lane, commit_no, at_us)
    base = row["base"]
    if body.get("history") and base is None:
        raise MismatchError(
            "commit_told",
            f"commit_told has lost commit {commit_no} of lane {lane}, which has entries in the feed",
            lane=lane,
            day=at_us // DAY_US,
        )
    for i, (alert, _, shown) in enumerate(body.get("history", ()), 1):
        walked.said.append((base + i, alert))
        if shown:
            walked.shown.append((base + i, alert))


async def _said(connection: Connection, lane: int, links: Sequence[tuple[Record, Mapping[str, Any]]], counts: Counts) -> None:
    """History and evidence that commits wrote."""
    dropped = await _dropped(connection)
    asked = [
        (alert, row["base"] + i, said, shown, row)
        for row, body in links
        for i, (alert, said, shown) in enumerate(body.get("history", ()), 1)
        if alert not in dropped
    ]
    if not asked:
        return
    keys = ([one[0] for one in asked], [one[1] for one in asked])
    join = "JOIN unnest($1::bigint[], $2::bigint[]) AS asked (alert, position) USING (alert, position) WHERE part = 0"
    tables = {}
    for table, columns in (("alert_history", chain.HISTORY), ("alert_evidence", chain.EVIDENCE)):
        rows = await connection.fetch(f"SELECT position, {', '.join(columns)} FROM {table} {join}", *keys)  # noqa: S608
        tables[table] = {(row["alert"], row["position"]): chain.digest(list(row)[1:]) for row in rows}
    for alert, position, said, shown, row in asked:
        for table, digest, noun in (("alert_history", said, "history"), ("alert_evidence", shown, "evidence")):
            found = tables[table].get((alert, position))
            if found != digest:
                what = "is gone" if found is None else "was added" if digest is None else "is not as it was stored"
                raise MismatchError(
                    table,
                    f"the {noun} of alert {alert} at feed position {position} {what} (commit {row['commit_no']} of lane {lane}, "
                    f"day {day_text(row['at'] // DAY_US)})",
                    lane=lane,
                    day=row["at"] // DAY_US,
                )
    counts.entries += len(asked)


async def _dropped(connection: Connection) -> set[int]:
    """Synthetic wearers' alerts: their rows are held to the chain, what happened to them is not kept for more than an hour."""
    return {row["id"] for row in await connection.fetch("SELECT id FROM alert WHERE wearer < 0")}


async def _journal(
    connection: Connection,
    lane: int,
    rows: Sequence[Record],
    bodies: Sequence[tuple[Record, Mapping[str, Any]]],
    journal_from: int,
) -> None:
    """The journal rows that are still kept, and must be from a commit on: they are dropped once snapshots make up for them."""
    kept = await connection.fetch(
        """SELECT commit_no, encode(sha256(delta), 'hex') AS digest, watermark, control_seq FROM commit_journal
           WHERE lane = $1 AND commit_no BETWEEN $2 AND $3""",
        *(lane, rows[0]["commit_no"], rows[-1]["commit_no"]),
    )
    said = {row["commit_no"]: (body.get("journal"), body["at"], body["control"]) for row, body in bodies}
    for row in kept:
        if said.get(row["commit_no"]) != (row["digest"], row["watermark"], row["control_seq"]):
            raise MismatchError(
                "commit_journal",
                f"the journal row of commit {row['commit_no']} of lane {lane} is not as it was stored: a restart would rebuild "
                "another state from it",
                lane=lane,
                day=row["watermark"] // DAY_US,
            )
    there = {row["commit_no"] for row in kept}
    for row, body in bodies:
        if body.get("journal") and row["commit_no"] >= journal_from and row["commit_no"] not in there:
            raise MismatchError(
                "commit_journal",
                f"the journal row of commit {row['commit_no']} of lane {lane} is gone: a restart would rebuild another state",
                lane=lane,
                day=row["at"] // DAY_US,
            )


async def _dead(connection: Connection, lane: int, links: Sequence[tuple[Record, Mapping[str, Any]]], forgets_us: int) -> None:
    asked = [(number, digest, row) for row, body in links for number, digest in body.get("dead", ())]
    if not asked:
        return
    rows = await connection.fetch(
        f"SELECT {', '.join(chain.LETTER)} FROM dead_letter WHERE id = ANY($1::bigint[])",  # noqa: S608 (constants)
        [number for number, *_ in asked],
    )
    found = {row["id"]: chain.digest(row) for row in rows}
    for number, digest, row in asked:
        if found.get(number) != digest and (number in found or row["at"] >= forgets_us):
            what = "is not as it was stored" if number in found else "is gone"
            day = row["at"] // DAY_US
            text = f"dead letter {number} {what} (commit {row['commit_no']} of lane {lane}, day {day_text(day)})"
            raise MismatchError("dead_letter", text, lane=lane, day=day)


# --- what people did


async def _edits(connection: Connection, span: Span, known: Sequence[Signed], walked: Walked, counts: Counts) -> None:
    """The chain of edits, and the rows they added to alerts' histories and to the audit."""
    due = {one.head.commit_no: one.head for one in known}
    before, last = GENESIS, 0
    erased = {row["id"] for row in await connection.fetch("SELECT id FROM wearer WHERE erased_at IS NOT NULL")}
    async for rows in _batches(connection, "SELECT number, at, link, body FROM edit_link ORDER BY number", at_once=LINKS_AT_ONCE):
        asked = []
        for row in rows:
            body = json.loads(row["body"])
            right = chain.following(before, row["body"].encode()) == row["link"]
            if not right or (body["number"], body["at"]) != (row["number"], row["at"]) or row["number"] != last + 1:
                raise MismatchError(
                    "edit_link",
                    f"link {row['number']} of what people did ({show(row['at'])}) does not follow from link {last}: it was "
                    "changed, or one was taken out, put in or moved before it",
                    day=row["at"] // DAY_US,
                )
            head = due.pop(row["number"], None)
            if head is not None and head.link != row["link"]:
                raise _parted(head, "its link is another: the chain was written anew")
            before, last = row["link"], row["number"]
            asked += [(row, *said) for said in body["rows"]]
        walked.edited.update((said[3], said[2]) for said in asked if said[1] == "alert_history")
        await _edited(connection, [said for said in asked if span.from_us <= said[0]["at"] < span.to_us], erased)
        counts.edits += len(rows)
    if due:
        raise _parted(due[min(due)], f"the chain of what people did ends at {last}: links were taken out")


async def _edited(connection: Connection, asked: Sequence[Sequence[Any]], erased: set[int]) -> None:
    for table, keys in edits.KEYS.items():
        own = [said for said in asked if said[1] == table]
        if not own:
            continue
        columns = edits.COLUMNS[table]
        names = columns[:keys]
        types = ("bigint", "bigint", "integer")[:keys]
        given = ", ".join(f"${i}::{kind}[]" for i, kind in enumerate(types, 1))
        rows = await connection.fetch(
            f"""SELECT {", ".join(columns)} FROM {table} JOIN unnest({given}) AS asked ({", ".join(names)})
                USING ({", ".join(names)})""",  # noqa: S608 (constants)
            *([said[2 + i] for said in own] for i in range(keys)),
        )
        found = {tuple(row)[:keys]: row for row in rows}
        wearers: dict[int, int] = {}
        if table == "alert_history":
            of = await connection.fetch("SELECT id, wearer FROM alert WHERE id = ANY($1::bigint[])", [said[2] for said in own])
            wearers = {row["id"]: row["wearer"] for row in of}
        for said in own:
            key, digests = tuple(said[2 : 2 + keys]), list(said[2 + keys :])
            row = found.get(key)
            now = edits.row_digests(table, row) if row is not None else []
            if row is not None and row.get("text") == REDACTED and wearers.get(key[0]) in erased:
                now, digests = now[:1], digests[:1]  # people's words went with the wearer; the rest is held to its digest
            if now != digests:
                what = "is not as it was written" if row is not None else "is gone"
                where = ", ".join(f"{name} {value}" for name, value in zip(names, key, strict=True))
                text = f"the row of {table} with {where} {what} (edit {said[0]['number']}, {show(said[0]['at'])})"
                raise MismatchError(table, text, day=said[0]["at"] // DAY_US)


# --- the rows of a day


async def _days(
    connection: Connection, kind: str, span: Span, walked: Walked, counts: Counts, progress: Progress, retires_before: int
) -> None:
    tables: dict[int, str] = {}
    for (name,) in await connection.fetch(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::text::regclass ORDER BY 1", kind
    ):
        day = partitions.day_named(name)
        if day is None:
            raise MismatchError(name, f"table {name} holds a part of {kind} and is no day's: it was added or renamed")
        tables[day] = name
    retired = {row["name"]: row["at"] for row in await connection.fetch("SELECT name, at FROM retired_day")}
    days = {day for of, day in walked.slices if of == kind} | tables.keys()
    for day in sorted(day for day in days if span.holds_day(day)):
        past = day < retires_before and partitions.name_of(kind, day) in retired
        counts.retired += past
        try:
            rows = await _day(connection, kind, day, tables.get(day), span, walked, progress, past=past)
        except MismatchError as error:
            gone_us = retired.get(partitions.name_of(kind, day))
            if past or gone_us is None:
                raise
            age = gone_us // DAY_US - day
            text = (
                f"{error}; a note says that the day was let go of when it was {age} days old, and days are to be kept for longer"
            )
            raise MismatchError(error.table, text, lane=error.lane, day=error.day) from error
        if kind == "fix":
            counts.fixes += rows
        else:
            counts.events += rows


async def _day(
    connection: Connection, kind: str, day: int, table: str | None, span: Span, walked: Walked, progress: Progress, *, past: bool
) -> int:
    """Check one table; ``past``: the day's time is over, and what is left of it are rows that somebody holds. How many rows."""
    shares, marks = await _shares(connection, kind, day, walked)
    if table is None and past:
        return 0
    if table is None:
        raise MismatchError(
            kind, f"the table of {kind} rows of {day_text(day)} is gone: {len(shares)} commits stored rows in it", day=day
        )
    of = KINDS[kind]
    anew = walked.requalified.get(day, {}) if kind == "fix" else {}
    matched = Shares(shares, marks, span.lane)
    problems: list[MismatchError] = []
    strange: list[Array] = []

    def take(rows: Array) -> None:
        # What is wrong is only noted: the rest must be seen before it can be said what it is.
        restored = _restored(chain.settled(rows), anew, day, problems)
        unknown = matched.take(restored)
        if len(unknown) and not strange:
            strange.append(rows[unknown[0]].copy())
        progress(len(rows))

    await _each(connection, of, table, take)
    if problems:
        raise problems[0]
    if strange:
        raise await _strange(connection, of, kind, day, table, matched, strange[0])
    missing = matched.missing()
    if missing is not None and not past:
        raise await _gone(connection, of, kind, day, table, matched, missing)
    wrong = matched.wrong(of.identity)
    if wrong is not None:
        raise MismatchError(
            kind,
            f"the {wrong.rows} {kind} rows of {day_text(day)} that commit {wrong.commit_no} of lane {wrong.lane} stored do not "
            "have the digest they were stored with: they, or their marks, were changed",
            lane=wrong.lane,
            day=day,
        )
    return int(matched.seen.sum())


async def _shares(connection: Connection, kind: str, day: int, walked: Walked) -> tuple[list[Share], npt.NDArray[np.uint64]]:
    """Whose rows a day's table holds, in order of lane and commit, and all their marks one after another."""
    shares, pieces, first = [], [], 0
    async for rows in _batches(
        connection,
        """SELECT lane, commit_no, marks, body FROM commit_slice LEFT JOIN commit_link USING (lane, commit_no)
           WHERE day = $1 AND kind = $2 ORDER BY lane, commit_no""",
        day,
        kind,
        at_once=SHARES_AT_ONCE,
    ):
        for row in rows:
            body = json.loads(row["body"]) if row["body"] else {}
            part = next((part for part in body.get(kind, ()) if part[0] == day), None)
            count = len(row["marks"]) // 8
            if part is None or part[1] != count:
                raise MismatchError(
                    "commit_slice",
                    f"commit_slice has {count} marks of {kind} rows of {day_text(day)} for commit {row['commit_no']} of lane "
                    f"{row['lane']}, and its link says {part[1] if part else 'none'}: the row was changed or added",
                    lane=row["lane"],
                    day=day,
                )
            shares.append(Share(row["lane"], row["commit_no"], first, count, part[2]))
            pieces.append(row["marks"])
            first += count
    if len(shares) != walked.slices[kind, day]:
        lost = await _lost(connection, kind, day)
        raise MismatchError(
            "commit_slice",
            f"commit_slice has lost the marks of {kind} rows of {day_text(day)} that commit {lost[1]} of lane {lost[0]} stored",
            lane=lost[0],
            day=day,
        )
    return shares, np.frombuffer(b"".join(pieces), "<u8")


async def _lost(connection: Connection, kind: str, day: int) -> tuple[int, int]:
    row = await connection.fetchrow(
        """SELECT lane, commit_no FROM commit_link
           WHERE EXISTS (SELECT FROM jsonb_array_elements(body::jsonb -> $1) AS part WHERE (part ->> 0)::integer = $2)
             AND NOT EXISTS (SELECT FROM commit_slice s WHERE s.day = $2 AND s.kind = $1
                             AND s.lane = commit_link.lane AND s.commit_no = commit_link.commit_no)
           ORDER BY lane, commit_no LIMIT 1""",
        *(kind, day),
    )
    assert row is not None
    return row["lane"], row["commit_no"]


def _restored(rows: Array, anew: Mapping[Key, Sequence[Requalified]], day: int, problems: list[MismatchError]) -> Array:
    """The rows as they were first stored: with the quality they had before later commits changed it."""
    tags = list({key[0] for key in anew})
    places = np.flatnonzero(np.isin(rows["tag"], tags)) if tags else np.zeros(0, np.int64)
    if not len(places):
        return rows
    rows = rows.copy()
    for row in places.tolist():
        tag, at_us, seq, source = _identity(KINDS["fix"], rows[row])
        # Chains are walked one after another, and a tag may have moved to another lane: its lanes' times follow each other.
        changes = sorted(anew.get((tag, at_us, seq, source), ()), key=lambda one: one.at_us)
        if not changes:
            continue
        last = changes[-1]
        if (int(rows["quality"][row]), int(rows["flags"][row])) != last.after:
            text = (
                f"{_named('fix', rows[row])} in lane {last.lane}, day {day_text(day)} does not have the quality that commit "
                f"{last.commit_no} gave it: changed since"
            )
            problems.append(MismatchError("fix", text, lane=last.lane, day=day))
        rows["quality"][row], rows["flags"][row] = changes[0].before
    return rows


async def _strange(
    connection: Connection, of: Codecs, kind: str, day: int, table: str, matched: Shares, row: Array
) -> MismatchError:
    """What to say of a row that no commit stored so: whose place it has, if one is empty."""
    name, key = _named(kind, row), _identity(of, row)
    for mark in np.flatnonzero(~matched.seen)[:EXPLAINED].tolist():
        low, high = await _around(connection, of, table, matched, mark)
        if (low is None or low < key) and (high is None or key < high):
            share = matched.share_at(mark)
            return MismatchError(
                kind,
                f"{name} in lane {share.lane}, day {day_text(day)} is not as commit {share.commit_no} stored it: changed since",
                lane=share.lane,
                day=day,
            )
    return MismatchError(kind, f"{name}, day {day_text(day)} is not as any commit stored it: added or changed since", day=day)


async def _gone(connection: Connection, of: Codecs, kind: str, day: int, table: str, matched: Shares, mark: int) -> MismatchError:
    share = matched.share_at(mark)
    low, high = await _around(connection, of, table, matched, mark)
    sides = [f"after {_key_text(kind, low)}" if low else "", f"before {_key_text(kind, high)}" if high else ""]
    where = " and ".join(side for side in sides if side) or "all of its rows there"
    return MismatchError(
        kind,
        f"a {of.noun} that commit {share.commit_no} of lane {share.lane} stored for {day_text(day)} is gone: the one {where}",
        lane=share.lane,
        day=day,
    )


async def _around(
    connection: Connection, of: Codecs, table: str, matched: Shares, mark: int
) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    """Identities of the rows beside a missing one among its commit's."""
    wanted = matched.neighbours(mark)
    found: dict[int, tuple[int, ...]] = {}
    values = {int(matched.marks[place]): place for place in wanted if place is not None}
    asked = np.array(list(values), np.uint64)

    def take(rows: Array) -> None:
        marks = chain.marks(chain.settled(rows))
        for row in np.flatnonzero(np.isin(marks, asked)).tolist():
            found[values[int(marks[row])]] = _identity(of, rows[row])

    await _each(connection, of, table, take)
    low, high = (None if place is None else found.get(place) for place in wanted)
    return low, high


def _identity(of: Codecs, row: Array) -> tuple[int, ...]:
    return tuple(int(row[name]) for name in of.identity)


def _named(kind: str, row: Array) -> str:
    return f"the {KINDS[kind].noun} of {_key_text(kind, _identity(KINDS[kind], row))}"


def _key_text(kind: str, key: Iterable[int]) -> str:
    tag, at_us, seq, last = key
    words: Mapping[int, str] = {one.value: one.name.lower() for one in (Source if kind == "fix" else EventKind)}
    return f"tag {tag} at {show(at_us)} (seq {seq}, {words.get(last, last)})"


async def _each(connection: Connection, of: Codecs, table: str, take: Callable[[Array], None]) -> None:
    """Hand over a day's rows in identity order, a piece at a time."""
    reader, pieces, held = Reader(of.codec), list[bytes](), 0
    order = ", ".join(of.codec.column[name] for name in of.identity)

    async def heard(piece: bytes) -> None:
        nonlocal held
        pieces.append(piece)
        held += len(piece)
        if held >= PIECE_BYTES:
            take(reader.feed(b"".join(pieces)))
            pieces.clear()
            held = 0

    query = f"SELECT {', '.join(of.codec.columns)} FROM {table} ORDER BY {order}"  # noqa: S608 (names of our own)
    await connection.copy_from_query(query, output=heard, format="binary")
    take(reader.feed(b"".join(pieces)))


# --- what lanes say of alerts


async def _alerts(connection: Connection, span: Span, walked: Walked, counts: Counts) -> None:
    left, dropped = dict(walked.alerts), await _dropped(connection)
    # Those without a wearer, and of what is on paper, no lane judges: their history is in the chain of edits. One that a lane
    # raised does not become such a one unseen: it would be gone.
    judged = f"SELECT {', '.join(chain.ALERT)} FROM alert WHERE wearer IS NOT NULL AND kind <> ALL ($1) ORDER BY id"  # noqa: S608
    async for rows in _batches(connection, judged, list(paper.KINDS)):
        for row in rows:
            last = left.pop(row["id"], None)
            counts.alerts += 1
            if last is None:
                raise MismatchError("alert", f"alert {row['id']} is in no commit of any lane: it was added")
            if (chain.digest(row), row["condition_version"]) != (last.digest, last.version):
                raise _alert(row["id"], last, "is not as it was stored")
            if walked.writes[row["id"]] != last.version:
                raise _alert(row["id"], last, f"was written {walked.writes[row['id']]} times and says {last.version}")
    if left:
        alert = min(left)
        raise _alert(alert, left[alert], "is gone")
    occurrences = {key: last for key, last in walked.occurrences.items() if key[0] not in dropped}
    kept = f"""SELECT {", ".join(chain.OCCURRENCE)} FROM alert_occurrence
               WHERE alert NOT IN (SELECT id FROM alert WHERE wearer < 0) ORDER BY alert"""  # noqa: S608
    async for rows in _batches(connection, kept):
        for row in rows:
            key = (row["alert"], row["tag"], row["occurrence"])
            last = occurrences.pop(key, None)
            if last is None:
                raise MismatchError("alert_occurrence", f"the {_occurrence(key)} is in no commit of any lane: it was added")
            if chain.digest(row) != last.digest:
                raise _alert(row["alert"], last, "is not as it was stored", _occurrence(key), "alert_occurrence")
    if occurrences:
        key = min(occurrences)
        raise _alert(key[0], occurrences[key], "is gone", _occurrence(key), "alert_occurrence")
    await _raised(connection)
    for table, known in (("alert_history", walked.said), ("alert_evidence", walked.shown)):
        await _added(connection, table, {*known, *walked.edited}, walked.edited)


async def _added(connection: Connection, table: str, known: set[tuple[int, int]], people: set[tuple[int, int]]) -> None:
    """Rows beside those that lanes and people wrote; what people did before there was a chain of edits is passed over."""
    first = min((position for position, _ in people), default=FOREVER_US)
    own = f"AND (actor IS NULL OR position >= {first})" if table == "alert_history" else ""
    query = f"""SELECT position, alert, part FROM {table}
                WHERE alert IN (SELECT id FROM alert WHERE wearer > 0) {own} ORDER BY alert, position"""  # noqa: S608
    async for rows in _batches(connection, query):
        for position, alert, part in rows:
            if part or (position, alert) not in known:
                text = f"a row of {table} of alert {alert} at feed position {position} is in no commit of any lane: it was added"
                raise MismatchError(table, text)


async def _raised(connection: Connection) -> None:
    """``raised_seq`` is written with the history, after the alert's digest: it must name the first opening."""
    row = await connection.fetchrow(
        """SELECT id, raised_seq, opened FROM alert, LATERAL (
               SELECT min(position) AS opened FROM alert_history WHERE alert = id AND actor IS NULL AND what = 'opened') AS first
           WHERE wearer > 0 AND raised_seq <> 0 AND raised_seq IS DISTINCT FROM opened LIMIT 1"""
    )
    if row is not None:
        raise MismatchError(
            "alert",
            f"alert {row['id']} says it was raised at feed position {row['raised_seq']}, its history says {row['opened']}",
        )


def _occurrence(key: tuple[int, int, int]) -> str:
    return f"occurrence of alert {key[0]} by tag {key[1]} at {show(key[2])}"


def _alert(alert: int, last: Last, what: str, name: str = "", table: str = "alert") -> MismatchError:
    text = (
        f"{name or f'alert {alert}'} {what} (commit {last.commit_no} of lane {last.lane}, day {day_text(last.at_us // DAY_US)})"
    )
    return MismatchError(table, text, lane=last.lane, day=last.at_us // DAY_US)


async def _batches(connection: Connection, sql: str, *args: Any, at_once: int = ROWS_AT_ONCE) -> AsyncIterator[list[Record]]:
    cursor = await connection.cursor(sql, *args)
    while rows := await cursor.fetch(at_once):
        yield rows
