"""Orders as rows: the authority to monitor. Every change of one is a control change, because nothing is judged without it."""

from typing import Any, Final

import asyncpg

from store import audit, curfews
from store.feed import Edit
from store.pool import Store
from store.refusal import ConflictError, DanglingError, MissingError, StaleError

COLUMNS: Final = "id, wearer, officer, type, status, timezone, risk, starts, ends, version, created_at"

# What a client may set, in the order of the statements' parameters.
FIELDS: Final = ("wearer", "officer", "type", "status", "timezone", "risk", "starts", "ends")


async def page(store: Store, *, wearer: int | None, status: str | None, after: int, limit: int) -> list[asyncpg.Record]:
    """By id, those after ``after``."""
    return await store.pool.fetch(
        f"""SELECT {COLUMNS} FROM monitoring_order
            WHERE id > $1 AND ($2::bigint IS NULL OR wearer = $2) AND ($3::text IS NULL OR status = $3)
            ORDER BY id LIMIT $4""",  # noqa: S608
        after,
        wearer,
        status,
        limit,
    )


async def get(store: Store, order: int) -> asyncpg.Record:
    """One order; raises ``MissingError``."""
    row = await store.pool.fetchrow(f"SELECT {COLUMNS} FROM monitoring_order WHERE id = $1", order)  # noqa: S608
    if row is None:
        raise MissingError("order", order)
    return row


async def add(change: Edit, fields: dict[str, Any]) -> asyncpg.Record:
    """Create one from all of ``FIELDS``.

    Raises
    ------
    DanglingError, ConflictError
        If wearer or officer do not exist; if it would end before it starts.
    """
    _check_span(fields)
    try:
        row = await change.connection.fetchrow(
            f"""INSERT INTO monitoring_order ({", ".join(FIELDS)})
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {COLUMNS}""",  # noqa: S608
            *(fields[name] for name in FIELDS),
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise _dangling(error, fields) from None
    assert row is not None
    change.entry("control", row["id"], "order")
    audit.done(change, "created", f"order/{row['id']}")
    return row


async def edit(change: Edit, order: int, version: int, fields: dict[str, Any]) -> asyncpg.Record:
    """Change some of ``FIELDS``.

    Raises
    ------
    MissingError, StaleError, DanglingError, ConflictError
    """
    known = await change.connection.fetchrow(
        f"SELECT {COLUMNS} FROM monitoring_order WHERE id = $1 FOR UPDATE",  # noqa: S608
        order,
    )
    if known is None:
        raise MissingError("order", order)
    if known["version"] != version:
        raise StaleError("order", order)
    whole = {name: fields.get(name, known[name]) for name in FIELDS}
    if whole["wearer"] != known["wearer"]:
        raise ConflictError(f"order {order} is another wearer's: end it and create one for this wearer")
    _check_span(whole)
    try:
        row = await change.connection.fetchrow(
            f"""UPDATE monitoring_order SET wearer = $2, officer = $3, type = $4, status = $5, timezone = $6, risk = $7,
                       starts = $8, ends = $9, version = version + 1
                WHERE id = $1 RETURNING {COLUMNS}""",  # noqa: S608
            order,
            *(whole[name] for name in FIELDS),
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise _dangling(error, whole) from None
    assert row is not None
    entry = change.entry("control", order, "order")
    if row["timezone"] != known["timezone"]:
        await curfews.follow(change, order)
    audit.done(change, "edited", f"order/{order}", entry, version=row["version"], fields=sorted(fields), status=row["status"])
    return row


def _check_span(fields: dict[str, Any]) -> None:
    if fields["ends"] is not None and fields["ends"] <= fields["starts"]:
        raise ConflictError("the order would end before it starts: correct starts or ends")


def _dangling(error: asyncpg.ForeignKeyViolationError, fields: dict[str, Any]) -> DanglingError:
    if "officer" in str(error.constraint_name):
        return DanglingError("officer", "account", fields["officer"])
    return DanglingError("wearer", "wearer", fields["wearer"])
