"""Turns the settings table into which topics are produced to and which are consumed: one generation, or two while lanes move.

A generation is a pair of topics and their number of lanes. It never changes; another number of lanes is a new generation. Edges
produce to the newest one, workers consume the newest one that the lanes have moved to.
"""

from typing import Final, NamedTuple

from store.pool import Connection, Record, Store

NAME: Final = "topics"  # of the setting; its version is the generation


class Generation(NamedTuple):
    """One pair of topics. ``moved``: the lanes' state is there, and workers consume it."""

    number: int
    lanes: int
    moved: bool


async def first(store: Store, lanes: int) -> Generation:
    """The newest generation; generation 1 with so many lanes where there is none yet."""
    await store.pool.execute(
        "INSERT INTO setting (name, version, value) VALUES ($1, 1, $2) ON CONFLICT DO NOTHING",
        NAME,
        {"lanes": lanes, "moved": True},
    )
    newest = await produced(store)
    assert newest is not None
    return newest


async def produced(store: Store) -> Generation | None:
    """What edges produce to; None before any edge or worker was started."""
    return _generation(await store.pool.fetchrow(f"{_SELECT} ORDER BY version DESC LIMIT 1", NAME))


async def consumed(store: Store) -> Generation | None:
    """What workers consume; None before any edge or worker was started."""
    return _generation(await store.pool.fetchrow(_CONSUMED, NAME))


async def lanes(connection: Connection) -> int:
    """How many lanes there are to consume; 0 where there are no topics."""
    found = _generation(await connection.fetchrow(_CONSUMED, NAME))
    return found.lanes if found else 0


async def begin(store: Store, number: int, lanes: int) -> None:
    """Have edges produce to another generation from now on; without effect where they do."""
    await store.pool.execute(
        "INSERT INTO setting (name, version, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        NAME,
        number,
        {"lanes": lanes, "moved": False},
    )


async def moved(connection: Connection, number: int) -> None:
    """Say, within the transaction that moves them, that the lanes are there."""
    await connection.execute(
        """UPDATE setting SET value = value || '{"moved": true}' WHERE name = $1 AND version = $2""", NAME, number
    )


_SELECT: Final = "SELECT version, value FROM setting WHERE name = $1"
_CONSUMED: Final = f"{_SELECT} AND (value->>'moved')::boolean ORDER BY version DESC LIMIT 1"


def _generation(row: Record | None) -> Generation | None:
    return None if row is None else Generation(row["version"], row["value"]["lanes"], row["value"]["moved"])
