"""What a newer timetable no longer asks for, against a look at every quarter of an hour."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import timetable
from model.instant import HOUR_US, parse, show
from model.relaxing import given_up
from model.timetable import DAYS, Timetable

FROM_US = parse("2026-03-23T00:00:00Z")  # a Monday


def table(*windows: tuple[str, str, str], exceptions: Any = ()) -> Timetable:
    body = {"windows": [{"days": d.split(), "from": f, "to": t} for d, f, t in windows], "exceptions": list(exceptions)}
    found = timetable.parse(body, "Europe/London")
    assert isinstance(found, Timetable), found
    return found


NIGHT = ("mon tue", "19:00", "07:00")


@pytest.mark.parametrize(
    ("new", "span"),
    [
        (table(NIGHT), None),
        (table(("mon tue wed", "18:00", "08:00")), None),
        (table(("mon", "00:00", "24:00"), ("tue", "00:00", "24:00"), ("wed", "00:00", "24:00")), None),
        (table(("mon tue", "19:30", "07:00")), ("2026-03-23T19:00:00Z", "2026-03-23T19:30:00Z")),
        (table(("mon tue", "19:00", "06:00")), ("2026-03-24T06:00:00Z", "2026-03-24T07:00:00Z")),
        (table(("mon", "19:00", "07:00")), ("2026-03-24T19:00:00Z", "2026-03-25T07:00:00Z")),
        (table(NIGHT, exceptions=[{"date": "2026-03-31", "windows": []}]), ("2026-03-31T18:00:00Z", "2026-04-01T06:00:00Z")),
    ],
)
def test_what_is_given_up(new: Timetable, span: tuple[str, str] | None) -> None:
    found = given_up(table(NIGHT), new, FROM_US)
    assert (None if found is None else tuple(map(show, found))) == span


@pytest.mark.parametrize("date", ["2027-03-29", "2031-07-07", "2099-12-28"])
def test_a_date_however_far_ahead_is_looked_at(date: str) -> None:
    """A Monday each, more than a year ahead."""
    free = table(NIGHT, exceptions=[{"date": date, "windows": []}])
    found = given_up(table(NIGHT), free, FROM_US)
    assert found is not None
    assert show(found[0]).startswith(date)
    assert found[1] - found[0] == 12 * HOUR_US
    assert given_up(free, free, FROM_US) is None
    assert given_up(free, table(NIGHT), FROM_US) is None, "it is asked for again"
    longer = table(NIGHT, exceptions=[{"date": date, "windows": [{"from": "12:00", "to": "07:00"}]}])
    assert given_up(table(NIGHT), longer, FROM_US) is None
    assert given_up(longer, table(NIGHT), FROM_US) is not None


def test_the_last_date_there_is_is_no_trouble() -> None:
    assert given_up(table(NIGHT), table(NIGHT, exceptions=[{"date": "9999-12-27", "windows": []}]), FROM_US) is None


HOURS = st.integers(0, 23).map(lambda hour: f"{hour:02}:00")
DRAWN = st.lists(st.tuples(st.sampled_from(DAYS), HOURS, HOURS), min_size=1, max_size=5)


@given(DRAWN, DRAWN)
def test_it_agrees_with_looking_at_every_hour(old: Any, new: Any) -> None:
    made = [
        timetable.parse({"windows": [{"days": [d], "from": f, "to": t} for d, f, t in one]}, "Europe/London")
        for one in (old, new)
    ]
    if not all(isinstance(one, Timetable) for one in made):
        return
    spans = [timetable.expand(one, FROM_US, FROM_US + 21 * 24 * HOUR_US).tolist() for one in made]
    hours = range(FROM_US, FROM_US + 21 * 24 * HOUR_US, HOUR_US)
    asked = [[any(low <= at < high for low, high in one) for at in hours] for one in spans]
    lost = [at for at, before, after in zip(hours, *asked, strict=True) if before and not after]
    found = given_up(made[0], made[1], FROM_US)
    assert (None if found is None else found[0]) == (lost[0] if lost else None)
