"""Devices whose clock is ahead, and words of a device that come after newer ones, told as stories."""

from random import Random

import pytest

from alerts.rules import Rules
from model.alert import Change, Kind
from model.event import EventKind
from model.instant import MINUTE_US, SECOND_US, from_us
from model.visit import Visit
from model.zone import Purpose
from tests.alerts.story import HOME, NEVER_SILENT, TAG, WEARER, Story, curfew_of, home_of, line, us, zone_of

AREA = zone_of(purpose=Purpose.AREA)
OPEN, CLOSED = EventKind.STRAP_TAMPER, EventKind.STRAP_TAMPER_CLEAR


def standard() -> Story:
    """A wearer with no victim to be protected."""
    return Story(AREA, rules=Rules())


# ---------------------------------------------------------------- a clock that is ahead: strap, case, radio


def test_a_strap_that_was_open_long_enough_by_the_device_s_own_clock_is_cut_though_lane_time_is_not_there_yet() -> None:
    story = standard()
    assert story.events(("08:00:05", OPEN), ("08:00:17", CLOSED), received="08:00:13") == [
        "08:00:13 OPEN strap P1 from 08:00:05",
        "08:00:13 AMEND strap P1 from 08:00:05",
    ]


def test_a_strap_cut_by_a_clock_ahead_is_told_ten_seconds_after_its_receipt() -> None:
    story = standard()
    assert story.event("08:01:00", OPEN, received="08:00:01") == []
    assert story.event("08:01:50", CLOSED, received="08:00:51") == [
        "08:00:11 OPEN strap P1 from 08:00:01",
        "08:00:51 AMEND strap P1 from 08:00:01",
    ]


def test_an_hour_ahead_delays_nothing() -> None:
    story = standard()
    assert story.event("09:00:00", OPEN, received="08:00:02") == []
    assert story.clock("08:00:30") == ["08:00:12 OPEN strap P1 from 08:00:02"]
    assert story.event("09:20:00", EventKind.CASE_TAMPER, received="08:20:00") == ["08:20:00 OPEN case P1 from 08:20:00"]


def test_opened_briefly_by_a_clock_ahead_is_brief_and_says_how_long_by_its_own_clock() -> None:
    story = standard()
    made = story.event_changes(("09:00:00", OPEN), ("09:00:07", CLOSED), received="08:00:02")
    assert [line(change) for change in made] == ["08:00:02 OPEN strap_brief P2 from 08:00:02 to 08:00:02"]
    assert made[0].reason == "strap open for 7 s at 08:00:02"


def test_a_clock_put_back_between_opening_and_clear_is_measured_by_ours() -> None:
    story = standard()
    story.event("09:00:00", OPEN, received="08:00:02")
    assert story.event("08:00:07", CLOSED, received="08:00:09") == ["08:00:09 OPEN strap_brief P2 from 08:00:02 to 08:00:07"]


def test_a_clear_from_a_clock_ahead_hides_no_later_cut() -> None:
    story = standard()
    assert story.event("09:00:00", CLOSED, received="08:00:00") == []
    assert story.event("08:10:00", OPEN) == []
    assert story.clock("08:11:00") == ["08:10:10 OPEN strap P1 from 08:10:00"]


def test_opened_after_a_clear_of_the_same_frame_is_open_whatever_the_clock() -> None:
    story = standard()
    assert story.events(("08:01:00", CLOSED), ("08:01:05", OPEN), received="08:00:02") == []
    assert story.event("08:01:08", OPEN, received="08:00:05") == [], "told again while it lasts"
    assert story.clock("08:01:00") == ["08:00:12 OPEN strap P1 from 08:00:02"]


def test_a_case_opened_and_closed_by_a_clock_ahead_is_told() -> None:
    story = standard()
    frame = ("08:00:20", EventKind.CASE_TAMPER), ("08:00:25", EventKind.CASE_TAMPER_CLEAR)
    assert story.events(*frame, received="08:00:06") == [
        "08:00:06 OPEN case P1 from 08:00:06",
        "08:00:06 AMEND case P1 from 08:00:06",
    ]


def test_jammed_for_three_minutes_by_a_clock_ahead_is_told_after_two() -> None:
    story = standard()
    story.event("08:01:40", EventKind.JAMMING, received="08:00:01")
    assert story.event("08:04:40", EventKind.JAMMING_CLEAR, received="08:03:01") == [
        "08:02:01 OPEN jamming P2 from 08:00:01",
        "08:03:01 END jamming P2 from 08:00:01 to 08:03:01",
    ]


def test_jammed_for_three_minutes_by_the_device_s_own_clock_and_told_in_one_frame() -> None:
    story = standard()
    frame = ("08:03:40", EventKind.SHIELDING), ("08:05:00", EventKind.JAMMING)
    ends = ("08:05:30", EventKind.SHIELDING_CLEAR), ("08:06:40", EventKind.JAMMING_CLEAR)
    assert story.events(*frame, *ends, received="08:05:00") == [
        "08:05:00 OPEN jamming P2 from 08:03:40",
        "08:05:00 END jamming P2 from 08:03:40 to 08:05:00",
    ]


def test_at_the_door_a_clock_ahead_joins_the_visit_in_which_it_was_heard() -> None:
    visit = Visit(9, WEARER, (TAG,), us("08:00"), us("08:30"), False, "Kim")
    story = Story(AREA, rules=NEVER_SILENT, visits=(visit,))
    assert story.event("09:10:00", OPEN, received="08:10:00") == []
    assert story.event("09:10:40", CLOSED, received="08:10:40") == []
    assert story.clock("10:00:00") == ["08:30:00 OPEN strap P1 from 08:10:00", "08:30:00 AMEND strap P1 from 08:10:00"]


# ---------------------------------------------------------------- a clock that is ahead: switched off, beacon


def test_a_switch_off_by_a_clock_ahead_is_told_at_its_receipt_and_over_with_the_next_message() -> None:
    story = standard()
    assert story.event("09:00:00", EventKind.POWER_OFF, received="08:00:02") == ["08:00:02 OPEN battery_dead P2 from 08:00:02"]
    story.at("08:05:00").away()
    assert story.told() == ["08:05:02 END battery_dead P2 from 08:00:02 to 08:05:02"]
    assert story.clock("09:01:00") == []


def test_a_tag_whose_clock_is_ahead_as_a_whole_switches_itself_off_after_its_last_fix() -> None:
    story = standard()
    story.at("08:01:30", received="08:00:31").away()
    assert story.told() == []
    assert story.event("08:01:40", EventKind.POWER_OFF, received="08:00:41") == ["08:00:41 OPEN battery_dead P2 from 08:00:41"]


@pytest.mark.parametrize("ahead", ["19:00:00", "20:00:00"])
def test_a_beacon_s_word_by_a_clock_ahead_does_not_blind_the_curfew(ahead: str) -> None:
    story = Story(home_of(), rules=NEVER_SILENT, curfews=(curfew_of(),))
    assert story.event(ahead, EventKind.BEACON_IN, received="19:00:02") == []
    told = story.event("19:05:00", EventKind.BEACON_OUT)
    for minute in range(6, 56):
        story.at(f"19:{minute:02}:00").add(900.0, HOME)
        told += story.told()
    assert [one for one in told if "OPEN" in one or "AMEND" in one] == [
        "19:10:00 OPEN curfew_absence P3 from 19:05:00",
        "19:35:00 AMEND curfew_absence P2 from 19:05:00",
    ]


# ---------------------------------------------------------------- words that come after newer ones


def low(story: Story, start: str, *, minutes: int) -> list[str]:
    """What fixes at 8 % say, one a minute."""
    told = []
    for minute in range(minutes):
        story.at(from_us(us(start) + minute * MINUTE_US).strftime("%H:%M:%S"), battery=8).away()
        told += story.told()
    return told


def test_a_charger_that_was_taken_off_since_is_not_on_again() -> None:
    story = standard()
    story.event("10:30:00", EventKind.CHARGING_CLEAR)
    story.event("10:00:00", EventKind.CHARGING, received="10:31:00")
    assert low(story, "10:32:00", minutes=30) == ["10:47:00 OPEN battery_low P3 from 10:32:00"]


def test_a_charger_that_was_put_on_since_is_not_off_again() -> None:
    story = standard()
    story.at("09:55:00", battery=8).away()
    assert story.told() == []
    story.event("10:00:30", EventKind.CHARGING)
    assert story.event("10:00:00", EventKind.CHARGING_CLEAR, received="10:01:00") == []
    assert low(story, "10:02:00", minutes=30) == []


def test_a_critical_battery_of_before_the_newest_level_or_charger_is_no_news() -> None:
    story = standard()
    story.at("10:00:00", battery=80).away()
    story.told()
    assert story.event("09:30:00", EventKind.BATTERY_CRITICAL, received="10:01:00") == []
    story.event("10:10:00", EventKind.BATTERY_CRITICAL_CLEAR)
    story.event("10:05:00", EventKind.BATTERY_CRITICAL, received="10:11:00")
    story.event("10:20:00", EventKind.CHARGING)
    story.event("10:25:00", EventKind.CHARGING_CLEAR)
    story.event("10:18:00", EventKind.BATTERY_CRITICAL, received="10:26:00")
    assert story.clock("10:55:00") == []
    story.event("10:56:00", EventKind.BATTERY_CRITICAL)
    story.event("10:50:00", EventKind.BATTERY_CRITICAL_CLEAR, received="10:57:00")
    assert story.clock("11:20:00") == ["11:11:00 OPEN battery_low P3 from 10:56:00"]


def test_what_a_charger_and_a_level_were_is_forgotten_after_two_hours() -> None:
    story = standard()
    story.events(("10:00:00", EventKind.CHARGING_CLEAR), ("10:00:00", EventKind.BATTERY_CRITICAL_CLEAR))
    assert story.memory.state.devices
    story.at("12:01:00").away()
    story.told()
    assert not story.memory.state.devices


def test_a_switch_off_of_before_the_newest_event_is_no_news() -> None:
    story = standard()
    story.event("10:05:00", EventKind.MOTION)
    assert story.event("10:00:00", EventKind.POWER_OFF, received="10:06:00") == []
    assert story.event("10:07:00", EventKind.CONTACT) == []
    assert story.event("10:06:30", EventKind.POWER_OFF, received="10:08:00") == []
    assert story.event("10:09:00", EventKind.POWER_OFF) == ["10:09:02 OPEN battery_dead P2 from 10:09:00"]


def test_a_switch_off_is_news_after_a_fix_from_a_wrong_clock() -> None:
    story = standard()
    story.at("14:00:00", received="10:00:00").away()
    story.told()
    assert story.event("10:05:00", EventKind.POWER_OFF) == ["10:05:02 OPEN battery_dead P2 from 10:05:00"]


@pytest.mark.parametrize("batch", [None, 20])
def test_a_battery_that_was_low_for_long_enough_is_told_though_it_was_known_only_afterwards(batch: int | None) -> None:
    story = standard()
    for minute in range(1, 22):
        story.at(f"08:{minute:02}:00", battery=80 if minute == 21 else 8, received="09:00:00").away()
    assert story.told(batch) == [
        "09:00:00 OPEN battery_low P3 from 08:01:00 late",
        "09:00:00 END battery_low P3 from 08:01:00 to 08:21:00 late",
    ]


@pytest.mark.parametrize("over", [EventKind.CHARGING, EventKind.BATTERY_CRITICAL_CLEAR])
def test_likewise_where_an_event_says_that_it_is_over(over: EventKind) -> None:
    story = standard()
    frame = ("08:01:00", EventKind.BATTERY_CRITICAL), ("08:16:00", over)
    assert story.events(*frame, received="09:00:00") == [
        "09:00:00 OPEN battery_low P3 from 08:01:00 late",
        "09:00:00 END battery_low P3 from 08:01:00 to 08:16:00 late",
    ]


# ---------------------------------------------------------------- whatever a device says, by a clock ahead


SAID = (
    *(OPEN, CLOSED, EventKind.CASE_TAMPER, EventKind.CASE_TAMPER_CLEAR, EventKind.POWER_OFF, EventKind.CONTACT),
    *(EventKind.JAMMING, EventKind.JAMMING_CLEAR, EventKind.SHIELDING, EventKind.SHIELDING_CLEAR),
    *(EventKind.CHARGING, EventKind.CHARGING_CLEAR, EventKind.BATTERY_CRITICAL, EventKind.BATTERY_CRITICAL_CLEAR),
    *(EventKind.BEACON_IN, EventKind.BEACON_OUT, EventKind.MOTION, EventKind.MOTION_CLEAR),
)
PLAN = tuple[int, EventKind | None, float, int]  # seconds, what is said, or a fix so far from home with so much battery


def planned(random: Random) -> list[PLAN]:
    """What a tag says in a few hours."""
    plan, at_s = list[PLAN](), 0
    for _ in range(40):
        at_s += random.choice([3, 8, 12, 60, 150, 400])
        kind = None if random.random() < 0.3 else random.choice(SAID)
        plan.append((at_s, kind, random.choice([-900.0, 900.0]), random.choice([-1, 4, 9, 80])))
    return plan


def heard(plan: list[PLAN], ahead_s: int) -> list[Change]:
    """What comes of it where each event is told at once, by a clock so far ahead."""
    story, made = Story(zone_of(), home_of(), rules=Rules(), curfews=(curfew_of(("08:00", "16:00")),)), list[Change]()
    start_us = us("08:00")
    for at_s, kind, by_m, battery in plan:
        clock, by_device = (from_us(start_us + s * SECOND_US).strftime("%H:%M:%S") for s in (at_s, at_s + ahead_s))
        if kind is None:
            story.at(clock, received=clock, battery=battery).add(by_m, HOME)
            made += story.changes()
        else:
            made += story.event_changes((by_device, kind), received=clock)
    return made + story.clock_changes("17:00:00")


def test_a_clock_ahead_tells_the_same_and_no_later_than_by_the_receipt() -> None:
    """As long as it is ahead by as much: what it measures is then as long as by our clock."""
    kinds = set[Kind]()
    for seed in range(4):
        random = Random(seed)
        plan = planned(random)
        expected, found = heard(plan, 0), heard(plan, random.randint(1, 120))
        assert [line(change) for change in found] == [line(change) for change in expected], seed
        kinds |= {change.kind for change in expected}
    assert {Kind.STRAP, Kind.CASE, Kind.JAMMING, Kind.BATTERY_DEAD, Kind.CURFEW_ABSENCE} <= kinds
