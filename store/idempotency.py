"""The answer a create gave, kept in the transaction that created: asked twice with one key, it is done once."""

from typing import Any, NamedTuple

from store.feed import Edit
from store.pool import Store
from store.refusal import ReusedKeyError


class Kept(NamedTuple):
    """An answer given earlier."""

    status: int
    body: bytes
    headers: dict[str, Any]


async def find(change: Edit, key: str, request: bytes) -> Kept | None:
    """The answer given to this account's key, or None; a second request with the key waits here until the first has committed.

    Parameters
    ----------
    request : SHA-256 of method, path and body

    Raises
    ------
    ReusedKeyError
        If the key came with another request.
    """
    await change.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{change.actor} {key}")
    row = await change.connection.fetchrow(
        "SELECT request, status, response, headers FROM idempotency WHERE account = $1 AND key = $2", change.actor, key
    )
    if row is None:
        return None
    if row["request"] != request:
        raise ReusedKeyError
    return Kept(row["status"], row["response"], row["headers"])


async def keep(change: Edit, key: str, request: bytes, answer: Kept) -> None:
    """Remember the answer given to a key."""
    await change.connection.execute(
        "INSERT INTO idempotency (account, key, request, status, response, headers) VALUES ($1, $2, $3, $4, $5, $6)",
        change.actor,
        key,
        request,
        answer.status,
        answer.body,
        answer.headers,
    )


async def forget(store: Store, older_than_s: float = 48 * 3600) -> int:
    """Drop keys older than that many seconds; how many."""
    done: str = await store.pool.execute("DELETE FROM idempotency WHERE at < now() - make_interval(secs => $1)", older_than_s)
    return int(done.rpartition(" ")[2])
