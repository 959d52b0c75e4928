"""Changes of zones, curfews, wearers and groups, and long absences, that wait for a second person."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import ConfigDict

from api import waiting as shape
from api.caller import editing, needs
from api.fields import Id
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import Kind, documented
from api.refusals import LISTING
from api.roles import May
from api.token import Caller
from api.waiting import EXAMPLE, Waiting
from store import waiting

router = APIRouter(prefix="/changes", tags=["changes"])

Seeing = Annotated[Caller, needs(May.SEE_ZONES)]
Approving = Annotated[Caller, needs(May.APPROVE_RELAXED)]

DECIDING: Final = LISTING | documented(Kind.MISSING, Kind.CONFLICT, Kind.STALE)


class Changes(Page[Waiting]):
    """A page of changes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [EXAMPLE], "next": None}]})


@router.get("", summary="What relaxes zones, wearers, groups and curfews", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    kind: Annotated[shape.Kind | None, Query()] = None,
    subject: Annotated[Id | None, Query(description="beside `kind`: of which zone, curfew, ...")] = None,
    undecided: Annotated[bool, Query(alias="waiting", description="only those that wait for a second person")] = False,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Changes:
    """By id. An order's own are listed with it."""
    rows = await waiting.page(parts.store, kind=kind, subject=subject, waiting=undecided, after=after(cursor), limit=limit + 1)
    return Changes.of(rows, limit, shape.waiting)


@router.get("/{change_id}", summary="One change that relaxes", responses=LISTING | documented(Kind.MISSING))
async def one(parts: PartsDep, caller: Seeing, change_id: Id) -> Waiting:
    """As it stands: the `Location` of the 202 that asked for a second person."""
    return shape.waiting(await waiting.get(parts.store, change_id))


@router.post("/{change_id}/approve", summary="Approve a change that relaxes", responses=DECIDING)
async def approve(parts: PartsDep, caller: Approving, change_id: Id) -> Waiting:
    """By somebody else than who asked for it; it is in force one second later, unless its subject has changed meanwhile."""
    async with editing(parts, caller) as under_way:
        return shape.waiting(await waiting.decide(under_way, change_id, approved=True))


@router.post("/{change_id}/refuse", summary="Refuse a change that relaxes", responses=DECIDING)
async def refuse(parts: PartsDep, caller: Approving, change_id: Id) -> Waiting:
    """All stays as it is."""
    async with editing(parts, caller) as under_way:
        return shape.waiting(await waiting.decide(under_way, change_id, approved=False))
