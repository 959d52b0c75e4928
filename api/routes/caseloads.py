"""Caseloads: the orders somebody answers for, and transfers, which hold with the sender until they are accepted."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, Person, Row, Text, person
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import Kind, ProblemError, documented
from api.refusals import CREATING, LISTING, READING
from api.roles import May
from api.routes.covers import own_caseload, responsible
from api.token import Caller
from store import caseloads
from store.feed import Edit

router = APIRouter(tags=["caseloads"])

Seeing = Annotated[Caller, needs(May.SEE_WEARERS)]
Setting = Annotated[Caller, needs(May.EDIT_WEARERS)]

ACTING: Final = READING | documented(Kind.CONFLICT)

HELD: Final[dict[str, Any]] = {
    "order": 3,
    "wearer": 7,
    "wearer_name": "Test Wearer",
    "type": "bail",
    "status": "active",
    "officer": {"id": 2, "name": "officer"},
    "covered": False,
    "transfer": None,
}
SENT: Final[dict[str, Any]] = {"orders": [3, 4], "to": 5, "from": None, "note": "Moved to the coast."}
ANSWERED: Final[dict[str, Any]] = SENT | {
    "id": 1,
    "state": "offered",
    "from": {"id": 2, "name": "officer"},
    "to": {"id": 5, "name": "colleague"},
    "offered_at": "2026-11-22T08:00:00Z",
    "accepted_at": None,
    "withdrawn_at": None,
}


class Held(BaseModel):
    """An order somebody answers for."""

    model_config = ConfigDict(json_schema_extra={"examples": [HELD]})

    order: int
    wearer: int
    wearer_name: str
    type: str
    status: str
    officer: Person | None
    covered: bool = Field(description="answered for by cover: it is another officer's")
    transfer: int | None = Field(description="the transfer by which it is offered to somebody")


class Caseload(Page[Held]):
    """A page of a caseload."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [HELD], "next": None}]})


class TransferIn(Input):
    """Orders for another officer."""

    model_config = ConfigDict(json_schema_extra={"examples": [SENT]})

    orders: Annotated[list[Id], Field(min_length=1, max_length=500)]
    to: Id
    sender: Id | None = Field(None, alias="from", description="whose they are; yours where it is left out")
    note: Text | None = None


class Transfer(BaseModel):
    """A transfer."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [ANSWERED]})

    id: int
    state: Literal["offered", "accepted", "withdrawn"]
    orders: list[int]
    sender: Person = Field(serialization_alias="from")
    to: Person
    note: str | None
    offered_at: Instant
    accepted_at: Instant | None
    withdrawn_at: Instant | None


class Transfers(Page[Transfer]):
    """A page of transfers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


def _held(row: Row) -> Held:
    return Held(
        order=row["id"],
        officer=person(row["officer"], row["officer_name"]),
        covered=row["answers"] != row["officer"],
        **{name: row[name] for name in ("wearer", "wearer_name", "type", "status", "transfer")},
    )


def _transfer(row: Row) -> Transfer:
    named = {name: row[name] for name in Transfer.model_fields if name not in {"sender", "to"}}
    sender = Person(id=row["from_account"], name=row["from_name"])
    return Transfer(sender=sender, to=Person(id=row["to_account"], name=row["to_name"]), **named)


@router.get("/caseload", summary="Orders somebody answers for now", responses=LISTING)
async def caseload(
    parts: PartsDep,
    caller: Seeing,
    officer: Annotated[Id | None, Query(description="yours where it is left out")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Caseload:
    """Their own that nobody covers just now, and those they cover; by order."""
    answers = caller.account if officer is None else officer
    rows = await caseloads.page(parts.store, answers=answers, after=after(cursor), limit=limit + 1)
    return Caseload.of(rows, limit, _held)


@router.get("/transfers", summary="Transfers", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    officer: Annotated[Id | None, Query(description="to or from")] = None,
    offered: Annotated[bool, Query(description="only those that wait for an answer")] = False,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Transfers:
    """By id."""
    rows = await caseloads.transfers(parts.store, account=officer, offered=offered, after=after(cursor), limit=limit + 1)
    return Transfers.of(rows, limit, _transfer)


@router.post(
    "/transfers", summary="Offer orders to another officer", status_code=201, response_model=Transfer, responses=CREATING
)
async def offer(request: Request, parts: PartsDep, caller: Setting, body: TransferIn, key: IdempotencyKey = None) -> Response:
    """They stay with the sender until the other accepts. A supervisor may send another officer's."""
    sender = caller.account if body.sender is None else body.sender
    own_caseload(caller, sender)

    async def write(change: Edit) -> tuple[int, int, Transfer]:
        await responsible(change.connection, body.to, "to")
        saved = _transfer(await caseloads.offer(change, sender, body.to, body.orders, body.note))
        return saved.id, 1, saved

    async def taker(_: Edit) -> tuple[int, ...]:
        return (body.to,)  # locked, lest they can take it no more by the time that it is offered

    return await created(request, parts, caller, key, write, whose=taker)


@router.get("/transfers/{transfer_id}", summary="One transfer", responses=READING)
async def one(parts: PartsDep, caller: Seeing, transfer_id: Id) -> Transfer:
    """As it stands."""
    return _transfer(await caseloads.get(parts.store, transfer_id))


@router.post("/transfers/{transfer_id}/accept", summary="Accept a transfer", responses=ACTING)
async def accept(parts: PartsDep, caller: Setting, transfer_id: Id) -> Transfer:
    """The orders are yours from now on; only whom they were offered to may say so."""
    async with editing(parts, caller) as change:
        row = await caseloads.locked(change, transfer_id)
        if row["to_account"] != caller.account:
            raise ProblemError(
                Kind.NOT_ALLOWED, f"transfer {transfer_id} was offered to {row['to_name']}: only they can accept it"
            )
        return _transfer(await caseloads.accept(change, row))


@router.post("/transfers/{transfer_id}/withdraw", summary="Withdraw or decline a transfer", responses=ACTING)
async def withdraw(parts: PartsDep, caller: Setting, transfer_id: Id) -> Transfer:
    """By whoever sent it, was offered it, or a supervisor; the orders stay where they are."""
    async with editing(parts, caller) as change:
        row = await caseloads.locked(change, transfer_id)
        if caller.account != row["to_account"]:
            own_caseload(caller, row["from_account"])
        return _transfer(await caseloads.withdraw(change, row))
