"""Zones as rows, one a version: nothing is ever deleted, because old fixes are judged by old versions."""

from typing import Any, Final, NamedTuple

import asyncpg

from store import homes
from store.feed import SOON, Edit
from store.pool import Store
from store.refusal import DanglingError
from store.versions import Versioned

SELECT: Final = """SELECT v.zone, v.version, v.feature, v.in_force_from, v.recorded_at, v.recorded_by, a.name AS recorded_name,
       nullif(v.in_force_to, timestamptz '9999-01-01 00:00:00+00') AS in_force_to
FROM zone_version v LEFT JOIN account a ON a.id = v.recorded_by"""

ZONE: Final = Versioned("zone", SELECT)


class Draft(NamedTuple):
    """A version as it is to be written: the row's columns, in the order of the INSERT."""

    kind: str
    purpose: str
    name: str
    wkb: bytes
    radius_m: float
    buffer_m: float
    confirm_fixes: int
    feature: dict[str, Any]
    schedule: dict[str, Any] | None
    valid_from_us: int | None
    valid_to_us: int | None
    wearer: int | None
    group: int | None
    everyone: bool
    attendance: bool


async def page(
    store: Store, *, kind: str | None, wearer: int | None, group: int | None, ended: bool, after: int, limit: int
) -> list[asyncpg.Record]:
    """The newest version of each zone, by zone id, those after ``after``; ``ended``: also those that have ended."""
    return await store.pool.fetch(
        f"""{SELECT} WHERE v.zone > $1 AND v.version = (SELECT max(n.version) FROM zone_version n WHERE n.zone = v.zone)
            AND ($2::text IS NULL OR v.kind = $2) AND ($3::bigint IS NULL OR v.applies_wearer = $3)
            AND ($4::bigint IS NULL OR v.applies_group = $4)
            AND ($5 OR v.in_force_to = timestamptz '9999-01-01 00:00:00+00') ORDER BY v.zone LIMIT $6""",  # noqa: S608
        after,
        kind,
        wearer,
        group,
        ended,
        limit,
    )


async def versions(store: Store, zone: int) -> list[asyncpg.Record]:
    """All versions of a zone, newest first; raises ``MissingError``."""
    return await ZONE.every(store, zone)


async def get(store: Store, zone: int) -> asyncpg.Record:
    """The newest version of a zone; raises ``MissingError``."""
    return await ZONE.get(store, zone)


async def add(change: Edit, draft: Draft) -> asyncpg.Record:
    """Create a zone, in force a second from now; raises ``DanglingError``."""
    zone = await change.connection.fetchval("INSERT INTO zone DEFAULT VALUES RETURNING id")
    row = await _write(change, zone, 1, draft, 0)
    ZONE.announce(change, zone, [1], "created")
    return row


async def replace(change: Edit, zone: int, version: int, draft: Draft) -> asyncpg.Record:
    """Write the next version; the one before applies until it is in force.

    Raises
    ------
    MissingError, StaleError, ConflictError, DanglingError
    """
    newest = await ZONE.newest(change, zone, version)
    row = await _write(change, zone, version + 1, draft, newest["in_force_from"])
    await ZONE.follow(change, zone, version, row)
    await homes.keep(change.connection, zone)
    ZONE.announce(change, zone, [version, version + 1], "edited")
    return row


async def end(change: Edit, zone: int, version: int) -> asyncpg.Record:
    """End a zone a second from now.

    Raises
    ------
    MissingError, StaleError, ConflictError
    """
    await ZONE.newest(change, zone, version)
    await ZONE.end(change, zone, version)
    await homes.keep(change.connection, zone)
    ZONE.announce(change, zone, [version], "ended")
    return await ZONE.read(change, zone, version)


async def locked(change: Edit, zone: int, version: int) -> Draft:
    """The newest version, that nobody else follows or ends until this transaction is over.

    Raises
    ------
    MissingError, StaleError, ConflictError
    """
    await ZONE.newest(change, zone, version)
    row = await change.connection.fetchrow(
        """SELECT kind, purpose, name, wkb, radius_m, buffer_m, confirm_fixes, feature, schedule, valid_from, valid_to,
               applies_wearer, applies_group, applies_all, attendance FROM zone_version WHERE zone = $1 AND version = $2""",
        zone,
        version,
    )
    assert row is not None
    return Draft(*row)


async def _write(change: Edit, zone: int, version: int, draft: Draft, later_than_us: int) -> asyncpg.Record:
    try:
        await change.connection.execute(
            f"""INSERT INTO zone_version (zone, version, kind, purpose, name, wkb, radius_m, buffer_m, confirm_fixes, feature,
                    schedule, valid_from, valid_to, applies_wearer, applies_group, applies_all, attendance, recorded_by,
                    in_force_from, control_seq)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                    greatest(clock_timestamp() + {SOON}, $19::timestamptz + interval '1 microsecond'), 0)""",  # noqa: S608
            zone,
            version,
            *draft,
            change.actor,
            later_than_us,
        )
    except asyncpg.ForeignKeyViolationError as error:
        if "wearer_group" in str(error.detail):
            raise DanglingError("properties.applies_to.group", "group", draft.group) from None
        raise DanglingError("properties.applies_to.wearer", "wearer", draft.wearer) from None
    return await ZONE.read(change, zone, version)
