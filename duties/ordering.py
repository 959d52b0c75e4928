"""Puts the days that are over into the order they are read in: a wearer's month is then hundreds of pages, not 43,000."""

from collections.abc import Mapping
from typing import Final

from store import partitions, rewriting
from store.pool import Store

OVER: Final = 2  # days after a day's end: most of what gateways held back has come by then
EVERY_S: Final = 3600.0
MOST: Final = 8  # tables a round, four days: after a long absence the rounds still end, and are seen to


async def order(store: Store, now_us: int) -> Mapping[str, int]:
    """Order days that have been over for long enough, oldest first; how many tables, and how many found no quiet moment yet."""
    done = {"ordered": 0, "put_off": 0}
    for day in (await rewriting.unordered(store, partitions.day_of(now_us) - OVER))[:MOST]:
        done["ordered" if await rewriting.rewrite(store, day) else "put_off"] += 1
    return {what: days for what, days in done.items() if days}
