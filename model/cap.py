"""Timetables become the first day or week in which they ask for more hours at home than the law allows, in one sentence."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from model.setting import Value
from model.timetable import Timetable, Window

_DAY_MIN: Final = 24 * 60
_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PLAIN: Final = date(2024, 1, 1)  # a Monday; stands for a week without exceptions


class Cap(NamedTuple):
    """The most hours a curfew may ask for.

    The numbers' defaults (model/setting.py) are those of England and Wales: Criminal Justice Act 2003, section 204, as amended in
    2022 (Sentencing Act 2020, schedule 9).
    """

    day_h: float
    week_h: float

    @classmethod
    def of(cls, numbers: Mapping[str, Value]) -> "Cap | None":
        """The cap of an order type, by the numbers that hold for it; None where there is no such law."""
        day_h, week_h = numbers["cap.day_h"], numbers["cap.week_h"]
        if day_h is None and week_h is None:
            return None
        return cls(24.0 if day_h is None else float(day_h), 168.0 if week_h is None else float(week_h))


def beyond(table: Timetable, cap: Cap, begins: date, beside: Sequence[Timetable] = ()) -> str | None:
    """Why a timetable is over the cap, one sentence; None where it is not.

    Hours are those on the clock: the night the clocks change counts as any other. A window counts for each day on which it lies,
    and may by itself last no longer than a day's hours. A week is seven days from the weekday on which the order begins.

    Parameters
    ----------
    begins : first local day of the order
    beside : what else the same order asks for: hours that several ask for count once
    """
    started = [
        *((f"each {_NAMES[day]}", windows) for day, windows in enumerate(table.week)),
        *((f"on {d}", w) for d, w in table.exceptions),
    ]
    for when, windows in started:
        for window in windows:
            hours = (window.to_min - window.from_min) / 60
            if hours > cap.day_h:
                return f"it asks for {hours:.4g} hours on end from {window} {when}, and the law allows {cap.day_h:g} a day"
    every = (table, *beside)
    plain = tuple(one._replace(exceptions=()) for one in every)
    for day in range(7):
        hours = _minutes(plain, _PLAIN + timedelta(days=day)) / 60
        if hours > cap.day_h:
            return f"it asks for {hours:.4g} hours at home each {_NAMES[day]}, and the law allows {cap.day_h:g} a day"
    hours = sum(_minutes(plain, _PLAIN + timedelta(days=day)) for day in range(7)) / 60
    if hours > cap.week_h:
        return f"it asks for {hours:.4g} hours at home a week, and the law allows {cap.week_h:g}"
    # An exception changes its own day and, past midnight, the next.
    for day_of in sorted({day + timedelta(days=later) for one in every for day, _ in one.exceptions for later in (0, 1)}):
        hours = _minutes(every, day_of) / 60
        if hours > cap.day_h:
            return f"it asks for {hours:.4g} hours at home on {day_of}, and the law allows {cap.day_h:g} a day"
        first = day_of - timedelta(days=(day_of.weekday() - begins.weekday()) % 7)
        hours = sum(_minutes(every, first + timedelta(days=day)) for day in range(7)) / 60
        if hours > cap.week_h:
            return f"it asks for {hours:.4g} hours at home in the week from {first}, and the law allows {cap.week_h:g}"
    return None


def _minutes(tables: Sequence[Timetable], day: date) -> int:
    """Minutes of a day on the clock that lie in windows of any."""
    before = [(w.from_min - _DAY_MIN, w.to_min - _DAY_MIN) for w in _windows(tables, day - timedelta(days=1))]
    found, reached = 0, 0
    for start, end in sorted([*before, *((w.from_min, w.to_min) for w in _windows(tables, day))]):
        start, end = max(start, reached), min(end, _DAY_MIN)  # noqa: PLW2901
        found += max(0, end - start)
        reached = max(reached, end)
    return found


def _windows(tables: Sequence[Timetable], day: date) -> list[Window]:
    """Those that start on a day."""
    return [window for table in tables for window in dict(table.exceptions).get(day, table.week[day.weekday()])]
