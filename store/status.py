"""How the system runs, as the database sees it: lanes, counts, sizes."""

from typing import Any, Final

import asyncpg

from store.pool import Store
from store.tags import UNKNOWN

REAL: Final = "(wearer > 0 OR wearer IS NULL)"  # not a synthetic wearer's


async def lanes(store: Store) -> list[asyncpg.Record]:
    """Each lane with the database's clock beside it; those that there are no longer (store/moving.py) are left out."""
    return await store.pool.fetch(
        """
        SELECT partition, owner, claimed_at, commit_no, watermark, clock_timestamp() AS now FROM lane
        WHERE generation = (SELECT max(generation) FROM lane) ORDER BY partition
        """
    )


async def counts(store: Store) -> dict[str, Any]:
    """How many there are of what, and the bytes the database takes."""
    row = await store.pool.fetchrow(
        f"""SELECT (SELECT position FROM feed) AS feed_position,
                  (SELECT count(*) FROM wearer WHERE id > 0) AS wearers,
                  (SELECT count(*) FROM activation
                   WHERE wearer > 0 AND fitted_from <= now() AND coalesce(fitted_to > now(), true)) AS fitted,
                  (SELECT count(*) FROM ({UNKNOWN}) unknown) AS unknown_tags,
                  (SELECT count(*) FROM dead_letter WHERE replayed_at IS NULL) AS dead_letters,
                  (SELECT count(*) FROM alert
                   WHERE handling <> 'closed' AND (handling = 'new' OR calls > handled_calls) AND {REAL}) AS new_alerts,
                  pg_database_size(current_database()) AS database_bytes"""  # noqa: S608
    )
    assert row is not None
    return dict(row)


async def open_alerts(store: Store) -> dict[tuple[str, int], int]:
    """How many alerts are not closed, by kind and severity."""
    rows = await store.pool.fetch(
        f"""SELECT kind, severity, count(*) AS n FROM alert WHERE handling <> 'closed' AND {REAL}
            GROUP BY kind, severity ORDER BY kind, severity"""  # noqa: S608
    )
    return {(row["kind"], row["severity"]): row["n"] for row in rows}


async def dead(store: Store, before: int | None, limit: int) -> list[asyncpg.Record]:
    """Dead letters without their bytes, newest first, those older than id ``before``."""
    return await store.pool.fetch(
        """SELECT id, received_at, gateway, protocol, reason, octet_length(body) AS bytes, replayed_at, settled_as
           FROM dead_letter
           WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2""",
        before,
        limit,
    )


async def oldest_entry(store: Store) -> int | None:
    """The oldest position from which on the feed has every entry, None where it has none.

    The newest control change does not count: it is kept when those around it are forgotten.
    """
    found: int | None = await store.pool.fetchval(
        """SELECT min(position) FROM feed_entry
           WHERE position <> (SELECT coalesce(max(position), 0) FROM feed_entry WHERE kind = 'control')"""
    )
    return found
