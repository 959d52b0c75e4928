"""Escalation calendars: who is told, by the time of day, when nobody answers an alert in time."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.caller import editing, needs
from api.creation import IdempotencyKey, created
from api.fields import Id, Input, Instant, Row, Timezone
from api.listing import DEFAULT, Cursor, Limit, Page, after
from api.parts import PartsDep
from api.problem import Kind, documented, invalid
from api.refusals import CREATING, LISTING, READING
from api.roles import May
from api.token import Caller
from api.versions import IfMatch, expected, with_etag
from model.batch import Rejected
from store import escalations
from store.feed import Edit

router = APIRouter(prefix="/escalations", tags=["escalations"])

Seeing = Annotated[Caller, needs(May.SEE_QUEUE)]
Setting = Annotated[Caller, needs(May.SET_ESCALATIONS)]

EDITING: Final = READING | documented(Kind.MALFORMED, Kind.STALE, Kind.PRECONDITION)

Who = Literal["responsible_officer", "duty_officer", "duty_manager", "police"]

SENT: Final[dict[str, Any]] = {
    "order": 3,
    "timezone": "Europe/London",
    "office": {
        "windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}],
        "exceptions": [{"date": "2026-12-25", "windows": []}],
    },
    "levels": [
        {"office": "duty_officer", "otherwise": "duty_manager"},
        {"office": "duty_manager", "otherwise": "police"},
    ],
    "repeat_min": 10,
}
ANSWERED: Final[dict[str, Any]] = SENT | {"id": 2, "version": 1, "created_at": "2026-11-22T08:00:00Z"}


class Hours(Input):
    """One window of local time."""

    days: list[str] | None = Field(None, description="mon to sun; none in an exception, which is for its date alone")
    from_: str = Field(alias="from")
    to: str


class OfficeException(Input):
    """A date that has windows of its own instead, or none."""

    date: str
    windows: list[Hours]


class Office(Input):
    """Office hours, as a timetable."""

    windows: list[Hours]
    exceptions: list[OfficeException] = Field(default_factory=list)


class Level(Input):
    """Whom one level is for."""

    office: Who = Field(description="in office hours")
    otherwise: Who = Field(description="at all other times")


Levels = Annotated[list[Level], Field(min_length=1, max_length=10)]
Minutes = Annotated[int, Field(ge=1, le=24 * 60)]


class EscalationIn(Input):
    """A chain for one order."""

    model_config = ConfigDict(json_schema_extra={"examples": [SENT]})

    order: Id
    timezone: Timezone
    office: Office
    levels: Levels
    repeat_min: Minutes = Field(10, description="to the next level while nobody does anything")


class EscalationPatch(Input):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"levels": SENT["levels"]}]})

    timezone: Timezone | None = None
    office: Office | None = None
    levels: Levels | None = None
    repeat_min: Minutes | None = None


class Escalation(BaseModel):
    """A chain."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    id: int
    order: int | None = Field(description="null: for every order without a chain of its own, and for what concerns none")
    timezone: str
    office: dict[str, Any]
    levels: list[Level]
    repeat_min: int
    version: int
    created_at: Instant


class Escalations(Page[Escalation]):
    """A page of chains."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [ANSWERED], "next": None}]})


def _escalation(row: Row) -> Escalation:
    named = {name: row[name] for name in Escalation.model_fields if name != "order"}
    return Escalation(order=row["monitoring_order"], **named)


def _checked(timezone: str, office: dict[str, Any]) -> dict[str, Any]:
    """Office hours as they are kept; no windows at all is an office that is never open."""
    if office["windows"] or any(one["windows"] for one in office.get("exceptions", ())):
        read = escalations.timetable(timezone, office)
        if isinstance(read, Rejected):
            raise invalid("office", read.reason)
    return office


@router.get("", summary="Escalation chains", responses=LISTING)
async def listed(
    parts: PartsDep,
    caller: Seeing,
    order: Annotated[Id | None, Query(description="the one that holds for this order")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Escalations:
    """The one for all orders, and those of orders that have their own."""
    rows = await escalations.page(parts.store, order=order, after=after(cursor), limit=limit + 1)
    return Escalations.of(rows, limit, _escalation)


@router.post("", summary="Give an order a chain of its own", status_code=201, response_model=Escalation, responses=CREATING)
async def create(request: Request, parts: PartsDep, caller: Setting, body: EscalationIn, key: IdempotencyKey = None) -> Response:
    """It holds from now on, for alerts that are open as well."""
    fields = body.model_dump(by_alias=True, exclude_none=True)
    fields["office"] = _checked(body.timezone, fields["office"])
    fields["monitoring_order"] = body.order

    async def write(change: Edit) -> tuple[int, int, Escalation]:
        saved = _escalation(await escalations.add(change, fields))
        return saved.id, saved.version, saved

    return await created(request, parts, caller, key, write)


@router.get("/{escalation_id}", summary="One chain", responses=READING)
async def one(parts: PartsDep, caller: Seeing, response: Response, escalation_id: Id) -> Escalation:
    """As it stands."""
    return with_etag(_escalation(await escalations.get(parts.store, escalation_id)), response)


@router.patch("/{escalation_id}", summary="Change a chain", responses=EDITING)
async def change(
    parts: PartsDep, caller: Setting, response: Response, escalation_id: Id, body: EscalationPatch, if_match: IfMatch = None
) -> Escalation:
    """Only what is sent; an order keeps its chain, and there is always one for all."""
    version = expected(if_match)
    for name in body.model_fields_set:
        if getattr(body, name) is None:
            raise invalid(name, "cannot be taken away")
    fields = body.model_dump(by_alias=True, exclude_none=True)
    known = await escalations.get(
        parts.store, escalation_id
    )  # the half that is not sent; had it moved on, If-Match would not fit
    if "office" in fields or "timezone" in fields:
        _checked(fields.get("timezone", known["timezone"]), fields.get("office", known["office"]))
    async with editing(parts, caller) as under_way:
        saved = _escalation(await escalations.edit(under_way, escalation_id, version, fields))
    return with_etag(saved, response)
