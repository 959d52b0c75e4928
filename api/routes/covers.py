"""Cover: who answers for an officer's caseload between two dates."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, InstantIn, Person, Row, Text
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import Kind, ProblemError, invalid
from api.refusals import CREATING, EDITING, LISTING, READING
from api.roles import PERMISSIONS, May, Role, lacking
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from store import accounts, covers
from store.feed import Edit
from store.pool import Connection
from store.refusal import ConflictError

router = APIRouter(prefix="/covers", tags=["covers"])

Seeing = Annotated[Caller, needs(May.SEE_WEARERS)]
Setting = Annotated[Caller, needs(May.EDIT_WEARERS)]


SENT: Final[dict[str, Any]] = {
    "officer": 2,
    "covered_by": 5,
    "from": "2026-12-21T09:00:00Z",
    "until": "2027-01-04T09:00:00Z",
    "reason": "On leave.",
}
ANSWERED: Final[dict[str, Any]] = SENT | {
    "id": 1,
    "officer": {"id": 2, "name": "officer"},
    "covered_by": {"id": 5, "name": "colleague"},
    "in_force": False,
    "version": 1,
    "created_at": "2026-11-22T08:00:00Z",
}


class CoverIn(Input):
    """A cover as it is sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [SENT]})

    officer: Id = Field(description="whose caseload it is; an officer's own, a supervisor may name anybody")
    covered_by: Id
    starts: InstantIn = Field(alias="from")
    until: InstantIn
    reason: Text | None = None


class CoverPatch(Input):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"until": "2026-12-28T09:00:00Z"}]})

    covered_by: Id | None = None
    starts: InstantIn | None = Field(None, alias="from")
    until: InstantIn | None = None
    reason: Text | None = None


class Cover(BaseModel):
    """A cover."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [ANSWERED]})

    id: int
    officer: Person
    covered_by: Person
    starts: Instant = Field(serialization_alias="from")
    until: Instant
    reason: str | None
    in_force: bool
    version: int
    created_at: Instant


class Covers(Page[Cover]):
    """A page of covers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


def _cover(row: Row) -> Cover:
    people: dict[str, Any] = {
        name: Person(id=row[name], name=row[f"{name}_name"]) for name in ("officer", "covered_by")
    }  # fmt: skip
    return Cover(**people, **{name: row[name] for name in Cover.model_fields if name not in people})


@router.get("", summary="Covers", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    officer: Annotated[Id | None, Query(description="who is covered, or covers")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Covers:
    """By id."""
    rows = await covers.page(parts.store, officer=officer, after=after(cursor), limit=limit + 1)
    return Covers.of(rows, limit, _cover)


@router.post("", summary="Have a caseload covered", status_code=201, response_model=Cover, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Setting, body: CoverIn, key: IdempotencyKey = None) -> Response:
    """Between the two times the other answers for all of the officer's orders; the orders stay the officer's."""
    own_caseload(caller, body.officer)

    async def write(change: Edit) -> tuple[int, int, Cover]:
        await responsible(change.connection, body.covered_by, "covered_by")
        saved = _cover(await covers.add(change, body.model_dump()))
        return saved.id, saved.version, saved

    return await created(request, parts, caller, key, write)


@router.get("/{cover_id}", summary="One cover", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, cover_id: Id) -> Cover:
    """As it stands."""
    return with_etag(_cover(await covers.get(parts.store, cover_id)), response)


@router.patch("/{cover_id}", summary="Change a cover", responses=EDITING)
async def change(
    parts: PartsDep, caller: Setting, response: Response, cover_id: Id, body: CoverPatch, if_match: IfMatch = None
) -> Cover:
    """Only what is sent; to end it, send an `until`."""
    version = expected(if_match)
    fields = body.model_dump(exclude_unset=True)
    for name, value in fields.items():
        if value is None and name != "reason":
            raise invalid("from" if name == "starts" else name, "cannot be taken away")
    async with editing(parts, caller) as under_way:
        if body.covered_by is not None:
            await responsible(under_way.connection, body.covered_by, "covered_by")
        known = await covers.locked(under_way, cover_id, version)
        own_caseload(caller, known["officer"])
        saved = _cover(await covers.edit(under_way, known, fields))
    return with_etag(saved, response)


def own_caseload(caller: Caller, officer: int) -> None:
    """Refuse whoever would dispose of another's caseload without being one who may take it from them."""
    if officer != caller.account and not caller.may(May.RELEASE_ALERTS):
        detail = f"this is another officer's caseload, and {lacking(caller.role, May.RELEASE_ALERTS)}"
        raise ProblemError(Kind.NOT_ALLOWED, detail, more={"permission": May.RELEASE_ALERTS})


async def responsible(connection: Connection, account: int, field: str) -> None:
    """Refuse somebody whose role cannot answer for orders; whether there is such an account is for the store to say."""
    found = await accounts.get(connection, account)
    if found is not None and May.EDIT_WEARERS not in PERMISSIONS[Role(found.role)]:
        raise ConflictError(f"{field}: {found.name} is {found.role} and cannot answer for orders: choose an officer")
