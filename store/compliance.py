"""Turns a wearer and a span into what was stored of them and what was asked of them then, read at one moment.

Fixes and events are read by tag and day, as ``history`` does, and only from time in which an order held over the tag.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from model.alert import Occurrence
from model.arrays import I64, Array
from model.history import Window
from model.instant import DAY_US, FOREVER_US
from store import controls, history
from store.controls import Controls
from store.partitions import day_named
from store.pool import Store
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
        windows = _windows(said.monitored, asked.from_us, asked.to_us)
        fixes = await history.fixes(connection, windows)
        occurrences = await history.occurrences(connection, windows)
        events = await history.events(connection, _windows(said.monitored, asked.events_from_us, asked.to_us))
        fitted = await connection.fetch(
            "SELECT fitted_from, coalesce(fitted_to, $2) FROM activation WHERE wearer = $1", asked.wearer, FOREVER_US
        )
        named = {zone for zone, _ in said.zones} | {one.zone for one in occurrences}
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
    return Stored(said, fixes, events, occurrences, spans, forgotten, {row[0]: row[1] for row in names}, timezone)


def _windows(monitored: I64, from_us: int, to_us: int) -> list[Window]:
    """The time of authority over each tag; both ends belong to a window, and the end of authority does not to it."""
    spans = ((tag, max(low, from_us), min(high, to_us) - 1) for tag, _, _, low, high, _ in monitored.tolist())
    return history.merge(Window(tag, low, high) for tag, low, high in spans if low <= high)
