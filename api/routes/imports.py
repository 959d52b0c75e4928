"""What was imported from a file: which of its items are here, under which id, as of which content."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.caller import needs
from api.creation import REF_MOST, SOURCE_MOST
from api.fields import Instant
from api.listing import DEFAULT, Limit
from api.parts import PartsDep
from api.refusals import LISTING
from api.roles import May
from api.token import Caller
from store import imports

router = APIRouter(prefix="/imports", tags=["imports"])

Importing = Annotated[Caller, needs(May.EDIT_WEARERS)]

ANSWERED: Final[dict[str, Any]] = {
    "ref": "orders/o1",
    "resource": 3,
    "content": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "at": "2026-03-20T09:00:00Z",
}


class Imported(BaseModel):
    """One item that was imported."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    ref: str = Field(description="list and ref in the file")
    resource: int = Field(description="its id here")
    content: str = Field(description="SHA-256 of method, path and body of the request that created it")
    at: Instant


class Imports(BaseModel):
    """A page of a file's items."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})

    items: list[Imported]
    next: str | None = Field(description="pass it as `cursor` for the next page; null on the last")


@router.get("", summary="What was imported from a file", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Importing,
    source: Annotated[str, Query(max_length=SOURCE_MOST, pattern=r"^[^\x00]*$", description="the name of the import")],
    cursor: Annotated[str, Query(max_length=REF_MOST, pattern=r"^[^\x00]*$", description="`next` of the page before")] = "",
    limit: Limit = DEFAULT,
) -> Imports:
    """By list and ref."""
    rows = await imports.page(parts.store, source, cursor, limit + 1)
    items = [
        Imported(ref=row["ref"], resource=row["resource"], content=row["request"].hex(), at=row["at"]) for row in rows[:limit]
    ]
    return Imports(items=items, next=items[-1].ref if len(rows) > limit else None)
