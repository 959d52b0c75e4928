"""Turns dead letters into a list that people work off: poison kept with its bytes and the reason."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from model.batch import DeadLetter
from store import audit
from store.feed import Edit
from store.pool import Record, Store
from store.refusal import ConflictError, found

SELECT: Final = "SELECT id, received_at, reason, body, protocol, gateway, replayed_at, settled_as FROM dead_letter"


class Settled(StrEnum):
    """What became of a letter."""

    REPLAYED = "replayed"
    DISCARDED = "discarded"


class Kept(NamedTuple):
    """A dead letter as kept."""

    id: int
    received_us: int
    letter: DeadLetter
    settled_us: int | None
    settled_as: str | None


async def listed(store: Store, *, before: int | None = None, limit: int = 100) -> Sequence[Kept]:
    """The newest dead letters first; ``before`` an id, to go on."""
    rows = await store.pool.fetch(
        f"{SELECT} WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2",
        before,
        limit,
    )
    return [_kept(row) for row in rows]


async def get(store: Store, letter: int) -> Kept:
    """One letter with its bytes; raises ``MissingError``."""
    row = found(await store.pool.fetchrow(f"{SELECT} WHERE id = $1", letter), "dead letter", letter)
    return _kept(row)


async def count(store: Store) -> int:
    """How many wait for somebody: those settled are left out."""
    found: int = await store.pool.fetchval("SELECT count(*) FROM dead_letter WHERE replayed_at IS NULL")
    return found


async def locked(change: Edit, letter: int) -> Kept:
    """A letter that waits, nobody else's until the transaction ends.

    Raises
    ------
    MissingError, ConflictError
        If there is no such letter; if it was settled before.
    """
    row = found(await change.connection.fetchrow(f"{SELECT} WHERE id = $1 FOR UPDATE", letter), "dead letter", letter)
    if row["settled_as"] is not None:
        raise ConflictError(f"dead letter {letter} was {row['settled_as']} before")
    return _kept(row)


async def settle(change: Edit, letter: int, settled: Settled, **details: Any) -> None:
    """Say what became of a letter, in the transaction that has it ``locked``; its bytes stay for a while."""
    await change.connection.execute(
        "UPDATE dead_letter SET replayed_at = now(), settled_as = $2 WHERE id = $1", letter, settled.value
    )
    audit.done(change, settled.value, f"dead/{letter}", **details)


def _kept(row: Record) -> Kept:
    return Kept(row["id"], row["received_at"], DeadLetter(*tuple(row)[2:6]), row["replayed_at"], row["settled_as"])


async def add(store: Store, letters: Sequence[DeadLetter]) -> None:
    """Keep letters that came without any good record, such as a frame that cannot be read at all."""
    await store.pool.executemany(
        "INSERT INTO dead_letter (gateway, protocol, reason, body) VALUES ($1, $2, $3, $4)",
        [(letter.gateway, letter.protocol, letter.reason, letter.body) for letter in letters],
    )
