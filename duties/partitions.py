"""Keeps tomorrow's tables ahead of tomorrow: the days around now have their partitions before any fix of theirs arrives."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from store import partitions
from store.pool import FAILURES, Store

BEHIND: Final = 1  # days: yesterday's data is still coming at midnight
AHEAD: Final = 7  # days: duties may be down for a week before a commit has to make a day itself
EVERY_S: Final = 3600.0
RETRY_S: Final = 10.0

log = structlog.get_logger()


async def keep(store: Store, now_us: int) -> int:
    """Have the days around an instant; returns how many were missing."""
    today = partitions.day_of(now_us)
    return await partitions.ensure(store, range(today - BEHIND, today + AHEAD + 1))


async def run(store: Store, clock_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
    """Keep doing so until cancelled; a failure is said and tried again, for commits make a missing day themselves."""
    while True:
        try:
            made = await keep(store, clock_us())
            if made:
                log.info("partitions made", days=made)
            await asyncio.sleep(EVERY_S)
        except FAILURES as error:
            log.warning("partitions could not be made; trying again", error=type(error).__name__)
            await asyncio.sleep(RETRY_S)
