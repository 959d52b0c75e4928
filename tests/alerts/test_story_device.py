"""Strap, case, radio, battery and silence, told as stories."""

import pytest

from alerts.rules import Rules
from model.alert import Change
from model.event import EventKind
from model.instant import BEGINNING_US, FOREVER_US
from model.zone import Monitored, Purpose
from tests.alerts.story import MONITORED, ORDER, TAG, WEARER, Story, line, us, zone_of

AREA = zone_of(purpose=Purpose.AREA)
OPEN, CLOSED = EventKind.STRAP_TAMPER, EventKind.STRAP_TAMPER_CLEAR


def standard(**given: object) -> Story:
    """A wearer with no victim to be protected."""
    return Story(AREA, rules=Rules(), **given)  # type: ignore[arg-type]


def guarded() -> Story:
    """A wearer whose order protects a victim."""
    return Story(rules=Rules())


# ---------------------------------------------------------------- strap and case


def test_a_strap_open_for_ten_seconds_is_cut_at_that_very_instant_though_no_message_comes() -> None:
    story = standard()
    assert story.event("08:00:05", OPEN) == []
    assert story.clock("08:00:14") == []
    assert story.clock("08:03:00") == ["08:00:15 OPEN strap P1 from 08:00:05"]
    assert story.clock("08:30:00") == []


def test_a_clear_is_recorded_and_ends_nothing() -> None:
    story = standard()
    story.event("08:00:05", OPEN)
    assert story.event("08:00:40", CLOSED) == [
        "08:00:15 OPEN strap P1 from 08:00:05",
        "08:00:42 AMEND strap P1 from 08:00:05",
    ]
    assert story.event("08:00:50", CLOSED) == []


def test_opened_again_after_a_clear_is_a_new_occurrence_on_the_same_row() -> None:
    story = standard()
    story.event("08:00:05", OPEN)
    story.event("08:00:40", CLOSED)
    story.event("08:20:00", OPEN)
    assert story.clock("08:21:00") == [
        "08:20:10 END strap P1 from 08:00:05 to 08:20:00",
        "08:20:10 OPEN strap P1 from 08:20:00",
    ]


def test_opened_briefly_is_told_as_over_and_the_third_time_in_a_week_is_grave() -> None:
    story = standard()
    told, reasons, keep = [], list[str](), story.memory.keep
    story.memory.keep = lambda made: (reasons.extend(one.reason for one in made), keep(made))[1]  # type: ignore[method-assign]
    for minute in ("01", "21", "41"):
        story.event(f"08:{minute}:00", OPEN)
        told += story.event(f"08:{minute}:07", CLOSED)
    assert told == [
        "08:01:09 OPEN strap_brief P2 from 08:01:00 to 08:01:07",
        "08:21:09 OPEN strap_brief P2 from 08:21:00 to 08:21:07",
        "08:41:09 OPEN strap_brief P1 from 08:41:00 to 08:41:07",
    ]
    assert reasons[-1] == "strap open for 7 s at 08:41:00, the third time within a week"


def test_a_clear_that_comes_after_ten_seconds_of_lane_time_finds_it_told() -> None:
    """The clock does not wait for a message that may be on its way: open for nine seconds, heard of after eleven."""
    story = standard()
    story.event("08:00:00", OPEN)
    assert story.event("08:00:09", CLOSED) == [
        "08:00:10 OPEN strap P1 from 08:00:00",
        "08:00:11 AMEND strap P1 from 08:00:00",
    ]


def test_exactly_ten_seconds_is_cut() -> None:
    story = standard()
    assert story.events(("08:00:00", OPEN), ("08:00:10", CLOSED), received="08:00:20") == [
        "08:00:20 OPEN strap P1 from 08:00:00",
        "08:00:20 AMEND strap P1 from 08:00:00",
    ]


def test_both_ends_of_a_brief_opening_in_one_late_frame_are_brief_and_late() -> None:
    story = standard()
    assert story.events(("08:00:00", OPEN), ("08:00:04", CLOSED), received="08:30:00") == [
        "08:30:00 OPEN strap_brief P2 from 08:00:00 to 08:00:04 late"
    ]


def test_a_clear_that_comes_before_its_opening_ends_it_all_the_same() -> None:
    story = standard()
    assert story.event("08:00:04", CLOSED) == []
    assert story.event("08:00:00", OPEN, received="08:01:00") == ["08:01:00 OPEN strap_brief P2 from 08:00:00 to 08:00:04"]
    assert story.clock("09:00:00") == []


def test_an_opening_of_which_the_clear_was_heard_first_is_cut_and_recorded_as_closed() -> None:
    story = standard()
    story.event("08:00:30", CLOSED)
    assert story.event("08:00:00", OPEN, received="08:01:00") == [
        "08:01:00 OPEN strap P1 from 08:00:00",
        "08:01:00 AMEND strap P1 from 08:00:00",
    ]
    assert story.event("08:00:10", OPEN, received="08:02:00") == [], "told again within what it was told of"


def test_jamming_of_which_the_clear_was_heard_first_is_over_as_soon_as_it_is_told() -> None:
    story = standard()
    story.event("08:05:00", EventKind.JAMMING_CLEAR)
    assert story.event("08:00:00", EventKind.JAMMING, received="08:06:00") == [
        "08:06:00 OPEN jamming P2 from 08:00:00 late",
        "08:06:00 END jamming P2 from 08:00:00 to 08:05:00 late",
    ]


def test_a_case_opened_is_told_at_once_and_once() -> None:
    story = standard()
    assert story.event("08:00:05", EventKind.CASE_TAMPER) == ["08:00:07 OPEN case P1 from 08:00:05"]
    assert story.event("08:00:30", EventKind.CASE_TAMPER) == []
    assert story.event("08:01:00", EventKind.CASE_TAMPER_CLEAR) == ["08:01:02 AMEND case P1 from 08:00:05"]


def test_a_second_tag_does_not_cancel_the_first_ones_tamper() -> None:
    other = MONITORED._replace(tag=2)
    story = standard(monitored=(MONITORED, other))
    story.event("08:00:05", OPEN)
    assert story.event("08:01:00", CLOSED, tag=2) == ["08:00:15 OPEN strap P1 from 08:00:05"]


def test_evidence_is_the_event_and_where_the_wearer_was_last_seen() -> None:
    story = standard()
    story.at("07:59:00").away()
    story.told()
    changes: list[Change] = []
    keep = story.memory.keep
    story.memory.keep = lambda made: (changes.extend(made), keep(made))[1]  # type: ignore[method-assign]
    story.event("08:00:05", OPEN)
    story.clock("08:01:00")
    (change,) = changes
    assert change.events["kind"].tolist() == [OPEN]
    assert change.evidence["fix_at_us"].tolist() == [us("07:59:00")]
    assert change.reason == "strap open for 10 s since 08:00:05"


# ---------------------------------------------------------------- authority


def test_an_opening_before_the_order_begins_is_told_when_it_does() -> None:
    story = standard(monitored=(MONITORED._replace(from_us=us("09:00:00")),))
    story.event("08:00:05", OPEN)
    assert story.clock("08:59:59") == []
    assert story.rejudged("09:00:00") == ["09:00:00 OPEN strap P1 from 09:00:00"]


def test_when_authority_ends_what_goes_on_ends_with_it_and_is_told_again_when_it_returns() -> None:
    spans = (Monitored(TAG, WEARER, ORDER, BEGINNING_US, us("09:00:00")), Monitored(TAG, WEARER, 501, us("10:00:00"), FOREVER_US))
    story = standard(monitored=spans)
    story.event("08:00:05", OPEN)
    story.clock("08:30:00")
    assert story.rejudged("09:00:00") == ["09:00:00 END strap P1 from 08:00:05 to 09:00:00"]
    assert story.clock("09:30:00") == []
    assert story.rejudged("10:00:00") == ["10:00:00 OPEN strap P1 from 10:00:00"]


# ---------------------------------------------------------------- radio


@pytest.mark.parametrize(("story", "severity"), [(standard(), 2), (guarded(), 1)], ids=["standard", "guarded"])
def test_jamming_for_two_minutes_is_told_and_its_clear_ends_it(story: Story, severity: int) -> None:
    story.event("08:00:00", EventKind.JAMMING)
    assert story.clock("08:03:00") == [f"08:02:00 OPEN jamming P{severity} from 08:00:00"]
    assert story.event("08:05:00", EventKind.JAMMING_CLEAR) == [f"08:05:02 END jamming P{severity} from 08:00:00 to 08:05:00"]


def test_jammed_for_less_is_no_news() -> None:
    story = standard()
    story.event("08:00:00", EventKind.SHIELDING)
    assert story.event("08:01:30", EventKind.SHIELDING_CLEAR) == []
    assert story.clock("08:30:00") == []


def test_jammed_again_within_ten_minutes_is_the_same_occurrence() -> None:
    story = standard()
    story.event("08:00:00", EventKind.JAMMING)
    story.event("08:05:00", EventKind.JAMMING_CLEAR)
    story.event("08:12:00", EventKind.JAMMING)
    assert story.clock("08:15:00") == ["08:14:00 RESUME jamming P2 from 08:00:00"]


def test_shielding_after_jamming_is_one_occurrence_that_ends_with_the_last_of_them() -> None:
    story = standard()
    story.event("08:00:00", EventKind.JAMMING)
    assert story.event("08:03:00", EventKind.SHIELDING) == ["08:02:00 OPEN jamming P2 from 08:00:00"]
    assert story.event("08:04:00", EventKind.JAMMING_CLEAR) == []
    assert story.event("08:06:00", EventKind.SHIELDING_CLEAR) == ["08:06:02 END jamming P2 from 08:00:00 to 08:06:00"]


def test_shielding_that_goes_over_into_jamming_counts_from_the_first_of_them() -> None:
    """Never free for an instant between 08:00 and 08:04, though neither alone had lasted two minutes by 08:02."""
    story = standard()
    story.event("08:00:00", EventKind.SHIELDING)
    story.event("08:01:00", EventKind.JAMMING)
    assert story.event("08:01:30", EventKind.SHIELDING_CLEAR) == []
    assert story.clock("08:03:00") == ["08:02:00 OPEN jamming P2 from 08:00:00"]
    assert story.event("08:04:00", EventKind.JAMMING_CLEAR) == ["08:04:02 END jamming P2 from 08:00:00 to 08:04:00"]


def test_shielding_after_an_instant_without_jamming_counts_from_itself() -> None:
    story = standard()
    story.event("08:00:00", EventKind.JAMMING)
    story.event("08:01:30", EventKind.JAMMING_CLEAR)
    story.event("08:01:31", EventKind.SHIELDING)
    assert story.clock("08:04:00") == ["08:03:31 OPEN jamming P2 from 08:01:31"]


# ---------------------------------------------------------------- battery


def test_ten_percent_for_fifteen_minutes_without_charging_is_told() -> None:
    story = standard()
    story.at("08:00:00", battery=10).away()
    assert story.clock("08:14:59") == []
    assert story.clock("08:20:00") == ["08:15:00 OPEN battery_low P3 from 08:00:00"]
    assert story.event("08:21:00", EventKind.CHARGING) == ["08:21:02 END battery_low P3 from 08:00:00 to 08:21:00"]


def test_off_the_charger_a_battery_that_is_still_low_counts_at_once() -> None:
    story = standard()
    story.event("08:00:00", EventKind.CHARGING)
    story.at("08:20:00", battery=9).away()
    assert story.event("08:21:00", EventKind.CHARGING_CLEAR) == []
    assert story.clock("08:40:00") == ["08:36:00 OPEN battery_low P3 from 08:21:00"]


def test_off_the_charger_after_long_nobody_knows_how_full_it_is() -> None:
    story = standard()
    story.at("08:00:00", battery=9).away()
    story.event("08:01:00", EventKind.CHARGING)
    story.event("08:30:00", EventKind.CHARGING_CLEAR)
    assert story.clock("08:55:00") == []


def test_a_charging_battery_is_not_low_however_empty() -> None:
    story = standard()
    story.event("07:59:00", EventKind.CHARGING)
    story.at("08:00:00", battery=4).away()
    assert story.clock("08:50:00") == []


def test_eleven_percent_is_not_low() -> None:
    story = standard()
    story.at("08:00:00", battery=10).away()
    story.at("08:05:00", battery=11).away()
    assert story.clock("08:30:00") == []


def test_a_tag_that_switches_itself_off_is_dead_until_it_is_heard_again() -> None:
    story = standard()
    assert story.event("08:00:00", EventKind.POWER_OFF) == ["08:00:02 OPEN battery_dead P2 from 08:00:00"]
    story.at("09:30:00").away()
    assert story.told() == [
        "09:00:02 OPEN no_contact P2 from 08:00:02",
        "09:30:02 END no_contact P2 from 08:00:02 to 09:30:02",
        "09:30:02 END battery_dead P2 from 08:00:00 to 09:30:02",
    ]


def test_a_message_taken_before_the_switch_off_does_not_bring_it_back_to_life() -> None:
    story = standard()
    story.event("08:00:00", EventKind.POWER_OFF)
    story.at("07:59:30", received="08:00:05").away()
    assert story.told() == []


def test_a_switch_off_heard_of_after_the_tag_came_back_is_no_news() -> None:
    story = standard()
    story.at("08:40:00").away()
    story.told()
    assert story.event("08:00:00", EventKind.POWER_OFF, received="08:41:00") == []
    assert story.clock("09:00:00") == []


def test_what_is_long_past_is_forgotten() -> None:
    story = standard()
    story.event("08:00:00", OPEN)
    story.event("08:00:04", CLOSED)
    assert story.memory.state.devices
    for day in range(1, 9):
        story.at(f"+{day} 08:00").away()
        story.told()
    assert not story.memory.state.devices


def test_silent_with_five_percent_at_last_is_dead_and_holds_the_silence() -> None:
    story = standard()
    story.at("08:00:00", battery=5).away()
    story.event("07:59:00", EventKind.CHARGING, received="08:00:02")
    changes = story.memory.take(story.world, story.waiting(), us("09:10:00"))
    assert [(change.kind, change.held_under, change.event_at_us, change.changed_us) for change in changes] == [
        ("battery_dead", None, us("08:00:02"), us("09:00:02")),
        ("no_contact", "battery_dead", us("08:00:02"), us("09:00:02")),
    ]


# ---------------------------------------------------------------- silence


def test_an_hour_of_silence_is_told_at_that_instant_and_ends_with_any_message() -> None:
    story = standard()
    story.at("08:00:00").away()
    assert story.clock("09:00:01") == []
    assert story.clock("09:10:00") == ["09:00:02 OPEN no_contact P2 from 08:00:02"]
    assert story.event("09:20:00", EventKind.CONTACT) == ["09:20:02 END no_contact P2 from 08:00:02 to 09:20:02"]


def test_silence_within_a_first_batch_of_hours_is_told() -> None:
    other = MONITORED._replace(tag=2, from_us=us("07:00:00"))
    story = standard(monitored=(MONITORED._replace(from_us=us("07:00:00")), other))
    story.at("08:00:00").away()
    story.at("10:00:00", tag=2).away()
    assert story.told() == ["09:00:02 OPEN no_contact P2 from 08:00:02"]


def test_where_a_victim_is_to_be_protected_ten_minutes_are_grave() -> None:
    story = guarded()
    story.at("08:00:00").away()
    assert story.clock("08:15:00") == ["08:10:02 OPEN no_contact P1 from 08:00:02"]


def test_silence_found_out_by_the_message_that_ends_it_is_told_first() -> None:
    story = guarded()
    story.at("08:00:00").away()
    story.at("08:20:00").away()
    assert story.told() == [
        "08:10:02 OPEN no_contact P1 from 08:00:02",
        "08:20:02 END no_contact P1 from 08:00:02 to 08:20:02",
    ]


def test_a_single_message_between_two_silences_is_one_incident() -> None:
    story = guarded()
    story.at("08:00:00").away()
    story.at("08:20:00").away()
    story.told()
    assert story.clock("08:40:00") == ["08:30:02 RESUME no_contact P1 from 08:00:02"]


def test_silence_counts_from_when_the_order_begins() -> None:
    story = standard(monitored=(MONITORED._replace(from_us=us("09:00:00")),))
    story.at("07:00:00").away()
    assert story.clock("08:59:59") == []
    assert story.rejudged("09:00:00") == []
    assert story.clock("10:30:00") == ["10:00:00 OPEN no_contact P2 from 09:00:00"]


def test_a_victim_zone_drawn_during_silence_shortens_it_from_that_instant() -> None:
    story = standard()
    story.at("08:00:00").away()
    assert story.clock("08:30:00") == []
    story.change_world(AREA._replace(in_force_to_us=us("08:40:00")), zone_of(version=2, in_force_from_us=us("08:40:00")))
    assert story.rejudged("08:40:00") == ["08:40:00 OPEN no_contact P1 from 08:00:02"]


def test_data_that_a_gateway_held_is_contact_when_it_comes() -> None:
    story = standard()
    story.at("08:00:00").away()
    story.at("08:10:00", received="08:50:00").away()
    assert story.told() == []
    assert story.clock("09:49:59") == []
    assert story.clock("09:51:00") == ["09:50:00 OPEN no_contact P2 from 08:50:00"]


def test_while_nobody_listened_nobody_was_silent() -> None:
    story = guarded()
    story.at("08:00:00").away()
    story.told()
    for state in (story.memory.state, story.memory.shadow):
        state.listening_us = us("09:30:00")
        state.wound = False
    assert story.clock("09:39:59") == []
    assert story.clock("09:50:00") == ["09:40:00 OPEN no_contact P1 from 08:00:02"]


def test_nothing_is_known_of_a_tag_nobody_wears() -> None:
    story = standard(monitored=())
    story.at("08:00:00").away()
    story.event("08:00:05", OPEN)
    assert story.clock("12:00:00") == []


def test_a_victim_s_zone_that_is_not_valid_yet_makes_no_silence_grave_and_does_so_from_then_on() -> None:
    story = Story(zone_of(intervals=((us("08:25:00"), us("20:00:00")),)), rules=Rules())
    story.at("08:00:00").away()
    assert story.clock("08:24:59") == []
    assert story.rejudged("08:25:00") == ["08:25:00 OPEN no_contact P1 from 08:00:02"]


def test_a_victim_s_zone_that_was_valid_once_makes_no_silence_grave() -> None:
    story = Story(zone_of(intervals=((us("07:00:00"), us("08:05:00")),)), rules=Rules())
    story.at("08:00:00").away()
    assert story.clock("09:01:00") == ["09:00:02 OPEN no_contact P2 from 08:00:02"]


def test_between_the_windows_of_its_schedule_a_victim_s_zone_protects_as_well() -> None:
    windows = ((us("07:00:00"), us("07:30:00")), (us("19:00:00"), us("20:00:00")))
    story = Story(zone_of(intervals=windows), rules=Rules())
    story.at("08:00:00").away()
    assert story.clock("08:30:00") == ["08:10:02 OPEN no_contact P1 from 08:00:02"]


@pytest.mark.parametrize(
    ("told", "kind", "at"),
    [
        (EventKind.CONTACT, "no_contact", "09:00:02"),
        (EventKind.POWER_OFF, "battery_dead", "08:00:02"),
        (EventKind.JAMMING, "jamming", "08:02:00"),
    ],
)
def test_a_victim_s_zone_that_comes_into_force_makes_what_goes_on_grave_at_that_instant(
    told: EventKind, kind: str, at: str
) -> None:
    victim = zone_of(version=2, in_force_from_us=us("09:20:00"))
    story = Story(AREA._replace(in_force_to_us=us("09:20:00")), victim, rules=Rules())
    first = [*story.event("08:00:00", told), *story.clock("09:19:59")]
    since = first[0].partition(" from ")[2]
    assert f"{at} OPEN {kind} P2 from {since}" in first
    graver = story.rejudged_changes("09:20:00")
    assert f"09:20:00 AMEND {kind} P1 from {since}" in [line(change) for change in graver]
    assert all(change.due_acknowledge_us == us("09:22:00") for change in graver), "people's clocks start again"
    assert story.rejudged("09:30:00") == [], "once"


def test_where_no_victim_is_to_be_protected_an_instant_makes_nothing_grave() -> None:
    zones = [AREA._replace(in_force_to_us=us("09:20:00")), AREA._replace(version=2, in_force_from_us=us("09:20:00"))]
    story = Story(*zones, rules=Rules())
    story.at("08:00:00").away()
    assert story.clock("09:10:00") == ["09:00:02 OPEN no_contact P2 from 08:00:02"]
    assert story.rejudged("09:20:00") == []


def briefly(story: Story, *clocks: str) -> list[str]:
    """What openings of seven seconds raise."""
    return [told for at in clocks for told in (*story.event(f"{at}:00", OPEN), *story.event(f"{at}:07", CLOSED))]


def test_what_was_opened_briefly_under_another_wearer_counts_for_nobody_else() -> None:
    first = MONITORED._replace(to_us=us("09:00:00"))
    second = Monitored(TAG, WEARER + 1, ORDER + 1, us("09:00:00"), FOREVER_US)
    story = standard(monitored=(first, second))
    assert len(briefly(story, "08:01", "08:21")) == 2
    story.rejudged("09:00:00")
    assert briefly(story, "09:30", "09:40", "09:50") == [
        "09:30:09 OPEN strap_brief P2 from 09:30:00 to 09:30:07",
        "09:40:09 OPEN strap_brief P2 from 09:40:00 to 09:40:07",
        "09:50:09 OPEN strap_brief P1 from 09:50:00 to 09:50:07",
    ]


def test_what_was_opened_briefly_in_the_depot_counts_for_nobody() -> None:
    story = standard(monitored=(MONITORED._replace(from_us=us("09:00:00")),))
    assert briefly(story, "08:01", "08:21") == []
    story.rejudged("09:00:00")
    assert briefly(story, "09:30") == ["09:30:09 OPEN strap_brief P2 from 09:30:00 to 09:30:07"]
    assert story.event("08:50:07", CLOSED, received="09:31:00") == []
    assert briefly(story, "09:40") == ["09:40:09 OPEN strap_brief P2 from 09:40:00 to 09:40:07"]


def test_a_brief_opening_that_was_over_before_the_order_began_is_not_told_once_it_is_heard_of() -> None:
    story = standard(monitored=(MONITORED._replace(from_us=us("09:00:00")),))
    assert story.events(("08:50:00", OPEN), ("08:50:07", CLOSED), received="09:00:30") == []
    assert briefly(story, "09:30", "09:40")[-1] == "09:40:09 OPEN strap_brief P2 from 09:40:00 to 09:40:07"


def test_a_dead_battery_is_not_told_to_be_low_as_well() -> None:
    story = standard()
    story.at("08:00:00", battery=9).away()
    story.told()
    assert story.event("08:10:00", EventKind.POWER_OFF) == ["08:10:02 OPEN battery_dead P2 from 08:10:00"]
    assert story.clock("08:59:00") == []


def test_a_battery_that_was_low_before_it_died_is_low_once_it_has_been_heard_for_as_long_and_shows_nothing_else() -> None:
    story = standard()
    story.at("08:00:00", battery=9).away()
    story.told()
    story.event("08:10:00", EventKind.POWER_OFF)
    assert story.event("08:40:00", EventKind.CONTACT) == ["08:40:02 END battery_dead P2 from 08:10:00 to 08:40:02"]
    assert story.clock("08:54:59") == []
    assert story.clock("08:56:00") == ["08:55:00 OPEN battery_low P3 from 08:40:00"]
