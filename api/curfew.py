"""Turns a curfew as it is sent into a version to store, a version back into it, and a timetable into the fortnight it means."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Id, Input, Instant, InstantIn, Person, Row, Timezone, person
from api.problem import invalid
from model import timetable
from model.batch import Rejected
from model.instant import DAY_US, HOUR_US, from_us
from model.timetable import Timetable
from store.curfews import Draft

GRACE_MOST_MIN: Final = 60
WINDOWS_MOST: Final = 200
EXCEPTIONS_MOST: Final = 1000
FORTNIGHT_US: Final = 14 * DAY_US
LONGEST_US: Final = 2 * DAY_US  # a window lasts no longer: what is written out so far around shows every window whole

Span = tuple[int, int]

WINDOWS: Final[Any] = [{"days": ["mon", "tue"], "from": "19:00", "to": "07:00"}]
EXCEPTIONS: Final[Any] = [{"date": "2026-03-30", "windows": []}]
SENT: Final[dict[str, Any]] = {"order": 3, "home": 5, "grace_min": 5, "windows": WINDOWS, "exceptions": EXCEPTIONS}
ANSWERED: Final[dict[str, Any]] = SENT | {
    "id": 2,
    "wearer": 1,
    "high_risk": False,
    "timezone": "Europe/London",
    "version": 1,
    "in_force_from": "2026-03-20T09:00:01Z",
    "in_force_to": None,
    "recorded_at": "2026-03-20T09:00:00Z",
    "recorded_by": {"id": 2, "name": "officer"},
    "advice": [],
}
INTERVAL: Final[dict[str, Any]] = {
    "from": "2026-03-28T19:00:00Z",
    "to": "2026-03-29T06:00:00Z",
    "local_from": "2026-03-28T19:00:00+00:00",
    "local_to": "2026-03-29T07:00:00+01:00",
    "hours": 11.0,
    "clocks_change": True,
    "excused": [],
}


class Hours(Input):
    """Local time, to the minute; one that ends at or before it starts ends on the next day."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [{"from": "19:00", "to": "07:00"}]})

    start: str = Field(alias="from", max_length=20, description="19:00")
    end: str = Field(alias="to", max_length=20, description="07:00; 24:00 for midnight")


class WindowIn(Hours):
    """Hours at home that start on some days of the week."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": WINDOWS})

    days: list[str] = Field(max_length=7, description="mon, tue, wed, thu, fri, sat, sun")


class ExceptionIn(Input):
    """What holds instead on a date: the windows that start on it are replaced by these, or by none."""

    model_config = ConfigDict(json_schema_extra={"examples": EXCEPTIONS})

    date: str = Field(max_length=20, description="2026-03-29")
    windows: list[Hours] = Field(max_length=WINDOWS_MOST)


Windows = Annotated[list[WindowIn], Field(max_length=WINDOWS_MOST)]
Exceptions = Annotated[list[ExceptionIn], Field(max_length=EXCEPTIONS_MOST)]
Grace = Annotated[int, Field(ge=0, le=GRACE_MOST_MIN, strict=True)]


class CurfewIn(Input):
    """A curfew as it is sent; its windows are in the order's time zone."""

    model_config = ConfigDict(json_schema_extra={"examples": [SENT]})

    order: Id
    home: Id = Field(description="a zone of the kind home that applies to the order's wearer")
    grace_min: Grace = Field(5, description="minutes away that raise nothing")
    windows: Windows
    exceptions: Exceptions = Field(default_factory=list)


class CurfewPatch(Input):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"exceptions": EXCEPTIONS}]})

    order: Id | None = Field(None, description="only as it is: a curfew keeps its order")
    home: Id | None = None
    grace_min: Grace | None = None
    windows: Windows | None = None
    exceptions: Exceptions | None = None


class Curfew(BaseModel):
    """A version of a curfew."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWERED]})

    id: int
    order: int
    wearer: int
    home: int
    grace_min: int
    high_risk: bool = Field(description="an absence is P1 at once: the risk of order or wearer was high when this was saved")
    windows: list[dict[str, Any]]
    exceptions: list[dict[str, Any]]
    timezone: str = Field(description="the order's: the windows are in its local time")
    version: int
    in_force_from: Instant
    in_force_to: Instant | None
    recorded_at: Instant
    recorded_by: Person | None
    advice: list[str] = Field(description="what its author should know; only in answer to a save")


class PreviewIn(Input):
    """What to show: a saved curfew, or one as far as it is drafted."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={"examples": [{"curfew": 2}, {"order": 3, "windows": WINDOWS, "from": "2026-03-24T12:00:00Z"}]},
    )

    curfew: Id | None = Field(None, description="a saved one, with its authorised absences; then nothing but `from` beside it")
    order: Id | None = Field(None, description="whose time zone, law and time apply")
    home: Id | None = None
    grace_min: Grace = 5
    windows: Windows | None = None
    exceptions: Exceptions = Field(default_factory=list)
    timezone: Timezone | None = Field(None, description="where no order is named")
    begins: InstantIn | None = Field(None, alias="from", description="now, where it is left out")


class Absent(BaseModel):
    """Part of a window that an authorised absence lifts."""

    model_config = ConfigDict(populate_by_name=True)

    start: Instant = Field(alias="from")
    end: Instant = Field(alias="to")


class Interval(BaseModel):
    """One window, whole."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"examples": [INTERVAL]})

    start: Instant = Field(alias="from")
    end: Instant = Field(alias="to")
    local_from: str
    local_to: str
    hours: float = Field(description="as they pass: 11 or 13 for 19:00 to 07:00 on a night the clocks change")
    clocks_change: bool
    excused: list[Absent]


class Both(BaseModel):
    """Time for which two curfews ask."""

    model_config = ConfigDict(populate_by_name=True)

    start: Instant = Field(alias="from")
    end: Instant = Field(alias="to")


class Overlap(BaseModel):
    """Another curfew of the same wearer that asks for some of the same time."""

    curfew: int
    order: int
    home: int
    intervals: list[Both]


class Preview(BaseModel):
    """What a curfew asks in fourteen days."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "timezone": "Europe/London",
                    "from": "2026-03-24T12:00:00Z",
                    "to": "2026-04-07T12:00:00Z",
                    "intervals": [INTERVAL],
                    "hours": 11.0,
                    "overlaps": [
                        {
                            "curfew": 4,
                            "order": 7,
                            "home": 6,
                            "intervals": [{"from": "2026-03-28T20:00:00Z", "to": "2026-03-29T06:00:00Z"}],
                        }
                    ],
                    "advice": [
                        "Curfew 4 of order 7 asks for the same time at another home, and the wearer cannot be at both: "
                        "Sat 28 Mar 20:00 to Sun 29 Mar 07:00."
                    ],
                }
            ]
        },
    )

    timezone: str
    start: Instant = Field(alias="from")
    end: Instant = Field(alias="to")
    intervals: list[Interval] = Field(description="every window with a moment in these days, in order; those that touch are one")
    hours: float = Field(description="of all of them together")
    overlaps: list[Overlap] = Field(description="other curfews of the order's wearer that ask for some of the same time")
    advice: list[str] = Field(description="the same in words")


def draft(sent: CurfewIn) -> Draft:
    """A version to store; whether it fits its order and home is for the database to say.

    Raises
    ------
    ProblemError
        If its windows and exceptions are no timetable.
    """
    table = written(sent.windows, sent.exceptions)
    parsed(table, "UTC")
    return Draft(sent.order, sent.home, sent.grace_min, table)


def written(windows: Sequence[WindowIn], exceptions: Sequence[ExceptionIn]) -> dict[str, Any]:
    """Windows and exceptions as they are stored, which is as they were sent."""
    return {
        "windows": [window.model_dump(by_alias=True) for window in windows],
        "exceptions": [one.model_dump(by_alias=True) for one in exceptions],
    }


def parsed(table: dict[str, Any], zone: str) -> Timetable:
    """What they mean; raises ``ProblemError`` where they contradict themselves."""
    found = timetable.parse(table, zone)
    if isinstance(found, Rejected):
        raise invalid("exceptions" if "xception" in found.reason else "windows", found.reason)
    return found


def curfew(row: Row, advice: Sequence[str] = ()) -> Curfew:
    """A stored version."""
    return Curfew(
        id=row["curfew"],
        order=row["monitoring_order"],
        wearer=row["wearer"],
        home=row["home"],
        grace_min=row["grace_min"],
        high_risk=row["high_risk"],
        windows=row["timetable"]["windows"],
        exceptions=row["timetable"]["exceptions"],
        timezone=row["timezone"],
        version=row["version"],
        in_force_from=row["in_force_from"],
        in_force_to=row["in_force_to"],
        recorded_at=row["recorded_at"],
        recorded_by=person(row["recorded_by"], row["recorded_name"]),
        advice=list(advice),
    )


def asked(table: Timetable, begins_us: int, within: Sequence[Span]) -> list[Span]:
    """What a timetable asks for in the fortnight from an instant on; ``within`` is when its order holds."""
    ends_us = begins_us + FORTNIGHT_US
    around = timetable.expand(table, begins_us - LONGEST_US, ends_us + LONGEST_US).tolist()
    near = [(low, high) for low, high in around if low < ends_us and high > begins_us]
    return both(near, within)


def both(these: Sequence[Span], those: Sequence[Span]) -> list[Span]:
    """Where spans of the one and of the other meet, in the order of the former."""
    meeting = ((max(low, first), min(high, last)) for low, high in these for first, last in those)
    return [(low, high) for low, high in meeting if low < high]


def preview(
    table: Timetable,
    begins_us: int,
    spans: Sequence[Span],
    excused: Sequence[Span] = (),
    beside: Sequence[Overlap] = (),
    *,
    home: int | None = None,
) -> Preview:
    """The fortnight from an instant on, of which ``spans`` are asked for; ``beside``: by other curfews as well."""
    found = [_interval(low, high, ZoneInfo(table.zone), excused) for low, high in spans]
    hours = sum(interval.hours for interval in found)
    shown = {
        "timezone": table.zone,
        "from": begins_us,
        "to": begins_us + FORTNIGHT_US,
        "intervals": found,
        "hours": round(hours, 3),
        "overlaps": list(beside),
        "advice": advice(beside, home, table.zone),
    }
    return Preview.model_validate(shown)


def overlap(row: Row, spans: Sequence[Span]) -> Overlap:
    """Another curfew that asks for some of the same time."""
    intervals = [Both.model_validate({"from": low, "to": high}) for low, high in spans]
    return Overlap(curfew=row["curfew"], order=row["monitoring_order"], home=row["home"], intervals=intervals)


def advice(beside: Sequence[Overlap], home: int | None, zone: str) -> list[str]:
    """One sentence for each curfew that asks for some of the same time; ``home``: where this one does, None: not said yet."""
    said = []
    for one in beside:
        if home is None:
            where = ""
        elif one.home == home:
            where = " at the same home, and an absence counts for each"
        else:
            where = " at another home, and the wearer cannot be at both"
        first = one.intervals[0]
        moments = (from_us(us).astimezone(ZoneInfo(zone)) for us in (first.start, first.end))
        start, end = (f"{at:%a} {at.day} {at:%b %H:%M}" for at in moments)
        more = len(one.intervals) - 1
        times = f", and {more} more {'time' if more == 1 else 'times'} in fourteen days" if more else ""
        said.append(f"Curfew {one.curfew} of order {one.order} asks for the same time{where}: {start} to {end}{times}.")
    return said


def _interval(low: int, high: int, zone: ZoneInfo, excused: Sequence[Span]) -> Interval:
    start, end = (from_us(us).astimezone(zone) for us in (low, high))
    return Interval.model_validate(
        {
            "from": low,
            "to": high,
            "local_from": start.isoformat(timespec="seconds"),
            "local_to": end.isoformat(timespec="seconds"),
            "hours": round((high - low) / HOUR_US, 3),
            "clocks_change": start.utcoffset() != end.utcoffset(),
            "excused": [
                {"from": max(low, first), "to": min(high, last)} for first, last in excused if first < high and last > low
            ],
        }
    )
