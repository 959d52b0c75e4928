"""Turns what was stored of a wearer into the timeline of their compliance: spans with reasons, and sums by state and day."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from alerts.compliance import Kept, Part, Timeline, Why, compliance, sums
from alerts.rules import Rules
from alerts.timeline import Standing
from alerts.world import World
from api.fields import Instant
from model.instant import MINUTE_US, from_us, to_us
from store.compliance import Stored

State = Literal["compliant", "consistent", "apparent_non_compliance", "unverified", "not_monitored"]

_NO_MINUTES: Final = {
    "compliant": 0.0,
    "consistent": 0.0,
    "apparent_non_compliance": 0.0,
    "unverified": 0.0,
    "not_monitored": 0.0,
}
_MINUTES: Final = _NO_MINUTES | {"compliant": 614.0, "apparent_non_compliance": 46.0}
EXAMPLE: Final[dict[str, Any]] = {
    "wearer": 1,
    "from": "2026-03-27T12:00:00Z",
    "to": "2026-03-28T12:00:00Z",
    "timezone": "Europe/London",
    "spans": [
        {
            "from": "2026-03-27T20:01:00Z",
            "to": "2026-03-27T20:47:00Z",
            "state": "apparent_non_compliance",
            "because": "curfew",
            "reason": "Away from Home while curfew 2 asked for presence there.",
            "order": 3,
            "curfew": 2,
            "zone": 5,
        }
    ],
    "minutes": _MINUTES,
    "away": [{"curfew": 2, "minutes": 46.0}],
    "days": [
        {"date": "2026-03-27", "minutes": _MINUTES | {"compliant": 254.0}},
        {"date": "2026-03-28", "minutes": _NO_MINUTES | {"compliant": 360.0}},
    ],
}


class ComplianceSpan(BaseModel):
    """One thing that is said of a stretch of time; those of different curfews and zones may overlap."""

    since: Instant = Field(serialization_alias="from")
    until: Instant = Field(serialization_alias="to", description="half-open")
    state: State
    because: Why = Field(description="what it rests on")
    reason: str = Field(description="one sentence")
    order: int | None
    curfew: int | None
    zone: int | None = Field(description="the curfew's home, or the zone of an exclusion or inclusion alert")


class Away(BaseModel):
    """How long the wearer was away from a curfew's home."""

    curfew: int
    minutes: float = Field(description="absences within the grace not counted, of others the grace too")


class ComplianceDay(BaseModel):
    """The part of one local date that was asked for."""

    date: date
    minutes: dict[State, float]


class Compliance(BaseModel):
    """The timeline of one wearer."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    wearer: int
    since: Instant = Field(serialization_alias="from")
    until: Instant = Field(serialization_alias="to", description="never after now")
    timezone: str = Field(description="of the dates: that of the wearer's order that began last")
    spans: list[ComplianceSpan] = Field(description="in order; there is none where nothing was asked and nothing happened")
    minutes: dict[State, float] = Field(description="of each moment the worst that is said of it, once")
    away: list[Away] = Field(description="of each curfew that asked for something")
    days: list[ComplianceDay]


def answer(stored: Stored, wearer: int, span: tuple[int, int], timezone: str) -> Compliance:
    """The timeline between two instants; takes a processor, not the loop."""
    controls = stored.controls
    world = World.build(
        controls.zones,
        controls.assignments,
        controls.monitored,
        controls.shared,
        Rules(),
        controls.control_seq,
        controls.curfews,
        settings=controls.settings,
    )
    kept = Kept(stored.fixes, stored.events, stored.occurrences, stored.fitted, stored.forgotten)
    return _shown(compliance(world, wearer, kept, *span), stored, wearer, span, timezone)


def _shown(found: Timeline, stored: Stored, wearer: int, span: tuple[int, int], timezone: str) -> Compliance:
    zone = stored.timezone or timezone
    (whole,) = sums(found.parts, [span])
    days = dict(_days(*span, ZoneInfo(zone)))
    return Compliance(
        wearer=wearer,
        since=span[0],
        until=span[1],
        timezone=zone,
        spans=[_span(part, stored.names) for part in found.parts],
        minutes=_minutes(whole),
        away=[Away(curfew=curfew, minutes=_rounded(away_us)) for curfew, away_us in sorted(found.away_us.items())],
        days=[
            ComplianceDay(date=day, minutes=_minutes(lasted))
            for day, lasted in zip(days, sums(found.parts, days.values()), strict=True)
        ],
    )


def _span(part: Part, names: Mapping[int, str]) -> ComplianceSpan:
    return ComplianceSpan(
        since=part.from_us,
        until=part.to_us,
        state=part.standing.value,
        because=part.why,
        reason=_reason(part, names.get(part.zone) or f"zone {part.zone}"),
        order=part.order or None,
        curfew=part.curfew or None,
        zone=part.zone or None,
    )


def _reason(part: Part, name: str) -> str:
    """One sentence that an officer can read out."""
    asked = f"while curfew {part.curfew} asked for presence there"
    if part.why is Why.CURFEW:
        return {
            Standing.COMPLIANT: f"At {name}, proven, {asked}.",
            Standing.CONSISTENT: f"Consistent with being at {name}, not proven, {asked}.",
            Standing.APPARENT: f"Away from {name} {asked}.",
            Standing.UNVERIFIED: f"Not known to be at {name}, nor away from it, {asked}.",
        }[part.standing]
    return {
        Why.OTHER_ORDER: f"Order {part.order} did not hold while its curfew {part.curfew} asked for presence at {name}.",
        Why.FORGOTTEN: f"What was stored of that day is no longer kept; curfew {part.curfew} asked for presence at {name}.",
        Why.INSIDE: f"Inside exclusion zone {name}.",
        Why.MAYBE_INSIDE: f"May have been inside exclusion zone {name}.",
        Why.OUTSIDE: f"Outside {name}, an inclusion zone.",
        Why.NO_ORDER: "No order was in force over the tag that was fitted.",
        Why.NO_TAG: "No tag was fitted.",
    }[part.why]


def _days(begins_us: int, ends_us: int, zone: ZoneInfo) -> Iterator[tuple[date, tuple[int, int]]]:
    """Each local date with the part of it that lies in a span."""
    day = from_us(begins_us).astimezone(zone).date()
    while True:
        begin_us = to_us(datetime(day.year, day.month, day.day, tzinfo=zone))
        after = day + timedelta(days=1)
        end_us = to_us(datetime(after.year, after.month, after.day, tzinfo=zone))
        if begin_us >= ends_us:
            return
        yield day, (max(begin_us, begins_us), min(end_us, ends_us))
        day = after


def _minutes(lasted: Mapping[Standing, int]) -> dict[State, float]:
    return {standing.value: _rounded(us) for standing, us in lasted.items()}


def _rounded(us: int) -> float:
    return round(us / MINUTE_US, 2)
