"""Orders: the authority to monitor a wearer."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, InstantIn, Name, Person, Row, Text, Timezone, person
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import Parts, PartsDep
from api.problem import Kind, documented, invalid
from api.refusals import CREATING, EDITING, LISTING, READING
from api.roles import May
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from model.instant import show
from store import authority, orders
from store.feed import Edit

router = APIRouter(prefix="/orders", tags=["orders"])

Seeing = Annotated[Caller, needs(May.SEE_WEARERS)]
Editing = Annotated[Caller, needs(May.EDIT_WEARERS)]
Approving = Annotated[Caller, needs(May.APPROVE_RELAXED)]


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
    "fit_by": "2026-03-21T09:00:00Z",
}
ANSWERED: Final[dict[str, Any]] = SENT | {
    "id": 3,
    "organisation": 1,
    "pending": [],
    "version": 1,
    "created_at": "2026-03-20T09:00:00Z",
}
WORD: Final[dict[str, Any]] = {
    "status": "in_custody",
    "authorised_by": "Crown Court, HHJ Test",
    "document": "warrant 4711",
    "recheck_at": "2026-04-01T09:00:00Z",
    "in_force_from": "2026-03-25T14:00:00Z",
}
CHANGED: Final[dict[str, Any]] = {
    "number": 2,
    "fields": {"ends": "2026-11-22T08:00:00Z"},
    "before": {"ends": None},
    "relaxes": ["it would end earlier"],
    "state": "waiting",
    "words": "Variation by consent.",
    "proposed_by": {"id": 2, "name": "officer"},
    "proposed_at": "2026-11-21T10:00:00Z",
    "decided_by": None,
    "decided_at": None,
}


WAITING_CHANGE: Final[dict[str, Any]] = CHANGED | {
    "order": 3,
    "wearer": 7,
    "wearer_name": "Test Wearer",
    "overtaken": False,
}
MOST: Final = 500  # that wait: more than anybody decides in a day


class Word(Input):
    """By whose word a status holds, and from when."""

    authorised_by: Name | None = Field(None, description="who decided: a court, a governor, a duty manager")
    document: Name | None = Field(None, description="where that is written: a warrant's or a letter's number")
    recheck_at: InstantIn | None = Field(None, description="when somebody has to ask whether it still holds")
    in_force_from: InstantIn | None = Field(None, description="since or from when; a second from now where it is left out")


class StatusIn(Word):
    """A status that was decided earlier, or will be in force later."""

    model_config = ConfigDict(json_schema_extra={"examples": [WORD]})

    status: Status
    in_force_from: InstantIn


class OrderIn(Word):
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
    fit_by: InstantIn | None = Field(None, description="by when somebody has to wear a tag; a day after `starts` where left out")
    in_force_from: InstantIn | None = Field(None, description="of the status; since `starts` where it is left out")
    statuses: list[StatusIn] = Field([], max_length=100, description="those after the first, where there were or will be any")


class OrderPatch(Word):
    """What is to change; what is left out stays. By whose word, and from when, goes with `status`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "completed", "ends": "2026-11-22T08:00:00Z"}]})

    wearer: Id | None = Field(None, description="only as it is: an order keeps its wearer")
    officer: Id | None = None
    type: Name | None = None
    status: Status | None = None
    timezone: Timezone | None = None
    risk: Literal["standard", "high"] | None = None
    starts: InstantIn | None = None
    ends: InstantIn | None = None
    fit_by: InstantIn | None = None
    words: Text | None = Field(None, description="why: what a second person reads before they approve")


class Decision(Input):
    """What is said to a variation."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"words": "Seen the court's letter."}]})

    words: Text | None = None


NULLABLE: Final = {"officer", "ends", "fit_by", "words", *authority.WORD}


class Order(BaseModel):
    """An order."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    id: int
    wearer: int
    officer: int | None
    organisation: int
    type: str
    status: Status = Field(description="as of now; `/statuses` has what it was and will be")
    timezone: str
    risk: str
    starts: Instant
    ends: Instant | None
    fit_by: Instant | None
    pending: list[int] = Field(description="numbers of the changes that wait for a second person")
    version: int
    created_at: Instant


class Orders(Page[Order]):
    """A page of orders."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


class OrderStatus(BaseModel):
    """A status, from when it holds, and when that was recorded by whom."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [WORD | {"number": 2, "recorded_at": "2026-03-25T15:00:00Z", "recorded_by": {"id": 2, "name": "officer"}}]
        }
    )

    number: int
    status: Status
    authorised_by: str | None
    document: str | None
    recheck_at: Instant | None
    in_force_from: Instant
    recorded_at: Instant
    recorded_by: Person | None


class OrderStatuses(Page[OrderStatus]):
    """All statuses of an order."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [], "next": None}]})


class OrderChange(BaseModel):
    """A variation of an order."""

    model_config = ConfigDict(json_schema_extra={"examples": [CHANGED]})

    number: int
    fields: dict[str, Any]
    before: dict[str, Any]
    relaxes: list[str] = Field(description="what of it is relaxed; nothing: it was done at once")
    state: Literal["waiting", "applied", "refused"]
    words: str | None
    proposed_by: Person | None
    proposed_at: Instant
    decided_by: Person | None
    decided_at: Instant | None


class OrderChanges(Page[OrderChange]):
    """All variations of an order."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [CHANGED], "next": None}]})


class WaitingChange(OrderChange):
    """A variation that waits, and of whose order."""

    model_config = ConfigDict(json_schema_extra={"examples": [WAITING_CHANGE]})

    order: int
    wearer: int
    wearer_name: str
    overtaken: bool = Field(description="the order has changed since: refuse it, and have it proposed again")


class WaitingChanges(Page[WaitingChange]):
    """Variations that wait, of all orders."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [WAITING_CHANGE], "next": None}]})


TIMES: Final = {"starts", "ends", "fit_by", "recheck_at", "in_force_from"}


def _shown(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: show(value) if name in TIMES and value is not None else value for name, value in fields.items()}


def _status(row: Row) -> OrderStatus:
    names = [name for name in OrderStatus.model_fields if name != "recorded_by"]
    return OrderStatus(recorded_by=person(row["recorded_by"], row["recorded_by_name"]), **{name: row[name] for name in names})


def _change(row: Row) -> OrderChange:
    return OrderChange(
        number=row["number"],
        fields=_shown(row["fields"]),
        before=_shown(row["before"]),
        relaxes=row["relaxes"],
        state=row["decision"] or "waiting",
        words=row["words"] or None,
        proposed_by=person(row["proposed_by"], row["proposed_by_name"]),
        proposed_at=row["proposed_at"],
        decided_by=person(row["decided_by"], row["decided_by_name"]),
        decided_at=row["decided_at"],
    )


def _waiting(row: Row) -> WaitingChange:
    more = {name: row[name] for name in ("wearer", "wearer_name", "overtaken")}
    return WaitingChange(order=row["monitoring_order"], **more, **dict(_change(row)))


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
    return Orders.of(rows, limit, _order)


@router.get("/changes", summary="Variations of all orders that wait", responses=documented(Kind.SIGNED_OUT, Kind.NOT_ALLOWED))
async def every_change(parts: PartsDep, caller: Seeing) -> WaitingChanges:
    """For a second person, the oldest first; at most 500."""
    return WaitingChanges(items=[_waiting(row) for row in await authority.waiting(parts.store, MOST)], next=None)


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
    return with_etag(_order(await orders.get(parts.store, order_id)), response)


WAITS: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": Order, "description": "it relaxes the order, and waits for a second person: `pending`"}
}


@router.patch("/{order_id}", summary="Change an order", responses=EDITING | WAITS)
async def change(
    parts: PartsDep, caller: Editing, response: Response, order_id: Id, body: OrderPatch, if_match: IfMatch = None
) -> Order:
    """Only what is sent. What relaxes the order is answered with 202, and waits for a second person; all else is done at once."""
    version = expected(if_match)
    fields = body.model_dump(exclude_unset=True)
    for name, value in fields.items():
        if value is None and name not in NULLABLE:
            raise invalid(name, "cannot be taken away")
        if name in authority.WORD and "status" not in fields:
            raise invalid(name, "is said of a status: send status as well")
    words = fields.pop("words", None) or ""
    async with editing(parts, caller) as under_way:
        varied = await orders.edit(under_way, order_id, version, fields, words)
        saved = _order(varied.order)
    if varied.relaxes:
        response.status_code = 202
    return with_etag(saved, response)


@router.get("/{order_id}/statuses", summary="What an order's status was and will be", responses=READING)
async def statuses(parts: PartsDep, caller: Seeing, order_id: Id) -> OrderStatuses:
    """In the order in which they were recorded: each holds from `in_force_from` until another does."""
    return OrderStatuses(items=[_status(row) for row in await authority.statuses(parts.store, order_id)], next=None)


@router.get("/{order_id}/changes", summary="Variations of an order", responses=READING)
async def changes(parts: PartsDep, caller: Seeing, order_id: Id) -> OrderChanges:
    """Oldest first; those that wait among them."""
    return OrderChanges(items=[_change(row) for row in await authority.changes(parts.store, order_id)], next=None)


DECIDING: Final = READING | documented(Kind.MALFORMED, Kind.CONFLICT)


@router.post("/{order_id}/changes/{number}/approve", summary="Approve a variation that relaxes an order", responses=DECIDING)
async def approve(
    parts: PartsDep, caller: Approving, response: Response, order_id: Id, number: Id, body: Decision | None = None
) -> Order:
    """By anybody who may, but who proposed it. In force a second later, or from when it says."""
    return await _decided(parts, caller, response, order_id, number, body, applied=True)


@router.post("/{order_id}/changes/{number}/refuse", summary="Refuse a variation that waits", responses=DECIDING)
async def refuse(
    parts: PartsDep, caller: Approving, response: Response, order_id: Id, number: Id, body: Decision | None = None
) -> Order:
    """The order stays as it is."""
    return await _decided(parts, caller, response, order_id, number, body, applied=False)


async def _decided(
    parts: Parts, caller: Caller, response: Response, order: int, number: int, body: Decision | None, *, applied: bool
) -> Order:
    words = (body.words if body else None) or ""
    async with editing(parts, caller) as under_way:
        saved = _order(await orders.decide(under_way, order, number, applied=applied, words=words))
    return with_etag(saved, response)
