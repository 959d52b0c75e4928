"""Figures: how soon people answered, clock by clock, and how much of what was raised was noise."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.alert import Clock
from api.caller import needs
from api.fields import Instant, InstantIn, Row, now_us
from api.listing import DEFAULT, Cursor, Limit, Page, after, pack
from api.parts import PartsDep
from api.problem import invalid
from api.refusals import LISTING
from api.roles import May
from api.token import Caller
from model.instant import DAY_US
from store import figures

router = APIRouter(tags=["figures"])

Seeing = Annotated[Caller, needs(May.SEE_FIGURES)]

USUAL_US: Final = 28 * DAY_US
LONGEST_US: Final = 400 * DAY_US

WORKED_TARGET: Final = 0.05  # alerts a person-day that a human must work, at most (DOMAIN.md)
FALSE_P1_TARGET: Final = 0.002  # false P1 a person-day, at most

SPAN: Final[dict[str, Any]] = {"from": "2026-10-25T08:00:00Z", "to": "2026-11-22T08:00:00Z"}
ANSWERED: Final[dict[str, Any]] = {
    "clock": "acknowledge",
    "kind": "exclusion",
    "shift": "night",
    "calls": 120,
    "answered": 119,
    "missed": 7,
    "running": 0,
    "p50_s": 41.0,
    "p90_s": 104.5,
}
NOISY: Final[dict[str, Any]] = {
    "key": "strap_brief",
    "name": None,
    "alerts": 40,
    "calls": 44,
    "judged": 38,
    "false": 19,
    "false_rate": 0.5,
    "p1": 2,
    "false_p1": 1,
}

Since = Annotated[InstantIn | None, Query(alias="from", description="28 days before `to` where it is left out")]
Until = Annotated[InstantIn | None, Query(alias="to", description="now where it is left out")]


class Answered(BaseModel):
    """How soon one clock was stopped."""

    clock: Clock
    kind: str | None = Field(description="null: of all kinds")
    shift: Literal["early", "late", "night"] | None = Field(description="by when the call came: 06, 14, 22 h local; null: all")
    calls: int = Field(description="how often the clock was started: by an occurrence, or by one that became graver")
    answered: int
    missed: int = Field(description="stopped too late, or not stopped and run out")
    running: int = Field(description="neither stopped nor run out yet")
    p50_s: float | None = Field(description="of those answered, seconds from the call")
    p90_s: float | None


class Sla(BaseModel):
    """How soon people answered."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [{"items": [ANSWERED], "next": None} | SPAN]})

    items: list[Answered]
    next: None = Field(description="there is one page")
    since: Instant = Field(serialization_alias="from")
    until: Instant = Field(serialization_alias="to")


class Noisy(BaseModel):
    """What became of the alerts of one tag, model, zone or rule."""

    key: str
    name: str | None = Field(description="a zone's")
    alerts: int = Field(description="incidents: rows of the queue")
    calls: int = Field(description="how often they called somebody")
    judged: int = Field(description="closed with an outcome")
    false: int = Field(description="of these false alarm, or equipment fault")
    false_rate: float | None = Field(description="false of judged; null where nothing is judged")
    p1: int
    false_p1: int


class Noise(Page[Noisy]):
    """The noise ledger, the noisiest first."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "items": [NOISY],
                    "next": None,
                    "person_days": 2800.0,
                    "alerts_per_person_day": 0.041,
                    "alerts_target": WORKED_TARGET,
                    "false_p1_per_person_day": 0.0007,
                    "false_p1_target": FALSE_P1_TARGET,
                }
                | SPAN
            ]
        },
    )

    since: Instant = Field(serialization_alias="from")
    until: Instant = Field(serialization_alias="to")
    person_days: float = Field(description="days of people with a tag on and an order in force; nobody counts twice")
    alerts_per_person_day: float | None
    alerts_target: float = Field(description="at most")
    false_p1_per_person_day: float | None
    false_p1_target: float = Field(description="at most")


def _span(since: int | None, until: int | None) -> tuple[int, int]:
    to_us = now_us() if until is None else until
    from_us = to_us - USUAL_US if since is None else since
    if from_us >= to_us:
        raise invalid("from", "lies after `to`: exchange them", "query")
    if to_us - from_us > LONGEST_US:
        raise invalid("from", f"is more than {LONGEST_US // DAY_US} days before `to`: ask for less", "query")
    return from_us, to_us


def _answered(row: Row) -> Answered:
    """A row as it is answered, its times to the millisecond."""
    found = {name: row[name] for name in Answered.model_fields}
    return Answered(**found | {name: None if found[name] is None else round(found[name], 3) for name in ("p50_s", "p90_s")})


@router.get("/sla", summary="How soon people answered", responses=LISTING)
async def sla(parts: PartsDep, caller: Seeing, since: Since = None, until: Until = None) -> Sla:
    """p50, p90 and misses of each clock, by kind and shift, with rows for all kinds and all shifts, from alerts' histories.

    A call that an outage held is counted from its release, when people were told of it; one that is held still is not counted.
    """
    from_us, to_us = _span(since, until)
    async with figures.reading(parts.store) as reading:
        rows = await figures.answered(reading, from_us, to_us)
    return Sla(items=[_answered(row) for row in rows], next=None, since=from_us, until=to_us)


@router.get("/noise", summary="The noise ledger", responses=LISTING)
async def noise(
    parts: PartsDep,
    caller: Seeing,
    by: Annotated[Literal["all", "rule", "tag", "model", "zone"], Query(description="what is summed")] = "rule",
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Noise:
    """False rates by outcome, and alerts a person-day against the targets. A model is the first 8 digits of an IMEI."""
    from_us, to_us = _span(since, until)
    offset = after(cursor)
    async with figures.reading(parts.store) as reading:
        rows = await figures.noise(reading, by, from_us, to_us, offset, limit + 1)
        whole = await figures.noise(reading, "all", from_us, to_us, 0, 1)
        days = await figures.person_days(reading, from_us, to_us)
    alerts = whole[0]["alerts"] if whole else 0
    false_p1 = whole[0]["false_p1"] if whole else 0
    named = caller.may(May.SEE_ZONES)
    return Noise(
        items=[
            Noisy(
                false_rate=row["false"] / row["judged"] if row["judged"] else None,
                **dict(row) | ({} if named else {"name": None}),
            )
            for row in rows[:limit]
        ],
        next=pack(offset + limit) if len(rows) > limit else None,
        since=from_us,
        until=to_us,
        person_days=round(days, 3),
        alerts_per_person_day=alerts / days if days else None,
        alerts_target=WORKED_TARGET,
        false_p1_per_person_day=false_p1 / days if days else None,
        false_p1_target=FALSE_P1_TARGET,
    )
