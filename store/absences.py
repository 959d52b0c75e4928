"""Authorised absences as rows: they lift a curfew from the moment they are recorded, and what was judged before stays."""

from typing import Final

import asyncpg

from model.instant import HOUR_US
from store import audit, curfews, settings
from store.controls import joined
from store.feed import SOON, Edit
from store.pool import Connection, Store
from store.refusal import ConflictError, DanglingError, found, unchanged

SELECT: Final = """SELECT b.id, b.curfew, b.starts, b.ends, b.authoriser, b.reason, b.in_force_from, b.version, b.recorded_at,
       b.recorded_by, a.name AS recorded_name, nullif(b.in_force_to, timestamptz '9999-01-01 00:00:00+00') AS in_force_to
FROM absence b LEFT JOIN account a ON a.id = b.recorded_by"""


async def page(store: Store, *, curfew: int | None, wearer: int | None, after: int, limit: int) -> list[asyncpg.Record]:
    """By id, those after ``after``."""
    return await store.pool.fetch(
        f"""{SELECT} WHERE b.id > $1 AND ($2::bigint IS NULL OR b.curfew = $2)
            AND ($3::bigint IS NULL OR b.curfew IN (SELECT v.curfew FROM curfew_version v JOIN monitoring_order o
                ON o.id = v.monitoring_order WHERE o.wearer = $3)) ORDER BY b.id LIMIT $4""",  # noqa: S608
        after,
        curfew,
        wearer,
        limit,
    )


async def get(store: Store, absence: int) -> asyncpg.Record:
    """One absence; raises ``MissingError``."""
    return found(await store.pool.fetchrow(f"{SELECT} WHERE b.id = $1", absence), "absence", absence)


async def add(change: Edit, curfew: int, from_us: int, to_us: int, authoriser: str, reason: str) -> asyncpg.Record:
    """Record one, half-open ``[from, to)``, before or after it was; in force a second from now.

    Raises
    ------
    DanglingError, ConflictError
        If there is no such curfew; if it would end before it starts.
    """
    if to_us <= from_us:
        raise ConflictError("the absence would end before it starts: correct from or to")
    try:
        number = await change.connection.fetchval(
            f"""INSERT INTO absence (curfew, starts, ends, authoriser, reason, recorded_by, in_force_from)
                VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + {SOON}) RETURNING id""",  # noqa: S608
            curfew,
            from_us,
            to_us,
            authoriser,
            reason,
            change.actor,
        )
    except asyncpg.ForeignKeyViolationError:
        raise DanglingError("curfew", "curfew", curfew) from None
    return await _announced(change, number, curfew, "created")


async def lifted(connection: Connection, curfew: int, from_us: int, to_us: int, now_us: int) -> str | None:
    """By how long an absence lifts a curfew, with those it touches, one sentence; None where that is not too long for one person.

    What is over already lifts nothing, and is not counted.
    """
    most_h = await settings.said(connection, await curfews.type_of(connection, curfew), "second_person.absence_h")
    if most_h is None:
        return None
    rows = await connection.fetch(
        """SELECT starts, ends FROM absence WHERE curfew = $1 AND ends > $2
               AND in_force_to = timestamptz '9999-01-01 00:00:00+00'""",
        curfew,
        now_us,
    )
    spans = joined([*((row["starts"], row["ends"]) for row in rows), (from_us, to_us)])
    start, end = next((low, high) for low, high in spans if low <= from_us and to_us <= high)
    hours = (end - max(start, now_us)) / HOUR_US
    return f"The curfew would be lifted for {hours:.0f} hours on end, more than {most_h:g}." if hours > most_h else None


async def withdraw(change: Edit, absence: int, version: int) -> asyncpg.Record:
    """End one a second from now; what it has excused by then stays excused.

    Raises
    ------
    MissingError, StaleError, ConflictError
    """
    row = await change.connection.fetchrow(f"{SELECT} WHERE b.id = $1 FOR UPDATE OF b", absence)
    row = unchanged(row, "absence", absence, version)
    if row["in_force_to"] is not None:
        raise ConflictError(f"absence {absence} was withdrawn already")
    await change.connection.execute(
        f"""UPDATE absence SET in_force_to = greatest(clock_timestamp() + {SOON}, in_force_from), version = version + 1
            WHERE id = $1""",  # noqa: S608
        absence,
    )
    return await _announced(change, absence, row["curfew"], "withdrawn")


async def _announced(change: Edit, absence: int, curfew: int, what: str) -> asyncpg.Record:
    change.entry("control", absence, "absence")
    audit.done(change, what, f"absence/{absence}", curfew=curfew)
    row = await change.connection.fetchrow(f"{SELECT} WHERE b.id = $1", absence)
    assert row is not None
    return row
