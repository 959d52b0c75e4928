"""Pauses: for a while nobody is paged about a wearer, because two people say so; the alerts stay where they are."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, InstantIn, Person, Row, Text, now_us, person
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import Kind, ProblemError, invalid
from api.refusals import CREATING, EDITING, LISTING, READING
from api.roles import May, lacking
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from model.alert import Kind as AlertKind
from store import pauses
from store.feed import Edit

router = APIRouter(prefix="/pauses", tags=["pauses"])

Seeing = Annotated[Caller, needs(May.SEE_WEARERS)]
Pausing = Annotated[Caller, needs(May.PAUSE_ALERTS)]


SENT: Final[dict[str, Any]] = {
    "wearer": 7,
    "kind": "battery_low",
    "including_p1": False,
    "reason": "In hospital without a charger; his sister brings it at eight.",
    "from": "2026-11-22T02:00:00Z",
    "until": "2026-11-22T08:30:00Z",
}
ANSWERED: Final[dict[str, Any]] = SENT | {
    "id": 2,
    "state": "in_force",
    "wearer_name": "Test Wearer",
    "requested_by": {"id": 1, "name": "operator"},
    "approved_by": {"id": 3, "name": "supervisor"},
    "approved_at": "2026-11-22T02:04:00Z",
    "longer": {"until": "2026-11-22T10:00:00Z", "requested_by": {"id": 1, "name": "operator"}},
    "ended_by": None,
    "ended_at": None,
    "muted": 2,
    "version": 3,
    "created_at": "2026-11-22T02:00:00Z",
}


class PauseIn(Input):
    """A pause as it is asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [SENT]})

    wearer: Id
    kind: AlertKind | None = Field(None, description="null: alerts of every kind, P1 excepted")
    including_p1: bool = Field(False, description="mutes P1 too; for one kind alone, and never for entries into zones")
    reason: Text
    starts: InstantIn | None = Field(None, alias="from", description="now where it is left out")
    until: InstantIn = Field(description="at most 24 hours after it begins")


class PausePatch(Input):
    """One of: a second person's approval, another end, or the end now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"approved": True}]})

    approved: Literal[True] | None = None
    until: InstantIn | None = Field(
        None, description="sooner holds at once; later waits for somebody else's approval, and what is approved goes on meanwhile"
    )
    ended: Literal[True] | None = None


class Longer(BaseModel):
    """A later end that waits for a second person; the pause goes on to its approved end meanwhile."""

    until: Instant
    requested_by: Person


class Pause(BaseModel):
    """A pause."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [ANSWERED]})

    id: int
    state: Literal["waiting", "planned", "in_force", "over", "ended"] = Field(description="waiting: for a second person")
    wearer: int
    wearer_name: str
    kind: str | None
    including_p1: bool
    reason: str
    starts: Instant = Field(serialization_alias="from")
    until: Instant
    requested_by: Person
    approved_by: Person | None
    approved_at: Instant | None
    longer: Longer | None = Field(
        description="a later end that waits for a second person, null once the pause is over: until holds meanwhile"
    )
    ended_by: Person | None
    ended_at: Instant | None
    muted: int = Field(description="pages that were not sent")
    version: int
    created_at: Instant


class Pauses(Page[Pause]):
    """A page of pauses."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


def pause(row: Row) -> Pause:
    """A row as it is answered; a later end that nobody approved lapses with the pause."""
    waits = row["longer_until"] is not None and row["state"] not in {"over", "ended"}
    people: dict[str, Any] = {
        "requested_by": Person(id=row["requested_by"], name=row["requested_name"]),
        "approved_by": person(row["approved_by"], row["approved_name"]),
        "ended_by": person(row["ended_by"], row["ended_name"]),
        "longer": Longer(until=row["longer_until"], requested_by=Person(id=row["longer_by"], name=row["longer_name"]))
        if waits
        else None,
    }
    return Pause(**people, **{name: row[name] for name in Pause.model_fields if name not in people})


@router.get("", summary="Pauses", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    wearer: Annotated[Id | None, Query()] = None,
    standing: Annotated[bool, Query(description="only those in force, or that may yet be")] = False,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Pauses:
    """By id."""
    rows = await pauses.page(parts.store, wearer=wearer, standing=standing, after=after(cursor), limit=limit + 1)
    return Pauses.of(rows, limit, pause)


@router.post("", summary="Ask for a pause", status_code=201, response_model=Pause, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Pausing, body: PauseIn, key: IdempotencyKey = None) -> Response:
    """It mutes nothing until a second person approves it, and at most 24 hours. It never hides an alert, nor stops its clocks."""
    now = now_us()
    starts = now if body.starts is None else body.starts
    if starts < now - pauses.BEGUN_US:
        raise invalid("from", "lies in the past: what was sent was sent; leave it out to begin now")
    fields = body.model_dump() | {"starts": starts}

    async def write(change: Edit) -> tuple[int, int, Pause]:
        saved = pause(await pauses.add(change, fields))
        return saved.id, saved.version, saved

    return await created(request, parts, caller, key, write)


@router.get("/{pause_id}", summary="One pause", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, pause_id: Id) -> Pause:
    """As it stands."""
    return with_etag(pause(await pauses.get(parts.store, pause_id)), response)


@router.patch("/{pause_id}", summary="Approve a pause, move its end, or end it", responses=EDITING)
async def change(
    parts: PartsDep, caller: Pausing, response: Response, pause_id: Id, body: PausePatch, if_match: IfMatch = None
) -> Pause:
    """Approving needs a role that may, and somebody else than who asked: for the pause, or for the later end that waits."""
    version = expected(if_match)
    asked = body.model_dump(exclude_none=True)
    if len(asked) != 1:
        raise invalid("", "send one of approved, until, ended")
    if body.approved and not caller.may(May.APPROVE_PAUSES):
        detail = lacking(caller.role, May.APPROVE_PAUSES)
        raise ProblemError(Kind.NOT_ALLOWED, detail, more={"permission": May.APPROVE_PAUSES})
    async with editing(parts, caller) as under_way:
        known = await pauses.locked(under_way, pause_id, version)
        if body.approved:
            await pauses.approve(under_way, known)
        elif body.ended:
            await pauses.end(under_way, known)
        elif body.until is not None:
            await pauses.extend(under_way, known, body.until)
        saved = pause(await pauses.read(under_way, pause_id))
    return with_etag(saved, response)
