"""What was imported from a file, by the name it has there: kept in the transaction that created it, so that again means once."""

import asyncpg

from store.feed import Edit
from store.pool import Store
from store.refusal import ConflictError


async def find(change: Edit, source: str, ref: str, request: bytes) -> int | None:
    """The id of what was created for a file's ref, or None; a second import of it waits here until the first has committed.

    Parameters
    ----------
    request : SHA-256 of method, path and body

    Raises
    ------
    ConflictError
        If the ref was imported with other content.
    """
    await change.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", f"{source}\n{ref}")
    row = await change.connection.fetchrow("SELECT request, resource FROM imported WHERE source = $1 AND ref = $2", source, ref)
    if row is None:
        return None
    if row["request"] != request:
        raise ConflictError(
            f"{ref} of {source} was imported before with other content, as {row['resource']}: "
            "change it there, or give it another ref"
        )
    number: int = row["resource"]
    return number


async def keep(change: Edit, source: str, ref: str, request: bytes, resource: int) -> None:
    """Remember what was created for a file's ref."""
    await change.connection.execute(
        "INSERT INTO imported (source, ref, request, resource, account) VALUES ($1, $2, $3, $4, $5)",
        source,
        ref,
        request,
        resource,
        change.actor,
    )


async def page(store: Store, source: str, after: str, limit: int) -> list[asyncpg.Record]:
    """A file's refs in their order, those after ``after``."""
    return await store.pool.fetch(
        "SELECT ref, request, resource, at FROM imported WHERE source = $1 AND ref > $2 ORDER BY ref LIMIT $3",
        source,
        after,
        limit,
    )
