"""Wearers: as little personal data as the job needs."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, model_validator

from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, Name, Row, Text
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import Kind, documented
from api.refusals import LISTING, READING
from api.roles import May
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from api.waiting import WAITS, accepted
from store import audit, waiting, wearers
from store.feed import Edit

router = APIRouter(prefix="/wearers", tags=["wearers"])

Seeing = Annotated[Caller, needs(May.SEE_WEARERS)]
Editing = Annotated[Caller, needs(May.EDIT_WEARERS)]

CREATING: Final = LISTING | documented(Kind.MALFORMED)
EDITING: Final = READING | documented(Kind.MALFORMED, Kind.STALE, Kind.PRECONDITION)

SENT: Final[dict[str, Any]] = {
    "name": "Test Wearer",
    "under_18": False,
    "restricted": False,
    "interpreter": None,
    "staff_safety": None,
    "risk": "standard",
    "call_first": None,
}
ANSWERED: Final[dict[str, Any]] = SENT | {"id": 1, "version": 1, "created_at": "2026-11-22T08:00:00Z"}


class Details(Input):
    """What must be known before calling or visiting."""

    under_18: bool = False
    restricted: bool = False
    interpreter: Text | None = None
    staff_safety: Text | None = None
    risk: Literal["standard", "high"] = "standard"
    call_first: Text | None = None


class WearerIn(Details):
    """A wearer as it is sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [SENT]})

    name: Name


class WearerPatch(Details):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"risk": "high"}]})

    name: Name | None = None

    @model_validator(mode="after")
    def _named(self) -> "WearerPatch":
        if "name" in self.model_fields_set and self.name is None:
            raise ValueError("name: cannot be taken away")
        return self


class Wearer(BaseModel):
    """A wearer."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    id: int
    name: str
    under_18: bool
    restricted: bool
    interpreter: str | None
    staff_safety: str | None
    risk: str
    call_first: str | None
    version: int
    created_at: Instant


class Wearers(Page[Wearer]):
    """A page of wearers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


_NOTHING: Final = Details().model_dump()


def _wearer(row: Row) -> Wearer:
    known = _NOTHING | {name: value for name, value in row["details"].items() if name in _NOTHING}
    return Wearer(id=row["id"], name=row["name"], version=row["version"], created_at=row["created_at"], **known)


@router.get("", summary="Wearers", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    name: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$", description="part of the name")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Wearers:
    """By id. Who searched for what is noted."""
    rows = await wearers.page(parts.store, name=name, after=after(cursor), limit=limit + 1)
    await audit.note(parts.store, caller.account, "read", "wearers", name=name, ids=[row["id"] for row in rows[:limit]])
    return Wearers.of(rows, limit, _wearer)


@router.post("", summary="Create a wearer", status_code=201, response_model=Wearer, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Editing, body: WearerIn, key: IdempotencyKey = None) -> Response:
    """Nothing is judged for a wearer without an order and a tag."""

    async def write(change: Edit) -> tuple[int, int, Wearer]:
        saved = _wearer(await wearers.add(change, body.name, body.model_dump(exclude={"name"})))
        return saved.id, saved.version, saved

    return await created(request, parts, caller, key, write)


@router.get("/{wearer_id}", summary="One wearer", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, wearer_id: Id) -> Wearer:
    """Who looked is noted."""
    found = _wearer(await wearers.get(parts.store, wearer_id))
    await audit.note(parts.store, caller.account, "read", f"wearer/{wearer_id}")
    return with_etag(found, response)


@router.patch("/{wearer_id}", summary="Change a wearer", responses=EDITING | WAITS)
async def change(
    parts: PartsDep, caller: Editing, response: Response, wearer_id: Id, body: WearerPatch, if_match: IfMatch = None
) -> Wearer:
    """Only what is sent. A lower risk waits for a second person while an order holds: 202."""
    version = expected(if_match)
    async with editing(parts, caller) as under_way:
        details = body.model_dump(exclude={"name"}, exclude_unset=True)
        known = await wearers.locked(under_way, wearer_id, version)
        lower = known["details"].get("risk") == "high" and details.get("risk") == "standard"
        if lower and await waiting.wearer_asks(under_way.connection, wearer_id):
            fields = {"name": body.name, "details": details}
            waits: Wearer = accepted(
                await waiting.ask(under_way, "wearer", wearer_id, version, fields, "The risk would be lower.")
            )
            return waits
        saved = _wearer(await wearers.edit(under_way, wearer_id, version, body.name, details))
    return with_etag(saved, response)
