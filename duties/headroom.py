"""Measures how long the disk will do, and keeps it where the watch, the numbers and the screens find it."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from duties.retention import SLACK
from store import headroom, partitions
from store.pool import Store

EVERY_S: Final = 300.0


async def measure(store: Store, now_us: int, disk: Path | None, storage_bytes: int, days: int) -> Mapping[str, object] | None:
    """Measure once; what is worth a line where it is low.

    Parameters
    ----------
    disk : folder of the server where it is on this machine; None: it is elsewhere
    storage_bytes : what a database elsewhere may take
    days : how long fixes are kept
    """
    free_bytes = shutil.disk_usage(disk).free if disk is not None else storage_bytes - await headroom.used_bytes(store)
    found = headroom.project(max(free_bytes, 0), await headroom.growth(store, partitions.day_of(now_us)), days + SLACK)
    await headroom.keep(store, found)
    return {"days_left": found.days_left, "free_bytes": found.free_bytes} if found.low else None
