"""Cover as rows: who answers for an officer's caseload between two dates. The orders stay the officer's."""

from typing import Any, Final

import asyncpg

from store import audit
from store.feed import Edit
from store.pool import Store
from store.refusal import ConflictError, DanglingError, found, unchanged

FIELDS: Final = ("officer", "covered_by", "starts", "until", "reason")

VIEW: Final = """
SELECT c.*, o.name AS officer_name, b.name AS covered_by_name,
       c.starts <= clock_timestamp() AND c.until > clock_timestamp() AS in_force
FROM cover c JOIN account o ON o.id = c.officer JOIN account b ON b.id = c.covered_by"""


async def page(store: Store, *, officer: int | None, after: int, limit: int) -> list[asyncpg.Record]:
    """By id, those after ``after``; of one officer both what covers them and what they cover."""
    return await store.pool.fetch(
        f"{VIEW} WHERE c.id > $1 AND ($2::bigint IS NULL OR $2 IN (c.officer, c.covered_by)) ORDER BY c.id LIMIT $3",
        after,
        officer,
        limit,
    )


async def get(store: Store, cover: int) -> asyncpg.Record:
    """One cover; raises ``MissingError``."""
    return found(await store.pool.fetchrow(f"{VIEW} WHERE c.id = $1", cover), "cover", cover)


async def add(change: Edit, fields: dict[str, Any]) -> asyncpg.Record:
    """Create one from all of ``FIELDS``.

    Raises
    ------
    DanglingError, ConflictError
        If somebody does not exist, or cannot answer; if another covers them then.
    """
    await _check(change, fields)
    try:
        number: int = await change.connection.fetchval(
            f"INSERT INTO cover ({', '.join(FIELDS)}) VALUES ($1, $2, $3, $4, $5) RETURNING id",  # noqa: S608
            *(fields[name] for name in FIELDS),
        )
    except asyncpg.ExclusionViolationError:
        raise _taken(fields) from None
    except asyncpg.ForeignKeyViolationError:
        raise DanglingError("officer", "account", fields["officer"]) from None
    change.entry("cover", number, "created")
    audit.done(change, "created", f"cover/{number}", **_said(fields))
    return await _read(change, number)


async def edit(change: Edit, known: asyncpg.Record, fields: dict[str, Any]) -> asyncpg.Record:
    """Change some of ``FIELDS`` of a locked one, but whose it is.

    Raises
    ------
    DanglingError, ConflictError
    """
    whole = {name: fields.get(name, known[name]) for name in FIELDS}
    await _check(change, whole)
    try:
        await change.connection.execute(
            "UPDATE cover SET covered_by = $2, starts = $3, until = $4, reason = $5, version = version + 1 WHERE id = $1",
            known["id"],
            *(whole[name] for name in FIELDS[1:]),
        )
    except asyncpg.ExclusionViolationError:
        raise _taken(whole) from None
    change.entry("cover", known["id"], "edited")
    audit.done(change, "edited", f"cover/{known['id']}", **_said(whole))
    return await _read(change, known["id"])


async def locked(change: Edit, cover: int, version: int) -> asyncpg.Record:
    """One that nobody changes until this transaction ends; raises ``MissingError``, ``StaleError``."""
    row = await change.connection.fetchrow("SELECT * FROM cover WHERE id = $1 FOR UPDATE", cover)
    return unchanged(row, "cover", cover, version)


async def _check(change: Edit, fields: dict[str, Any]) -> None:
    if fields["until"] <= fields["starts"]:
        raise ConflictError("the cover would end before it starts: correct from or until")
    if fields["officer"] == fields["covered_by"]:
        raise ConflictError("nobody covers themselves: name a colleague")
    active = await change.connection.fetchval("SELECT active FROM account WHERE id = $1", fields["covered_by"])
    if not active:
        raise DanglingError("covered_by", "active account", fields["covered_by"])


def _taken(fields: dict[str, Any]) -> ConflictError:
    return ConflictError(f"somebody covers account {fields['officer']} then already: end that first, or choose other dates")


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    told = {name: fields[name] for name in ("officer", "covered_by")}
    return told | {"starts_us": fields["starts"], "until_us": fields["until"]}


async def _read(change: Edit, cover: int) -> asyncpg.Record:
    row = await change.connection.fetchrow(f"{VIEW} WHERE c.id = $1", cover)
    assert row is not None
    return row
