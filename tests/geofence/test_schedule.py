"""A zone with a timetable applies in the very minutes a wall clock says, on the nights the clocks change too."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import shapely

from geofence.evaluate import evaluate
from model.instant import MINUTE_US, from_us, to_us
from model.timetable import Timetable, Window, expand
from tests.geofence.check import fixes_at, index_of, no_last, zone
from tests.oracle import wall_clock

HERE = shapely.box(-3.0, 53.0, -2.9, 53.1)
INSIDE = (-2.95, 53.05)

NIGHT = Window(19 * 60, 31 * 60)  # 19:00 to 07:00
MISSING = Window(90, 150)  # 01:30 to 02:30: in London's March the clocks jump over its start
TWICE = Window(75, 105)  # 01:15 to 01:45: happens twice in London's October
SHORT = Window(120, 180)  # 02:00 to 03:00: is jumped over in New York's March, and happens within in October's
LATE = Window(23 * 60, 25 * 60)

NIGHTS = [
    ("Europe/London", date(2026, 3, 29)),  # 01:00 to 02:00 does not exist
    ("Europe/London", date(2026, 10, 25)),  # 01:00 to 02:00 happens twice
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # by half an hour
    ("Europe/London", date(2026, 6, 21)),  # an ordinary one
]


@pytest.mark.parametrize("windows", [(NIGHT,), (MISSING,), (TWICE,), (SHORT,), (LATE, MISSING, TWICE)], ids=str)
@pytest.mark.parametrize(("place", "night"), NIGHTS, ids=str)
def test_minute_by_minute_through_the_night(place: str, night: date, windows: tuple[Window, ...]) -> None:
    table = Timetable(place, (windows,) * 7)
    start = to_us(datetime(night.year, night.month, night.day, tzinfo=UTC) - timedelta(days=2))
    applies = expand(table, start, start + 5 * 24 * 60 * MINUTE_US)
    scheduled = zone(1, HERE, intervals=tuple(map(tuple, applies.tolist())))
    # A fix in each minute of three days round the change, the last microsecond of each minute too.
    at_us = start + (24 * 60 + np.arange(3 * 24 * 60)) * MINUTE_US
    both = np.sort(np.concatenate([at_us, at_us + MINUTE_US - 1]))
    fixes = fixes_at(1, [INSIDE] * len(both))
    fixes["fix_at_us"] = both
    hits = evaluate(index_of([scheduled]), fixes, no_last(1))
    judged = {from_us(int(both[row])).replace(second=0, microsecond=0) for row in hits["fix_row"]}
    days = {night + timedelta(days=k): [(w.from_min, w.to_min) for w in windows] for k in range(-4, 4)}
    wanted = wall_clock.minutes(place, days)
    within = {from_us(int(us)) for us in at_us}
    assert judged == wanted & within
    assert len(hits) == 2 * len(judged), "a minute applies from its first microsecond to its last, or not at all"
    assert hits["covered"].all()


def test_a_night_has_eleven_or_thirteen_hours_of_fixes() -> None:
    def minutes(night: date) -> int:
        table = Timetable("Europe/London", ((NIGHT,),) * 7)
        noon = to_us(datetime(night.year, night.month, night.day, 12, tzinfo=UTC))
        applies = expand(table, noon, noon + 24 * 60 * MINUTE_US)
        scheduled: Any = zone(1, HERE, intervals=tuple(map(tuple, applies.tolist())))
        fixes = fixes_at(1, [INSIDE] * 24 * 60)
        fixes["fix_at_us"] = noon + np.arange(24 * 60) * MINUTE_US
        return len(evaluate(index_of([scheduled]), fixes, no_last(1)))

    assert [minutes(date(2026, *day)) for day in ((3, 28), (10, 24), (6, 20))] == [11 * 60, 13 * 60, 12 * 60]


def test_a_way_over_the_start_of_a_window_crosses_only_what_applied_at_both_ends() -> None:
    """The zone begins to apply at 01:00 UTC, when London's clocks jump from 01:00 to 02:00."""
    table = Timetable("Europe/London", ((Window(60, 180),),) * 7)
    start = to_us(datetime(2026, 3, 29, tzinfo=UTC))
    applies = expand(table, start, start + 24 * 60 * MINUTE_US)
    assert applies.tolist() == [[start + 60 * MINUTE_US, start + 120 * MINUTE_US]]
    narrow = zone(1, shapely.box(-3.0, 53.0, -2.999, 53.1), intervals=tuple(map(tuple, applies.tolist())))
    for first, crosses in ((57, False), (59, False), (60, True), (117, True), (118, False)):
        fixes = fixes_at(1, [(-3.001, 53.05), (-2.998, 53.05)])
        fixes["fix_at_us"] = start + np.array([first, first + 2]) * MINUTE_US
        hits = evaluate(index_of([narrow]), fixes, no_last(1))
        assert bool(hits["crossed"].any()) == crosses, first
