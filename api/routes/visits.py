"""Visits: to fit, inspect, swap or remove a tag; planned, signed in to and out of, done."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, InstantIn, Person, Row, Tag, Text, now_us, person
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import Kind, ProblemError, invalid
from api.refusals import CREATING, EDITING, LISTING, READING
from api.roles import PERMISSIONS, May
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from model.event import EventKind
from model.instant import MINUTE_US
from store import visits
from store.feed import Edit
from store.pool import Connection

router = APIRouter(prefix="/visits", tags=["visits"])

Seeing = Annotated[Caller, needs(May.SEE_WEARERS)]
Planning = Annotated[Caller, needs(May.PLAN_VISITS)]


What = Literal["fit", "inspect", "swap", "remove"]
Status = Literal["planned", "at_door", "done", "cancelled"]
Outcome = Literal["done", "no_access", "refused", "unsafe"]

SKEW_US: Final = 2 * MINUTE_US  # a field officer's clock may be ahead of ours by that

PROOF: Final = "say whether the strap was proven to be closed and whole: strap_proven is true or false"

SENT: Final[dict[str, Any]] = {
    "wearer": 1,
    "kind": "inspect",
    "tag": 356307042441013,
    "new_tag": None,
    "officer": 4,
    "from": "2026-11-22T09:00:00Z",
    "to": "2026-11-22T12:00:00Z",
    "note": "Strap alert 12.",
}
ANSWERED: Final[dict[str, Any]] = SENT | {
    "id": 7,
    "wearer_name": "Test Wearer",
    "officer": {"id": 4, "name": "field"},
    "status": "done",
    "attempts": [
        {
            "by": {"id": 4, "name": "field"},
            "signed_in": "2026-11-22T10:00:00Z",
            "signed_out": "2026-11-22T10:30:00Z",
            "outcome": "done",
            "strap_proven": True,
            "range_test": "passed",
            "remark": "Strap replaced.",
            "recorded_at": "2026-11-22T10:00:02Z",
        }
    ],
    "joined": [
        {
            "tag": 356307042441013,
            "at": "2026-11-22T10:05:00Z",
            "received_at": "2026-11-22T10:05:02Z",
            "kind": "strap_tamper",
        }
    ],
    "version": 3,
    "created_at": "2026-11-22T08:10:00Z",
}


class Door(Input):
    """What is said of an attempt: sign-in when the door is reached, sign-out with what came of it."""

    signed_in: InstantIn | None = Field(None, description="from then on an opened strap or case joins the visit")
    signed_out: InstantIn | None = None
    outcome: Outcome | None = Field(None, description="with `signed_out`; done ends the visit, all others leave it to be done")
    strap_proven: bool | None = Field(None, description="whether the strap was pulled, looked at, and found closed and whole")
    range_test: Literal["passed", "failed"] | None = None
    remark: Text | None = Field(None, description="what was found")

    @model_validator(mode="after")
    def _whole(self) -> "Door":
        if (self.signed_out is None) != (self.outcome is None):
            raise ValueError("signed_out and outcome go together: send both")
        if self.outcome is None and (self.strap_proven or self.range_test or self.remark):
            raise ValueError("strap_proven, range_test and remark are said at sign-out: send signed_out and outcome with them")
        if self.strap_proven and self.outcome != "done":
            raise ValueError("strap_proven: only a visit that was done proves a strap; outcome says it was not")
        return self


class VisitIn(Door):
    """A visit as it is sent; one that has taken place already with its sign-in and sign-out."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [SENT]})

    wearer: Id
    kind: What
    tag: Tag | None = Field(None, description="to be fitted, inspected or taken off; null: whichever is worn, or not known yet")
    new_tag: Tag | None = Field(None, description="what a swap fits instead")
    officer: Id | None = Field(None, description="account of the field officer whose visit it is")
    window_from: InstantIn = Field(alias="from")
    window_to: InstantIn = Field(alias="to", description="by when it is due")
    note: Text | None = None

    @model_validator(mode="after")
    def _possible(self) -> "VisitIn":
        if self.window_to <= self.window_from:
            raise ValueError("to: the visit's window would end before it begins")
        if self.new_tag is not None and self.kind != "swap":
            raise ValueError(f"new_tag is what a swap fits instead; a visit to {self.kind} has only tag")
        if self.signed_out is not None and self.signed_in is None:
            raise ValueError("nobody has signed in: send signed_in as well")
        if self.signed_out is not None and self.signed_in is not None and self.signed_out < self.signed_in:
            raise ValueError("signed_out is before signed_in: correct one of them")
        if self.outcome == "done" and self.kind != "remove" and self.strap_proven is None:
            raise ValueError(PROOF)
        return self


class VisitPatch(Door):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {"signed_in": "2026-11-22T10:00:00Z"},
                {
                    "signed_out": "2026-11-22T10:30:00Z",
                    "outcome": "done",
                    "strap_proven": True,
                    "range_test": "passed",
                    "remark": "Strap replaced.",
                },
            ]
        },
    )

    tag: Tag | None = None
    new_tag: Tag | None = None
    officer: Id | None = None
    window_from: InstantIn | None = Field(None, alias="from")
    window_to: InstantIn | None = Field(None, alias="to")
    note: Text | None = None
    cancelled: Literal[True] | None = Field(None, description="true: it is called off")


class Attempt(BaseModel):
    """Somebody at the door, once."""

    by: Person | None
    signed_in: Instant
    signed_out: Instant | None
    outcome: Outcome | None
    strap_proven: bool
    range_test: str | None
    remark: str | None
    recorded_at: Instant = Field(description="when the sign-in reached us")


class Joined(BaseModel):
    """A strap or case event between sign-in and sign-out: the visit accounts for it if the strap is proven at its end."""

    tag: int
    at: Instant
    received_at: Instant
    kind: str


class Visit(BaseModel):
    """A visit."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [ANSWERED]})

    id: int
    wearer: int
    wearer_name: str
    kind: What
    tag: int | None
    new_tag: int | None
    officer: Person | None
    window_from: Instant = Field(alias="from")
    window_to: Instant = Field(alias="to")
    note: str | None
    status: Status
    attempts: list[Attempt]
    joined: list[Joined] | None = Field(description="null in a list")
    version: int
    created_at: Instant


class Visits(Page[Visit]):
    """A page of visits."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED | {"joined": None}], "next": None}]})


def _attempt(row: Row) -> Attempt:
    names = [name for name in Attempt.model_fields if name not in {"by", "remark"}]
    return Attempt(by=person(row["by"], row["by_name"]), remark=row["note"] or None, **{name: row[name] for name in names})


def visit(row: Row, attempts: Sequence[Row], joined: Sequence[Row] | None = None) -> Visit:
    """A row as it is answered; ``joined`` None: in a list."""
    made = {"officer", "attempts", "joined", "note"}
    events = None
    if joined is not None:
        names = ("tag", "at", "received_at")
        events = [Joined(kind=EventKind(one["kind"]).word, **{name: one[name] for name in names}) for one in joined]
    return Visit(
        officer=person(row["officer"], row["officer_name"]),
        attempts=[_attempt(one) for one in attempts],
        joined=events,
        note=row["note"] or None,
        **{name: row[name] for name in Visit.model_fields if name not in made},
    )


async def _whole(connection: Connection, row: Row) -> Visit:
    attempts = await visits.attempts(connection, [row["id"]])
    return visit(row, attempts[row["id"]], await visits.joined(connection, row["id"]))


def _check(caller: Caller, kind: str, fields: dict[str, Any]) -> None:
    """Refuse what nobody, or not this one, may say of an attempt."""
    if any(fields.get(name) is not None for name in visits.DOOR) and May.FIT_TAGS not in PERMISSIONS[caller.role]:
        detail = f"{caller.role} may plan visits; signing in and out is for who is at the door"
        raise ProblemError(Kind.NOT_ALLOWED, detail, more={"permission": May.FIT_TAGS})
    for name in ("signed_in", "signed_out"):
        if fields.get(name) is not None and fields[name] > now_us() + SKEW_US:
            raise invalid(name, "lies in the future: sign in and out when it happens")
    if fields.get("outcome") == "done" and kind != "remove" and fields.get("strap_proven") is None:
        raise invalid("strap_proven", PROOF)


@router.get("", summary="Visits", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    wearer: Annotated[Id | None, Query()] = None,
    status: Status | None = None,
    officer: Annotated[Id | None, Query(description="whose visits")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Visits:
    """By id."""
    async with parts.store.pool.acquire() as connection:
        rows = await visits.page(connection, wearer=wearer, status=status, officer=officer, after=after(cursor), limit=limit + 1)
        attempts = await visits.attempts(connection, [row["id"] for row in rows])
    return Visits.of(rows, limit, lambda row: visit(row, attempts[row["id"]]))


@router.post("", summary="Plan a visit", status_code=201, response_model=Visit, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Planning, body: VisitIn, key: IdempotencyKey = None) -> Response:
    """Or record one that has taken place."""
    fields = body.model_dump(exclude={"wearer", "kind"})
    _check(caller, body.kind, fields)
    fields["note"] = fields["note"] or ""

    async def write(change: Edit) -> tuple[int, int, Visit]:
        row = await visits.add(change, body.wearer, body.kind, fields)
        saved = await _whole(change.connection, row)
        return saved.id, saved.version, saved

    return await created(request, parts, caller, key, write)


@router.get("/{visit_id}", summary="One visit", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, visit_id: Id) -> Visit:
    """As it stands, with what joined it."""
    async with parts.store.pool.acquire() as connection:
        return with_etag(await _whole(connection, await visits.get(connection, visit_id)), response)


@router.patch("/{visit_id}", summary="Change a visit, sign in, sign out", responses=EDITING)
async def change(
    parts: PartsDep, caller: Planning, response: Response, visit_id: Id, body: VisitPatch, if_match: IfMatch = None
) -> Visit:
    """Only what is sent. A fit that is done begins an activation at sign-out, a removal ends one, a swap does both."""
    version = expected(if_match)
    fields = body.model_dump(exclude_unset=True)
    for name in ("window_from", "window_to"):
        if name in fields and fields[name] is None:
            raise invalid(name.removeprefix("window_"), "cannot be taken away")
    if "note" in fields:
        fields["note"] = fields["note"] or ""
    async with editing(parts, caller) as under_way:
        known = await visits.get(under_way.connection, visit_id)
        _check(caller, known["kind"], fields)
        saved = await _whole(under_way.connection, await visits.edit(under_way, visit_id, version, fields))
    return with_etag(saved, response)
