"""Turns the rounds of background duties into rows, so that everyone sees that they are done, whichever instance does them."""

from collections.abc import Sequence
from typing import NamedTuple

from store.pool import Connection, Store


class Rounds(NamedTuple):
    """A duty's last rounds, by the database's clock."""

    name: str
    every_s: float
    done_us: int | None
    failing_since_us: int | None
    error: str


async def begin(store: Store, names: Sequence[str]) -> None:
    """Forget duties that are no longer done by anyone."""
    await store.pool.execute("DELETE FROM duty WHERE name <> ALL ($1::text[])", names)


async def done(store: Store, name: str, every_s: float) -> None:
    """A round succeeded."""
    await store.pool.execute(
        """INSERT INTO duty (name, every_s, done_at) VALUES ($1, $2, clock_timestamp())
           ON CONFLICT (name) DO UPDATE SET every_s = $2, done_at = excluded.done_at, failing_since = NULL, error = ''""",
        name,
        every_s,
    )


async def failed(store: Store, name: str, every_s: float, error: str) -> None:
    """A round failed."""
    await store.pool.execute(
        """INSERT INTO duty (name, every_s, failing_since, error) VALUES ($1, $2, clock_timestamp(), $3)
           ON CONFLICT (name) DO UPDATE SET every_s = $2, failing_since = COALESCE(duty.failing_since, excluded.failing_since),
               error = $3""",
        *(name, every_s, error),
    )


async def listed(connection: Connection) -> list[Rounds]:
    """All duties, by name."""
    return [
        Rounds(*row)
        for row in await connection.fetch("SELECT name, every_s, done_at, failing_since, error FROM duty ORDER BY name")
    ]
