"""Turns a name into the right to be the only one at something, for as long as a connection lives."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from store.pool import Store

SPACE: Final = 0x4455  # "DU": the first half of our advisory locks' keys, so that names collide with no others


@asynccontextmanager
async def alone(store: Store, name: str) -> AsyncIterator[bool]:
    """Whether nobody else is at it; if so, nobody else will be until the end.

    The right goes with its connection: where the server ends meanwhile, another may begin while the body still runs. What must
    hold even then needs a fence of its own.
    """
    async with store.pool.acquire() as connection:
        free: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1, hashtext($2))", SPACE, name)
        try:
            yield free
        finally:
            if free and not connection.is_closed():
                await connection.execute("SELECT pg_advisory_unlock($1, hashtext($2))", SPACE, name)
