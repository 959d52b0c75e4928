"""Zones: GeoJSON Features, a version a save, in force a second later."""

import asyncio
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict

from api import zone as shape
from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Row, now_us
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import Kind, documented
from api.refusals import EDITING, LISTING, READING
from api.roles import May
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from api.waiting import WAITS, accepted
from api.zone import ANSWERED, Checked, CheckIn, Zone, ZoneIn
from geofence.relaxing import relaxed
from store import waiting, zones
from store.feed import Edit

router = APIRouter(prefix="/zones", tags=["zones"])

Seeing = Annotated[Caller, needs(May.SEE_ZONES)]
Editing = Annotated[Caller, needs(May.EDIT_ZONES)]

CREATING: Final = LISTING | documented(Kind.MALFORMED)


class Zones(Page[Zone]):
    """A page of zones."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


@router.get("", summary="Zones", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    kind: Literal["exclusion", "inclusion", "home"] | None = None,
    wearer: Annotated[Id | None, Query(description="those for this wearer alone")] = None,
    group: Annotated[Id | None, Query(description="those for this group")] = None,
    ended: Annotated[bool, Query(description="those that have ended, too")] = False,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Zones:
    """The newest version of each."""
    rows = await zones.page(parts.store, kind=kind, wearer=wearer, group=group, ended=ended, after=after(cursor), limit=limit + 1)
    return Zones.of(rows, limit, shape.zone, "zone")


@router.post("", summary="Create a zone", status_code=201, response_model=Zone, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Editing, body: ZoneIn, key: IdempotencyKey = None) -> Response:
    """In force everywhere one second after it is saved."""
    draft, advice = await shape.draft(body, parts.settings.timezone)

    async def write(change: Edit) -> tuple[int, int, Zone]:
        saved = shape.zone(await zones.add(change, draft), advice)
        return saved.id, saved.version, saved

    return await created(request, parts, caller, key, write)


@router.post("/check", summary="Check a zone before saving it", responses=CREATING)
async def check(caller: Seeing, body: CheckIn) -> Checked:
    """Whether its geometry can be judged by, the place and the reason where it cannot, and a repair to offer."""
    return await shape.check(body)


@router.get("/{zone_id}", summary="One zone", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, zone_id: Id) -> Zone:
    """Its newest version."""
    return with_etag(shape.zone(await zones.get(parts.store, zone_id)), response)


@router.get("/{zone_id}/versions", summary="All versions of a zone", responses=READING)
async def versions(parts: PartsDep, caller: Seeing, zone_id: Id) -> Zones:
    """Newest first: old positions are judged by the version that was in force."""
    return Zones(items=[shape.zone(row) for row in await zones.versions(parts.store, zone_id)], next=None)


@router.put("/{zone_id}", summary="Save a zone anew", responses=EDITING | WAITS)
async def replace(
    parts: PartsDep, caller: Editing, response: Response, zone_id: Id, body: ZoneIn, if_match: IfMatch = None
) -> Zone:
    """The next version, in force one second after it is saved; until then the one before applies.

    What asks less of a wearer waits for a second person: 202.
    """
    version = expected(if_match)
    draft, advice = await shape.draft(body, parts.settings.timezone)
    async with editing(parts, caller) as change:
        waits = await _asked(change, zone_id, version, draft)
        row = None if waits else await zones.replace(change, zone_id, version, draft)
    return with_etag(shape.zone(row, advice), response) if row else accepted(waits)


@router.delete("/{zone_id}", summary="End a zone", responses=EDITING | WAITS)
async def end(parts: PartsDep, caller: Editing, response: Response, zone_id: Id, if_match: IfMatch = None) -> Zone:
    """One second from now, or once a second person has approved it: 202, where it is a condition of an order.

    Nothing is deleted: positions taken before are still judged by it.
    """
    version = expected(if_match)
    async with editing(parts, caller) as change:
        waits = await _asked(change, zone_id, version, None)
        row = None if waits else await zones.end(change, zone_id, version)
    return with_etag(shape.zone(row), response) if row else accepted(waits)


async def _asked(change: Edit, zone: int, version: int, draft: zones.Draft | None) -> Row | None:
    """The change, kept for a second person, where it relaxes a zone of an order that asks for one; no draft: its end."""
    known = await zones.locked(change, zone, version)
    if not await waiting.zone_asks(change.connection, zone):
        return None
    if draft is None:
        return await waiting.ask(change, "zone", zone, version, None, "The zone would end.")
    # A large zone takes a while to compare: not on the loop that others wait for.
    sentence = await asyncio.to_thread(relaxed, known._asdict(), draft._asdict(), now_us())
    if sentence is None:
        return None
    return await waiting.ask(change, "zone", zone, version, draft._asdict() | {"wkb": draft.wkb.hex()}, sentence)
