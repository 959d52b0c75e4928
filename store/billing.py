"""Reads who wore which tag by which order, and whether anything was heard of them: what the billing report is made of."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from model.billing import Day, Stretch, Worn, days, stretches
from model.instant import DAY_US, to_us
from store.pool import Connection, Store
from store.refusal import ConflictError

AROUND_US = DAY_US  # local dates begin and end up to fourteen hours before or after those of UTC
PIECE = 20_000  # stretches looked up at once


class Line(NamedTuple):
    """So many people on a date, of an organisation."""

    day: date
    organisation: int
    name: str
    people: int


class Report(NamedTuple):
    """People really monitored, by date and organisation. A person has one date once, whatever they wear and by whose order."""

    lines: list[Line]
    people: int  # different ones, over all dates
    as_of_us: int  # what comes late may still add to it

    @property
    def person_days(self) -> int:
        """Dates on which each person was monitored, summed."""
        return sum(line.people for line in self.lines)


async def report(store: Store, first: date, end: date) -> Report:
    """Count the dates from ``first`` up to and without ``end``.

    Raises
    ------
    ConflictError
        If positions of that time are not kept any more.
    """
    async with store.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await _check_kept(connection, first)
        as_of_us = await connection.fetchval("SELECT clock_timestamp()")
        given = stretches(await _worn(connection, first, end), first, end)
        seen: list[int | None] = []
        for start in range(0, len(given), PIECE):
            seen += await _seen(connection, given[start : start + PIECE])
        found = days(given, lambda _: seen)
        names = dict(map(tuple, await connection.fetch("SELECT id, name FROM organisation")))
    return Report(_lines(found, names), len({day.wearer for day in found}), as_of_us)


def _lines(found: Sequence[Day], names: dict[int, str]) -> list[Line]:
    counted: dict[tuple[date, int], int] = {}
    for day in found:
        counted[day.day, day.organisation] = counted.get((day.day, day.organisation), 0) + 1
    return [Line(day, number, names[number], people) for (day, number), people in sorted(counted.items())]


async def _check_kept(connection: Connection, first: date) -> None:
    gone = await connection.fetchval("SELECT max(right(name, 8)) FROM retired_day WHERE name LIKE 'fix\\_%'")
    if gone is not None and first - timedelta(days=1) <= (last := date(int(gone[:4]), int(gone[4:6]), int(gone[6:]))):
        kept = last + timedelta(days=2)
        raise ConflictError(f"positions up to {last} are not kept any more: a report can begin on {kept} at the earliest")


async def _worn(connection: Connection, first: date, end: date) -> list[Worn]:
    rows = await connection.fetch(
        """
        SELECT a.wearer, a.tag, o.id, o.starts AS order_starts, o.organisation, o.timezone,
            greatest(a.fitted_from, s.starts, $1), least(a.fitted_to, s.ends, $2)
        FROM activation a JOIN authority_span s ON s.wearer = a.wearer JOIN monitoring_order o ON o.id = s.monitoring_order
        WHERE a.wearer > 0 AND greatest(a.fitted_from, s.starts, $1) < least(a.fitted_to, s.ends, $2)
        """,
        *(_midnight_us(first) - AROUND_US, _midnight_us(end) + AROUND_US),
    )
    return [Worn(*row) for row in rows]


async def _seen(connection: Connection, given: Sequence[Stretch]) -> list[int | None]:
    """Of each the time of its first position, or message without one; what a wrong clock says of its time says nothing."""
    rows = await connection.fetch(
        """
        SELECT s.i, least(
            (SELECT min(fix_at) FROM fix f WHERE f.tag = s.tag AND f.fix_at >= s.starts AND f.fix_at < s.ends
                 AND f.fix_at >= $4 AND f.fix_at < $5 AND f.quality <> 3),
            (SELECT min(at) FROM event e WHERE e.tag = s.tag AND e.at >= s.starts AND e.at < s.ends
                 AND e.at >= $4 AND e.at < $5)) AS at
        FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS s (tag, starts, ends, i) ORDER BY s.i
        """,
        [one.tag for one in given],
        [one.from_us for one in given],
        [one.to_us for one in given],
        min(one.from_us for one in given),
        max(one.to_us for one in given),
    )
    return [row["at"] for row in rows]


def _midnight_us(day: date) -> int:
    return to_us(datetime(day.year, day.month, day.day, tzinfo=UTC))
