"""Groups of wearers, for zones that apply to several."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Name, Row
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.refusals import CREATING, EDITING, LISTING, READING
from api.roles import May
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from api.waiting import WAITS, accepted
from store import groups, waiting
from store.feed import Edit

router = APIRouter(prefix="/groups", tags=["groups"])

Seeing = Annotated[Caller, needs(May.SEE_WEARERS)]
Editing = Annotated[Caller, needs(May.EDIT_WEARERS)]

MEMBERS_MOST: Final = 10_000


SENT: Final[dict[str, Any]] = {"name": "Night curfew pilot", "wearers": [1, 2]}
ANSWERED: Final[dict[str, Any]] = SENT | {"id": 6, "version": 1}

Members = Annotated[list[Id], Field(max_length=MEMBERS_MOST)]


class GroupIn(Input):
    """A group as it is sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [SENT]})

    name: Name
    wearers: Members = Field(default_factory=list)


class GroupPatch(Input):
    """What is to change; ``wearers`` replaces the members."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"wearers": [1, 2, 3]}]})

    name: Name | None = None
    wearers: Members | None = None


class Group(BaseModel):
    """A group."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    id: int
    name: str
    wearers: list[int]
    version: int


class Groups(Page[Group]):
    """A page of groups."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


def _group(row: Row) -> Group:
    return Group(**{name: row[name] for name in Group.model_fields})


@router.get("", summary="Groups", responses=LISTING)
async def listed(parts: PartsDep, caller: Seeing, cursor: Cursor = None, limit: Limit = DEFAULT) -> Groups:
    """By id, with their members."""
    rows = await groups.page(parts.store, after=after(cursor), limit=limit + 1)
    return Groups.of(rows, limit, _group)


@router.post("", summary="Create a group", status_code=201, response_model=Group, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Editing, body: GroupIn, key: IdempotencyKey = None) -> Response:
    """A zone that applies to it applies to each member from the moment they are one."""

    async def write(change: Edit) -> tuple[int, int, Group]:
        saved = _group(await groups.add(change, body.name, body.wearers))
        return saved.id, saved.version, saved

    return await created(request, parts, caller, key, write)


@router.get("/{group_id}", summary="One group", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, group_id: Id) -> Group:
    """With its members."""
    return with_etag(_group(await groups.get(parts.store, group_id)), response)


@router.patch("/{group_id}", summary="Change a group", responses=EDITING | WAITS)
async def change(
    parts: PartsDep, caller: Editing, response: Response, group_id: Id, body: GroupPatch, if_match: IfMatch = None
) -> Group:
    """Only what is sent. Who leaves a group that has zones does so once a second person has approved it: 202."""
    version = expected(if_match)
    async with editing(parts, caller) as under_way:
        await groups.locked(under_way, group_id, version)
        freed = None if body.wearers is None else await waiting.freed(under_way.connection, group_id, body.wearers)
        if freed is not None:
            fields = {"name": body.name, "wearers": body.wearers}
            waits: Group = accepted(await waiting.ask(under_way, "group", group_id, version, fields, freed))
            return waits
        saved = _group(await groups.edit(under_way, group_id, version, body.name, body.wearers))
    return with_etag(saved, response)
