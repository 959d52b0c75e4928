"""Turns dead letters into a list that people work off: poison kept with its bytes and the reason."""

from collections.abc import Sequence
from typing import NamedTuple

from model.batch import DeadLetter
from store.pool import Store


class Kept(NamedTuple):
    """A dead letter as kept."""

    id: int
    received_us: int
    letter: DeadLetter
    replayed_us: int | None


async def listed(store: Store, *, before: int | None = None, limit: int = 100) -> Sequence[Kept]:
    """The newest dead letters first; ``before`` an id, to go on."""
    rows = await store.pool.fetch(
        """
        SELECT id, received_at, reason, body, protocol, gateway, replayed_at FROM dead_letter
        WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2
        """,
        before,
        limit,
    )
    return [Kept(row[0], row[1], DeadLetter(*row[2:6]), row[6]) for row in map(tuple, rows)]


async def count(store: Store) -> int:
    """How many wait for somebody: those replayed are left out."""
    found: int = await store.pool.fetchval("SELECT count(*) FROM dead_letter WHERE replayed_at IS NULL")
    return found


async def add(store: Store, letters: Sequence[DeadLetter]) -> None:
    """Keep letters that came without any good record, such as a frame that cannot be read at all."""
    await store.pool.executemany(
        "INSERT INTO dead_letter (gateway, protocol, reason, body) VALUES ($1, $2, $3, $4)",
        [(letter.gateway, letter.protocol, letter.reason, letter.body) for letter in letters],
    )
