"""Turns the alerts of an instance made for a replay into rows for its report."""

from collections.abc import Sequence

import asyncpg

from store.pool import Store


async def alerts(store: Store) -> Sequence[asyncpg.Record]:
    """All alerts, by when they happened, then tag and zone."""
    return await store.pool.fetch(
        """
        SELECT alert.*, wearer.name AS wearer_name FROM alert JOIN wearer ON wearer.id = alert.wearer
        ORDER BY event_at, tag, zone, family
        """
    )
