"""Turns days past their time into what a hold still keeps of them, or into nothing, while commits go on.

A day with held rows is rewritten with these alone (store/rewriting.py) and stays where it is: whatever reads fixes finds them as
before. A day without any is dropped whole. Both are noted in ``retired_day``.
"""

from enum import Enum
from typing import Final

import numpy as np

from model.event import EVENT
from model.fix import FIX
from store.admission import as_frame
from store.copy import EVENTS, FIXES, Codec
from store.partitions import LOCK, TABLES, day_named
from store.pool import Connection, Record, Store
from store.rewriting import AGAIN, EVERYTHING, KEYS, RETIRED, REVISION, Day, patiently, rewrite


class Fate(Enum):
    """What became of a day past its time."""

    DROPPED = "dropped"
    CUT_DOWN = "cut_down"  # to its held rows
    PUT_OFF = "put_off"  # no quiet moment, or a hold was changed meanwhile: the next round decides
    UNCHANGED = "unchanged"  # cut down before, by the same holds, and nothing has come since


async def past(store: Store, before: int) -> list[Day]:
    """The tables of days before one since 1970, oldest first."""
    rows = await store.pool.fetch(
        """SELECT parent.relname AS parent, child.relname AS child
           FROM pg_inherits JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class child ON child.oid = inhrelid
           WHERE inhparent IN (SELECT unnest($1::text[])::regclass)""",
        TABLES,
    )
    numbered = ((day_named(row["child"]), row["parent"]) for row in rows)
    return [Day(table, day) for day, table in sorted((day, table) for day, table in numbered if day is not None and day < before)]


async def retire(store: Store, day: Day) -> Fate:
    """Let go of a day but for what is held. One caller at a time."""
    at = KEYS[day.table][1]
    keeping = f"EXISTS (SELECT FROM hold_span WHERE hold_span.tag = held.tag AND held.{at} >= starts AND held.{at} < ends)"
    revision = await store.pool.fetchval(REVISION)
    before = await store.pool.fetchrow(
        "SELECT kept, held_by FROM retired_day LEFT JOIN rewritten_day USING (name) WHERE name = $1", day.name
    )
    if before is not None and before["kept"] == 0:
        await _quarantine(store, day, EVERYTHING)
    kept = False
    if revision:
        if before is not None and before["kept"] and before["held_by"] == revision:
            await _quarantine(store, day, f"NOT {keeping}")
            if await store.pool.fetchval(f"SELECT count(*) FROM {day.name}") == before["kept"]:  # noqa: S608
                return Fate.UNCHANGED
        kept = await store.pool.fetchval(f"SELECT EXISTS (SELECT FROM {day.name} AS held WHERE {keeping})")  # noqa: S608
    if kept:
        cut = await rewrite(store, day._replace(keeping=keeping, held_by=revision))
        return Fate.CUT_DOWN if cut else Fate.PUT_OFF
    async with store.pool.acquire() as connection:
        return Fate.DROPPED if await _drop(connection, day, revision) else Fate.PUT_OFF


async def _quarantine(store: Store, day: Day, late: str) -> int:
    """Make dead letters of what came to a day that had gone, or been cut down: a backlog was longer than the slack; how many.

    Such a record was taken at a door and may have raised an alert. It is not kept, and not dropped without a word either.
    """
    codec = {"fix": FIXES, "event": EVENTS}[day.table]
    total = 0
    while True:
        async with store.pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(
                f"""WITH gone AS (
                        DELETE FROM {day.name} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {day.name} AS held WHERE {late} LIMIT $1))
                        RETURNING *)
                    SELECT {", ".join(f"gone.{column}" for column in codec.columns)}, coalesce(gateway.name, 'unknown') AS sender
                    FROM gone LEFT JOIN gateway ON gateway.id = gone.gateway""",  # noqa: S608 (names of our own)
                QUARANTINED,
            )
            await connection.executemany(
                "INSERT INTO dead_letter (gateway, protocol, reason, body) VALUES ($1, $2, $3, $4)",
                [(row["sender"], "http-json", TOO_OLD, _body(codec, row)) for row in rows],
            )
        total += len(rows)
        if len(rows) < QUARANTINED:
            return total


QUARANTINED: Final = 10_000  # rows at once
TOO_OLD: Final = "it came when its day had been let go of: it is older than the oldest day kept"


def _body(codec: Codec, row: Record) -> bytes:
    one = np.array([tuple(row)[: len(codec.columns)]], codec.dtype)
    none = np.zeros(0, EVENT if codec is FIXES else FIX)
    return as_frame(row["sender"], *((one, none) if codec is FIXES else (none, one)))


async def _drop(connection: Connection, day: Day, revision: int) -> bool:
    dropped = False

    async def drop() -> None:
        nonlocal dropped
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        if await connection.fetchval(REVISION) != revision:  # held since we looked
            return
        await connection.execute(f"LOCK TABLE ONLY {day.table} IN ACCESS EXCLUSIVE MODE")
        again = f"SELECT EXISTS (SELECT FROM retired_day WHERE name = $1 AND kept = 0) AND EXISTS (SELECT FROM {day.name})"  # noqa: S608
        if await connection.fetchval(again, day.name):  # something has come since it was quarantined
            return
        await connection.execute(
            f"""ALTER TABLE {day.table} DETACH PARTITION {day.name};
                DROP TABLE {day.name};
                DROP TABLE IF EXISTS {day.copy}"""
        )
        await connection.execute("DELETE FROM rewritten_day WHERE name = $1", day.name)
        await connection.execute("DELETE FROM day_change WHERE name = $1", day.name)
        await connection.execute(f"{RETIRED} VALUES ($1, 0) {AGAIN}", day.name)
        dropped = True

    return await patiently(connection, day.table, drop) and dropped


async def forget_messages(store: Store, days: int) -> int:
    """Drop messages older than that many days of which no delivery waits, and tests as old; how many messages."""
    await store.pool.execute("DELETE FROM delivery WHERE outbox IS NULL AND created_at < now() - make_interval(days => $1)", days)
    return await _gone(
        store,
        """DELETE FROM outbox WHERE addressed_at < now() - make_interval(days => $1)
           AND NOT EXISTS (SELECT FROM delivery d WHERE d.outbox = outbox.id AND d.due_at IS NOT NULL)""",
        days,
    )


async def forget_entries(store: Store, days: int) -> int:
    """Drop older entries of the feed, the newest control change apart, which says how far lanes have heard; how many."""
    return await _gone(
        store,
        """DELETE FROM feed_entry WHERE at < now() - make_interval(days => $1)
           AND position <> (SELECT coalesce(max(position), 0) FROM feed_entry WHERE kind = 'control')""",
        days,
    )


async def forget_unknown(store: Store, days: int) -> int:
    """Drop tags nobody wore that have not been heard of for that long; how many."""
    return await _gone(store, "DELETE FROM unknown_tag WHERE last_at < now() - make_interval(days => $1)", days)


async def forget_letters(store: Store, settled_days: int, waiting_days: int) -> int:
    """Drop dead letters settled, or come and never settled, so long ago; how many.

    While any hold stands, none that waits is dropped: whose records are in it nobody knows until it can be read.
    """
    return await _gone(
        store,
        """DELETE FROM dead_letter WHERE replayed_at < now() - make_interval(days => $1)
           OR (replayed_at IS NULL AND received_at < now() - make_interval(days => $2)
               AND NOT EXISTS (SELECT FROM hold WHERE released_at IS NULL))""",
        settled_days,
        waiting_days,
    )


async def _gone(store: Store, statement: str, *days: int) -> int:
    done: str = await store.pool.execute(statement, *days)
    return int(done.rpartition(" ")[2])
