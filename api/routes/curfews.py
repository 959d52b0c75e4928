"""Curfews: when the wearer of an order has to be at home, a version a save, in force a second later."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict

from api import curfew as shape
from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.curfew import ANSWERED, Curfew, CurfewIn, CurfewPatch, Overlap, Preview, PreviewIn, Span
from api.fields import Id, now_us
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import Parts, PartsDep
from api.problem import Kind, documented, invalid
from api.refusals import CREATING, EDITING, LISTING, READING
from api.roles import May
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from api.waiting import WAITS, accepted
from model.instant import BEGINNING_US, FOREVER_US
from store import absences, authority, curfews, relaxing, waiting
from store.feed import Edit
from store.pool import Connection, Record
from store.refusal import ConflictError

router = APIRouter(prefix="/curfews", tags=["curfews"])

Seeing = Annotated[Caller, needs(May.SEE_WEARERS)]
Editing = Annotated[Caller, needs(May.EDIT_WEARERS)]

TRYING: Final = READING | documented(Kind.MALFORMED, Kind.CONFLICT)

ABSENCES_MOST: Final = 10_000  # of one curfew in a preview: more than anybody was ever given


class Curfews(Page[Curfew]):
    """A page of curfews."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


@router.get("", summary="Curfews", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    wearer: Annotated[Id | None, Query()] = None,
    order: Annotated[Id | None, Query()] = None,
    ended: Annotated[bool, Query(description="those that have ended, too")] = False,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Curfews:
    """The newest version of each, by id."""
    rows = await curfews.page(parts.store, wearer=wearer, order=order, ended=ended, after=after(cursor), limit=limit + 1)
    return Curfews.of(rows, limit, shape.curfew, "curfew")


@router.post("", summary="Create a curfew", status_code=201, response_model=Curfew, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Editing, body: CurfewIn, key: IdempotencyKey = None) -> Response:
    """In force everywhere one second after it is saved."""
    draft = shape.draft(body)

    async def write(change: Edit) -> tuple[int, int, Curfew]:
        row = await curfews.add(change, draft)
        saved = shape.curfew(row, await _advice(change.connection, row))
        return saved.id, saved.version, saved

    return await created(request, parts, caller, key, write)


@router.post("/preview", summary="The next fourteen days of a curfew", responses=TRYING)
async def preview(parts: PartsDep, caller: Seeing, body: PreviewIn) -> Preview:
    """Every window, in UTC and local time, with its length; a draft is refused as it would be when it is saved."""
    begins_us = now_us() if body.begins is None else body.begins
    if body.curfew is not None:
        return await _saved(parts, body, body.curfew, begins_us)
    if body.windows is None:
        raise invalid("windows", "is needed, or curfew for one that is saved")
    table = shape.written(body.windows, body.exceptions)
    shape.parsed(table, "UTC")
    if body.order is None:
        alone = shape.parsed(table, body.timezone or parts.settings.timezone)
        return shape.preview(alone, begins_us, shape.asked(alone, begins_us, [(BEGINNING_US, FOREVER_US)]))
    if body.timezone is not None:
        raise invalid("timezone", "is the order's: leave one of the two out")
    async with parts.store.pool.acquire() as connection, connection.transaction():
        zone = await curfews.check(connection, curfews.Draft(body.order, body.home, body.grace_min, table))
        drafted = shape.parsed(table, zone)
        spans = shape.asked(drafted, begins_us, await authority.spans(connection, body.order))
        beside = await _beside(connection, body.order, None, spans, begins_us)
    return shape.preview(drafted, begins_us, spans, beside=beside, home=body.home)


async def _saved(parts: Parts, body: PreviewIn, curfew: int, begins_us: int) -> Preview:
    if body.model_fields_set - {"curfew", "begins"}:
        raise invalid("curfew", "is shown as it is saved: send `from` beside it, and nothing else")
    row = await curfews.get(parts.store, curfew)
    rows = await absences.page(parts.store, curfew=curfew, wearer=None, after=0, limit=ABSENCES_MOST)
    excused = sorted((one["starts"], one["ends"]) for one in rows if one["in_force_to"] is None)
    table = shape.parsed(row["timetable"], row["timezone"])
    async with parts.store.pool.acquire() as connection:
        spans = shape.asked(table, begins_us, await authority.spans(connection, row["monitoring_order"]))
        beside = await _beside(connection, row["monitoring_order"], curfew, spans, begins_us)
    return shape.preview(table, begins_us, spans, excused, beside, home=row["home"])


async def _beside(connection: Connection, order: int, but: int | None, spans: Sequence[Span], begins_us: int) -> list[Overlap]:
    """The wearer's other curfews that ask for some of the same time, while their orders hold."""
    found = []
    for row in await curfews.beside(connection, order, but):
        table = shape.parsed(row["timetable"], row["timezone"])
        theirs = shape.asked(table, begins_us, await authority.spans(connection, row["monitoring_order"]))
        meeting = shape.both(spans, theirs)
        if meeting:
            found.append(shape.overlap(row, meeting))
    return found


async def _advice(connection: Connection, row: Record) -> list[str]:
    """What the author of a version that was just saved should know."""
    begins_us = now_us()
    table = shape.parsed(row["timetable"], row["timezone"])
    spans = shape.asked(table, begins_us, await authority.spans(connection, row["monitoring_order"]))
    beside = await _beside(connection, row["monitoring_order"], row["curfew"], spans, begins_us)
    return shape.advice(beside, row["home"], row["timezone"])


@router.get("/{curfew_id}", summary="One curfew", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, curfew_id: Id) -> Curfew:
    """Its newest version."""
    return with_etag(shape.curfew(await curfews.get(parts.store, curfew_id)), response)


@router.get("/{curfew_id}/versions", summary="All versions of a curfew", responses=READING)
async def versions(parts: PartsDep, caller: Seeing, curfew_id: Id) -> Curfews:
    """Newest first: each night is judged by the version that was in force."""
    return Curfews(items=[shape.curfew(row) for row in await curfews.versions(parts.store, curfew_id)], next=None)


@router.patch("/{curfew_id}", summary="Change a curfew", responses=EDITING | WAITS)
async def change(
    parts: PartsDep, caller: Editing, response: Response, curfew_id: Id, body: CurfewPatch, if_match: IfMatch = None
) -> Curfew:
    """What tightens it is in force one second after it is saved. What relaxes it waits for a second person: 202."""
    version = expected(if_match)
    fields: dict[str, Any] = body.model_dump(exclude_unset=True, include={"home", "grace_min"})
    for name in body.model_fields_set:
        if getattr(body, name) is None:
            raise invalid(name, "cannot be taken away")
    table = shape.written(body.windows or (), body.exceptions or ())
    fields["timetable"] = {name: value for name, value in table.items() if name in body.model_fields_set}
    async with editing(parts, caller) as under_way:
        if body.order is not None and body.order != await curfews.order_of(under_way.connection, curfew_id):
            raise ConflictError(f"curfew {curfew_id} is another order's: end it and create one for this order")
        waits = await _asked(under_way, curfew_id, version, fields)
        row = None if waits else await curfews.edit(under_way, curfew_id, version, fields)
        advice = await _advice(under_way.connection, row) if row else ()
    return with_etag(shape.curfew(row, advice), response) if row else accepted(waits)


@router.delete("/{curfew_id}", summary="End a curfew", responses=EDITING | WAITS)
async def end(parts: PartsDep, caller: Editing, response: Response, curfew_id: Id, if_match: IfMatch = None) -> Curfew:
    """Once a second person has approved it: 202. Nothing is deleted: nights before are still judged by it."""
    version = expected(if_match)
    async with editing(parts, caller) as under_way:
        waits = await _asked(under_way, curfew_id, version, None)
        row = None if waits else await curfews.end(under_way, curfew_id, version)
    return with_etag(shape.curfew(row), response) if row else accepted(waits)


async def _asked(under_way: Edit, curfew: int, version: int, fields: dict[str, Any] | None) -> Record | None:
    """The change, kept for a second person, where it relaxes a curfew whose order asks for one."""
    sentence = await relaxing.relaxes(under_way, curfew, version, fields)
    if sentence is None or not await relaxing.needs_second(under_way.connection, curfew):
        return None
    return await waiting.ask(under_way, "curfew", curfew, version, fields, sentence)
