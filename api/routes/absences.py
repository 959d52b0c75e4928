"""Authorised absences: time away that lifts a curfew, never an exclusion, given before or after by somebody who may."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, InstantIn, Name, Person, Row, Text, now_us, person
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import Kind, documented
from api.refusals import CREATING, LISTING, READING
from api.roles import May
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from api.waiting import WAITS, Waiting, waiting
from store import absences, curfews
from store import waiting as store_waiting
from store.feed import Edit

router = APIRouter(prefix="/absences", tags=["absences"])

Seeing = Annotated[Caller, needs(May.SEE_WEARERS)]
Editing = Annotated[Caller, needs(May.EDIT_WEARERS)]

EDITING: Final = READING | documented(Kind.CONFLICT, Kind.STALE, Kind.PRECONDITION)

SENT: Final[dict[str, Any]] = {
    "curfew": 2,
    "from": "2026-03-25T19:00:00Z",
    "to": "2026-03-25T23:00:00Z",
    "authoriser": "Court of record",
    "reason": "Night shift.",
}
ANSWERED: Final[dict[str, Any]] = SENT | {
    "id": 4,
    "version": 1,
    "in_force_from": "2026-03-24T12:00:01Z",
    "in_force_to": None,
    "recorded_at": "2026-03-24T12:00:00Z",
    "recorded_by": {"id": 2, "name": "officer"},
}


class AbsenceIn(Input):
    """An absence as it is sent; half-open, ``from`` inside and ``to`` not."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [SENT]})

    curfew: Id
    starts: InstantIn = Field(alias="from")
    ends: InstantIn = Field(alias="to")
    authoriser: Name = Field(description="who allowed it")
    reason: Text


class Absence(BaseModel):
    """An authorised absence."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [ANSWERED]})

    id: int
    curfew: int
    starts: Instant = Field(alias="from")
    ends: Instant = Field(alias="to")
    authoriser: str
    reason: str
    version: int
    in_force_from: Instant = Field(description="from here on it lifts the curfew; what was judged before stands")
    in_force_to: Instant | None = Field(description="when it was withdrawn")
    recorded_at: Instant
    recorded_by: Person | None


class Absences(Page[Absence]):
    """A page of absences."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


def _absence(row: Row) -> Absence:
    own = {name: row[name] for name in Absence.model_fields if name != "recorded_by"}
    return Absence(**own, recorded_by=person(row["recorded_by"], row["recorded_name"]))


@router.get("", summary="Authorised absences", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    curfew: Annotated[Id | None, Query()] = None,
    wearer: Annotated[Id | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Absences:
    """By id, withdrawn ones too."""
    rows = await absences.page(parts.store, curfew=curfew, wearer=wearer, after=after(cursor), limit=limit + 1)
    return Absences.of(rows, limit, _absence)


@router.post("", summary="Record an authorised absence", status_code=201, response_model=Absence, responses=CREATING | WAITS)
async def create(request: Request, parts: PartsDep, caller: Editing, body: AbsenceIn, key: IdempotencyKey = None) -> Response:
    """The curfew asks nothing meanwhile, from one second after this is saved. Exclusion zones hold as ever.

    One that lifts it for longer than the order's type allows one person to waits for a second: 202.
    """

    async def write(change: Edit) -> tuple[int, int, Absence | Waiting]:
        version = await curfews.locked(change, body.curfew)
        long = await absences.lifted(change.connection, body.curfew, body.starts, body.ends, now_us())
        if long is not None:
            fields = {"from_us": body.starts, "to_us": body.ends, "authoriser": body.authoriser, "reason": body.reason}
            asked = waiting(await store_waiting.ask(change, "absence", body.curfew, version, fields, long))
            return asked.id, 1, asked
        row = await absences.add(change, body.curfew, body.starts, body.ends, body.authoriser, body.reason)
        saved = _absence(row)
        return saved.id, saved.version, saved

    return await created(request, parts, caller, key, write)


@router.get("/{absence_id}", summary="One authorised absence", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, absence_id: Id) -> Absence:
    """As it stands."""
    return with_etag(_absence(await absences.get(parts.store, absence_id)), response)


@router.delete("/{absence_id}", summary="Withdraw an authorised absence", responses=EDITING)
async def withdraw(parts: PartsDep, caller: Editing, response: Response, absence_id: Id, if_match: IfMatch = None) -> Absence:
    """One second from now. Its row stays, and what it has lifted by then stays lifted."""
    version = expected(if_match)
    async with editing(parts, caller) as change:
        row = await absences.withdraw(change, absence_id, version)
    return with_etag(_absence(row), response)
