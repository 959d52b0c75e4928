"""Turns a wearer and a span into what was stored of them and what was asked of them then, read at one moment.

Fixes and events are read by tag and day, as ``history`` does, and only from time in which an order held over the tag.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from model.alert import Occurrence
from model.arrays import Array
from model.event import EVENT
from model.history import Window
from model.instant import DAY_US, FOREVER_US
from model.zone import Monitored
from store import controls, history
from store.controls import Controls
from store.copy import EVENTS
from store.partitions import day_named
from store.pool import Connection, Store
from store.refusal import MissingError

Span = tuple[int, int]


class Asked(NamedTuple):
    """From when to when, half-open microseconds; events from earlier on."""

    wearer: int
    from_us: int
    to_us: int
    events_from_us: int


class Stored(NamedTuple):
    """All of it; zones' names by their ids. ``timezone`` is that of the order that began last, None where there is none."""

    controls: Controls
    fixes: Array
    events: Array
    occurrences: Sequence[Occurrence]
    fitted: Sequence[Span]
    forgotten: Sequence[Span]
    names: Mapping[int, str]
    timezone: str | None


async def read(store: Store, asked: Asked) -> Stored:
    """Raises ``MissingError`` for a wearer that does not exist."""
    async with store.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        if not await connection.fetchval("SELECT 1 FROM wearer WHERE id = $1", asked.wearer):
            raise MissingError("wearer", asked.wearer)
        said = await controls.at_home(connection, asked.wearer, asked.to_us)
        held = await history.load(connection, _windows(said.monitored, asked.from_us, asked.to_us))
        events = await _events(connection, _windows(said.monitored, asked.events_from_us, asked.to_us))
        fitted = await connection.fetch(
            "SELECT fitted_from, coalesce(fitted_to, $2) FROM activation WHERE wearer = $1", asked.wearer, FOREVER_US
        )
        named = {zone.id for zone in said.zones} | {one.zone for one in held.occurrences}
        names = await connection.fetch(
            "SELECT DISTINCT ON (zone) zone, name FROM zone_version WHERE zone = ANY($1) ORDER BY zone, version DESC", named
        )
        timezone = await connection.fetchval(
            "SELECT timezone FROM monitoring_order WHERE wearer = $1 AND starts < $2 ORDER BY starts DESC, id DESC LIMIT 1",
            asked.wearer,
            asked.to_us,
        )
        gone = {day_named(row["name"]) for row in await connection.fetch("SELECT name FROM retired_day")}
    forgotten = [(day * DAY_US, (day + 1) * DAY_US) for day in sorted(day for day in gone if day is not None)]
    spans = [(row[0], row[1]) for row in fitted]
    return Stored(said, held.fixes, events, held.occurrences, spans, forgotten, {row[0]: row[1] for row in names}, timezone)


def _windows(monitored: Iterable[Monitored], from_us: int, to_us: int) -> list[Window]:
    """The time of authority over each tag; both ends belong to a window, and the end of authority does not to it."""
    spans = ((span.tag, max(span.from_us, from_us), min(span.to_us, to_us) - 1) for span in monitored)
    return history.merge(Window(tag, low, high) for tag, low, high in spans if low <= high)


async def _events(connection: Connection, windows: Sequence[Window]) -> Array:
    """(m,) EVENT of the windows, by tag and time."""
    if not windows:
        return np.zeros(0, EVENT)
    columns = ", ".join(f"held.{column}" for column in EVENTS.columns)
    # The span is said once more by itself, as for fixes: it leaves other days' tables out.
    rows = await connection.fetch(
        f"""SELECT {columns} FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS asked (tag, starts, ends)
            JOIN event held ON held.tag = asked.tag AND held.at BETWEEN asked.starts AND asked.ends AND held.at BETWEEN $4 AND $5
            ORDER BY held.tag, held.at, held.seq, held.kind""",  # noqa: S608 (constants)
        *map(list, zip(*windows, strict=True)),
        min(window.from_us for window in windows),
        max(window.to_us for window in windows),
    )
    return np.array([tuple(row) for row in rows], EVENT)
