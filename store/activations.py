"""Activations as rows: which wearer wore which tag, from when to when. Every change of one is a control change."""

from typing import Any, Final

import asyncpg

from store import audit
from store.feed import Edit
from store.pool import Store
from store.refusal import ConflictError, DanglingError, found, unchanged

SELECT: Final = """SELECT a.id, a.wearer, w.name AS wearer_name, a.tag, a.fitted_from, a.fitted_to, a.version, a.created_at
                   FROM activation a JOIN wearer w ON w.id = a.wearer"""


async def page(
    store: Store, *, wearer: int | None, tag: int | None, open_only: bool, after: int, limit: int
) -> list[asyncpg.Record]:
    """By id, those after ``after``; ``open_only``: those without an end."""
    return await store.pool.fetch(
        f"""{SELECT} WHERE a.id > $1 AND ($2::bigint IS NULL OR a.wearer = $2) AND ($3::bigint IS NULL OR a.tag = $3)
                       AND (NOT $4 OR a.fitted_to IS NULL) ORDER BY a.id LIMIT $5""",
        after,
        wearer,
        tag,
        open_only,
        limit,
    )


async def worn(store: Store) -> set[int]:
    """Every tag that anyone ever wore, synthetic wearers aside."""
    return {row["tag"] for row in await store.pool.fetch("SELECT DISTINCT tag FROM activation WHERE id > 0")}


async def get(store: Store, activation: int) -> asyncpg.Record:
    """One activation; raises ``MissingError``."""
    return found(await store.pool.fetchrow(f"{SELECT} WHERE a.id = $1", activation), "activation", activation)


async def add(change: Edit, wearer: int, tag: int, from_us: int, to_us: int | None) -> asyncpg.Record:
    """Fit a tag. Half-open ``[from, to)``, microseconds.

    Raises
    ------
    DanglingError, ConflictError
        If there is no such wearer; if somebody wore the tag in that time.
    """
    return await _write(
        change,
        "INSERT INTO activation (wearer, tag, fitted_from, fitted_to) VALUES ($1, $2, $3, $4) RETURNING id",
        (wearer, tag, from_us, to_us),
        "created",
    )


async def edit(change: Edit, activation: int, version: int, fields: dict[str, Any]) -> asyncpg.Record:
    """Change ``fitted_from`` or ``fitted_to``, where given.

    Raises
    ------
    MissingError, StaleError, ConflictError
    """
    row = await change.connection.fetchrow(f"{SELECT} WHERE a.id = $1 FOR UPDATE OF a", activation)
    known = unchanged(row, "activation", activation, version)
    return await _write(
        change,
        """UPDATE activation SET wearer = $1, tag = $2, fitted_from = $3, fitted_to = $4, version = version + 1
           WHERE id = $5 RETURNING id""",
        (
            known["wearer"],
            known["tag"],
            fields.get("fitted_from", known["fitted_from"]),
            fields.get("fitted_to", known["fitted_to"]),
            activation,
        ),
        "edited",
    )


async def _write(change: Edit, sql: str, values: tuple[Any, ...], what: str) -> asyncpg.Record:
    wearer, tag, from_us, to_us = values[:4]
    if to_us is not None and to_us <= from_us:
        raise ConflictError("the tag would come off before it was fitted: correct from or to")
    try:
        number = await change.connection.fetchval(sql, *values)
    except asyncpg.ForeignKeyViolationError:
        raise DanglingError("wearer", "wearer", wearer) from None
    except asyncpg.ExclusionViolationError:
        raise ConflictError(f"tag {tag} was fitted to somebody in that time: end that activation first") from None
    row = await change.connection.fetchrow(f"{SELECT} WHERE a.id = $1", number)
    assert row is not None
    change.entry("control", number, "activation")
    audit.done(change, what, f"activation/{number}", tag=tag, version=row["version"])
    return row
