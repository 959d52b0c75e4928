"""The shift handover: what the next shift must know, and ownership that moves when a colleague accepts it."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api import alert as shape
from api.alert import Alert
from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, Person, Row, Text, now_us
from api.judging import Check, Lane, lane, watched
from api.listing import Page
from api.parts import Parts, PartsDep
from api.problem import Kind, ProblemError, documented
from api.roles import PERMISSIONS, May, Role
from api.routes.alerts import WORKING_ROLES, workers
from api.routes.contacts import ANSWERED as CONTACT
from api.routes.contacts import Contact, contact
from api.routes.pauses import ANSWERED as PAUSE
from api.routes.pauses import Pause, pause
from api.routes.visits import ANSWERED as VISIT
from api.routes.visits import Visit, visit
from api.token import Caller
from model.instant import DAY_US
from store import accounts, alerts, contacts, handovers, pauses, status, visits, watch
from store.feed import Edit
from store.pool import Connection
from store.refusal import ConflictError

router = APIRouter(prefix="/handover", tags=["handover"])

Seeing = Annotated[Caller, needs(May.SEE_QUEUE)]
Working = Annotated[Caller, needs(May.WORK_ALERTS)]
Releasing = Annotated[Caller, needs(May.RELEASE_ALERTS)]

READING: Final = documented(Kind.SIGNED_OUT, Kind.NOT_ALLOWED)
ACTING: Final = READING | documented(Kind.MALFORMED, Kind.MISSING, Kind.CONFLICT, Kind.INVALID)

MOST: Final = 500  # of each list: more than a shift can read
NAMED: Final = 10  # alerts in a refusal's sentence

SENT: Final[dict[str, Any]] = {"to": 2, "note": "W7's mother calls back at six. Gateway north was silent twice."}
ANSWERED: Final[dict[str, Any]] = SENT | {
    "id": 4,
    "state": "offered",
    "from": {"id": 1, "name": "operator"},
    "to": {"id": 2, "name": "officer"},
    "alerts": [12],
    "calls": [5],
    "offered_at": "2026-11-22T05:50:00Z",
    "accepted_at": None,
    "withdrawn_at": None,
}
SHIFT: Final[dict[str, Any]] = {
    "now": "2026-11-22T05:45:00Z",
    "alerts": [shape.SUMMARY],
    "calls_owed": [CONTACT],
    "pauses": [PAUSE],
    "visits": [VISIT | {"joined": None}],
    "blind": {
        "failing": [{"name": "lanes", "state": "failing", "text": "judging as of 05:31:00 UTC in lane 2"}],
        "lanes": [
            {"partition": 2, "owner": "worker-1", "watermark": "2026-11-22T05:31:00Z", "lag_s": 840.0, "state": "behind"},
        ],
        "gateways": [{"name": "gw-north", "worn": 120, "silent": 31, "unknown": 0}],
    },
    "people": [{"id": 1, "name": "operator", "role": "operator", "signed_in": True, "owns": 3, "calls": 1, "barred": None}],
    "offers": [ANSWERED],
}


class Gateway(BaseModel):
    """A gateway through which tags were last heard that are silent now."""

    name: str
    worn: int = Field(description="tags worn that were last heard through it")
    silent: int
    unknown: int = Field(description="of whom nobody can say: their lane has not listened for long enough")


class Blind(BaseModel):
    """Where Cordon does not see just now."""

    failing: list[Check]
    lanes: list[Lane] = Field(description="those that are behind, or that no worker owns")
    gateways: list[Gateway]


class Colleague(BaseModel):
    """Somebody who may own alerts."""

    id: int
    name: str
    role: Role
    signed_in: bool
    owns: int = Field(description="alerts that are not closed")
    calls: int = Field(description="calls that they owe")
    barred: str | None = Field(
        None, description="why what the caller has to do would not be theirs to take over: `cannot work alert 12`; null: it would"
    )


class Handover(BaseModel):
    """An offer, or what became of it."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [ANSWERED]})

    id: int
    state: Literal["offered", "accepted", "withdrawn"]
    sender: Person = Field(serialization_alias="from")
    to: Person
    note: str | None
    alerts: list[int] = Field(description="owned when it was offered; once it is accepted, those that moved")
    calls: list[int] = Field(
        description="contacts whose call was owed when it was offered; once it is accepted, those that moved"
    )
    offered_at: Instant
    accepted_at: Instant | None
    withdrawn_at: Instant | None


class Handovers(Page[Handover]):
    """Handovers, all in one page."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


class Shift(BaseModel):
    """What the next shift must know."""

    model_config = ConfigDict(json_schema_extra={"examples": [SHIFT]})

    now: Instant
    alerts: list[Alert] = Field(description="P1 and P2 that are not closed, as the queue has them; at most 500")
    calls_owed: list[Contact] = Field(description="the one that is due first on top; at most 500")
    pauses: list[Pause] = Field(description="in force, or that may yet be")
    visits: list[Visit] = Field(description="under way, or to begin within 24 hours; what was due first on top; at most 500")
    blind: Blind
    people: list[Colleague] = Field(description="who holds how much, and who is there")
    offers: list[Handover] = Field(description="to or from the caller, not yet answered")


class Offer(Input):
    """To whom."""

    model_config = ConfigDict(json_schema_extra={"examples": [SENT]})

    to: Id = Field(description="account id of whoever takes over")
    note: Text | None = None


class Release(Input):
    """Whose alerts go back to the queue, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"account": 1, "reason": "Taken ill."}]})

    account: Id
    reason: Text


class Released(BaseModel):
    """What went back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"alerts": [12, 14], "calls": [5]}]})

    alerts: list[int]
    calls: list[int] = Field(description="contacts whose call is nobody's in particular now")


def _handover(row: Row) -> Handover:
    named = {name: row[name] for name in Handover.model_fields if name not in {"sender", "to"}}
    sender = Person(id=row["from_account"], name=row["from_name"])
    return Handover(sender=sender, to=Person(id=row["to_account"], name=row["to_name"]), **named)


@router.get("", summary="What the next shift must know", responses=READING)
async def shift(parts: PartsDep, caller: Seeing) -> Shift:
    """Open P1 and P2, calls that are owed, visits, pauses, where Cordon is blind, who holds what.

    What a role may not see is left out.
    """
    store = parts.store
    people, ours = shape.scope(caller)
    _, rows = await alerts.page(store, alerts.Filter(severities=(1, 2), people=people, ours=ours), None, MOST)
    owed = await contacts.owed(store, MOST) if caller.may(May.SEE_CONTACTS) else []
    standing = await pauses.page(store, wearer=None, standing=True, after=0, limit=MOST) if caller.may(May.SEE_WEARERS) else []
    planned = await _visits(parts) if caller.may(May.SEE_WEARERS) else []
    lanes = [lane(row) for row in await status.lanes(store)]
    told = watched(lanes, await watch.last(store))
    silent = [gateway for gateway in (await watch.seen(store)).gateways if gateway.silent or gateway.unknown]
    staff = await handovers.colleagues(store, WORKING_ROLES)
    async with store.pool.acquire() as connection:
        mine, owes = await _has(connection, caller.account)
    return Shift(
        now=now_us(),
        alerts=[shape.alert(row) for row in rows],
        calls_owed=[contact(row) for row in owed],
        pauses=[pause(row) for row in standing],
        visits=planned,
        blind=Blind(
            failing=told.failing,
            lanes=[one for one in lanes if one.state != "live"],
            gateways=[Gateway(**gateway._asdict()) for gateway in silent],
        ),
        people=[Colleague(**dict(row), barred=_barred(Role(row["role"]), mine, owes)) for row in staff],
        offers=[_handover(row) for row in await handovers.offers(store, caller.account)],
    )


async def _visits(parts: Parts) -> list[Visit]:
    rows = await visits.standing(parts.store, now_us() + DAY_US, MOST)
    async with parts.store.pool.acquire() as connection:
        attempts = await visits.attempts(connection, [row["id"] for row in rows])
    return [visit(row, attempts[row["id"]]) for row in rows]


@router.post("", summary="Offer what you own and owe to a colleague", status_code=201, response_model=Handover, responses=ACTING)
async def offer(request: Request, parts: PartsDep, caller: Working, body: Offer, key: IdempotencyKey = None) -> Response:
    """It stays yours until they accept. The same offer again is the one that stands; another withdraws it."""

    async def write(change: Edit) -> tuple[int, int, Handover]:
        saved = _handover(await handovers.offer(change, body.to, body.note))
        await _check(change.connection, caller.account, body.to)
        return saved.id, 1, saved

    async def taker(_: Edit) -> tuple[int, ...]:
        return (body.to,)  # locked, lest they can take it no more by the time that it is offered

    return await created(request, parts, caller, key, write, whose=taker)


@router.post("/release", summary="Put what somebody has to do back into the queue", responses=ACTING)
async def release(parts: PartsDep, caller: Releasing, body: Release) -> Released:
    """For whoever left, or must leave: their alerts are new again and nobody's, with the reason in their histories.

    The calls they owe are nobody's in particular.
    """
    async with editing(parts, caller, body.account) as change:
        had = await handovers.release(change, body.account, body.reason)
    return Released(alerts=had.alerts, calls=had.calls)


@router.get("/offers", summary="Handovers that wait for an answer", responses=READING)
async def offers(parts: PartsDep, caller: Seeing) -> Handovers:
    """To or from the caller, the oldest first: few, and cheap to ask for again and again."""
    rows = await handovers.offers(parts.store, caller.account)
    return Handovers(items=[_handover(row) for row in rows], next=None)


@router.get("/{handover_id}", summary="One handover", responses=READING | documented(Kind.MISSING, Kind.INVALID))
async def one(parts: PartsDep, caller: Seeing, handover_id: Id) -> Handover:
    """As it stands, for the two and for supervisors: its note may be about anybody."""
    row = await handovers.get(parts.store, handover_id)
    if caller.account not in {row["to_account"], row["from_account"]} and not caller.may(May.RELEASE_ALERTS):
        detail = f"handover {handover_id} is between {row['from_name']} and {row['to_name']}: ask one of them, or a supervisor"
        raise ProblemError(Kind.NOT_ALLOWED, detail)
    return _handover(row)


@router.post("/{handover_id}/accept", summary="Accept a handover", responses=ACTING)
async def accept(parts: PartsDep, caller: Working, handover_id: Id) -> Handover:
    """All that the colleague owns and owes is yours from now on; only whom it was offered to may say so."""
    async with editing(parts, caller, whose=lambda change: handovers.between(change, handover_id)) as change:
        row = await handovers.locked(change, handover_id)
        if row["to_account"] != caller.account:
            raise ProblemError(
                Kind.NOT_ALLOWED, f"handover {handover_id} was offered to {row['to_name']}: only they can accept it"
            )
        await _check(change.connection, row["from_account"], caller.account)
        return _handover(await handovers.accept(change, row))


@router.post("/{handover_id}/withdraw", summary="Withdraw or decline a handover", responses=ACTING)
async def withdraw(parts: PartsDep, caller: Working, handover_id: Id) -> Handover:
    """By whoever offered it or was offered it; everything stays with its owner."""
    async with editing(parts, caller, whose=lambda change: handovers.between(change, handover_id)) as change:
        row = await handovers.locked(change, handover_id)
        if caller.account not in {row["to_account"], row["from_account"]}:
            raise ProblemError(Kind.NOT_ALLOWED, f"handover {handover_id} is between {row['from_name']} and {row['to_name']}")
        return _handover(await handovers.withdraw(change, row))


async def _check(connection: Connection, owner: int, to: int) -> None:
    """Refuse somebody who could not see what they would own, or make the calls they would owe."""
    taker = await accounts.get(connection, to)
    assert taker is not None, "whoever it is offered to has an account"
    barred = await bar(connection, owner, Role(taker.role))
    if barred is not None:
        raise ConflictError(f"{taker.name} is {taker.role} and {barred}: choose somebody who can")


async def bar(connection: Connection, owner: int, role: Role) -> str | None:
    """Why a role cannot take over what somebody owns and owes, or None."""
    return _barred(role, *await _has(connection, owner))


async def _has(connection: Connection, account: int) -> tuple[list[Row], bool]:
    """The open alerts somebody owns, and whether they owe calls."""
    return list(await handovers.owned(connection, account)), bool(await handovers.calls(connection, account))


def _barred(role: Role, owned: Sequence[Row], owes: bool) -> str | None:
    """Why such alerts, and calls where some are owed, cannot be a role's to do."""
    barred = [row["id"] for row in owned if role not in workers(row)]
    if barred or role not in WORKING_ROLES:
        shown = ", ".join(map(str, barred[:NAMED])) + (f" and {len(barred) - NAMED} more" if len(barred) > NAMED else "")
        return f"cannot work alert{'' if len(barred) == 1 else 's'} {shown}" if barred else "cannot work alerts"
    if owes and May.LOG_CONTACTS not in PERMISSIONS[role]:
        return "cannot make these calls"
    return None
