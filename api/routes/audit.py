"""The audit: who did and saw what, when."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.caller import needs
from api.fields import Id, Instant, InstantIn, Person, Row, person, readable
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.refusals import LISTING
from api.roles import May
from api.token import Caller
from store import audit

router = APIRouter(tags=["status"])

ANSWERED: Final[dict[str, Any]] = {
    "at": "2026-11-22T08:01:00Z",
    "actor": {"id": 1, "name": "operator"},
    "action": "acknowledged",
    "subject": "alert/12",
    "details": {},
    "position": 4713,
}

Word = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


class Done(BaseModel):
    """One thing that somebody did or saw."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    at: Instant
    actor: Person | None
    action: str
    subject: str
    details: dict[str, Any]
    position: int = Field(description="place in the feed; for readings, of the newest commit they could see")


class Trail(Page[Done]):
    """A page of the audit."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


def _done(row: Row) -> Done:
    return Done(
        at=row["at"],
        actor=person(row["actor"], row["actor_name"]),
        action=row["action"],
        subject=row["subject"],
        details=readable(row["details"]),
        position=row["position"],
    )


@router.get("/audit", summary="Who did and saw what", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Annotated[Caller, needs(May.SEE_AUDIT)],
    actor: Annotated[Id | None, Query(description="account id")] = None,
    subject: Word = None,
    action: Word = None,
    since: Annotated[InstantIn | None, Query(alias="from")] = None,
    until: Annotated[InstantIn | None, Query(alias="to")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Trail:
    """Newest first. ``subject`` is kind and id, such as ``alert/12``."""
    rows = await audit.page(
        parts.store,
        actor=actor,
        subject=subject,
        action=action,
        from_us=since,
        to_us=until,
        before=after(cursor) or None,
        limit=limit + 1,
    )
    return Trail.of(rows, limit, _done, "part")
