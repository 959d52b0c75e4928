"""Wearers as rows: as little personal data as the job needs."""

from typing import Any

import asyncpg

from store import audit, curfews
from store.feed import Edit
from store.pool import Store
from store.refusal import MissingError, StaleError, found

COLUMNS = "id, name, details, version, created_at"


async def page(store: Store, *, name: str | None, after: int, limit: int) -> list[asyncpg.Record]:
    """By id, those after ``after``; ``name`` is part of the name, in any case."""
    return await store.pool.fetch(
        f"""SELECT {COLUMNS} FROM wearer
            WHERE id > $1 AND ($2::text IS NULL OR strpos(lower(name), lower($2)) > 0) ORDER BY id LIMIT $3""",  # noqa: S608
        after,
        name,
        limit,
    )


async def get(store: Store, wearer: int) -> asyncpg.Record:
    """One wearer; raises ``MissingError``."""
    return found(await store.pool.fetchrow(f"SELECT {COLUMNS} FROM wearer WHERE id = $1", wearer), "wearer", wearer)  # noqa: S608


async def add(change: Edit, name: str, details: dict[str, Any]) -> asyncpg.Record:
    """Create one."""
    row = await change.connection.fetchrow(
        f"INSERT INTO wearer (name, details) VALUES ($1, $2) RETURNING {COLUMNS}",  # noqa: S608
        name,
        details,
    )
    assert row is not None
    audit.done(change, "created", f"wearer/{row['id']}")
    return row


async def locked(change: Edit, wearer: int, version: int) -> asyncpg.Record:
    """One wearer that nobody changes until this transaction ends.

    Raises
    ------
    MissingError, StaleError
        If there is no such wearer, or not in this version.
    """
    row = await change.connection.fetchrow(
        f"SELECT {COLUMNS} FROM wearer WHERE id = $1 AND version = $2 FOR UPDATE",  # noqa: S608
        wearer,
        version,
    )
    if row is None:
        await _missing_or_stale(change, wearer)
    assert row is not None
    return row


async def edit(change: Edit, wearer: int, version: int, name: str | None, details: dict[str, Any]) -> asyncpg.Record:
    """Change the name, where given, and the details given.

    Raises
    ------
    MissingError, StaleError
        If there is no such wearer, or not in this version.
    """
    row = await change.connection.fetchrow(
        f"""UPDATE wearer SET name = coalesce($3, name), details = details || $4, version = version + 1
            WHERE id = $1 AND version = $2 RETURNING {COLUMNS}""",  # noqa: S608
        wearer,
        version,
        name,
        details,
    )
    if row is None:
        await _missing_or_stale(change, wearer)
    assert row is not None
    if "risk" in details:
        change.entry("control", wearer, "wearer")
        await curfews.follow_wearer(change, wearer)  # how grave an absence is depends on it
    changed = sorted([*details, *(["name"] if name else [])])
    audit.done(change, "edited", f"wearer/{wearer}", version=row["version"], fields=changed)
    return row


async def _missing_or_stale(change: Edit, wearer: int) -> None:
    if await change.connection.fetchval("SELECT 1 FROM wearer WHERE id = $1", wearer) is None:
        raise MissingError("wearer", wearer)
    raise StaleError("wearer", wearer)
