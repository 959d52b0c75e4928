"""Turns a GeoJSON Feature into a zone version to store, refusing what cannot be judged by, and a version back into it."""

import asyncio
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from api.fields import Id, Input, Instant, InstantIn, Name, Person, Row, person
from api.problem import Kind, ProblemError, invalid
from geofence.feature import Geometry, parse, repair
from model import timetable
from model.batch import Rejected
from model.instant import show
from store.zones import Draft

BUFFER_MOST_M: Final = 10_000
CONFIRM_MOST: Final = 20
LARGE: Final = 3_000  # points and their numbers: a thousand points are checked in a few milliseconds

# Where properties name nothing: what the operator reads in the queue.
NAMES: Final = {"exclusion": "Exclusion zone", "inclusion": "Inclusion zone", "home": "Home"}

SENT: Final[dict[str, Any]] = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [-2.98, 53.4]},
    "properties": {
        "name": "School",
        "kind": "exclusion",
        "purpose": "victim",
        "applies_to": {"wearer": 1},
        "radius_m": 300,
        "buffer_m": 0,
        "schedule": None,
        "valid_from": None,
        "valid_to": None,
        "confirm_fixes": 2,
        "attendance": False,
        "position_checked": False,
    },
}
ANSWERED: Final[dict[str, Any]] = SENT | {
    "id": 4,
    "version": 1,
    "in_force_from": "2026-11-22T08:00:01Z",
    "in_force_to": None,
    "recorded_at": "2026-11-22T08:00:00Z",
    "recorded_by": {"id": 2, "name": "officer"},
    "advice": [],
}


class AppliesTo(Input):
    """Whom a zone is for: exactly one of these."""

    wearer: Id | None = None
    group: Id | None = None
    all: Literal[True] | None = None

    @model_validator(mode="after")
    def _one(self) -> "AppliesTo":
        if sum(given is not None for given in (self.wearer, self.group, self.all)) != 1:
            raise ValueError('give exactly one: {"wearer": id}, {"group": id} or {"all": true}')
        return self


def _schedule(value: Any) -> Any:
    """A timetable that means something, as it was sent."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError('write {"windows": [{"days": ["mon"], "from": "08:00", "to": "16:00"}]}')  # noqa: TRY004
    if unknown := sorted(set(value) - {"windows", "exceptions", "timezone"}):
        raise ValueError(f"{unknown[0]} is not a field of a schedule: it has windows, exceptions and timezone")
    read = timetable.parse(value, "UTC")
    if isinstance(read, Rejected):
        raise ValueError(read.reason)  # noqa: TRY004 (pydantic wants ValueError)
    return value


class Properties(Input):
    """What one sets of a zone."""

    name: Name | None = None
    kind: Literal["exclusion", "inclusion", "home"] = "exclusion"
    purpose: Literal["victim", "area"] | None = Field(None, description="of an exclusion zone; victim where it is not said")
    applies_to: AppliesTo
    radius_m: float | None = Field(None, description="of a Point, metres")
    buffer_m: float = Field(0, ge=0, le=BUFFER_MOST_M, description="approach ring outside the boundary, metres")
    schedule: Annotated[dict[str, Any] | None, BeforeValidator(_schedule)] = Field(
        None, description="when it applies: windows of local time, exceptions, timezone; always where it is null"
    )
    valid_from: InstantIn | None = None
    valid_to: InstantIn | None = None
    confirm_fixes: int = Field(2, ge=1, le=CONFIRM_MOST, description="possible fixes in a row before one raises")
    attendance: bool = Field(
        False,
        strict=True,
        description="of an inclusion zone: to be there once in each interval of its schedule, not to stay inside throughout",
    )
    position_checked: bool = Field(
        False, strict=True, description="the zone lies where it says, although its longitude and latitude seem to be swapped"
    )

    @model_validator(mode="after")
    def _span(self) -> "Properties":
        if self.valid_from is not None and self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to is not after valid_from: correct one")
        return self

    @model_validator(mode="after")
    def _attendance(self) -> "Properties":
        if self.attendance and self.kind != "inclusion":
            raise ValueError(f"attendance is asked of an inclusion zone: this one is of kind {self.kind}")
        if self.attendance and self.schedule is None:
            raise ValueError("attendance needs a schedule: say between which times the wearer has to be there")
        return self


class ZoneIn(Input):
    """A zone as it is sent; what Cordon adds is ignored when it is sent back."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, json_schema_extra={"examples": [SENT]})

    type: Literal["Feature"]
    geometry: dict[str, Any] = Field(description="Polygon, MultiPolygon, or Point with properties.radius_m; longitude first")
    properties: Properties
    id: Any = Field(None, description="ignored")
    bbox: Any = Field(None, description="ignored")
    version: Any = Field(None, description="ignored: If-Match says it")
    in_force_from: Any = Field(None, description="ignored")
    in_force_to: Any = Field(None, description="ignored")
    recorded_at: Any = Field(None, description="ignored")
    recorded_by: Any = Field(None, description="ignored")
    advice: Any = Field(None, description="ignored")


class Zone(BaseModel):
    """A version of a zone: a GeoJSON Feature, with what Cordon adds beside what was set."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    type: Literal["Feature"] = "Feature"
    id: int
    geometry: dict[str, Any]
    properties: dict[str, Any]
    version: int
    in_force_from: Instant
    in_force_to: Instant | None
    recorded_at: Instant
    recorded_by: Person | None
    advice: list[str] = Field(description="what its author should know; only in answer to a save")


class CheckIn(Input):
    """A feature as far as it is drawn."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, json_schema_extra={"examples": [SENT]})

    type: Literal["Feature"] = "Feature"
    geometry: dict[str, Any] | None
    properties: dict[str, Any] | None = None


class Checked(BaseModel):
    """Whether a feature can be a zone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "valid": False,
                    "reason": "The outer ring crosses itself near -2.98, 53.4.",
                    "advice": [],
                    "repair": SENT,
                }
            ]
        }
    )

    valid: bool
    reason: str | None = Field(description="the place and the reason, in plain words")
    advice: list[str]
    repair: dict[str, Any] | None = Field(description="a valid Feature to offer instead")


async def draft(sent: ZoneIn, timezone: str) -> tuple[Draft, list[str]]:
    """A version to store, and advice for its author.

    Parameters
    ----------
    timezone : IANA name, for a schedule that names none

    Raises
    ------
    ProblemError
        If the geometry cannot be judged by; ``repair`` offers one where there is one.
    """
    given = sent.properties
    geometry = {"type": sent.geometry.get("type"), "coordinates": sent.geometry.get("coordinates")}
    judged = {"radius_m": given.radius_m, "position_checked": given.position_checked}
    feature = {"type": "Feature", "geometry": geometry, "properties": judged}
    # A large zone takes seconds to check: not on the loop that others wait for. Of a small one the way there and back is most.
    parsed = await asyncio.to_thread(_parse, feature) if _is_large(geometry["coordinates"]) else _parse(feature)
    if isinstance(parsed, Rejected):
        raise await _refused(feature, parsed)
    if given.radius_m is not None and geometry["type"] != "Point":
        raise invalid("properties.radius_m", "only a Point has a radius: leave it out, or send the centre as a Point")
    advice = list(parsed.advice)
    schedule = given.schedule
    if schedule is not None and schedule.get("timezone") is None:
        schedule = schedule | {"timezone": timezone}
        advice.append(f"The schedule names no time zone: {timezone} is meant.")
    name = given.name or NAMES[given.kind]
    purpose = given.purpose or ("victim" if given.kind == "exclusion" else "area")
    properties = _kept(given) | {"name": name, "purpose": purpose, "schedule": schedule}
    row = Draft(
        kind=given.kind,
        purpose=purpose,
        name=name,
        wkb=parsed.wkb,
        radius_m=parsed.radius_m,
        buffer_m=given.buffer_m,
        confirm_fixes=given.confirm_fixes,
        feature={"type": "Feature", "geometry": _plain(geometry), "properties": properties},
        schedule=schedule,
        valid_from_us=given.valid_from,
        valid_to_us=given.valid_to,
        wearer=given.applies_to.wearer,
        group=given.applies_to.group,
        everyone=given.applies_to.all is True,
        attendance=given.attendance,
    )
    return row, advice


async def check(sent: CheckIn) -> Checked:
    """Whether a feature can be a zone, and what to offer where it cannot."""
    feature = {"type": "Feature", "geometry": sent.geometry, "properties": sent.properties or {}}
    parsed = await asyncio.to_thread(_parse, feature)
    if isinstance(parsed, Geometry):
        return Checked(valid=True, reason=None, advice=list(parsed.advice), repair=None)
    return Checked(valid=False, reason=parsed.reason, advice=[], repair=await asyncio.to_thread(_repair, feature))


def zone(row: Row, advice: list[str] | None = None) -> Zone:
    """A stored version."""
    return Zone(
        id=row["zone"],
        geometry=row["feature"]["geometry"],
        properties=row["feature"]["properties"],
        version=row["version"],
        in_force_from=row["in_force_from"],
        in_force_to=row["in_force_to"],
        recorded_at=row["recorded_at"],
        recorded_by=person(row["recorded_by"], row["recorded_name"]),
        advice=advice or [],
    )


def _parse(feature: dict[str, Any]) -> Geometry | Rejected:
    try:
        return parse(feature)
    except OverflowError:
        return Rejected("A coordinate is a number too large for anything: give degrees.")


def _is_large(coordinates: Any) -> bool:
    """Whether a geometry may take long to check, by the lengths of its lists down to those of its points, or of its rings."""
    lists = [part for part in coordinates if isinstance(part, list)] if isinstance(coordinates, list) else []
    return sum(len(part) + sum(len(inner) for inner in part if isinstance(inner, list)) for part in lists) > LARGE


def _repair(feature: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return repair(feature)
    except OverflowError:
        return None


def _plain(geometry: dict[str, Any]) -> dict[str, Any]:
    """The geometry as it was judged fit, positions without heights and whatever else stood after them."""
    depth = {"Point": 0, "Polygon": 2, "MultiPolygon": 3}[geometry["type"]]

    def plain(coordinates: Any, level: int) -> Any:
        if level == 1:
            return [point[:2] for point in coordinates]
        return [plain(part, level - 1) for part in coordinates] if level else coordinates[:2]

    return {"type": geometry["type"], "coordinates": plain(geometry["coordinates"], depth)}


def _kept(given: Properties) -> dict[str, Any]:
    """The properties as JSON, times as text, and of ``applies_to`` the one that was said."""
    kept = given.model_dump(exclude={"applies_to", "valid_from", "valid_to"})
    kept["applies_to"] = given.applies_to.model_dump(exclude_none=True)
    for name, moment in (("valid_from", given.valid_from), ("valid_to", given.valid_to)):
        kept[name] = None if moment is None else show(moment)
    return kept


async def _refused(feature: dict[str, Any], parsed: Rejected) -> ProblemError:
    of_radius = feature["geometry"]["type"] == "Point" and "radius" in parsed.reason.lower()
    field = "properties.radius_m" if of_radius else "geometry"
    offered = await asyncio.to_thread(_repair, feature)
    return ProblemError(
        Kind.INVALID,
        f"{field}: {parsed.reason}",
        errors=[("body", field, parsed.reason)],
        more={} if offered is None else {"repair": offered["geometry"]},
    )
