"""Compliance: what a wearer was asked, and what is known of whether they did it, as a timeline."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Query

from alerts.compliance import AFTER_US, BEFORE_US, EVENTS_BEFORE_US
from api import compliance as shape
from api.caller import needs
from api.compliance import Compliance
from api.fields import Id, InstantIn, now_us
from api.parts import PartsDep
from api.problem import invalid
from api.refusals import READING
from api.roles import May
from api.token import Caller
from model.instant import DAY_US
from store import audit
from store import compliance as stored

router = APIRouter(prefix="/compliance", tags=["compliance"])

DAYS_MOST: Final = 31


@router.get("/{wearer}", summary="What a wearer was asked, and what is known of whether they did it", responses=READING)
async def timeline(
    parts: PartsDep,
    caller: Annotated[Caller, needs(May.SEE_FIXES)],
    wearer: Id,
    since: Annotated[InstantIn | None, Query(alias="from", description="default a day before `to`")] = None,
    until: Annotated[InstantIn | None, Query(alias="to", description="default now, and never after it")] = None,
) -> Compliance:
    """Judged with hindsight, by what is stored now, under what was in force then. Who looked at whose is noted."""
    now = now_us()
    to_us = now if until is None else until
    from_us = to_us - DAY_US if since is None else since
    if from_us >= to_us:
        raise invalid("to", "is not after from", "query")
    if to_us - from_us > DAYS_MOST * DAY_US:
        raise invalid("from", f"is more than {DAYS_MOST} days before to: ask for less at once", "query")
    if from_us >= now:
        raise invalid("from", "is not over yet: nothing can be said of the future", "query")
    to_us = min(to_us, now)
    last_us = min(to_us + AFTER_US, now)
    asked = stored.Asked(wearer, from_us - BEFORE_US, last_us, from_us - EVENTS_BEFORE_US)
    found = await stored.read(parts.store, asked)
    await audit.note(parts.store, caller.account, "read", f"compliance/wearer/{wearer}", from_us=from_us, to_us=to_us)
    return await asyncio.to_thread(shape.answer, found, wearer, (from_us, to_us), parts.settings.timezone)
