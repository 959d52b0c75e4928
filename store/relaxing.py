"""A change of a curfew and its newest version become in what it relaxes the curfew; who decides that is store/waiting.py's."""

import time
from typing import Any
from zoneinfo import ZoneInfo

from model import timetable
from model.instant import from_us
from model.relaxing import given_up
from model.timetable import Timetable
from store import curfews, settings
from store.feed import Edit
from store.pool import Connection


async def needs_second(connection: Connection, curfew: int) -> bool:
    """Whether what relaxes a curfew needs a second person, by its order's type."""
    return bool(await settings.said(connection, await curfews.type_of(connection, curfew), "second_person.curfews"))


async def relaxes(change: Edit, curfew: int, version: int, fields: dict[str, Any] | None) -> str | None:
    """In what a change relaxes a curfew, that nobody else changes from here on, one sentence, or None.

    Parameters
    ----------
    fields : as for ``curfews.edit``; None: it would end

    Raises
    ------
    MissingError, StaleError, ConflictError
    """
    row = await curfews.newest(change, curfew, version)
    if fields is None:
        return "The curfew would end."
    if fields.get("home", row["home"]) != row["home"]:
        return f"Home would be zone {fields['home']}, no longer {row['home']}."
    if fields.get("grace_min", 0) > row["grace_min"]:
        return f"The grace would be {fields['grace_min']} minutes, no longer {row['grace_min']}."
    old = timetable.parse(row["timetable"], row["timezone"])
    new = timetable.parse(row["timetable"] | fields.get("timetable", {}), row["timezone"])
    if not isinstance(old, Timetable) or not isinstance(new, Timetable):
        return None  # refused when it is saved
    lost = given_up(old, new, time.time_ns() // 1000)
    if lost is None:
        return None
    start, end = (from_us(us).astimezone(ZoneInfo(row["timezone"])) for us in lost)
    return f"From {start:%a %d %B %Y %H:%M} to {end:%a %d %B %H:%M} ({row['timezone']}) nothing would be asked any more."
