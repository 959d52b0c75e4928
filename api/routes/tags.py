"""Tags: what each is, its last fix, who wears it, and those that send without anybody wearing them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api import fix
from api.alert import FULL
from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Instant, Name, Row
from api.fields import Tag as Hardware
from api.fix import Fix
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import Kind, documented
from api.refusals import CREATING, LISTING, READING
from api.roles import May
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from store import audit, tags
from store.feed import Edit

router = APIRouter(prefix="/tags", tags=["tags"])

Seeing = Annotated[Caller, needs(May.SEE_TAGS)]
Editing = Annotated[Caller, needs(May.EDIT_TAGS)]


EDITING: Final = READING | documented(Kind.MALFORMED, Kind.STALE, Kind.PRECONDITION)

SENT: Final[dict[str, Any]] = {"tag": 356307042441013, "model": "Anklet 3", "network": "EE"}
ANSWERED: Final[dict[str, Any]] = {
    **SENT,
    "version": 1,
    "activation": {"id": 5, "wearer": 1, "wearer_name": "Test Wearer", "from": "2026-03-20T10:00:00Z", "to": None},
    "unknown": None,
    "last": FULL["evidence"][0]["fixes"][0],
}


class TagIn(BaseModel):
    """A tag as the thing it is: tags of one model, or on one network, may fail together."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [SENT]})

    tag: Hardware
    model: Name | None = None
    network: Name | None = None


class TagPatch(BaseModel):
    """What of it is otherwise."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"network": "O2"}]})

    model: Name | None = None
    network: Name | None = None


class Worn(BaseModel):
    """Who wears a tag now."""

    model_config = ConfigDict(populate_by_name=True)

    id: int
    wearer: int
    wearer_name: str
    fitted_from: Instant = Field(alias="from")
    fitted_to: Instant | None = Field(alias="to")


class Unknown(BaseModel):
    """A tag that sent without anybody wearing it: somebody must look."""

    first_at: Instant
    last_at: Instant
    fixes: int


class Tag(BaseModel):
    """A tag."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    tag: int
    model: str | None
    network: str | None
    version: int = Field(description="0: nobody said what it is")
    activation: Worn | None = Field(description="null where nobody wears it, or the caller may not see wearers")
    unknown: Unknown | None
    last: Fix | None = Field(description="the newest fix; without its position where the caller may not see positions")


class Tags(Page[Tag]):
    """A page of tags."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


def _tag(row: Row, caller: Caller) -> Tag:
    worn = None
    if row["activation"] is not None and caller.may(May.SEE_WEARERS):
        worn = Worn(**{name: row["activation" if name == "id" else name] for name in Worn.model_fields})
    unknown = None
    if row["fixes"] is not None:
        unknown = Unknown(first_at=row["first_at"], last_at=row["last_at"], fixes=row["fixes"])
    last = None
    if row["fix_tag"] is not None:
        last = Fix(gateway=row["gateway"], **fix.fields(row))
        if not caller.may(May.SEE_FIXES):
            last = last.model_copy(update={"lon": None, "lat": None, "speed_mps": None, "heading_deg": None})
    said = {name: row[name] for name in ("tag", "model", "network", "version")}
    return Tag(**said, activation=worn, unknown=unknown, last=last)


@router.get("", summary="Tags, each with its last fix", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    unknown: Annotated[bool, Query(description="only those that sent without anybody wearing them")] = False,
    wearer: Annotated[Id | None, Query(description="those this wearer wears now")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Tags:
    """By number. Engineers see neither positions nor wearers."""
    whose = wearer if caller.may(May.SEE_WEARERS) else None
    rows = await tags.page(parts.store, unknown=unknown, wearer=whose, after=after(cursor), limit=limit + 1)
    return Tags.of(rows, limit, lambda row: _tag(row, caller), "tag")


@router.post("", summary="List a tag", status_code=201, response_model=Tag, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Editing, body: TagIn, key: IdempotencyKey = None) -> Response:
    """What it is. A tag that was fitted, or sent, is known without; its model and network are not."""

    async def write(change: Edit) -> tuple[int, int, Tag]:
        await tags.add(change, body.tag, body.model, body.network)
        said = Tag(tag=body.tag, model=body.model, network=body.network, version=1, activation=None, unknown=None, last=None)
        return body.tag, 1, said

    return await created(request, parts, caller, key, write)


@router.patch("/{tag}", summary="Say what a tag is", responses=EDITING)
async def change(parts: PartsDep, caller: Editing, response: Response, tag: Id, body: TagPatch, if_match: IfMatch = None) -> Tag:
    """Its model and its network; null: not known."""
    version = expected(if_match)
    await tags.get(parts.store, tag)
    async with editing(parts, caller) as under_way:
        await tags.edit(under_way, tag, version, body.model_dump(exclude_unset=True))
    return with_etag(_tag(await tags.get(parts.store, tag), caller), response)


@router.get("/{tag}", summary="One tag", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, tag: Id) -> Tag:
    """With its last fix. Who looked is noted where there was something personal to see."""
    found = _tag(await tags.get(parts.store, tag), caller)
    if caller.may(May.SEE_FIXES) or caller.may(May.SEE_WEARERS):
        await audit.note(parts.store, caller.account, "read", f"tag/{tag}")
    return with_etag(found, response)
