"""Zones as rows, one a version: nothing is ever deleted, because old fixes are judged by old versions."""

from typing import Any, Final, NamedTuple

import asyncpg

from store import audit, homes
from store.feed import Edit
from store.pool import Store
from store.refusal import ConflictError, DanglingError, MissingError, StaleError

SELECT: Final = """SELECT v.zone, v.version, v.feature, v.in_force_from, v.recorded_at, v.recorded_by, a.name AS recorded_name,
       nullif(v.in_force_to, timestamptz '9999-01-01 00:00:00+00') AS in_force_to
FROM zone_version v LEFT JOIN account a ON a.id = v.recorded_by"""

# Every worker reads control changes at least four times in this, so that none judges by the old version a fix taken after it.
SOON: Final = "interval '1 second'"


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
    rows = await store.pool.fetch(f"{SELECT} WHERE v.zone = $1 ORDER BY v.version DESC", zone)
    if not rows:
        raise MissingError("zone", zone)
    return rows


async def get(store: Store, zone: int) -> asyncpg.Record:
    """The newest version of a zone; raises ``MissingError``."""
    row = await store.pool.fetchrow(f"{SELECT} WHERE v.zone = $1 ORDER BY v.version DESC LIMIT 1", zone)
    if row is None:
        raise MissingError("zone", zone)
    return row


async def add(change: Edit, draft: Draft) -> asyncpg.Record:
    """Create a zone, in force a second from now; raises ``DanglingError``."""
    zone = await change.connection.fetchval("INSERT INTO zone DEFAULT VALUES RETURNING id")
    row = await _write(change, zone, 1, draft, 0)
    _announce(change, zone, [1], "created")
    return row


async def replace(change: Edit, zone: int, version: int, draft: Draft) -> asyncpg.Record:
    """Write the next version; the one before applies until it is in force.

    Raises
    ------
    MissingError, StaleError, ConflictError, DanglingError
    """
    newest = await _newest(change, zone, version)
    row = await _write(change, zone, version + 1, draft, newest["in_force_from"])
    await change.connection.execute(
        "UPDATE zone_version SET in_force_to = $3 WHERE zone = $1 AND version = $2", zone, version, row["in_force_from"]
    )
    await homes.keep(change.connection, zone)
    _announce(change, zone, [version, version + 1], "edited")
    return row


async def end(change: Edit, zone: int, version: int) -> asyncpg.Record:
    """End a zone a second from now.

    Raises
    ------
    MissingError, StaleError, ConflictError
    """
    await _newest(change, zone, version)
    await change.connection.execute(
        f"""UPDATE zone_version SET in_force_to = greatest(clock_timestamp() + {SOON}, in_force_from + interval '1 microsecond')
            WHERE zone = $1 AND version = $2""",  # noqa: S608
        zone,
        version,
    )
    await homes.keep(change.connection, zone)
    _announce(change, zone, [version], "ended")
    row = await change.connection.fetchrow(f"{SELECT} WHERE v.zone = $1 AND v.version = $2", zone, version)
    assert row is not None
    return row


async def locked(change: Edit, zone: int, version: int) -> Draft:
    """The newest version, that nobody else follows or ends until this transaction is over.

    Raises
    ------
    MissingError, StaleError, ConflictError
    """
    await _newest(change, zone, version)
    row = await change.connection.fetchrow(
        """SELECT kind, purpose, name, wkb, radius_m, buffer_m, confirm_fixes, feature, schedule, valid_from, valid_to,
               applies_wearer, applies_group, applies_all, attendance FROM zone_version WHERE zone = $1 AND version = $2""",
        zone,
        version,
    )
    assert row is not None
    return Draft(*row)


async def _newest(change: Edit, zone: int, version: int) -> asyncpg.Record:
    """The newest version, that nobody else follows or ends until this transaction is over."""
    await change.connection.execute("SELECT 1 FROM zone WHERE id = $1 FOR UPDATE", zone)
    row = await change.connection.fetchrow(f"{SELECT} WHERE v.zone = $1 ORDER BY v.version DESC LIMIT 1 FOR UPDATE OF v", zone)
    if row is None:
        raise MissingError("zone", zone)
    if row["version"] != version:
        raise StaleError("zone", zone)
    if row["in_force_to"] is not None:
        raise ConflictError(f"zone {zone} has ended: create a new one")
    return row


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
    row = await change.connection.fetchrow(f"{SELECT} WHERE v.zone = $1 AND v.version = $2", zone, version)
    assert row is not None
    return row


def _announce(change: Edit, zone: int, touched: list[int], what: str) -> None:
    """Feed and audit; the versions touched carry the position in the feed, by which workers know what they have read."""
    change.entry("control", zone, "zone")
    change.numbered("UPDATE zone_version SET control_seq = $1 WHERE zone = $2 AND version = ANY ($3::integer[])", zone, touched)
    audit.done(change, what, f"zone/{zone}", version=touched[-1])
