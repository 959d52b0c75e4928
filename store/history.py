"""Turns windows of time into what the store held in them: fixes, events and known occurrences, for judging late data."""

from collections.abc import Iterable, Sequence

import numpy as np

from model.alert import FAMILY, Kind, Occurrence
from model.arrays import Array
from model.event import EVENT
from model.fix import FIX
from model.history import NO_HISTORY, History, Window
from model.instant import BEGINNING_US, FOREVER_US, from_us
from store.copy import EVENTS, FIXES, HEADER, TRAILER
from store.pool import Connection


async def load(connection: Connection, windows: Iterable[Window]) -> History:
    """The history of the windows as this transaction sees it."""
    merged = merge(windows)
    if not merged:
        return NO_HISTORY
    return History(await fixes(connection, merged), await occurrences(connection, merged), await events(connection, merged))


async def fixes(connection: Connection, merged: Sequence[Window]) -> Array:
    """(n,) FIX of windows that do not touch, in identity order."""
    if not merged:
        return np.zeros(0, FIX)
    # COPY takes no parameters; these are integers written out as instants, and cannot be anything else. As constants they also
    # leave the other days' tables out before they are opened.
    values = ", ".join(f"({tag}, {_instant(start)}, {_instant(end)})" for tag, start, end in merged)
    span = f"{_instant(min(window.from_us for window in merged))} AND {_instant(max(window.to_us for window in merged))}"
    columns = ", ".join(f"held.{column}" for column in FIXES.columns)
    body = bytearray()

    async def take(chunk: bytes) -> None:
        body.extend(chunk)

    await connection.copy_from_query(
        f"""
        SELECT {columns} FROM (VALUES {values}) AS asked (tag, starts, ends) CROSS JOIN LATERAL (
            SELECT * FROM fix WHERE fix.tag = asked.tag AND fix.fix_at BETWEEN asked.starts AND asked.ends
            AND fix.fix_at BETWEEN {span} OFFSET 0) AS held
        ORDER BY held.tag, held.fix_at, held.seq, held.source
        """,  # noqa: S608
        output=take,
        format="binary",
    )
    return FIXES.decode(bytes(body)) if len(body) > len(HEADER) + len(TRAILER) else np.zeros(0, FIX)


async def events(connection: Connection, merged: Sequence[Window]) -> Array:
    """(m,) EVENT of windows that do not touch, by tag and time."""
    if not merged:
        return np.zeros(0, EVENT)
    columns = ", ".join(f"held.{column}" for column in EVENTS.columns)
    # The span is said once more by itself, as for fixes: it leaves other days' tables out.
    rows = await connection.fetch(
        f"""SELECT {columns} FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS asked (tag, starts, ends)
            JOIN event held ON held.tag = asked.tag AND held.at BETWEEN asked.starts AND asked.ends AND held.at BETWEEN $4 AND $5
            ORDER BY held.tag, held.at, held.seq, held.kind""",  # noqa: S608 (constants)
        *map(list, zip(*merged, strict=True)),
        min(window.from_us for window in merged),
        max(window.to_us for window in merged),
    )
    return np.array([tuple(row) for row in rows], EVENT)


async def occurrences(connection: Connection, merged: Sequence[Window]) -> tuple[Occurrence, ...]:
    """Those known of the windows' tags that were going on in them, by tag and ``occurrence_us``."""
    if not merged:
        return ()
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (held.tag, held.occurrence, alert.id)
            alert.wearer, alert.zone, held.*
        FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS asked (tag, starts, ends)
        JOIN alert_occurrence AS held ON held.tag = asked.tag AND held.event_at <= asked.ends
            AND (held.ended_at IS NULL OR held.ended_at >= asked.starts) AND NOT held.withdrawn
        JOIN alert ON alert.id = held.alert
        ORDER BY held.tag, held.occurrence, alert.id
        """,
        *map(list, zip(*merged, strict=True)),
    )
    # A closed alert and the row that took its occurrence over both hold it: the newer one speaks.
    latest = {(row["wearer"], row["tag"], row["zone"], FAMILY[Kind(row["kind"])], row["occurrence"]): row for row in rows}
    return tuple(
        Occurrence(
            wearer=row["wearer"],
            tag=row["tag"],
            zone=row["zone"],
            kind=Kind(row["kind"]),
            occurrence_us=row["occurrence"],
            event_at_us=row["event_at"],
            ended_us=row["ended_at"],
            detected_us=row["detected_at"],
            late=row["late"],
            severity=row["severity"],
            zone_version=row["zone_version"],
            order=row["monitoring_order"],
        )
        for row in latest.values()
    )


def merge(windows: Iterable[Window]) -> list[Window]:
    """The same time in as few windows as possible, so that no fix is read twice; by tag and start."""
    merged: list[Window] = []
    for window in sorted(windows):
        last = merged[-1] if merged else None
        if last is not None and last.tag == window.tag and window.from_us <= last.to_us + 1:
            merged[-1] = last._replace(to_us=max(last.to_us, window.to_us))
        else:
            merged.append(window)
    return merged


def _instant(us: int) -> str:
    """SQL constant of microseconds since 1970, exact; kept within what both sides can hold."""
    return f"timestamptz '{from_us(min(max(us, BEGINNING_US), FOREVER_US)).isoformat()}'"
