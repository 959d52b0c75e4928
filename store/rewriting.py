"""Turns a day's table into a better one with the same rows, in the order of its key, while commits go on.

A day fills in order of arrival: a wearer's 1,440 fixes of it lie on as many pages. Once it is over it is written again in order
of tag and time, as ``CLUSTER`` would, which however shuts everybody out meanwhile. Here a copy is made apart, and what is written
to the day meanwhile is noted by a trigger and taken over; only the exchange at the end wants the table to itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import asyncpg

from model.instant import DAY_US, from_us
from store.partitions import LOCK, TABLES, day_named, name_of
from store.pool import Connection, Store

LOCK_S: Final = 0.25  # commits queue behind us while we wait for those under way: no longer than this
LONG_S: Final = 1.0  # somebody reads for longer than this (a backup, a long export): waiting in front of commits is no use
PAUSE_S: Final = 0.5
ATTEMPTS: Final = 40  # then the copy waits, kept up to date by its trigger, for the next round
TAKEN: Final = 20_000  # noted rows taken over at once

EVERYTHING: Final = "true"

# The newest change of any hold: a day is cut down by the holds of one moment, and again when they have changed.
REVISION: Final = "SELECT coalesce(max(revision), 0) FROM hold"

# What went of a day and what stayed, said in the transaction that does it: evidence tells a cut from a gap by it.
RETIRED: Final = "INSERT INTO retired_day (name, kept)"
AGAIN: Final = "ON CONFLICT (name) DO UPDATE SET at = now(), kept = excluded.kept"

KEYS: Final = {"fix": ("tag", "fix_at", "seq", "source"), "event": ("tag", "at", "seq", "kind")}


class Day(NamedTuple):
    """One day's table, and which of its rows the copy is to have."""

    table: str  # of TABLES
    number: int  # days since 1970 UTC
    keeping: str = EVERYTHING  # SQL condition over ``held``, a row of it
    held_by: int = 0  # what the condition was made from (store/retention.py); 0: everything

    @property
    def name(self) -> str:
        """The table's."""
        return name_of(self.table, self.number)

    @property
    def copy(self) -> str:
        """The copy's, until it takes the table's place."""
        return f"{self.name}_next"

    @property
    def bounds(self) -> tuple[str, str]:
        """Its first instant and the next day's, as SQL constants."""
        start, end = (f"'{from_us(at * DAY_US).isoformat()}'" for at in (self.number, self.number + 1))
        return start, end


class SupersededError(Exception):
    """A hold was changed since the copy was made: it may lack rows."""


async def unordered(store: Store, before: int) -> list[Day]:
    """The days before one since 1970 that are not yet in order, oldest first."""
    rows = await store.pool.fetch(
        """
        SELECT parent.relname AS parent, child.relname AS child
        FROM pg_inherits JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class child ON child.oid = inhrelid
        WHERE inhparent IN (SELECT unnest($1::text[])::regclass)
          AND NOT EXISTS (SELECT FROM rewritten_day WHERE rewritten_day.name = child.relname)
        """,
        TABLES,
    )
    days = ((row["parent"], day_named(row["child"])) for row in rows)
    return [
        Day(table, number)
        for number, table in sorted((number, table) for table, number in days if number is not None)
        if number < before
    ]


async def rewrite(store: Store, day: Day) -> bool:
    """Write a day's table again; False where there was no quiet moment, or holds were changed: the next call decides.

    1. **Watch.** From here on a trigger notes the key of every row written to the day. Making it waits for the commits that are
       just writing to this day, at most ``LOCK_S``; commits to other days do not meet it.
    2. **Copy** the rows, sorted, into a table of its own, with its key and the promise that all are of this day.
    3. **Take over** what was noted, as often as it takes.
    4. **Tidy**: freeze and analyse, so that nobody has to come back to it.
    5. **Exchange**, in one short transaction: with the parent to itself, take over the last few rows, detach and drop the old
       table, attach the copy under its name, and note the day. Waits for the commits under way at most ``LOCK_S``, then lets them
       go on and tries again.

    Killed between any two of these, or in one, the next call goes on from there: the trigger keeps noting, and a copy is either
    whole or absent. Called while somebody else is at the same day, it leaves that to them.
    """
    async with store.pool.acquire() as connection:
        # Held by the connection that does the work: whoever loses the one can no longer do the other.
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1, hashtext($2))", LOCK, day.name):
            return False
        try:
            for step in STEPS:
                if not await step(connection, day):
                    return False
        except SupersededError:
            return False
        finally:
            if not connection.is_closed():
                await connection.execute("SELECT pg_advisory_unlock($1, hashtext($2))", LOCK, day.name)
    return True


async def _watch(connection: Connection, day: Day) -> bool:
    watched = await connection.fetchval(
        "SELECT 1 FROM pg_trigger WHERE tgrelid = $1::text::regclass AND tgname = 'note_day_change'", day.name
    )
    if watched and day.keeping == EVERYTHING:
        return True

    async def begin() -> None:
        await connection.execute(f"DROP TABLE IF EXISTS {day.copy}")  # of before it was watched, or of other rows
        if not watched:
            # A vacuum of the day could neither end in time nor be waited for at the exchange.
            await connection.execute(
                f"""ALTER TABLE {day.name} SET (autovacuum_enabled = false);
                    CREATE TRIGGER note_day_change AFTER INSERT OR UPDATE OR DELETE ON {day.name}
                    FOR EACH ROW EXECUTE FUNCTION note_day_change({day.table})"""
            )

    return await patiently(connection, day.name, begin)


async def _copy(connection: Connection, day: Day) -> bool:
    if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", day.copy):
        return True
    at, key = KEYS[day.table][1], ", ".join(KEYS[day.table])
    start, end = day.bounds
    async with connection.transaction():
        await connection.execute(
            f"""CREATE TABLE {day.copy} (LIKE {day.table} INCLUDING ALL EXCLUDING INDEXES) WITH (autovacuum_enabled = false);
                INSERT INTO {day.copy} SELECT held.* FROM {day.name} AS held WHERE {day.keeping} ORDER BY {key};
                ALTER TABLE {day.copy} ADD PRIMARY KEY ({key}),
                ADD CONSTRAINT {day.copy}_day CHECK ({at} >= {start} AND {at} < {end})"""  # noqa: S608 (names of our own)
        )
    return True


async def _take_over(connection: Connection, day: Day) -> bool:
    while True:
        async with connection.transaction():
            if await _taken(connection, day) < TAKEN:
                return True


async def _taken(connection: Connection, day: Day) -> int:
    """Bring the copy up to date in the rows noted, at most ``TAKEN`` of them; how many."""
    noted = await connection.fetch(
        """DELETE FROM day_change WHERE id IN (SELECT id FROM day_change WHERE name = $1 ORDER BY id LIMIT $2)
           RETURNING tag, at, seq, last""",
        day.name,
        TAKEN,
    )
    if noted:
        columns = KEYS[day.table]
        keys = [list(column) for column in zip(*{tuple(row) for row in noted}, strict=True)]
        asked = f"unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::smallint[]) AS asked ({', '.join(columns)})"
        same = " AND ".join(f"held.{column} = asked.{column}" for column in columns)
        await connection.execute(f"DELETE FROM {day.copy} AS held USING {asked} WHERE {same}", *keys)  # noqa: S608
        await connection.execute(
            f"INSERT INTO {day.copy} SELECT held.* FROM {day.name} AS held, {asked} WHERE {same} AND {day.keeping}",  # noqa: S608
            *keys,
        )
    return len(noted)


async def _tidy(connection: Connection, day: Day) -> bool:
    await connection.execute(f"VACUUM (FREEZE, ANALYZE) {day.copy}")
    return True


async def _exchange(connection: Connection, day: Day) -> bool:
    start, end = day.bounds

    async def exchange() -> None:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        if day.held_by and await connection.fetchval(REVISION) != day.held_by:
            raise SupersededError
        # The parent first, as everybody does. From here on nobody else reads or writes any day.
        await connection.execute(f"LOCK TABLE ONLY {day.table} IN ACCESS EXCLUSIVE MODE")
        while await _taken(connection, day) == TAKEN:
            pass
        if day.held_by:
            await connection.execute(f"{RETIRED} SELECT $1::text, count(*) FROM {day.copy} {AGAIN}", day.name)  # noqa: S608
        await connection.execute(
            f"""ALTER TABLE {day.table} DETACH PARTITION {day.name};
                DROP TABLE {day.name};
                ALTER TABLE {day.copy} RENAME TO {day.name};
                ALTER INDEX {day.copy}_pkey RENAME TO {day.name}_pkey;
                ALTER TABLE {day.name} RESET (autovacuum_enabled);
                ALTER TABLE {day.table} ATTACH PARTITION {day.name} FOR VALUES FROM ({start}) TO ({end});
                ALTER TABLE {day.name} DROP CONSTRAINT {day.copy}_day"""
        )
        await connection.execute(
            """INSERT INTO rewritten_day (name, ordered_at, held_by) VALUES ($1, now(), $2)
               ON CONFLICT (name) DO UPDATE SET ordered_at = excluded.ordered_at, held_by = excluded.held_by""",
            day.name,
            day.held_by,
        )

    return await patiently(connection, day.table, exchange)


STEPS: Final[Sequence[Callable[[Connection, Day], Awaitable[bool]]]] = (_watch, _copy, _take_over, _tidy, _exchange)


async def patiently(connection: Connection, table: str, act: Callable[[], Awaitable[None]]) -> bool:
    """Do something that wants a table to itself, in one transaction that holds commits up for ``LOCK_S`` at most, and again.

    False where no attempt came through. While somebody holds the table for long none is made: it could only fail, and everybody
    else would wait for it meanwhile.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(PAUSE_S)
        if await connection.fetchval(HELD_LONG, table, LONG_S):
            continue
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = '{int(LOCK_S * 1000)}ms'")
                await act()
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            continue
        return True
    return False


HELD_LONG: Final = """
SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'relation' AND relation = $1::text::regclass AND granted AND pid <> pg_backend_pid()
      AND xact_start < clock_timestamp() - make_interval(secs => $2))
"""
