"""Activations: which wearer wore which tag, from when to when."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, InstantIn, Row, Tag
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import invalid
from api.refusals import CREATING, EDITING, LISTING, READING
from api.roles import May
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from store import activations
from store.feed import Edit

router = APIRouter(prefix="/activations", tags=["activations"])

Seeing = Annotated[Caller, needs(May.SEE_WEARERS)]
Fitting = Annotated[Caller, needs(May.FIT_TAGS)]


SENT: Final[dict[str, Any]] = {"wearer": 1, "tag": 356307042441013, "from": "2026-03-20T10:00:00Z", "to": None}
ANSWERED: Final[dict[str, Any]] = SENT | {
    "id": 5,
    "wearer_name": "Test Wearer",
    "version": 1,
    "created_at": "2026-03-20T10:00:00Z",
}


class ActivationIn(Input):
    """A tag fitted."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [SENT]})

    wearer: Id
    tag: Tag
    fitted_from: InstantIn = Field(alias="from")
    fitted_to: InstantIn | None = Field(None, alias="to", description="null while it is worn")


class ActivationPatch(Input):
    """When it came off, or a correction; what is left out stays."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [{"to": "2026-11-22T08:00:00Z"}]})

    fitted_from: InstantIn | None = Field(None, alias="from")
    fitted_to: InstantIn | None = Field(None, alias="to", description="null: still worn")


class Activation(BaseModel):
    """Which wearer wore which tag; half-open, ``from`` inside and ``to`` not."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [ANSWERED]})

    id: int
    wearer: int
    wearer_name: str
    tag: int
    fitted_from: Instant = Field(alias="from")
    fitted_to: Instant | None = Field(alias="to")
    version: int
    created_at: Instant


class Activations(Page[Activation]):
    """A page of activations."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


def _activation(row: Row) -> Activation:
    return Activation(**{name: row[name] for name in Activation.model_fields})


@router.get("", summary="Activations", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    wearer: Annotated[Id | None, Query()] = None,
    tag: Annotated[Id | None, Query()] = None,
    open_only: Annotated[bool, Query(alias="open", description="only those still worn")] = False,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Activations:
    """By id."""
    rows = await activations.page(parts.store, wearer=wearer, tag=tag, open_only=open_only, after=after(cursor), limit=limit + 1)
    return Activations.of(rows, limit, _activation)


@router.post("", summary="Fit a tag", status_code=201, response_model=Activation, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Fitting, body: ActivationIn, key: IdempotencyKey = None) -> Response:
    """One wearer a tag at a time."""

    async def write(change: Edit) -> tuple[int, int, Activation]:
        row = await activations.add(change, body.wearer, body.tag, body.fitted_from, body.fitted_to)
        saved = _activation(row)
        return saved.id, saved.version, saved

    return await created(request, parts, caller, key, write)


@router.get("/{activation_id}", summary="One activation", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, activation_id: Id) -> Activation:
    """As it stands."""
    return with_etag(_activation(await activations.get(parts.store, activation_id)), response)


@router.patch("/{activation_id}", summary="Take a tag off, or correct when it was worn", responses=EDITING)
async def change(
    parts: PartsDep, caller: Fitting, response: Response, activation_id: Id, body: ActivationPatch, if_match: IfMatch = None
) -> Activation:
    """Only what is sent."""
    version = expected(if_match)
    fields = body.model_dump(exclude_unset=True)
    if "fitted_from" in fields and fields["fitted_from"] is None:
        raise invalid("from", "cannot be taken away")
    async with editing(parts, caller) as under_way:
        saved = _activation(await activations.edit(under_way, activation_id, version, fields))
    return with_etag(saved, response)
