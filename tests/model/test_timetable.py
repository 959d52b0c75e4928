"""Timetables against a wall clock read minute by minute, on the nights the clocks change and all others."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model import instant
from model.batch import Rejected
from model.timetable import DAYS, Timetable, Window, expand, parse
from tests.chance import times
from tests.oracle import wall_clock

ALL = list(DAYS)
ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "America/St_Johns"]
# Days on which the clocks of those zones change, both ways, and some on which none do.
CHANGES = [date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1), date(2026, 4, 5), date(2026, 10, 4)]


def us(day: date) -> int:
    return instant.to_us(datetime(day.year, day.month, day.day, tzinfo=UTC))


def shown(table: Timetable, start: str, end: str) -> list[tuple[str, str]]:
    return [(instant.show(a), instant.show(b)) for a, b in expand(table, instant.parse(start), instant.parse(end)).tolist()]


def table(*windows: dict[str, Any], exceptions: list[dict[str, Any]] | None = None, zone: str = "Europe/London") -> Timetable:
    read = parse({"windows": list(windows), "exceptions": exceptions or []}, zone)
    assert isinstance(read, Timetable), read
    return read


NIGHTLY = {"days": ALL, "from": "19:00", "to": "07:00"}

windows = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(lambda w: Window(w[0], w[0] + w[1]))


@given(
    zone=st.sampled_from(ZONES),
    middle=st.sampled_from([*CHANGES, date(2026, 7, 1)]),
    offset=st.integers(-2, 2),
    week=st.lists(st.lists(windows, max_size=2), min_size=7, max_size=7),
    exception=st.none() | st.lists(windows, max_size=2),
)
@example("Europe/London", date(2026, 3, 29), 0, [[], [], [], [], [], [], [Window(90, 135)]], None)
@example("Europe/London", date(2026, 10, 25), 0, [[], [], [], [], [], [], [Window(90, 105)]], None)
@settings(max_examples=times(40), deadline=None)
def test_every_minute_is_what_the_wall_clock_says(
    zone: str, middle: date, offset: int, week: list[list[Window]], exception: list[Window] | None
) -> None:
    start, end = middle + timedelta(days=offset - 1), middle + timedelta(days=offset + 2)
    exceptions = () if exception is None else ((middle, tuple(exception)),)
    got = expand(Timetable(zone, tuple(tuple(day) for day in week), exceptions), us(start), us(end))
    days = {start + timedelta(days=i): week[(start + timedelta(days=i)).weekday()] for i in range(-3, 5)}
    if exception is not None:
        days[middle] = exception
    inside = {
        m
        for m in wall_clock.minutes(zone, {day: [(w.from_min, w.to_min) for w in ws] for day, ws in days.items()})
        if us(start) <= instant.to_us(m) < us(end)
    }
    ours = set()
    for low, high in got.tolist():
        assert low < high
        ours.update(instant.from_us(u) for u in range(low, high, instant.MINUTE_US))
    assert ours == inside
    assert all(a[1] < b[0] for a, b in zip(got.tolist(), got.tolist()[1:], strict=False)), "in order and apart"


def test_a_night_lasts_eleven_hours_when_the_clocks_go_forward_and_thirteen_when_they_go_back() -> None:
    assert shown(table(NIGHTLY), "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z") == [
        ("2026-03-28T19:00:00Z", "2026-03-29T06:00:00Z")
    ]
    assert shown(table(NIGHTLY), "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z") == [
        ("2026-10-24T18:00:00Z", "2026-10-25T07:00:00Z")
    ]


def test_a_time_that_does_not_exist_moves_forward() -> None:
    until = table({"days": ["sat"], "from": "22:00", "to": "01:30"})
    assert shown(until, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z") == [("2026-03-28T22:00:00Z", "2026-03-29T01:30:00Z")]
    since = table({"days": ["sun"], "from": "01:30", "to": "05:00"})
    assert shown(since, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z") == [("2026-03-29T01:30:00Z", "2026-03-29T04:00:00Z")]


def test_a_time_that_happens_twice_counts_from_its_first_to_its_last() -> None:
    twice = table({"days": ["sun"], "from": "01:30", "to": "01:45"})
    assert shown(twice, "2026-10-25T00:00:00Z", "2026-10-26T00:00:00Z") == [("2026-10-25T00:30:00Z", "2026-10-25T01:45:00Z")]


def test_an_exception_replaces_what_starts_on_its_date_and_nothing_else() -> None:
    off = table(NIGHTLY, exceptions=[{"date": "2026-06-02", "windows": []}])
    assert shown(off, "2026-06-01T12:00:00Z", "2026-06-04T12:00:00Z") == [
        ("2026-06-01T18:00:00Z", "2026-06-02T06:00:00Z"),
        ("2026-06-03T18:00:00Z", "2026-06-04T06:00:00Z"),
    ]
    later = table(NIGHTLY, exceptions=[{"date": "2026-06-02", "windows": [{"from": "22:00", "to": "24:00"}]}])
    assert ("2026-06-02T21:00:00Z", "2026-06-02T23:00:00Z") in shown(later, "2026-06-01T12:00:00Z", "2026-06-04T12:00:00Z")


def test_windows_that_touch_are_one_interval() -> None:
    whole = table({"days": ALL, "from": "00:00", "to": "12:00"}, {"days": ALL, "from": "12:00", "to": "24:00"})
    assert shown(whole, "2026-06-01T00:00:00Z", "2026-06-30T00:00:00Z") == [("2026-06-01T00:00:00Z", "2026-06-30T00:00:00Z")]


def test_a_date_the_islands_skipped_does_not_switch_a_curfew_off() -> None:
    # Samoa had no 30 December 2011.
    apia = table(NIGHTLY, zone="Pacific/Apia")
    nights = shown(apia, "2011-12-29T12:00:00Z", "2012-01-02T00:00:00Z")
    assert [a for a, _ in nights] == [
        "2011-12-29T12:00:00Z",
        "2011-12-30T05:00:00Z",
        "2011-12-31T05:00:00Z",
        "2012-01-01T05:00:00Z",
    ]


@pytest.mark.parametrize(
    ("body", "zone", "words"),
    [
        ({"windows": [NIGHTLY]}, "Mars/Olympus", "no time zone 'Mars/Olympus'"),
        ({"windows": [NIGHTLY]}, "Europe", "no time zone 'Europe'"),
        ({"windows": [NIGHTLY], "timezone": 5}, "UTC", "no time zone 5"),
        ({"windows": []}, "UTC", "never apply"),
        ({"windows": "mon"}, "UTC", "not a list"),
        ({"windows": ["mon"]}, "UTC", "object"),
        ({"windows": [{"days": ["mon"], "from": "19:00", "to": "19:00"}]}, "UTC", "Window 1: it starts and ends at 19:00"),
        ({"windows": [{"days": ["mon"], "from": "24:00", "to": "07:00"}]}, "UTC", "cannot start at 24:00"),
        ({"windows": [{"days": ["mon"], "from": "7pm", "to": "07:00"}]}, "UTC", "from is '7pm'"),
        ({"windows": [{"days": ["mon"], "from": "19:00"}]}, "UTC", "to is None"),
        ({"windows": [{"days": ["mon"], "from": "19:00", "to": "25:00"}]}, "UTC", "to is '25:00'"),
        ({"windows": [{"from": "19:00", "to": "07:00"}]}, "UTC", "has no days"),
        ({"windows": [{"days": ["Monday"], "from": "19:00", "to": "07:00"}]}, "UTC", "no day 'Monday'"),
        ({"windows": [{"days": ["mon", "mon"], "from": "19:00", "to": "07:00"}]}, "UTC", "names mon twice"),
        (
            {"windows": [NIGHTLY, {"days": ["mon"], "from": "06:00", "to": "08:00"}]},
            "UTC",
            "sun 19:00 to 07:00 and mon 06:00 to 08:00",
        ),
        ({"windows": [NIGHTLY], "exceptions": [{"date": "29/3/2026", "windows": []}]}, "UTC", "date is '29/3/2026'"),
        ({"windows": [NIGHTLY], "exceptions": [{"windows": []}]}, "UTC", "date is None"),
        ({"windows": [NIGHTLY], "exceptions": [{"date": "2026-03-29", "windows": []}] * 2}, "UTC", "contradict"),
        (
            {"windows": [NIGHTLY], "exceptions": [{"date": "2026-03-29", "windows": [{"from": "01:00", "to": "03:00"}] * 2}]},
            "UTC",
            "The exception for 2026-03-29: 01:00 to 03:00 and 01:00 to 03:00 overlap",
        ),
        ({"windows": [], "exceptions": [{"date": "2026-03-29", "windows": [NIGHTLY]}]}, "UTC", "for its date alone"),
    ],
)
def test_a_timetable_that_cannot_be_meant_is_refused_in_words(body: dict[str, Any], zone: str, words: str) -> None:
    refused = parse(body, zone)
    assert isinstance(refused, Rejected)
    assert words in refused.reason
