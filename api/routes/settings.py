"""The numbers that alerts go by: set for everyone, an order type, an order or a zone, a version a save, in force at once."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.caller import editing, needs
from api.fields import Id, Instant, Name, Person, Row, person
from api.listing import DEFAULT, Cursor, Limit, Page, after, pack
from api.parts import PartsDep
from api.problem import Kind, ProblemError, documented, invalid
from api.roles import May
from api.token import Caller
from api.versions import IfMatch, etag, expected
from api.waiting import WAITS, accepted
from model import setting
from model.batch import Rejected
from model.setting import NAMES, Scope, Value
from store import settings, waiting
from store.settings import Place

router = APIRouter(prefix="/settings", tags=["settings"])

Seeing = Annotated[Caller, needs(May.SEE_SETTINGS)]
Editing = Annotated[Caller, needs(May.EDIT_SETTINGS)]

LISTING: Final = documented(Kind.SIGNED_OUT, Kind.NOT_ALLOWED, Kind.INVALID)
READING: Final = LISTING | documented(Kind.MISSING)
EDITING: Final = READING | documented(Kind.MALFORMED, Kind.CONFLICT, Kind.STALE, Kind.PRECONDITION)

OfType = Annotated[Name | None, Query(alias="type", description="of an order type")]
OfOrder = Annotated[Id | None, Query(alias="order", description="of an order")]
OfZone = Annotated[Id | None, Query(alias="zone", description="of a zone; none of the three: for everyone")]

NUMBERS: Final[dict[str, Any]] = {"no_contact": {"standard_min": 45}, "battery_low": {"percent": 15}}
EXAMPLE: Final[dict[str, Any]] = {
    "scope": "order",
    "type": None,
    "order": 7,
    "zone": None,
    "version": 1,
    "numbers": NUMBERS,
    "in_force_from": "2026-11-22T08:00:01Z",
    "in_force_to": None,
    "recorded_at": "2026-11-22T08:00:00Z",
    "recorded_by": {"id": 2, "name": "officer"},
}


class SettingsIn(BaseModel):
    """All that is set in one place: what is left out is as the place above says."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"numbers": NUMBERS}]})

    numbers: dict[str, Any] = Field(description="by kind and name, as `GET /settings/names` lists them; null: no limit")


class Settings(BaseModel):
    """What is set in one place, by one version."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    scope: Scope
    order_type: str | None = Field(serialization_alias="type")
    order: int | None
    zone: int | None
    version: int = Field(description="0: nothing was ever set here")
    numbers: dict[str, dict[str, Value]]
    in_force_from: Instant | None
    in_force_to: Instant | None
    recorded_at: Instant | None
    recorded_by: Person | None


class Places(Page[Settings]):
    """A page of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [EXAMPLE], "next": None}]})


class Number(BaseModel):
    """One number that may be set."""

    kind: str
    name: str
    unit: Literal["min", "s", "h", "d", "%", "fixes", "times", "P", "yes/no"] = Field(description="P: a severity, 1 to 4")
    default: Value
    least: float
    most: float
    optional: bool = Field(description="whether null, no limit, may be set")
    stricter: Literal["less", "more"] = Field(description="which way asks more; the other way needs a second person")
    scopes: list[Scope]
    says: str


class Numbers(BaseModel):
    """All of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "kind": "no_contact",
                            "name": "standard_min",
                            "unit": "min",
                            "default": 60,
                            "least": 5,
                            "most": 1440,
                            "optional": False,
                            "stricter": "less",
                            "scopes": ["all", "type", "order"],
                            "says": "without any message",
                        }
                    ]
                }
            ]
        }
    )

    items: list[Number]


class Holds(BaseModel):
    """What holds, by one name."""

    kind: str
    name: str
    value: Value
    said_by: str = Field(description="`zone/4`, `order/7`, `type/bail`, `all` or `default`")


class Holding(BaseModel):
    """What holds for an order, a zone, or everyone, as last saved."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [{"kind": "no_contact", "name": "standard_min", "value": 45, "said_by": "order/7"}]}]
        }
    )

    items: list[Holds]


@router.get("/names", summary="The numbers that may be set", responses=LISTING)
async def names(parts: PartsDep, caller: Seeing) -> Numbers:
    """Each with its unit, default and range, and where it may be set."""
    return Numbers(items=[Number(**one._asdict() | {"scopes": list(one.scopes), "unit": one.unit}) for one in NAMES.values()])


@router.get("/places", summary="Where something is set", responses=LISTING)
async def places(parts: PartsDep, caller: Seeing, cursor: Cursor = None, limit: Limit = DEFAULT) -> Places:
    """The newest version of each place, in the order in which they were first set."""
    rows = await settings.page(parts.store, after=after(cursor), limit=limit + 1)
    following = pack(rows[limit - 1]["place"]) if len(rows) > limit else None
    return Places(items=[_settings(row) for row in rows[:limit]], next=following)


@router.get("/holding", summary="What holds", responses=READING)
async def holding(parts: PartsDep, caller: Seeing, order: OfOrder = None, zone: OfZone = None) -> Holding:
    """The nearest place says: the zone, else the order, else its type, else what is set for everyone, else the default."""
    found = await settings.holding(parts.store, order, zone)
    return Holding(
        items=[
            Holds(kind=NAMES[key].kind, name=NAMES[key].name, value=value, said_by=place) for key, (value, place) in found.items()
        ]
    )


@router.get("", summary="What is set in one place", responses=READING)
async def one(
    parts: PartsDep,
    caller: Seeing,
    response: Response,
    order_type: OfType = None,
    order: OfOrder = None,
    zone: OfZone = None,
) -> Settings:
    """Its newest version; version 0 where nothing was ever set."""
    place = _place(order_type, order, zone)
    row = await settings.get(parts.store, place)
    return _answer(_settings(row) if row is not None else _nothing(place), response)


@router.get("/versions", summary="All versions of a place", responses=READING)
async def versions(
    parts: PartsDep, caller: Seeing, order_type: OfType = None, order: OfOrder = None, zone: OfZone = None
) -> Places:
    """Newest first: each moment is judged by the version that was in force."""
    rows = await settings.versions(parts.store, _place(order_type, order, zone))
    return Places(items=[_settings(row) for row in rows], next=None)


@router.put("", summary="Set numbers in one place", responses=EDITING | WAITS)
async def replace(
    parts: PartsDep,
    caller: Editing,
    response: Response,
    body: SettingsIn,
    order_type: OfType = None,
    order: OfOrder = None,
    zone: OfZone = None,
    if_match: IfMatch = None,
) -> Settings:
    """These and no others. What asks more is in force a second after it is saved; what asks less waits for a second person: 202.

    For everyone and for an order type it takes a supervisor.
    """
    place = _place(order_type, order, zone)
    if place.scope in {"all", "type"} and not caller.may(May.EDIT_ALL_SETTINGS):
        detail = f"the role {caller.role} may set numbers of an order or a zone: ask a supervisor for those of everyone or a type"
        raise ProblemError(Kind.NOT_ALLOWED, detail, more={"permission": May.EDIT_ALL_SETTINGS})
    version = expected(if_match)
    numbers = setting.parse(body.numbers, place.scope)
    if isinstance(numbers, Rejected):
        raise invalid(f"numbers.{numbers.place}", numbers.reason)
    async with editing(parts, caller) as change:
        number = await settings.lock(change, place, version)
        known = await settings.newest(change.connection, place)
        old = {} if known is None else known["numbers"]
        before = await settings.standing(change.connection, place, old)
        # In doubt it relaxes: where the zone said nothing the strictest held, and where it says nothing any more the least.
        then = await settings.standing(change.connection, place, numbers, setting.laxest)
        anew = setting.named_anew(old, numbers)
        sentences = setting.relaxed({key: before[key] for key in anew}, {key: then[key] for key in anew})
        if sentences:
            waits = await waiting.ask(change, "settings", number, version, numbers, f"{'; '.join(sentences)}.")
        row = None if sentences else await settings.replace(change, number, version, numbers)
    return _answer(_settings(row), response) if row is not None else accepted(waits)


def _place(order_type: str | None, order: int | None, zone: int | None) -> Place:
    if sum(one is not None for one in (order_type, order, zone)) > 1:
        raise invalid("order", "name one place: type, order or zone, or none of them for everyone", "query")
    if order_type is not None:
        return Place("type", order_type)
    return Place("order", order=order) if order is not None else Place("zone", zone=zone) if zone is not None else Place("all")


def _settings(row: Row) -> Settings:
    return Settings(
        order_type=row["order_type"] or None,
        order=row["monitoring_order"],
        numbers=setting.document(row["numbers"]),
        recorded_by=person(row["recorded_by"], row["recorded_name"]),
        **{name: row[name] for name in ("scope", "zone", "version", "in_force_from", "in_force_to", "recorded_at")},
    )


def _nothing(place: Place) -> Settings:
    return Settings(
        scope=place.scope,
        order_type=place.order_type or None,
        order=place.order,
        zone=place.zone,
        version=0,
        numbers={},
        in_force_from=None,
        in_force_to=None,
        recorded_at=None,
        recorded_by=None,
    )


def _answer(said: Settings, response: Response) -> Settings:
    response.headers["ETag"] = etag(said.version)
    return said
