"""Turns the world of an instance made for a replay into one recorded as it was done, and its alerts into rows for a report."""

from collections.abc import Sequence

import asyncpg

from store.pool import Store


async def backdate(store: Store) -> None:
    """Have every fitting recorded when it was done: of what is loaded here nothing was told later."""
    await store.pool.execute("UPDATE activation SET created_at = fitted_from")


async def alerts(store: Store) -> Sequence[asyncpg.Record]:
    """All alerts, by when they happened, then tag and zone; what an outage held to the end of a silence is told as held."""
    return await store.pool.fetch(
        """
        SELECT alert.*, wearer.name AS wearer_name, cause.kind AS held_under_kind,
            ARRAY(SELECT DISTINCT tag FROM outage_tag JOIN outage ON outage.id = outage
                  WHERE outage.alert = alert.id ORDER BY tag) AS listed
        FROM alert LEFT JOIN wearer ON wearer.id = alert.wearer
            LEFT JOIN LATERAL (
                SELECT outage.alert FROM outage_hold h JOIN outage ON outage.id = h.outage
                    JOIN outage_tag t ON t.outage = outage.id AND t.tag = alert.tag
                WHERE h.alert = alert.id AND (h.released_at IS NULL OR t.back_at <= outage.settled_at)
                ORDER BY h.held_at DESC LIMIT 1) AS outage ON true
            LEFT JOIN alert AS cause ON cause.id = coalesce(alert.held_under, outage.alert)
        WHERE coalesce(alert.wearer > 0, true)
        ORDER BY alert.event_at, alert.tag, alert.zone, alert.family
        """
    )
