"""Until transactions wait for each other: what makes a race come out the same way every time."""

import asyncio

from store.pool import Store


async def waiting(store: Store, count: int = 1) -> None:
    """Until so many transactions of this database wait for a lock of another's."""
    while True:
        found: int = await store.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        if found >= count:
            return
        await asyncio.sleep(0.01)
