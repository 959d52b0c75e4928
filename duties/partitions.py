"""Keeps tomorrow's tables ahead of tomorrow: the days around now have their partitions before any fix of theirs arrives."""

from typing import Final

from store import partitions
from store.pool import Store

BEHIND: Final = 1  # days: yesterday's data is still coming at midnight
AHEAD: Final = 7  # days: duties may be down for a week before a commit has to make a day itself
EVERY_S: Final = 3600.0


async def keep(store: Store, now_us: int) -> int:
    """Have the days around an instant; returns how many were missing."""
    today = partitions.day_of(now_us)
    return await partitions.ensure(store, range(today - BEHIND, today + AHEAD + 1))
