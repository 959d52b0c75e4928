"""Orders: the authority to monitor a wearer."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.caller import needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, InstantIn, Name, Row, Timezone
from api.listing import DEFAULT, Cursor, Limit, Page, after, pack
from api.parts import PartsDep
from api.problem import Kind, documented, invalid
from api.roles import May
from api.token import Caller
from api.versions import IfMatch, etag, expected
from store import orders
from store.feed import Edit, edit

router = APIRouter(prefix="/orders", tags=["orders"])

Seeing = Annotated[Caller, needs(May.SEE_WEARERS)]
Editing = Annotated[Caller, needs(May.EDIT_WEARERS)]

LISTING: Final = documented(Kind.SIGNED_OUT, Kind.NOT_ALLOWED, Kind.INVALID)
READING: Final = LISTING | documented(Kind.MISSING)
CREATING: Final = LISTING | documented(Kind.MALFORMED, Kind.CONFLICT)
EDITING: Final = READING | documented(Kind.MALFORMED, Kind.CONFLICT, Kind.STALE, Kind.PRECONDITION)

Status = Literal[
    "pending", "active", "in_custody", "in_hospital", "unlawfully_at_large", "paused_by_court", "completed", "revoked"
]

SENT: Final[dict[str, Any]] = {
    "wearer": 1,
    "officer": None,
    "type": "bail",
    "status": "active",
    "timezone": "Europe/London",
    "risk": "standard",
    "starts": "2026-03-20T09:00:00Z",
    "ends": None,
}
ANSWERED: Final[dict[str, Any]] = SENT | {"id": 3, "version": 1, "created_at": "2026-03-20T09:00:00Z"}


class OrderIn(Input):
    """An order as it is sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [SENT]})

    wearer: Id
    officer: Id | None = Field(None, description="account of the responsible officer")
    type: Name = Field(description="bail, licence, community, ...")
    status: Status = "active"
    timezone: Timezone = Field(description="IANA name: curfews and schedules are in its local time")
    risk: Literal["standard", "high"] = "standard"
    starts: InstantIn
    ends: InstantIn | None = None


class OrderPatch(Input):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "completed", "ends": "2026-11-22T08:00:00Z"}]})

    wearer: Id | None = Field(None, description="only as it is: an order keeps its wearer")
    officer: Id | None = None
    type: Name | None = None
    status: Status | None = None
    timezone: Timezone | None = None
    risk: Literal["standard", "high"] | None = None
    starts: InstantIn | None = None
    ends: InstantIn | None = None


NULLABLE: Final = {"officer", "ends"}


class Order(BaseModel):
    """An order."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    id: int
    wearer: int
    officer: int | None
    type: str
    status: Status
    timezone: str
    risk: str
    starts: Instant
    ends: Instant | None
    version: int
    created_at: Instant


class Orders(Page[Order]):
    """A page of orders."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


def _order(row: Row) -> Order:
    return Order(**{name: row[name] for name in Order.model_fields})


@router.get("", summary="Orders", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    wearer: Annotated[Id | None, Query()] = None,
    status: Status | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Orders:
    """By id."""
    rows = await orders.page(parts.store, wearer=wearer, status=status, after=after(cursor), limit=limit + 1)
    following = pack(rows[limit - 1]["id"]) if len(rows) > limit else None
    return Orders(items=[_order(row) for row in rows[:limit]], next=following)


@router.post("", summary="Create an order", status_code=201, response_model=Order, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Editing, body: OrderIn, key: IdempotencyKey = None) -> Response:
    """While it is active and a tag is fitted, the wearer's positions are judged."""

    async def write(change: Edit) -> tuple[int, int, Order]:
        saved = _order(await orders.add(change, body.model_dump()))
        return saved.id, saved.version, saved

    return await created(request, parts, caller, key, write)


@router.get("/{order_id}", summary="One order", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, order_id: Id) -> Order:
    """As it stands."""
    found = _order(await orders.get(parts.store, order_id))
    response.headers["ETag"] = etag(found.version)
    return found


@router.patch("/{order_id}", summary="Change an order", responses=EDITING)
async def change(
    parts: PartsDep, caller: Editing, response: Response, order_id: Id, body: OrderPatch, if_match: IfMatch = None
) -> Order:
    """Only what is sent."""
    version = expected(if_match)
    fields = body.model_dump(exclude_unset=True)
    for name, value in fields.items():
        if value is None and name not in NULLABLE:
            raise invalid(name, "cannot be taken away")
    async with edit(parts.store, caller.account) as under_way:
        saved = _order(await orders.edit(under_way, order_id, version, fields))
    response.headers["ETag"] = etag(saved.version)
    return saved
