"""Turns the alerts of an instance made for a replay into rows for its report."""

from collections.abc import Sequence

import asyncpg

from store.pool import Store


async def alerts(store: Store) -> Sequence[asyncpg.Record]:
    """All alerts, by when they happened, then tag and zone."""
    return await store.pool.fetch(
        """
        SELECT alert.*, wearer.name AS wearer_name, cause.kind AS held_under_kind
        FROM alert JOIN wearer ON wearer.id = alert.wearer LEFT JOIN alert AS cause ON cause.id = alert.held_under
        ORDER BY alert.event_at, alert.tag, alert.zone, alert.family
        """
    )
