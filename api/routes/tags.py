"""Tags: the last fix of each, who wears it, and those that send without anybody wearing them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api import fix
from api.alert import FULL
from api.caller import needs
from api.fields import Id, Instant, Row
from api.fix import Fix
from api.listing import DEFAULT, Cursor, Limit, Page, after, pack
from api.parts import PartsDep
from api.problem import Kind, documented
from api.roles import May
from api.token import Caller
from store import audit, tags

router = APIRouter(prefix="/tags", tags=["tags"])

Seeing = Annotated[Caller, needs(May.SEE_TAGS)]

LISTING: Final = documented(Kind.SIGNED_OUT, Kind.NOT_ALLOWED, Kind.INVALID)
READING: Final = LISTING | documented(Kind.MISSING)

ANSWERED: Final[dict[str, Any]] = {
    "tag": 356307042441013,
    "activation": {"id": 5, "wearer": 1, "wearer_name": "Test Wearer", "from": "2026-03-20T10:00:00Z", "to": None},
    "unknown": None,
    "last": FULL["evidence"][0]["fixes"][0],
}


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
    return Tag(tag=row["tag"], activation=worn, unknown=unknown, last=last)


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
    following = pack(rows[limit - 1]["tag"]) if len(rows) > limit else None
    return Tags(items=[_tag(row, caller) for row in rows[:limit]], next=following)


@router.get("/{tag}", summary="One tag", responses=READING)
async def one(parts: PartsDep, caller: Seeing, tag: Id) -> Tag:
    """With its last fix. Who looked is noted where there was something personal to see."""
    found = _tag(await tags.get(parts.store, tag), caller)
    if caller.may(May.SEE_FIXES) or caller.may(May.SEE_WEARERS):
        await audit.note(parts.store, caller.account, "read", f"tag/{tag}")
    return found
