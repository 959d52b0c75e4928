"""What an alert's history says of a length of time, and by what a position was found: in words that people use."""

import pytest

from alerts.reason import minutes, shown
from alerts.sighting import Said, Sighting
from model.fix import Source, empty_fixes
from model.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US, parse


@pytest.mark.parametrize(
    ("us", "said"),
    [
        (59 * SECOND_US, "under a minute"),
        (MINUTE_US, "1 min"),
        (HOUR_US - 1, "59 min"),
        (HOUR_US, "1 h"),
        (2 * HOUR_US + 5 * MINUTE_US, "2 h 5 min"),
        (DAY_US - 1, "23 h 59 min"),
        (DAY_US, "1 day"),
        (DAY_US + HOUR_US, "1 day 1 h"),
        (11_122 * MINUTE_US, "7 days 17 h"),
    ],
)
def test_a_length_of_time_is_said_in_its_two_largest_units(us: int, said: str) -> None:
    assert minutes(us) == said


@pytest.mark.parametrize(
    ("source", "by"), [(Source.GNSS, ""), (Source.WIFI, " by Wi-Fi"), (Source.CELL, " by mobile masts"), (Source.RF, " by radio")]
)
def test_a_position_is_said_to_be_by_what_people_know(source: Source, by: str) -> None:
    fix, at_us = empty_fixes(1), parse("2026-03-20T08:00:05Z")
    fix["source"], fix["accuracy_m"] = source, 30.0
    seen = Sighting(Said.OUTSIDE, False, 8.0, None, None, 1, at_us, at_us, fix, False, False, False, False, fix[:0])
    assert shown(seen) == f"8 m outside at 08:00:05, accuracy 30 m{by}"
