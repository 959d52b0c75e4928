"""Turns free space and the days kept into how many days it will do."""

import math
from typing import Final, NamedTuple

from store.partitions import TABLES, day_named
from store.pool import Connection, Store

MEASURED_DAYS: Final = 7  # a week has its Sundays

# Seven days are a weekend, and a disk to be ordered, brought and built in.
LOW_DAYS: Final = 7.0


class Headroom(NamedTuple):
    """How long the disk will do."""

    free_bytes: int
    growth_bytes: int  # a day; 0: no day is over yet
    days_left: float | None  # None: it lasts, because as much is dropped as comes
    floor_bytes: int  # a day is rewritten beside itself, and so is the log of it: less than this is too little for both

    @property
    def low(self) -> bool:
        """Whether somebody should act."""
        return self.free_bytes < self.floor_bytes or (self.days_left is not None and self.days_left < LOW_DAYS)


class Growth(NamedTuple):
    """What a day takes, measured from the days kept."""

    day_bytes: int  # its fixes and events, tables and keys; dropped when the day is past its time
    rest_bytes: int  # everything else a day adds: alerts, the chain, the audit; it stays
    days: int  # how many days are kept
    largest_bytes: int


def project(free_bytes: int, growth: Growth, kept_days: int) -> Headroom:
    """How long free space will do: days come until ``kept_days`` of them are there, then one goes for each that comes."""
    daily = growth.day_bytes + growth.rest_bytes
    floor_bytes = 2 * growth.largest_bytes
    filling = max(kept_days - growth.days, 0)
    if not daily:
        return Headroom(free_bytes, 0, None, floor_bytes)
    if free_bytes < filling * daily:
        return Headroom(free_bytes, daily, free_bytes / daily, floor_bytes)
    if not growth.rest_bytes:
        return Headroom(free_bytes, daily, None, floor_bytes)
    after = (free_bytes - filling * daily) / growth.rest_bytes
    return Headroom(free_bytes, daily, filling + after if after < math.inf else None, floor_bytes)


async def growth(store: Store, today: int) -> Growth:
    """Measure the days that are over, the newest ``MEASURED_DAYS`` of them for what one takes; ``today`` is days since 1970."""
    rows = await store.pool.fetch(
        """SELECT child.relname AS name, pg_total_relation_size(child.oid) AS bytes
           FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
           WHERE inhparent IN (SELECT unnest($1::text[])::regclass)""",
        TABLES,
    )
    sizes: dict[int, int] = {}
    for row in rows:
        day = day_named(row["name"])
        if day is not None:
            sizes[day] = sizes.get(day, 0) + row["bytes"]
    empty = min(sizes.values(), default=0)  # a table and its key are there before their first row
    over = sorted(day for day, size in sizes.items() if day < today and size > empty)
    measured = over[-MEASURED_DAYS:]
    if not measured:
        return Growth(0, 0, 0, max(sizes.values(), default=0))
    # In the first days most of the rest is what an instance begins with.
    rest = await used_bytes(store) - sum(sizes.values()) if len(over) >= MEASURED_DAYS else 0
    return Growth(
        sum(sizes[day] for day in measured) // len(measured),
        max(rest, 0) // len(over),
        len(over),
        max(sizes.values()),
    )


async def used_bytes(store: Store) -> int:
    """What the database takes."""
    found: int = await store.pool.fetchval("SELECT pg_database_size(current_database())")
    return found


async def keep(store: Store, found: Headroom) -> None:
    """Say it to everyone."""
    await store.pool.execute(
        """INSERT INTO headroom (measured_at, free_bytes, growth_bytes, days_left, floor_bytes) VALUES (now(), $1, $2, $3, $4)
           ON CONFLICT (single) DO UPDATE SET measured_at = now(), free_bytes = excluded.free_bytes,
               growth_bytes = excluded.growth_bytes, days_left = excluded.days_left, floor_bytes = excluded.floor_bytes""",
        *found,
    )


async def last(connection: Connection) -> Headroom | None:
    """As last measured; None where it never was, because nobody who measures knows the disk."""
    row = await connection.fetchrow("SELECT free_bytes, growth_bytes, days_left, floor_bytes FROM headroom")
    return None if row is None else Headroom(*row)
