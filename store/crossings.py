"""Turns lanes into synthetic wearers, each with a zone to cross, and what the feed says of them into when they were last seen.

They are monitored as anyone is; their ids keep them out of every list (model/synthetic.py).
"""

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from model.synthetic import lane_of_wearer, tags_of, wearer_of
from store import feed
from store.pool import Connection, Store

LON: Final = 0.0  # on the ice of Antarctica, where no zone of anyone else's is
LAT: Final = -82.0
RADIUS_M: Final = 15.0  # a fix of the best accuracy we believe in, 10 m, is definite at its centre
KEPT_S: Final = 3600.0  # what a crossing leaves in histories is of no use to anyone for longer

SHOWS: Final = ("opened", "resumed")  # what the feed says of an alert when its wearer comes in


class Crossing(NamedTuple):
    """The last crossing of a lane's synthetic wearer, by the database's clock."""

    lane: int
    sent_us: int
    waiting_us: int | None  # when the first of those in a row that were not seen was sent; None: it was seen
    seen_us: int | None
    took_s: float | None
    error: str


async def ensure(store: Store, lanes: int) -> bool:
    """Have a monitored synthetic wearer in each lane; whether any was missing: its zone is in force a second later."""
    wanted = [(wearer_of(lane), tag) for lane, tag in enumerate(tags_of(lanes))]
    found = await store.pool.fetch("SELECT id, tag FROM activation WHERE id < 0 ORDER BY id DESC")
    if [tuple(row) for row in found] == wanted:
        return False
    wkb = struct.pack("<BIdd", 1, 1, LON, LAT)
    async with feed.edit(store) as change:
        connection = change.connection
        await connection.execute("DELETE FROM activation WHERE id < 0")
        await connection.executemany(
            "INSERT INTO wearer (id, name) OVERRIDING SYSTEM VALUE VALUES ($1, 'synthetic') ON CONFLICT DO NOTHING",
            [(number,) for number, _ in wanted],
        )
        await connection.executemany(
            """INSERT INTO monitoring_order (id, wearer, type, status, timezone, starts) OVERRIDING SYSTEM VALUE
               VALUES ($1, $1, 'synthetic', 'active', 'UTC', clock_timestamp()) ON CONFLICT DO NOTHING""",
            [(number,) for number, _ in wanted],
        )
        await connection.executemany(
            """INSERT INTO activation (id, wearer, tag, fitted_from) OVERRIDING SYSTEM VALUE
               VALUES ($1, $1, $2, clock_timestamp())""",
            wanted,
        )
        await connection.executemany(
            "INSERT INTO zone (id) OVERRIDING SYSTEM VALUE VALUES ($1) ON CONFLICT DO NOTHING",
            [(number,) for number, _ in wanted],
        )
        feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [LON, LAT]}, "properties": {}}
        await connection.executemany(
            """INSERT INTO zone_version (zone, version, kind, purpose, name, wkb, radius_m, feature, applies_wearer,
                   in_force_from, control_seq)
               VALUES ($1, 1, 'exclusion', 'victim', 'synthetic', $2, $3, $4, $1, clock_timestamp() + interval '1 second', 0)
               ON CONFLICT DO NOTHING""",
            [(number, wkb, RADIUS_M, feature) for number, _ in wanted],
        )
        await connection.execute("DELETE FROM synthetic_crossing WHERE lane >= $1", lanes)
        change.entry("control", 0, "synthetic")
        change.numbered(
            "UPDATE zone_version SET control_seq = $1 WHERE zone = ANY ($2::bigint[])", [number for number, _ in wanted]
        )
    return True


async def due(store: Store, every_s: float) -> bool:
    """Whether the next crossing is to be sent: the last is long ago, or was left waiting by an instance that ended."""
    found: bool = await store.pool.fetchval(
        """SELECT count(*) = 0 OR bool_or(waiting_since IS NOT NULL OR sent_at <= clock_timestamp() - make_interval(secs => $1))
           FROM synthetic_crossing""",
        every_s,
    )
    return found


async def begin(store: Store, lanes: int) -> None:
    """A crossing in each lane is about to be sent."""
    await store.pool.execute(
        """INSERT INTO synthetic_crossing (lane, sent_at, waiting_since)
           SELECT lane, clock_timestamp(), clock_timestamp() FROM generate_series(0, $1 - 1) AS lane
           ON CONFLICT (lane) DO UPDATE SET sent_at = excluded.sent_at, error = '',
               waiting_since = COALESCE(synthetic_crossing.waiting_since, excluded.sent_at)""",
        lanes,
    )


async def refused(store: Store, error: str) -> None:
    """The fixes could not be sent."""
    await store.pool.execute("UPDATE synthetic_crossing SET error = $1 WHERE waiting_since IS NOT NULL", error)


async def shown(store: Store, after: int) -> set[int]:
    """Lanes whose synthetic wearer the feed shows coming in, after a position."""
    rows = await store.pool.fetch(
        """SELECT DISTINCT wearer FROM feed_entry JOIN alert ON alert.id = ref
           WHERE position > $1 AND feed_entry.kind = 'alert' AND what = ANY ($2::text[]) AND wearer < 0""",
        after,
        SHOWS,
    )
    return {lane_of_wearer(row["wearer"]) for row in rows}


async def seen(store: Store, lanes: Iterable[int]) -> None:
    """Their alerts were seen on the feed just now."""
    await store.pool.execute(
        """UPDATE synthetic_crossing SET seen_at = clock_timestamp(), waiting_since = NULL,
               took_s = extract(epoch FROM clock_timestamp() - sent_at) WHERE lane = ANY ($1::integer[])""",
        list(lanes),
    )


async def forget(store: Store, older_than_s: float = KEPT_S) -> None:
    """Drop what earlier crossings left in their alerts: a row a minute would be read for ever by the next one."""
    async with store.pool.acquire() as connection, connection.transaction():
        for table, column in (("alert_history", "at"), ("alert_occurrence", "ended_at")):
            await connection.execute(
                f"""DELETE FROM {table} USING alert WHERE alert.id = {table}.alert AND wearer < 0
                      AND {table}.{column} < now() - make_interval(secs => $1)""",  # noqa: S608
                older_than_s,
            )
        await connection.execute(
            """DELETE FROM alert_evidence AS shown USING alert WHERE alert.id = shown.alert AND wearer < 0
                 AND NOT EXISTS (SELECT 1 FROM alert_history AS said WHERE said.alert = shown.alert
                                 AND said.position = shown.position)"""
        )


async def listed(connection: Connection) -> list[Crossing]:
    """The last crossing of each lane."""
    rows = await connection.fetch(
        "SELECT lane, sent_at, waiting_since, seen_at, took_s, error FROM synthetic_crossing ORDER BY lane"
    )
    return [Crossing(*row) for row in rows]
