"""Hours at home as the clock shows them, against the law: each day, each week, and the days of exceptions."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import timetable
from model.cap import Cap, beyond
from model.setting import NAMES
from model.timetable import DAYS, Timetable

ENGLAND_AND_WALES = Cap.of({key: one.default for key, one in NAMES.items()})
assert Cap(20, 112) == ENGLAND_AND_WALES

BEGINS = date(2026, 3, 20)  # a Friday


def table(windows: list[dict[str, Any]], *exceptions: dict[str, Any]) -> Timetable:
    found = timetable.parse({"windows": windows, "exceptions": list(exceptions)}, "Europe/London")
    assert isinstance(found, Timetable), found
    return found


def window(days: str, start: str, end: str) -> dict[str, Any]:
    return {"days": DAYS if days == "all" else days.split(), "from": start, "to": end}


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        ([window("all", "19:00", "07:00")], None),
        ([window("all", "18:00", "10:00")], None),  # 112 a week, to the minute
        ([window("all", "18:00", "10:01")], "it asks for 112.1 hours at home a week, and the law allows 112"),
        ([window("sun", "04:00", "24:00")], None),  # 20 a day, to the minute
        (
            [window("sun", "03:59", "24:00")],
            "it asks for 20.02 hours on end from 03:59 to 24:00 each Sunday, and the law allows 20 a day",
        ),
        (
            [window("sat", "08:00", "05:00")],
            "it asks for 21 hours on end from 08:00 to 05:00 each Saturday, and the law allows 20 a day",
        ),
        # Either night alone is short; the Tuesday between them is not.
        (
            [window("mon", "19:00", "12:00"), window("tue", "13:00", "09:00")],
            "it asks for 23 hours at home each Tuesday, and the law allows 20 a day",
        ),
    ],
)
def test_the_week(windows: list[dict[str, Any]], said: str | None) -> None:
    assert beyond(table(windows), ENGLAND_AND_WALES, BEGINS) == said


def test_several_curfews_of_an_order_count_together_and_shared_hours_once() -> None:
    nights, days, evenings = (table([window("all", *at)]) for at in (("19:00", "07:00"), ("08:00", "18:30"), ("18:00", "24:00")))
    assert beyond(days, ENGLAND_AND_WALES, BEGINS) is None
    said = beyond(days, ENGLAND_AND_WALES, BEGINS, [nights])
    assert said == "it asks for 22.5 hours at home each Monday, and the law allows 20 a day"
    assert beyond(evenings, ENGLAND_AND_WALES, BEGINS, [nights]) is None, "13 hours a day: from 18:00 to 07:00"


def test_exceptions_count_on_their_day_and_the_next() -> None:
    nights = window("all", "19:00", "07:00")
    free = {"date": "2026-12-25", "windows": []}
    assert beyond(table([nights], free), ENGLAND_AND_WALES, BEGINS) is None
    whole = {"date": "2026-12-25", "windows": [{"from": "00:00", "to": "24:00"}]}
    assert "24 hours on end from 00:00 to 24:00 on 2026-12-25" in str(beyond(table([nights], whole), ENGLAND_AND_WALES, BEGINS))
    into = {"date": "2026-12-25", "windows": [{"from": "16:00", "to": "11:00"}]}
    late = window("all", "12:00", "24:00")
    assert "it asks for 23 hours at home on 2026-12-26" in str(beyond(table([late], into), ENGLAND_AND_WALES, BEGINS))


def test_a_week_runs_from_the_weekday_on_which_the_order_began() -> None:
    """Two long days lie in one week from Friday on, and in two weeks from Monday on."""
    long = [{"date": day, "windows": [{"from": "00:00", "to": "20:00"}]} for day in ("2026-12-27", "2026-12-28")]
    only = table([window("wed", "19:00", "20:00")], *long)
    assert beyond(only, Cap(20, 40), BEGINS) == "it asks for 41 hours at home in the week from 2026-12-25, and the law allows 40"
    assert beyond(only, Cap(20, 40), date(2026, 3, 16)) is None


TIMES = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
WINDOWS = st.lists(st.tuples(st.sampled_from(DAYS), TIMES, TIMES), min_size=1, max_size=5)


@given(WINDOWS)
def test_it_agrees_with_counting_the_minutes(drawn: list[tuple[str, str, str]]) -> None:
    made = timetable.parse({"windows": [window(*one) for one in drawn]}, "UTC")
    if not isinstance(made, Timetable):
        return
    inside: set[int] = set()
    for day in range(7):
        for one in made.week[day]:
            inside |= {(day * 1440 + minute) % 10080 for minute in range(one.from_min, one.to_min)}
    at_once = max(one.to_min - one.from_min for day in made.week for one in day)
    longest = max(at_once, *(sum(1 for minute in inside if minute // 1440 == day) for day in range(7))) / 60
    cap = Cap(longest, len(inside) / 60)
    assert beyond(made, cap, BEGINS) is None
    assert beyond(made, cap._replace(day_h=longest - 0.01), BEGINS) is not None
    assert beyond(made, cap._replace(week_h=len(inside) / 60 - 0.01), BEGINS) is not None


def test_days_of_exceptions_far_apart_are_all_looked_at() -> None:
    many = [{"date": str(BEGINS + timedelta(days=30 * n)), "windows": [{"from": "00:00", "to": "20:00"}]} for n in range(1, 20)]
    many[-1]["windows"] = [{"from": "00:00", "to": "24:00"}]
    assert str(BEGINS + timedelta(days=30 * 19)) in str(
        beyond(table([window("wed", "19:00", "20:00")], *many), Cap(20, 112), BEGINS)
    )
