"""Turns days into the tables that hold their fixes and events."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import numpy as np

from model.arrays import I64
from model.instant import DAY_US, from_us, to_us
from store.pool import Connection, Store

TABLES: Final = ("fix", "event")
LOCK: Final = 0x444159  # "DAY": partitions are made by one transaction at a time


def day_of(us: int) -> int:
    """Days since 1970 UTC of an instant."""
    return us // DAY_US


def days_of(us: I64) -> list[int]:
    """Days since 1970 UTC of (n,) int64 instants, each once, in order."""
    if not len(us):
        return []
    first, last = day_of(int(us.min())), day_of(int(us.max()))
    if first == last:  # nearly always, and looking for others takes ten times as long
        return [first]
    days: list[int] = np.unique(us // DAY_US).tolist()
    return days


async def ensure(store: Store, days: Iterable[int]) -> int:
    """Have the partitions of these days since 1970, both tables'; returns how many days were missing.

    Cheap where the store already knows of them. A day's table is made apart and then attached, which lets commits go on:
    ``CREATE TABLE ... PARTITION OF`` would wait for them and hold up all that follow.
    """
    wanted = sorted(set(days) - store.days)
    if not wanted:
        return 0
    made = 0
    async with store.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        for day in wanted:
            made += await _ensure_day(connection, day)
    store.days.update(wanted)
    return made


async def held(store: Store) -> list[int]:
    """Days since 1970 that have a partition, in order."""
    rows = await store.pool.fetch("SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'fix'::regclass")
    return sorted(day for row in rows if (day := day_named(row["name"])) is not None)


async def _ensure_day(connection: Connection, day: int) -> int:
    made = 0
    for table in TABLES:
        name = name_of(table, day)
        if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name):
            continue
        start, end = (f"'{from_us(at * DAY_US).isoformat()}'" for at in (day, day + 1))
        await connection.execute(
            f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL);"
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})"
        )
        made = 1
    return made


def name_of(table: str, day: int) -> str:
    """The name of a day's table."""
    return f"{table}_{from_us(day * DAY_US):%Y%m%d}"


def day_named(name: str) -> int | None:
    """The day since 1970 UTC of a table so named, None where it is not a day's."""
    digits = name.rpartition("_")[2]
    if len(digits) != 8 or not digits.isdigit():
        return None
    return day_of(to_us(datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC)))
