"""Groups of wearers as rows: a zone may apply to one. Every change of one is a control change."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from store import audit, homes
from store.feed import Edit
from store.pool import Store
from store.refusal import ConflictError, DanglingError, found, unchanged

SELECT: Final = """SELECT g.id, g.name, g.version,
                          array(SELECT wearer FROM wearer_group_member m WHERE m.wearer_group = g.id ORDER BY wearer) AS wearers
                   FROM wearer_group g"""


async def page(store: Store, *, after: int, limit: int) -> list[asyncpg.Record]:
    """By id, those after ``after``."""
    return await store.pool.fetch(f"{SELECT} WHERE g.id > $1 ORDER BY g.id LIMIT $2", after, limit)


async def get(store: Store, group: int) -> asyncpg.Record:
    """One group with its members; raises ``MissingError``."""
    return found(await store.pool.fetchrow(f"{SELECT} WHERE g.id = $1", group), "group", group)


async def add(change: Edit, name: str, wearers: Sequence[int]) -> asyncpg.Record:
    """Create one.

    Raises
    ------
    DanglingError, ConflictError
        If a wearer does not exist; if the name is taken.
    """
    try:
        number = await change.connection.fetchval("INSERT INTO wearer_group (name) VALUES ($1) RETURNING id", name)
    except asyncpg.UniqueViolationError:
        raise _taken(name) from None
    return await _with(change, number, wearers, "created")


async def edit(change: Edit, group: int, version: int, name: str | None, wearers: Sequence[int] | None) -> asyncpg.Record:
    """Rename, or replace the members, where given.

    Raises
    ------
    MissingError, StaleError, DanglingError, ConflictError
    """
    await locked(change, group, version)
    try:
        await change.connection.execute(
            "UPDATE wearer_group SET name = coalesce($2, name), version = version + 1 WHERE id = $1", group, name
        )
    except asyncpg.UniqueViolationError:
        raise _taken(str(name)) from None
    if wearers is not None:
        # A curfew that is saved meanwhile waits for the zone: it finds its home there, or not.
        zones = await change.connection.fetch(
            """SELECT id FROM zone WHERE id IN (SELECT zone FROM zone_version WHERE applies_group = $1
                   AND in_force_to = timestamptz '9999-01-01 00:00:00+00') ORDER BY id FOR UPDATE""",
            group,
        )
        await change.connection.execute("DELETE FROM wearer_group_member WHERE wearer_group = $1", group)
    row = await _with(change, group, wearers or (), "edited")
    if wearers is not None:
        for zone in zones:
            await homes.keep(change.connection, zone["id"])
    return row


async def locked(change: Edit, group: int, version: int) -> None:
    """Let nobody else change a group until this transaction ends.

    Raises
    ------
    MissingError, StaleError
    """
    row = await change.connection.fetchrow("SELECT version FROM wearer_group WHERE id = $1 FOR UPDATE", group)
    unchanged(row, "group", group, version)


async def _with(change: Edit, group: int, wearers: Sequence[int], what: str) -> asyncpg.Record:
    absent = await change.connection.fetchval(
        "SELECT g FROM unnest($1::bigint[]) g WHERE NOT EXISTS (SELECT 1 FROM wearer w WHERE w.id = g) LIMIT 1", wearers
    )
    if absent is not None:
        raise DanglingError("wearers", "wearer", absent)
    await change.connection.execute(
        "INSERT INTO wearer_group_member SELECT $1, g FROM unnest($2::bigint[]) g ON CONFLICT DO NOTHING", group, wearers
    )
    row = await change.connection.fetchrow(f"{SELECT} WHERE g.id = $1", group)
    assert row is not None
    change.entry("control", group, "group")
    audit.done(change, what, f"group/{group}", version=row["version"], wearers=row["wearers"])
    return row


def _taken(name: str) -> ConflictError:
    return ConflictError(f"there is a group named {name} already: choose another name")
