"""A tag that moves and says not where it is, and one that is wrong about time and place, told as stories."""

import pytest

from alerts.rules import Rules
from model.alert import Family, Kind
from model.event import EventKind
from model.zone import Purpose
from tests.alerts.story import MONITORED, Story, us, zone_of

AREA = zone_of(purpose=Purpose.AREA)
MOVES, RESTS, HEARD = EventKind.MOTION, EventKind.MOTION_CLEAR, EventKind.CONTACT


def moving() -> Story:
    """Seen at eight o'clock, and on the move since five to."""
    story = Story(AREA)
    story.event("07:55:00", MOVES)
    story.at("08:00:00").away()
    story.told()
    return story


def heard(story: Story, *clocks: str) -> list[str]:
    return [line for clock in clocks for line in story.event(clock, HEARD)]


# ---------------------------------------------------------------- no location


def test_ten_minutes_without_a_location_and_ten_of_grace_are_told_at_that_very_instant() -> None:
    story = moving()
    assert heard(story, "08:05:00", "08:10:00", "08:15:00", "08:19:50") == []
    assert story.clock("08:30:00") == ["08:20:00 OPEN no_location P2 from 08:00:00"]
    assert heard(story, "08:35:00") == []


def test_the_next_location_ends_it() -> None:
    story = moving()
    heard(story, "08:10:00", "08:20:00")
    story.at("08:25:00").away()
    assert story.told() == ["08:25:02 END no_location P2 from 08:00:00 to 08:25:00"]


def test_a_location_within_the_grace_and_nothing_is_told() -> None:
    story = moving()
    heard(story, "08:06:00", "08:12:00", "08:18:00")
    story.at("08:19:00").away()
    assert story.told() == []
    assert heard(story, "08:20:00", "08:22:00") + story.clock("08:23:00") == []


def test_whoever_is_still_may_be_without_a_location() -> None:
    story = Story(AREA)
    story.at("08:00:00").away()
    story.told()
    assert heard(story, "08:10:00", "08:20:00", "08:30:00", "08:40:00") == []


def test_it_counts_from_when_the_tag_begins_to_move() -> None:
    story = Story(AREA)
    story.at("08:00:00").away()
    story.told()
    story.event("08:30:00", MOVES)
    assert heard(story, "08:36:00", "08:42:00", "08:48:00") == []
    assert story.clock("08:51:00") == ["08:50:00 OPEN no_location P2 from 08:30:00"]


def test_a_tag_that_rests_is_not_missed() -> None:
    story = moving()
    heard(story, "08:05:00", "08:10:00")
    story.event("08:12:00", RESTS)
    assert heard(story, "08:18:00", "08:24:00", "08:30:00") == []


def test_a_tag_that_is_silent_too_is_told_of_once_it_is_heard() -> None:
    """Silence has its own alert; while nothing comes at all nobody can say that only the location is missing."""
    story = moving()
    heard(story, "08:06:00")
    assert story.clock("08:30:00") == []
    assert heard(story, "08:31:00") == ["08:31:02 OPEN no_location P2 from 08:00:00"]


@pytest.mark.parametrize(("last_heard", "told"), [("08:10:00", True), ("08:09:59", False)])
def test_a_message_says_for_ten_minutes_that_the_tag_is_heard_from(last_heard: str, *, told: bool) -> None:
    story = moving()
    heard(story, last_heard)
    assert bool(story.clock("08:25:00")) is told


def test_spells_within_an_hour_add_up() -> None:
    """Six minutes without, a location, and then five minutes suffice for the ten: ten more and it is told."""
    story = moving()
    heard(story, "08:06:00")
    story.at("08:06:30").away()
    story.told()
    assert heard(story, "08:12:00", "08:18:00") + story.clock("08:21:29") == []
    assert story.clock("08:22:00") == ["08:21:30 OPEN no_location P2 from 08:06:30"]


def test_a_spell_of_under_five_minutes_counts_for_nothing() -> None:
    story = moving()
    heard(story, "08:04:59")
    story.at("08:06:30").away()
    story.told()
    heard(story, "08:12:00", "08:18:00", "08:24:00")
    assert story.clock("08:27:00") == ["08:26:30 OPEN no_location P2 from 08:06:30"]


def test_a_spell_of_over_an_hour_ago_counts_for_nothing() -> None:
    story = moving()
    heard(story, "08:06:00")
    story.at("08:06:30").away()
    story.at("09:05:00").away()
    story.told()
    heard(story, "09:11:00", "09:17:00", "09:23:00")
    assert story.clock("09:26:00") == ["09:25:00 OPEN no_location P2 from 09:05:00"]


def test_missing_again_within_ten_minutes_is_the_same_occurrence() -> None:
    story = moving()
    heard(story, "08:10:00", "08:20:00")
    story.at("08:25:00").away()
    story.told()
    assert heard(story, "08:31:00", "08:36:00") == []
    assert heard(story, "08:41:00") == ["08:40:00 RESUME no_location P2 from 08:00:00"], "the spell before counts: five and ten"


def test_missing_again_later_is_a_new_one() -> None:
    story = moving()
    heard(story, "08:10:00", "08:20:00")
    story.at("08:25:00").away()
    story.at("08:36:00").away()
    story.told()
    assert heard(story, "08:42:00", "08:47:00", "08:52:00") == ["08:51:00 OPEN no_location P2 from 08:36:00"]


def test_a_tag_that_uploads_what_it_kept_had_its_locations() -> None:
    story = moving()
    for minute in range(1, 31):
        story.at(f"08:{minute:02}:00", received="08:30:00").away()
    assert story.told() == []
    assert heard(story, "08:33:00") == []


def test_a_wrong_clock_gives_no_location() -> None:
    story = moving()
    story.at("08:30:00", received="08:09:00").away()
    story.told()
    heard(story, "08:12:00", "08:18:00")
    assert story.clock("08:21:00") == ["08:20:00 OPEN no_location P2 from 08:00:00"]


def test_it_is_held_under_jamming() -> None:
    story = moving()
    story.event("08:01:00", EventKind.JAMMING)
    heard(story, "08:06:00", "08:12:00", "08:18:00")
    raised = story.memory.take(story.world, story.waiting(), us("08:20:00"))
    assert [(change.kind, change.held_under) for change in raised] == [(Kind.NO_LOCATION, Family.JAMMING)]


def test_it_ends_with_its_order() -> None:
    story = Story(AREA, monitored=[MONITORED._replace(to_us=us("08:30:00"))])
    story.event("07:55:00", MOVES)
    story.at("08:00:00").away()
    heard(story, "08:10:00", "08:20:00", "08:29:00")
    assert story.rejudged("08:30:00") == ["08:30:00 END no_location P2 from 08:00:00 to 08:30:00"]
    assert heard(story, "08:40:00", "08:50:00") == []


# ---------------------------------------------------------------- tag faults


def skewed(story: Story, clock: str, minutes: int) -> list[str]:
    """A fix that says that it was taken so many minutes after it was received."""
    hour, minute = int(clock[:2]), int(clock[3:5]) + minutes
    story.at(f"{hour + minute // 60:02}:{minute % 60:02}:{clock[6:]}", received=clock).away()
    return story.told()


def test_a_clock_far_wrong_is_nothing_once_or_twice_and_told_the_third_time_in_a_day() -> None:
    story = Story(AREA)
    assert skewed(story, "08:00:00", 20) == []
    assert skewed(story, "11:00:00", 15) == []
    assert skewed(story, "20:00:00", 16) == ["20:00:00 OPEN tag_fault P4 from 08:00:00"]
    assert skewed(story, "21:00:00", 16) == []


def test_a_clock_less_wrong_is_no_fault() -> None:
    story = Story(AREA)
    for clock in ("08:00:00", "09:00:00", "10:00:00", "11:00:00"):
        assert skewed(story, clock, 14) == []


def test_a_day_without_a_fault_ends_it() -> None:
    story = Story(AREA)
    for clock in ("08:00:00", "09:00:00", "10:00:00", "12:00:00"):
        skewed(story, clock, 20)
    assert story.clock("+1 11:59:59") == []
    assert story.clock("+1 13:00:00") == ["12:00:00 END tag_fault P4 from 08:00:00 to 12:00:00"]
    assert not len(story.memory.state.faults)


def test_three_in_more_than_a_day_are_nothing() -> None:
    story = Story(AREA)
    skewed(story, "08:00:00", 20)
    skewed(story, "20:00:00", 20)
    story.at("+1 08:30:00", received="+1 08:00:01").away()
    assert story.told() == []
    story.at("+1 09:30:00", received="+1 09:00:01").away()
    assert story.told() == ["09:00:01 OPEN tag_fault P4 from 20:00:00"]


def jump(story: Story, minute: int) -> list[str]:
    """A fix a hundred kilometres off, and one back home."""
    story.at(f"08:{minute:02}:00").away()
    story.at(f"08:{minute + 1:02}:00", east_km=100.0).away()
    story.at(f"08:{minute + 2:02}:00").away()
    return story.told(batch=1)


def test_jumps_that_nothing_confirms_are_faults_once_the_next_fix_has_said_so() -> None:
    story = Story(AREA)
    assert jump(story, 0) + jump(story, 10) == []
    assert jump(story, 20) == ["08:22:02 OPEN tag_fault P4 from 08:01:00"]


def test_a_jump_that_a_second_fix_confirms_is_none() -> None:
    story = Story(AREA)
    for hour in ("08", "10", "12", "14"):
        story.at(f"{hour}:00:00").away()
        story.at(f"{hour}:01:00", east_km=100.0).away()
        story.at(f"{hour}:02:00", east_km=100.1).away()
    assert story.told() == []


def test_a_tag_fault_shows_the_three() -> None:
    story = Story(AREA)
    jump(story, 0)
    skewed(story, "08:10:00", 20)
    story.at("08:15:00", received="08:15:02", east_km=100.0).away()
    story.at("08:16:00").away()
    (raised,) = story.changes()
    assert raised.evidence["fix_at_us"].tolist() == [us("08:01:00"), us("08:30:00"), us("08:15:00")]
    assert raised.reason == (
        "3 faults within a day: an implausible jump at 08:01:00, the clock 20 min ahead at 08:10:00, "
        "an implausible jump at 08:15:00"
    )


def test_faults_of_a_tag_nobody_wears_count_for_nothing() -> None:
    story = Story(AREA, monitored=[MONITORED._replace(to_us=us("09:30:00"))])
    skewed(story, "08:00:00", 20)
    skewed(story, "09:00:00", 20)
    assert skewed(story, "10:00:00", 20) == []


def test_the_number_of_faults_is_a_rule() -> None:
    story = Story(AREA, rules=Rules(faults=2))
    skewed(story, "08:00:00", 20)
    assert skewed(story, "08:30:00", 20) == ["08:30:00 OPEN tag_fault P4 from 08:00:00"]
