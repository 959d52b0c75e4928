"""The rows of a day's table, held to the commits that stored them; which is gone, strange or changed is told by its identity."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from model.arrays import Array
from model.event import EventKind
from model.fix import Source
from model.instant import DAY_US, show
from store import chain, partitions
from store.copy import Reader
from store.heads import day_text
from store.pool import Connection
from store.proof.walked import KINDS, Codecs, Counts, Key, MismatchError, Progress, Requalified, Span, Walked, batches
from store.shares import Share, Shares

SHARES_AT_ONCE: Final = 64  # of a few hundred kilobytes of marks, at most
PIECE_BYTES: Final = 8_000_000  # of COPY data taken together, some 55,000 rows: enough that NumPy's calls do not count
EXPLAINED: Final = 16  # missing rows looked at to say which of them a strange one was


async def check(
    connection: Connection, kind: str, span: Span, walked: Walked, counts: Counts, progress: Progress, retires_before: int
) -> None:
    """Check the tables of one kind, day by day; days before ``retires_before`` may be gone, where that is noted."""
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
    async for rows in batches(
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
