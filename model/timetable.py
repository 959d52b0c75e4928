"""A weekly timetable of local wall times becomes the UTC intervals it means; schedules and curfews both read it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from model.arrays import Array
from model.batch import Rejected
from model.instant import from_us, to_us

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MIN: Final = 24 * 60
_WEEK_MIN: Final = 7 * _DAY_MIN
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")


class Window(NamedTuple):
    """Half-open local wall time, in minutes after midnight of the day it starts on; beyond 1440 it ends on the next."""

    from_min: int
    to_min: int

    def __str__(self) -> str:
        return f"{_clock(self.from_min)} to {_clock(self.to_min)}"


class Timetable(NamedTuple):
    """When something applies, as people say it."""

    zone: str  # IANA name: Europe/London
    week: tuple[tuple[Window, ...], ...]  # seven, from Monday: the windows that start on that day
    exceptions: tuple[tuple[date, tuple[Window, ...]], ...] = ()  # by date: the windows that start on it instead


def expand(table: Timetable, start_us: int, end_us: int) -> Array:
    """The UTC intervals of a timetable between two instants.

    A window belongs to the day it starts on; an exception replaces those that start on its date. A local time that does not
    exist moves forward by as much as the clocks were (Europe/London, 29 March 2026: 01:30 means 02:30); where that would move a
    window's start past its end, it starts when the clocks change. A local time that happens twice counts from its first, as a
    start, to its last, as an end.

    Parameters
    ----------
    start_us, end_us : microseconds since 1970 UTC; what lies outside is cut off

    Returns
    -------
    (n, 2) int64 microseconds since 1970 UTC, half-open, in order; those that overlap or touch are one.
    """
    joined: list[list[int]] = []
    for from_us_, to_us_ in sorted(_intervals(table, start_us, end_us)):
        low, high = max(from_us_, start_us), min(to_us_, end_us)
        if low >= high:
            continue
        if joined and low <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], high)
        else:
            joined.append([low, high])
    return np.array(joined, np.int64).reshape(-1, 2)


def _intervals(table: Timetable, start_us: int, end_us: int) -> Iterator[tuple[int, int]]:
    """(from, to) of every window that may touch the span, in UTC microseconds."""
    zone = ZoneInfo(table.zone)
    replaced = dict(table.exceptions)
    # A window lasts up to two local days, and a local date may lie a day from the UTC one.
    day = from_us(start_us).date() - timedelta(days=3)
    last = from_us(end_us).date() + timedelta(days=1)
    while day <= last:
        for window in replaced.get(day, table.week[day.weekday()]):
            yield _instants(zone, day, window)
        day += timedelta(days=1)


def _instants(zone: ZoneInfo, day: date, window: Window) -> tuple[int, int]:
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - local wall time, its zone follows
    start = midnight + timedelta(minutes=window.from_min)
    end = midnight + timedelta(minutes=window.to_min)
    from_us_ = _utc(zone, start, twice_last=False)
    to_us_ = _utc(zone, end, twice_last=True)
    if from_us_ >= to_us_:
        from_us_ = _change(zone, start)
    return from_us_, to_us_


def _utc(zone: ZoneInfo, wall: datetime, twice_last: bool) -> int:
    """Instant of a local wall time. PEP 495: fold 0 is the first of two, and carries a missing time past the gap."""
    first, second = wall.replace(tzinfo=zone), wall.replace(tzinfo=zone, fold=1)
    happens_twice = _offset(first) > _offset(second)
    return to_us((second if twice_last and happens_twice else first).astimezone(UTC))


def _change(zone: ZoneInfo, wall: datetime) -> int:
    """The instant the clocks jump over a local wall time that does not exist, to the second."""
    after = wall.replace(tzinfo=zone).astimezone(UTC)
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    old = _offset(before.astimezone(zone))
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (middle, after) if _offset(middle.astimezone(zone)) == old else (before, middle)
    return to_us(after)


def _offset(moment: datetime) -> timedelta:
    offset = moment.utcoffset()
    assert offset is not None, "the datetime has a zone"
    return offset


# ---------------------------------------------------------------- reading


class _Wrong(Exception):
    """Why a timetable is refused, one sentence."""


def parse(body: Mapping[str, Any], zone: str) -> Timetable | Rejected:
    """A timetable from its JSON form (CONTRACT.md), or the reason it cannot be one.

    Parameters
    ----------
    body : ``{"windows": [{"days": ["mon"], "from": "19:00", "to": "07:00"}], "exceptions": [{"date": "2026-03-29",
        "windows": [{"from": "20:00", "to": "24:00"}]}]}``. A window that ends at or before the time it starts ends on the next
        day; equal times are no window. Windows may touch, not overlap.
    zone : IANA name; ``body["timezone"]`` goes before it
    """
    try:
        name = _zone(body.get("timezone", zone))
        week: list[list[Window]] = [[] for _ in DAYS]
        for i, item in enumerate(_items(body, "windows", "The timetable")):
            place = f"Window {i + 1}"
            window = _window(item, place)
            for day in _days(item, place):
                week[day].append(window)
        exceptions = dict(_exceptions(body))
        _check_week(week)
        _check_any(week, exceptions)
    except _Wrong as wrong:
        return Rejected(str(wrong), place="windows")
    return Timetable(name, tuple(tuple(sorted(day)) for day in week), tuple(sorted(exceptions.items())))


def _zone(name: Any) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise _Wrong(f"There is no time zone {name!r}: give an IANA name such as Europe/London.") from None


def _items(body: Any, key: str, place: str) -> Sequence[Any]:
    items = body.get(key, ())
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise _Wrong(f"{place}: {key} is not a list.")
    if not all(isinstance(item, Mapping) for item in items):
        raise _Wrong(f"{place}: each of its {key} is an object.")
    return items


def _window(item: Mapping[str, Any], place: str) -> Window:
    start, end = _minutes(item.get("from"), "from", place), _minutes(item.get("to"), "to", place)
    if start == _DAY_MIN:
        raise _Wrong(f"{place}: it cannot start at 24:00; write 00:00 of the next day.")
    if start == end:
        raise _Wrong(f"{place}: it starts and ends at {_clock(start)} and lasts no time; a whole day is 00:00 to 24:00.")
    return Window(start, end if end > start else end + _DAY_MIN)


def _minutes(text: Any, key: str, place: str) -> int:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise _Wrong(f"{place}: {key} is {text!r}; write a time of day such as 19:00.")
    return int(text[:2]) * 60 + int(text[3:])


def _clock(minutes: int) -> str:
    return "24:00" if minutes == _DAY_MIN else f"{minutes % _DAY_MIN // 60:02}:{minutes % 60:02}"


def _days(item: Mapping[str, Any], place: str) -> list[int]:
    days = item.get("days")
    if not isinstance(days, Sequence) or isinstance(days, str) or len(days) == 0:
        raise _Wrong(f"{place}: it has no days; give a list of {', '.join(DAYS)}.")
    for day in days:
        if day not in DAYS:
            raise _Wrong(f"{place}: there is no day {day!r}; days are {', '.join(DAYS)}.")
        if list(days).count(day) > 1:
            raise _Wrong(f"{place}: it names {day} twice.")
    return [DAYS.index(day) for day in days]


def _exceptions(body: Mapping[str, Any]) -> Iterator[tuple[date, tuple[Window, ...]]]:
    seen: set[date] = set()
    for i, item in enumerate(_items(body, "exceptions", "The timetable")):
        text = item.get("date")
        try:
            day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar date has no zone
        except (ValueError, TypeError):
            raise _Wrong(f"Exception {i + 1}: its date is {text!r}; write one such as 2026-03-29.") from None
        if day in seen:
            raise _Wrong(f"Exception {i + 1}: {day} has an exception already, and the two contradict each other.")
        seen.add(day)
        windows = []
        for w, window in enumerate(_items(item, "windows", f"Exception {i + 1}")):
            place = f"Window {w + 1} of the exception for {day}"
            if "days" in window:
                raise _Wrong(f"{place}: it has days, but an exception is for its date alone.")
            windows.append(_window(window, place))
        windows.sort()
        for one, other in pairwise(windows):
            if other.from_min < one.to_min:
                raise _Wrong(f"The exception for {day}: {one} and {other} overlap.")
        yield day, tuple(windows)


def _check_week(week: Sequence[Sequence[Window]]) -> None:
    """Refuse windows that overlap, over midnight and from Sunday into Monday too."""
    spans = sorted(
        (day * _DAY_MIN + w.from_min, day * _DAY_MIN + w.to_min, f"{DAYS[day]} {w}") for day in range(7) for w in week[day]
    )
    if not spans:
        return
    around = [*spans, (spans[0][0] + _WEEK_MIN, spans[0][1] + _WEEK_MIN, spans[0][2])]
    for (_, end, one), (start, _, other) in pairwise(around):
        if start < end:
            raise _Wrong(f"{one} and {other} overlap: say which of them is meant, or join them.")


def _check_any(week: Sequence[Sequence[Window]], exceptions: Mapping[date, Sequence[Window]]) -> None:
    if not any(week) and not any(exceptions.values()):
        raise _Wrong("The timetable has no window: it would never apply.")
