"""Coming near to a victim's zone, leaving where one is to be, missing an appointment, told as stories."""

import pytest

from alerts.judge import rejudge
from alerts.rules import Rules
from model.alert import Kind
from model.event import EventKind
from model.instant import FOREVER_US
from model.zone import Monitored, Purpose, Zone, ZoneKind
from tests.alerts.story import MONITORED, ORDER, TAG, WEARER, ZONE, Story, us, zone_of

NEAR = zone_of(buffer_m=200.0)
MORNING = ((us("09:00:00"), us("10:00:00")), (us("14:00:00"), us("15:00:00")))


def work(**given: object) -> Zone:
    """A zone to stay in from nine to ten and from two to three."""
    return zone_of(kind=ZoneKind.INCLUSION, purpose=Purpose.AREA, intervals=MORNING)._replace(**given)  # type: ignore[arg-type]


def clinic(**given: object) -> Zone:
    """A zone to be seen in once between nine and ten, and once between two and three."""
    return work(attendance=True)._replace(**given)  # type: ignore[arg-type]


# ---------------------------------------------------------------- approach


def test_within_the_buffer_for_five_minutes_is_an_approach_at_that_very_instant_though_no_message_comes() -> None:
    story = Story(NEAR)
    story.at("08:00:00").outside(by=150)
    assert story.told() == []
    assert story.clock("08:04:59") == []
    assert story.clock("08:06:00") == ["08:05:00 OPEN approach P3 from 08:00:00"]
    assert story.clock("09:00:00") == []


def test_the_fix_that_finds_the_dwell_over_raises_it_where_the_clock_had_nothing_to_go_by() -> None:
    """Kept on the tag and sent together: what was known at five past is known only now."""
    story = Story(NEAR)
    story.at("08:00:00", received="08:12:00").outside(by=150)
    story.at("08:06:00", received="08:12:00").outside(by=120)
    assert story.told() == ["08:12:00 OPEN approach P3 from 08:00:00 late"]


def test_a_last_fix_that_no_longer_speaks_is_no_approach() -> None:
    story = Story(NEAR)
    story.at("08:00:00", received="08:10:01").outside(by=150)
    assert story.told() == []
    assert story.clock("08:30:00") == []


def test_a_last_fix_that_just_speaks_still_is_one() -> None:
    story = Story(NEAR)
    story.at("08:00:00", received="08:10:00").outside(by=150)
    assert story.told() == ["08:10:00 OPEN approach P3 from 08:00:00 late"]


def test_ten_minutes_without_a_fix_begin_the_dwell_anew() -> None:
    story = Story(NEAR)
    story.at("08:00:00", received="08:20:00").outside(by=150)
    story.at("08:10:01", received="08:20:00").outside(by=150)
    story.at("08:14:00", received="08:20:00").outside(by=150)
    assert story.told() == ["08:20:00 OPEN approach P3 from 08:10:01 late"]


def test_one_definite_fix_beyond_the_buffer_breaks_the_dwell() -> None:
    story = Story(NEAR)
    story.at("08:00:00").outside(by=150)
    story.at("08:03:00").outside(by=211)
    story.at("08:04:00").outside(by=190)
    assert story.told() == []
    assert story.clock("08:10:00") == ["08:09:00 OPEN approach P3 from 08:04:00"]


def test_a_fix_that_may_be_within_neither_counts_nor_breaks() -> None:
    story = Story(NEAR)
    story.at("08:00:00").outside(by=200)
    story.at("08:03:00").outside(by=210)
    assert story.told() == []
    assert story.clock("08:10:00") == ["08:05:00 OPEN approach P3 from 08:00:00"]


def test_only_a_sure_fix_begins_one() -> None:
    story = Story(NEAR)
    story.at("08:00:00", source=1).outside(by=100)
    story.at("08:06:00", source=1).outside(by=100)
    assert story.told() + story.clock("08:20:00") == []


def test_leaving_the_buffer_twice_in_a_row_ends_it_at_the_first() -> None:
    story = Story(NEAR)
    story.at("08:00:00").outside(by=150)
    story.at("08:06:00").outside(by=150)
    story.at("08:07:00").outside(by=215)
    story.at("08:08:00").outside(by=205)
    story.at("08:09:00").outside(by=215)
    assert story.told() == ["08:05:00 OPEN approach P3 from 08:00:00"]
    story.at("08:10:00").outside(by=230)
    assert story.told() == ["08:10:02 END approach P3 from 08:00:00 to 08:09:00"]


def test_fifty_metres_beyond_the_buffer_one_fix_ends_it() -> None:
    story = Story(NEAR)
    story.at("08:00:00").outside(by=150)
    story.at("08:06:00").outside(by=251)
    assert story.told() == ["08:05:00 OPEN approach P3 from 08:00:00", "08:06:02 END approach P3 from 08:00:00 to 08:06:00"]


def test_fifty_metres_and_no_more_is_not_far() -> None:
    story = Story(NEAR)
    story.at("08:00:00").outside(by=150)
    story.at("08:06:00").outside(by=250)
    assert story.told() == ["08:05:00 OPEN approach P3 from 08:00:00"]


@pytest.mark.parametrize(
    ("back", "told"),
    [
        ("08:16:00", "08:21:00 RESUME approach P3 from 08:00:00"),
        ("08:16:01", "08:21:01 OPEN approach P3 from 08:16:01"),
    ],
)
def test_back_within_ten_minutes_is_the_same_approach(back: str, told: str) -> None:
    story = Story(NEAR)
    story.at("08:00:00").outside(by=150)
    story.at("08:06:00").away()
    story.at(back).outside(by=180)
    story.told()
    assert story.clock("08:30:00") == [told]


def test_an_approach_that_becomes_an_entry_ends_with_it() -> None:
    story = Story(NEAR)
    story.at("08:00:00").outside(by=150)
    story.at("08:06:00").inside(by=20)
    story.at("08:12:00").inside(by=20)
    assert story.told() == [
        "08:06:02 OPEN exclusion P1 from 08:06:00",
        "08:05:00 OPEN approach P3 from 08:00:00",
        "08:06:02 END approach P3 from 08:00:00 to 08:06:00",
    ]
    assert story.clock("08:30:00") == []


def test_walking_straight_in_is_no_approach() -> None:
    story = Story(NEAR)
    story.at("08:00:00").outside(by=150)
    story.at("08:02:00").inside(by=20)
    assert story.told() == ["08:02:02 OPEN exclusion P1 from 08:02:00"]
    assert story.clock("08:30:00") == []


def test_who_has_left_the_zone_and_stays_near_approaches_it_anew() -> None:
    story = Story(NEAR)
    story.at("08:00:00").inside(by=20)
    story.at("08:02:00").outside(by=120)
    story.at("08:03:00").outside(by=120)
    assert story.told() == ["08:00:02 OPEN exclusion P1 from 08:00:00", "08:03:02 END exclusion P1 from 08:00:00 to 08:02:00"]
    assert story.clock("08:10:00") == ["08:08:00 OPEN approach P3 from 08:03:00"], "from the fix that showed the entry over"


@pytest.mark.parametrize("zone", [zone_of(), zone_of(purpose=Purpose.AREA, buffer_m=200.0), work(buffer_m=200.0, intervals=())])
def test_only_a_victims_zone_with_a_buffer_can_be_approached(zone: Zone) -> None:
    story = Story(zone)
    story.at("08:00:00").outside(by=100)
    story.at("08:06:00").outside(by=100)
    assert story.told() + story.clock("08:20:00") == []


def test_an_approach_shows_the_first_fix_and_the_last() -> None:
    story = Story(NEAR)
    story.at("08:00:00").outside(by=150)
    story.at("08:04:00").outside(by=130)
    story.changes()
    raised = story.memory.take(story.world, story.waiting(), us("08:05:00"))
    assert [change.kind for change in raised] == [Kind.APPROACH]
    assert raised[0].evidence["fix_at_us"].tolist() == [us("08:00:00"), us("08:04:00")]
    assert raised[0].zone == ZONE
    assert raised[0].distance_m == 130.0
    assert raised[0].reason == "within 200 m of the zone for 5 min, since 08:00:00"


def test_a_buffer_drawn_round_somebody_who_stands_still_counts_from_then() -> None:
    story = Story(zone_of())
    story.at("08:00:00").outside(by=120)
    story.told()
    story.change_world(
        zone_of(in_force_to_us=us("08:02:00")), zone_of(version=2, buffer_m=200.0, in_force_from_us=us("08:02:00"))
    )
    assert story.rejudged("08:02:00") == []
    assert story.clock("08:10:00") == ["08:07:00 OPEN approach P3 from 08:02:00"]


def test_no_approach_is_told_of_somebody_nobody_may_judge_any_more() -> None:
    until = MONITORED._replace(to_us=us("08:04:00"))
    story = Story(NEAR, monitored=[until])
    story.at("08:00:00").outside(by=150)
    story.told()
    assert story.rejudged("08:04:00") + story.clock("08:20:00") == []


def test_an_approach_ends_with_its_order() -> None:
    story = Story(NEAR, monitored=[MONITORED._replace(to_us=us("08:10:00"))])
    story.at("08:00:00").outside(by=150)
    story.told()
    assert story.rejudged("08:10:00") == [
        "08:05:00 OPEN approach P3 from 08:00:00",
        "08:10:00 END approach P3 from 08:00:00 to 08:10:00",
    ]


# ---------------------------------------------------------------- inclusion


def test_two_definite_fixes_outside_while_it_applies_are_an_exit() -> None:
    story = Story(work())
    story.at("08:50:00").away()
    story.at("09:10:00").inside(by=50)
    story.at("09:20:00").away()
    story.at("09:21:00").away()
    story.at("09:30:00").inside(by=5)
    story.at("09:31:00").inside(by=30)
    assert story.told() == [
        "09:21:02 OPEN inclusion_exit P2 from 09:20:00",
        "09:31:02 END inclusion_exit P2 from 09:20:00 to 09:31:00",
    ]


def test_a_fix_that_may_be_inside_breaks_the_run_and_one_that_says_nothing_does_not() -> None:
    story = Story(work())
    story.at("09:10:00").away()
    story.at("09:11:00").outside(by=8)
    story.at("09:12:00").away()
    story.at("09:13:00", source=2, accuracy=1500.0).outside(by=900)
    assert story.told() == []
    story.at("09:14:00").away()
    assert story.told() == ["09:14:02 OPEN inclusion_exit P2 from 09:12:00"]


def test_one_definite_fix_shows_them_back() -> None:
    story = Story(work())
    for clock in ("09:10:00", "09:11:00"):
        story.at(clock).away()
    story.at("09:12:00").outside(by=8)
    story.at("09:13:00").away()
    story.at("09:14:00").inside(by=20)
    assert story.told() == [
        "09:11:02 OPEN inclusion_exit P2 from 09:10:00",
        "09:14:02 END inclusion_exit P2 from 09:10:00 to 09:14:00",
    ]


@pytest.mark.parametrize(
    ("again", "told"),
    [
        (("09:30:00", "09:45:00"), "09:45:02 RESUME inclusion_exit P2 from 09:10:00"),
        (("09:30:01", "09:45:00"), "09:45:02 OPEN inclusion_exit P2 from 09:30:01"),
    ],
)
def test_out_again_within_ten_minutes_of_being_back_is_the_same_exit(again: tuple[str, str], told: str) -> None:
    story = Story(work())
    for clock in ("09:10:00", "09:11:00"):
        story.at(clock).away()
    story.at("09:20:00").inside(by=20)
    story.told()
    for clock in again:
        story.at(clock).away()
    assert story.told() == [told]


def test_a_schedule_that_begins_while_somebody_is_elsewhere_counts_their_last_fix() -> None:
    story = Story(work())
    story.at("08:59:00").away()
    assert story.told() == []
    assert story.rejudged("09:00:00") == []
    story.at("09:00:20").away()
    assert story.told() == ["09:00:22 OPEN inclusion_exit P2 from 09:00:00"]


def test_an_exit_ends_with_its_schedule() -> None:
    story = Story(work())
    for clock in ("09:10:00", "09:11:00"):
        story.at(clock).away()
    story.told()
    assert story.rejudged("10:00:00") == ["10:00:00 END inclusion_exit P2 from 09:10:00 to 10:00:00"]
    story.at("10:01:00").away()
    assert story.told() == []


def test_a_last_fix_from_long_before_the_schedule_begins_says_nothing() -> None:
    story = Story(work())
    story.at("08:40:00").away()
    story.told()
    assert story.rejudged("09:00:00") == []
    story.at("09:05:00").away()
    assert story.told() == []


# ---------------------------------------------------------------- attendance


def test_nobody_seen_by_the_end_of_the_interval_is_a_missed_attendance() -> None:
    story = Story(clinic())
    story.at("08:50:00").away()
    story.at("09:30:00").away()
    story.told()
    assert story.rejudged("09:00:00") == []
    assert story.rejudged("10:00:00") == ["10:00:00 OPEN attendance_missed P3 from 10:00:00 to 10:00:00"]
    assert story.rejudged("15:00:00") == ["15:00:00 OPEN attendance_missed P3 from 15:00:00 to 15:00:00"]


BOTH = [MONITORED, MONITORED._replace(tag=2)]  # one wearer, two tags


@pytest.mark.parametrize("by", [TAG, 2])
def test_who_wears_two_tags_and_was_there_by_one_was_there(by: int) -> None:
    story = Story(clinic(), monitored=BOTH)
    for tag in (TAG, 2):
        story.at("09:20:00", tag=tag).away()
    story.at("09:30:00", tag=by).inside(by=40)
    story.told()
    story.rejudged("10:00:00")
    assert not story.memory.occurrences


@pytest.mark.parametrize("by", [TAG, 2])
@pytest.mark.parametrize("newest", ["09:20:00", "10:10:00"], ids=["in order", "out of order"])
def test_a_fix_that_comes_after_the_interval_takes_back_what_was_told_by_either_tag(by: int, newest: str) -> None:
    story = Story(clinic(), monitored=BOTH)
    for tag in (TAG, 2):
        story.at("09:20:00", tag=tag).away()
    story.told()
    assert len(story.rejudged("10:00:00")) == 2
    story.at(newest, received="10:10:02", tag=by).away()
    story.told()
    story.at("09:40:00", received="10:11:00", tag=by).inside(by=40)
    assert [change.tag for change in story.changes()] == [by, 3 - by]
    assert not story.memory.occurrences


@pytest.mark.parametrize(
    ("distance_m", "accuracy_m", "source", "missed"),
    [
        (-40.0, 10.0, 0, False),
        (8.0, 10.0, 0, False),
        (-5.0, 60.0, 1, False),
        (-5.0, 150.0, 1, False),
        (-5.0, 151.0, 1, True),
        (60.0, 10.0, 0, True),
    ],
)
def test_seen_there_is_proven_or_consistent(distance_m: float, accuracy_m: float, source: int, *, missed: bool) -> None:
    story = Story(clinic())
    story.at("09:30:00", accuracy=accuracy_m, source=source).add(distance_m)
    story.at("09:40:00").away()
    story.told()
    assert bool(story.rejudged("10:00:00")) is missed


def test_being_there_before_it_begins_or_when_it_is_over_is_not_attending() -> None:
    story = Story(clinic())
    story.at("08:40:00").inside(by=40)
    story.at("08:50:00").away()
    story.told()
    story.rejudged("09:00:00")
    assert story.rejudged("10:00:00") == ["10:00:00 OPEN attendance_missed P3 from 10:00:00 to 10:00:00"]
    story.at("10:00:30").inside(by=40)
    assert story.told() == []


def test_a_fix_kept_on_the_tag_takes_it_back() -> None:
    story = Story(clinic())
    story.at("08:50:00").away()
    story.told()
    story.rejudged("10:00:00")
    story.at("09:40:00", received="10:04:00").inside(by=40)
    assert story.told() == ["10:04:00 WITHDRAW attendance_missed P3 from 10:00:00 to 10:00:00"]


def test_a_fix_out_of_order_takes_it_back_as_well() -> None:
    story = Story(clinic())
    story.at("09:50:00").away()
    story.told()
    story.rejudged("10:00:00")
    story.at("09:40:00", received="12:00:00").inside(by=40)
    assert story.told() == ["12:00:00 WITHDRAW attendance_missed P3 from 10:00:00 to 10:00:00"]
    story.at("09:41:00", received="12:01:00").inside(by=40)
    assert story.told() == []


def test_a_fix_from_hours_before_the_end_takes_it_back_though_nobody_asked_for_that_end() -> None:
    """History reaches two hours about the fix: the occurrence at one o'clock is not in it."""
    story = Story(clinic(intervals=((us("09:00:00"), us("13:00:00")),)))
    story.at("12:50:00").away()
    story.told()
    story.rejudged("13:00:00")
    story.at("09:40:00", received="14:00:00").inside(by=40)
    assert story.told() == ["14:00:00 WITHDRAW attendance_missed P3 from 13:00:00 to 13:00:00"]


def test_what_comes_a_day_later_takes_nothing_back() -> None:
    story = Story(clinic())
    story.at("09:50:00").away()
    story.told()
    story.rejudged("10:00:00")
    story.clock("+1 10:00:01")
    story.at("09:40:00", received="+1 10:00:30").inside(by=40)
    assert story.told() == []


def test_who_was_monitored_for_a_part_of_it_only_has_missed_nothing() -> None:
    story = Story(clinic(), monitored=[MONITORED._replace(from_us=us("09:00:01"))])
    story.at("09:30:00").away()
    story.told()
    assert story.rejudged("10:00:00") == []


def test_two_wearers_of_one_tag_have_each_missed_nothing() -> None:
    other = Monitored(TAG, WEARER + 1, ORDER + 1, us("09:30:00"), FOREVER_US)
    story = Story(clinic(), monitored=[MONITORED._replace(to_us=us("09:30:00")), other])
    story.at("09:40:00").away()
    story.told()
    assert story.rejudged("10:00:00") == []


def test_a_missed_attendance_of_a_silent_tag_is_held_under_its_silence() -> None:
    story = Story(clinic(), rules=Rules())
    story.at("08:20:00").away()
    story.told()
    assert story.clock("09:30:00") == ["09:20:02 OPEN no_contact P2 from 08:20:02"]
    changes = rejudge(story.world, story.memory.state, [TAG], us("10:00:00")).changes
    missed = [change for change in changes if change.kind is Kind.ATTENDANCE_MISSED]
    assert [change.held_under for change in missed] == ["no_contact"]
    assert missed[0].reason == "not seen at the place between 09:00:00 and 10:00:00, and no location came in that time"


def test_events_of_the_tag_are_no_attendance() -> None:
    story = Story(clinic())
    story.at("08:50:00").inside(by=40)
    story.told()
    story.event("09:30:00", EventKind.CONTACT)
    assert story.rejudged("10:00:00") == ["10:00:00 OPEN attendance_missed P3 from 10:00:00 to 10:00:00"]


def test_a_zone_saved_in_the_middle_of_an_interval_asks_nothing_of_that_one() -> None:
    story = Story(clinic(in_force_from_us=us("09:30:00")))
    story.at("09:20:00").away()
    story.told()
    assert story.rejudged("10:00:00") == []
    assert story.rejudged("15:00:00") == ["15:00:00 OPEN attendance_missed P3 from 15:00:00 to 15:00:00"]
