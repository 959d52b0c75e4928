"""Data out of order, and what it makes of curfews, approaches, exits and of what live judging remembers to have told."""

import pytest

from model.alert import Op
from model.event import EventKind
from model.instant import MINUTE_US
from model.zone import Purpose, ZoneKind
from tests.alerts.story import HOME, Story, home_of, us, zone_of
from tests.alerts.test_story_curfew import Evening

# ---------------------------------------------------------------- presence that could not be verified


def test_a_buffer_that_fills_the_gap_withdraws_that_presence_was_not_known() -> None:
    story = Evening()
    story.home("20:00")
    story.home("22:00")
    assert story.told(1) == [
        "20:40:00 OPEN curfew_unverified P2 from 20:10:00",
        "22:00:00 END curfew_unverified P2 from 20:10:00 to 22:00:00",
    ]
    for minute in range(5, 120, 5):
        story.home(f"{20 + minute // 60}:{minute % 60:02}", received="22:01")
    (change,) = story.changes()
    assert (change.op, change.kind, change.event_at_us) == (Op.WITHDRAW, "curfew_unverified", us("20:10"))
    assert change.reason == "by late data: what was told of the time in between shows that it was not so"
    story.clock("22:20")
    assert not story.memory.occurrences


def test_the_same_buffer_in_order_withdraws_it_as_well() -> None:
    story = Evening()
    story.home("20:00")
    for minute in range(5, 125, 5):
        story.home(f"{20 + minute // 60}:{minute % 60:02}", received="22:01")
    assert story.told() == [
        "20:40:00 OPEN curfew_unverified P2 from 20:10:00",
        "22:01:00 WITHDRAW curfew_unverified P2 from 20:10:00 to 20:10:00",
    ]


@pytest.mark.parametrize("order", ["in order", "out of order"])
def test_a_buffer_with_a_gap_leaves_the_gap(order: str) -> None:
    story = Evening()
    story.home("20:00")
    if order == "out of order":
        story.home("22:00")
    for clock in ("20:05", "20:15", "21:10", "21:15", "21:20", "21:30", "21:40", "21:50", "21:55"):
        story.home(clock, received="22:01")
    if order == "in order":
        story.home("22:02")
    story.told()
    (known,) = story.memory.occurrences.values()
    assert (known.kind, known.event_at_us, known.ended_us) == ("curfew_unverified", us("20:25"), us("21:10"))


def test_presence_that_is_not_known_still_was_as_a_buffer_shows_and_is_told_anew_when_it_is_not() -> None:
    story = Evening()
    story.home("20:00")
    story.away("22:00")  # alone it says nothing that is known
    assert story.told() == ["20:40:00 OPEN curfew_unverified P2 from 20:10:00"]
    for minute in range(5, 120, 5):
        story.home(f"{20 + minute // 60}:{minute % 60:02}", received="22:01")
    assert [line.split(" to ")[0] for line in story.told()] == ["22:01:00 WITHDRAW curfew_unverified P2 from 20:10:00"]
    assert story.clock("22:29:59") == []
    assert story.clock("22:30") == ["22:30:00 OPEN curfew_unverified P2 from 22:00:00"]


# ---------------------------------------------------------------- absence


def evening_away(story: Evening) -> None:
    """Away from half past eight to nine as live judging has it."""
    story.home("20:20")
    story.away("20:30")
    story.away("20:40")
    story.home("21:00")
    assert story.told(1) == [
        "20:40:00 OPEN curfew_absence P3 from 20:30:00",
        "21:00:00 AMEND curfew_absence P2 from 20:30:00",
        "21:00:00 END curfew_absence P2 from 20:30:00 to 21:00:00",
    ]


def test_an_absence_was_over_earlier() -> None:
    story = Evening()
    evening_away(story)
    story.home("20:45", received="21:01")
    assert story.told() == ["21:01:00 AMEND curfew_absence P2 from 20:30:00 to 20:45:00"]


def test_an_absence_began_earlier() -> None:
    story = Evening()
    evening_away(story)
    story.away("20:22", received="21:01")
    (change,) = story.changes()
    assert (change.op, change.event_at_us, change.ended_us) == (Op.AMEND, us("20:22"), us("21:00"))
    assert change.reason == "by late data: began at 20:22:00, not 20:30:00"


def test_an_absence_began_later() -> None:
    story = Evening()
    evening_away(story)
    story.home("20:35", received="21:01")
    story.away("20:37", received="21:01")
    assert story.told() == ["21:01:00 AMEND curfew_absence P2 from 20:37:00 to 21:00:00"]


def test_an_absence_never_was() -> None:
    story = Evening()
    evening_away(story)
    story.home("20:35", received="21:01")
    story.home("20:41", received="21:01")
    assert story.told() == ["21:01:00 WITHDRAW curfew_absence P2 from 20:30:00 to 21:00:00"]
    story.away("21:05")
    story.away("21:06")
    story.told()
    assert story.clock("21:10") == ["21:10:00 OPEN curfew_absence P3 from 21:05:00"], "what was withdrawn does not go on"


def test_an_absence_that_goes_on_is_not_ended_by_what_came_late_but_live_judging_learns_when_it_began() -> None:
    story = Evening()
    story.home("20:20")
    story.away("20:30")
    story.away("20:31")
    assert story.told() == []
    assert story.clock("20:35") == ["20:35:00 OPEN curfew_absence P3 from 20:30:00"]
    story.away("20:25", received="20:36")
    assert story.told() == ["20:36:00 AMEND curfew_absence P3 from 20:25:00"]
    assert story.clock("20:56") == ["20:55:00 AMEND curfew_absence P2 from 20:25:00"], "half an hour of it"
    story.home("21:00")
    (change,) = story.changes()
    assert change.event_at_us == us("20:25")
    assert change.reason.endswith("away for 35 min in all")


@pytest.mark.parametrize("at_a_time", [1, 7, 100])
def test_an_absence_of_a_whole_window_that_only_a_buffer_shows_is_p1(at_a_time: int) -> None:
    story = Evening()
    story.home("18:00")
    story.told()
    story.home("+1 08:00")
    for hour in range(18, 31):
        for minute in (5, 35):
            story.away(f"{'+1 ' * (hour > 23)}{hour % 24:02}:{minute:02}", received="+1 08:05")
    story.told(at_a_time)
    known = [one for one in story.memory.occurrences.values() if one.kind == "curfew_absence"]
    assert [(one.event_at_us, one.ended_us, one.severity, one.late) for one in known] == [(us("19:00"), us("+1 07:00"), 1, True)]


def test_beacons_out_of_order_are_judged_as_of_when_they_were_told() -> None:
    story = Evening()
    story.event("20:00", EventKind.BEACON_IN)
    for minute in range(10, 60, 10):
        story.event(f"20:{minute}", EventKind.CONTACT)
    story.event("21:00", EventKind.BEACON_IN)
    assert story.event("20:12", EventKind.BEACON_OUT, received="21:01") == [
        "21:01:00 OPEN curfew_absence P2 from 20:12:00 to 21:00:00 late"
    ]
    story.event("20:45", EventKind.BEACON_IN, received="21:02")
    (known,) = story.memory.occurrences.values()
    assert (known.event_at_us, known.ended_us) == (us("20:12"), us("20:45"))


def test_a_buffer_by_day_asks_for_no_more_history_than_zones_need() -> None:
    from alerts.late import windows

    story = Evening()
    story.home("15:00")
    story.told()
    story.home("12:00", received="15:01")
    fixes = story.waiting()
    (window,) = windows(story.rules, story.terms, story.memory.state, fixes, fixes["tag"] > 0)
    assert (window.from_us, window.to_us) == (us("10:00"), us("14:00"))
    story.home("19:00")
    story.told()
    story.home("18:55", received="19:01")
    fixes = story.waiting()
    found = windows(story.rules, story.terms, story.memory.state, fixes, fixes["tag"] > 0)
    assert found[1:] == [found[1]]
    assert found[1].to_us == us("+1 07:00"), "it speaks as the window begins, to whose end it may matter"
    assert max(one.to_us - one.from_us for one in found) <= 2 * story.rules.curfew_us


# ---------------------------------------------------------------- approaches and exits


NEAR = zone_of(buffer_m=300.0)
STAY = zone_of(kind=ZoneKind.INCLUSION, purpose=Purpose.AREA)


def test_an_approach_that_only_a_buffer_shows() -> None:
    story = Story(NEAR)
    story.at("20:00").away()
    story.at("20:30").away()
    assert story.told() == []
    for minute in range(5, 15, 2):
        story.at(f"20:{minute:02}", received="20:31").outside(by=200)
    assert story.told() == ["20:31:00 OPEN approach P3 from 20:05:00 to 20:30:00 late"]
    story.at("20:15", received="20:32").away()
    assert story.told() == ["20:32:00 AMEND approach P3 from 20:05:00 to 20:15:00 late"]


def test_an_approach_that_never_was() -> None:
    story = Story(NEAR)
    story.at("20:00").outside(by=200)
    story.at("20:04").outside(by=200)
    story.at("20:08").outside(by=200)
    story.at("20:09").away()
    assert len(story.told()) == 2
    story.at("20:02", received="20:10").away()
    story.at("20:06", received="20:10").away()
    assert story.told() == ["20:10:00 WITHDRAW approach P3 from 20:00:00 to 20:09:00"]


def test_an_exit_that_only_a_buffer_shows_and_one_that_never_was() -> None:
    story = Story(STAY)
    story.at("20:00").inside(by=40)
    story.at("20:30").inside(by=40)
    assert story.told() == []
    story.at("20:10", received="20:31").away()
    story.at("20:12", received="20:31").away()
    assert story.told() == ["20:31:00 OPEN inclusion_exit P2 from 20:10:00 to 20:30:00 late"]
    story.at("20:11", received="20:32").inside(by=40)
    assert story.told() == ["20:32:00 WITHDRAW inclusion_exit P2 from 20:10:00 to 20:30:00 late"]


# ---------------------------------------------------------------- what live judging remembers


def test_an_entry_that_was_withdrawn_is_not_gone_on_with() -> None:
    story = Story()
    story.at("08:00").inside(by=5)
    story.at("08:10").inside(by=5)
    story.at("08:20").away()
    story.told()
    story.at("08:05", received="08:21").away()
    assert story.told() == ["08:21:00 WITHDRAW exclusion_possible P2 from 08:00:00 to 08:20:00"]
    story.at("08:24").inside(by=42)
    assert story.told() == ["08:24:02 OPEN exclusion P1 from 08:24:00"]


def test_who_is_back_within_ten_minutes_of_when_it_was_really_over() -> None:
    story = Story()
    story.at("08:00").inside(by=42)
    story.at("08:20").away()
    story.told()
    story.at("08:05", received="08:21").away()
    assert story.told() == ["08:21:00 AMEND exclusion P1 from 08:00:00 to 08:05:00"]
    story.at("08:24").inside(by=42)
    assert story.told() == ["08:24:02 OPEN exclusion P1 from 08:24:00"], "nineteen minutes after it ended"


def test_home_zone_and_exclusion_of_one_buffer_are_judged_by_their_own_history() -> None:
    story = Story(zone_of(), home_of(), curfews=(), rules=None)
    story.at("08:00").away(zone=HOME)
    story.at("12:00").away()
    story.told()
    story.at("10:00", received="12:01").inside(by=42)
    story.at("10:01", received="12:01").away()
    (change,) = story.changes()
    assert (change.event_at_us, change.ended_us) == (us("10:00"), us("10:00") + MINUTE_US)
