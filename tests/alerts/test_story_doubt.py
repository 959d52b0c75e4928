"""What may be so: possible fixes, sources that cannot be sure, wrong clocks, jumps, and paths between fixes."""

import pytest

from model.alert import Confidence, Op
from model.fix import Quality, Source
from model.state import Phase
from model.zone import Purpose
from tests.alerts.story import TAG, ZONE, Story, us, zone_of


def test_two_possible_fixes_in_a_row_raise_and_the_earlier_one_says_when() -> None:
    story = Story()
    story.at("08:00:00").inside(by=5)
    story.at("08:01:00", accuracy=30.0).outside(by=8)
    (change,) = story.changes()
    assert (change.kind, change.severity, change.confidence) == ("exclusion_possible", 2, Confidence.POSSIBLE)
    assert (change.event_at_us, change.detected_us) == (us("08:00:00"), us("08:01:02"))
    assert change.evidence["fix_at_us"].tolist() == [us("08:00:00"), us("08:01:00")]
    assert change.reason == "may be inside, by 2 fixes in a row since 08:00:00: 8 m outside at 08:01:00, accuracy 30 m"
    assert (change.due_acknowledge_us, change.due_contact_us) == (us("08:11:02"), None)


def test_possible_in_an_area_zone_is_p4_and_nobody_s_clock_runs() -> None:
    story = Story(zone_of(purpose=Purpose.AREA))
    story.at("08:00:00").inside(by=5)
    story.at("08:01:00").inside(by=5)
    (change,) = story.changes()
    assert (change.severity, change.due_acknowledge_us) == (4, None)


def test_a_zone_may_want_three_or_one() -> None:
    for wanted, raised in ((3, "08:02:02"), (1, "08:00:02")):
        story = Story(zone_of(confirm_fixes=wanted))
        for minute in range(3):
            story.at(f"08:0{minute}:00").inside(by=5)
        assert story.told() == [f"{raised} OPEN exclusion_possible P2 from 08:00:00"]


def test_possible_becomes_definite_on_the_same_occurrence_and_clocks_start_again() -> None:
    story = Story()
    story.at("08:00:00").inside(by=5)
    story.at("08:01:00").inside(by=5)
    story.at("08:09:00").inside(by=42)
    story.at("08:10:00").inside(by=42)
    first, second = story.changes()
    assert (first.op, second.op) == (Op.OPEN, Op.AMEND)
    assert (second.kind, second.severity, second.confidence) == ("exclusion", 1, Confidence.DEFINITE)
    assert (second.occurrence_us, second.event_at_us, second.detected_us) == (us("08:00:00"), us("08:00:00"), us("08:01:02"))
    assert second.due_acknowledge_us == us("08:11:02")


def test_a_definite_fix_after_one_possible_begins_at_the_definite_one() -> None:
    story = Story()
    story.at("08:00:00").inside(by=5)
    story.at("08:01:00").inside(by=42)
    assert story.told() == ["08:01:02 OPEN exclusion P1 from 08:01:00"]


def test_a_definite_fix_outside_breaks_the_run() -> None:
    story = Story()
    story.at("08:00:00").inside(by=5)
    story.at("08:01:00").outside(by=20)
    story.at("08:02:00").inside(by=5)
    assert story.told() == []


def test_once_definite_it_stays_so_however_it_goes_on() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:01:00").away()
    story.at("08:02:00").inside(by=5)
    story.at("08:03:00").inside(by=5)
    assert story.told()[2:] == ["08:03:02 RESUME exclusion P1 from 08:00:00"]


def test_coming_back_definitely_makes_a_possible_occurrence_definite() -> None:
    story = Story()
    story.at("08:00:00").inside(by=5)
    story.at("08:01:00").inside(by=5)
    story.at("08:02:00").away()
    story.at("08:05:00").inside(by=42)
    change = story.changes()[-1]
    assert (change.op, change.kind, change.severity, change.occurrence_us) == (Op.RESUME, "exclusion", 1, us("08:00:00"))
    assert change.due_acknowledge_us == us("08:07:02")


@pytest.mark.parametrize(("by", "raises"), [(150, True), (151, False)])
def test_a_wide_circle_raises_only_with_its_centre_within_150_m(by: float, raises: bool) -> None:
    story = Story()
    story.at("08:00:00", accuracy=1000.0).outside(by=by)
    story.at("08:01:00", accuracy=1000.0).outside(by=by)
    assert bool(story.told()) == raises


def test_a_possible_fix_farther_than_that_neither_counts_nor_breaks_the_run() -> None:
    story = Story()
    story.at("08:00:00").inside(by=5)
    story.at("08:01:00", accuracy=1500.0, source=Source.CELL).outside(by=900)
    story.at("08:02:00").inside(by=5)
    assert story.told() == ["08:02:02 OPEN exclusion_possible P2 from 08:00:00"]


def test_wifi_is_never_definite_inside() -> None:
    story = Story()
    for minute in range(3):
        story.at(f"08:0{minute}:00", source=Source.WIFI, accuracy=20.0).inside(by=400)
    assert story.told() == ["08:01:02 OPEN exclusion_possible P2 from 08:00:00"]


def test_wifi_is_never_definite_outside_it_ends_nothing() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    for minute in range(1, 6):
        story.at(f"08:0{minute}:00", source=Source.WIFI, accuracy=20.0).away()
    assert story.told() == ["08:00:02 OPEN exclusion P1 from 08:00:00"]


def test_wifi_beside_the_zone_says_nothing_at_all() -> None:
    story = Story()
    for minute in range(5):
        story.at(f"08:0{minute}:00", source=Source.WIFI, accuracy=20.0).outside(by=60)
    assert story.told() == []
    assert not story.memory.state.pairs


def test_wifi_elsewhere_does_not_break_a_run_that_would_be_too_easy() -> None:
    story = Story()
    story.at("08:00:00").inside(by=5)
    story.at("08:01:00", source=Source.WIFI, accuracy=20.0).away()
    story.at("08:02:00").inside(by=5)
    assert story.told() == ["08:02:02 OPEN exclusion_possible P2 from 08:00:00"]


def test_low_accuracy_is_a_label_the_verdict_follows_from_the_radius() -> None:
    story = Story()
    story.at("08:00:00", accuracy=151.0).inside(by=400)
    assert story.told() == ["08:00:02 OPEN exclusion P1 from 08:00:00"]
    assert story.quality() == [Quality.LOW_ACCURACY]


# Wrong clocks


def test_two_fixes_from_a_wrong_clock_are_possible_at_their_time_of_receipt() -> None:
    story = Story()
    story.at("11:00:00", received="08:00:00").inside(by=42)
    story.at("11:01:00", received="08:01:00").inside(by=42)
    (change,) = story.changes()
    assert (change.kind, change.severity, change.event_at_us) == ("exclusion_possible", 2, us("08:00:00"))
    assert change.evidence["fix_at_us"].tolist() == [us("11:00:00"), us("11:01:00")]
    assert story.quality() == [Quality.SKEWED, Quality.SKEWED]


@pytest.mark.parametrize(("fix_at", "skewed"), [("08:02:00", False), ("08:02:01", True)])
def test_a_clock_is_wrong_when_it_is_more_than_two_minutes_ahead(fix_at: str, skewed: bool) -> None:
    story = Story()
    story.at(fix_at, received="08:00:00").inside(by=42)
    story.told()
    assert (story.quality() == [Quality.SKEWED]) == skewed


def test_good_fixes_after_a_wrong_clock_are_judged_as_if_it_had_not_come() -> None:
    plain, skewed = Story(), Story()
    for story in (plain, skewed):
        story.at("08:00:00").inside(by=5)
        if story is skewed:
            story.at("23:00:00", received="08:00:30").away()
            story.at("23:00:01", received="08:00:31").inside(by=42)
        story.at("08:01:00").outside(by=20)
        story.at("08:02:00").inside(by=42)
        if story is skewed:
            story.at("23:02:00", received="08:02:30").away()
        story.at("08:03:00").outside(by=20)
        if story is skewed:
            story.at("23:03:00", received="08:03:30").inside(by=42)
        story.at("08:04:00").outside(by=20)
    of_people = [said for said in skewed.told(batch=1) if "tag_fault" not in said]  # of the tag itself three are one too many
    assert of_people == plain.told() != []
    record = skewed.memory.state.peek(TAG)
    assert record is not None
    assert record["last"]["fix_at_us"] == us("08:04:00")
    assert record["newest_us"] == us("23:03:00"), "what is stored already is known by the tag's own times"
    assert record["contact_us"] == us("08:04:02")


def test_a_good_possible_fix_and_one_from_a_wrong_clock_are_not_two_in_a_row() -> None:
    story = Story()
    story.at("11:00:00", received="08:00:00").inside(by=42)
    story.at("08:01:00").inside(by=5)
    assert story.told() == []


def test_an_occurrence_of_a_wrong_clock_is_ended_by_good_fixes_and_never_before_it_began() -> None:
    story = Story()
    story.at("11:00:00", received="08:00:30").inside(by=42)
    story.at("11:01:00", received="08:01:30").inside(by=42)
    story.at("08:00:10", received="08:01:31").away()  # taken before it: says nothing of its end
    story.at("08:02:00").away()
    assert story.told(batch=1) == [
        "08:01:30 OPEN exclusion_possible P2 from 08:00:30",
        "08:02:02 END exclusion_possible P2 from 08:00:30 to 08:02:00",
    ]


# Jumps


def test_one_jump_into_the_zone_is_possible_and_raises_nothing() -> None:
    story = Story()
    story.at("08:00:00").away()
    story.at("08:01:00", east_km=10.0).inside(by=42)
    story.at("08:02:00").away()
    assert story.told() == []
    assert story.quality() == [Quality.OK, Quality.IMPLAUSIBLE, Quality.OK]


def test_a_second_fix_that_agrees_makes_both_ok() -> None:
    story = Story()
    story.at("08:00:00").away()
    story.at("08:01:00", east_km=10.0).inside(by=42)
    story.at("08:01:30", east_km=10.1).inside(by=42)
    (change,) = story.changes()
    assert (change.op, change.kind, change.event_at_us, change.detected_us) == (
        Op.OPEN,
        "exclusion",
        us("08:01:00"),
        us("08:01:32"),
    )
    assert story.quality() == [Quality.OK, Quality.OK, Quality.OK]


def test_the_same_whether_the_second_comes_in_the_same_batch_or_the_next() -> None:
    told = []
    for batch in (None, 1, 2):
        story = Story()
        story.at("08:00:00").away()
        story.at("08:01:00", east_km=10.0).inside(by=42)
        story.at("08:01:30", east_km=10.1).inside(by=42)
        story.at("08:02:30", east_km=10.1).away()
        told.append((story.told(batch), story.quality(), story.memory.state.digest()))
    assert told[0] == told[1] == told[2]


def test_two_jumps_to_different_places_are_both_jumps() -> None:
    story = Story()
    story.at("08:00:00").away()
    story.at("08:01:00", east_km=10.0).inside(by=42)
    story.at("08:01:10", east_km=-10.0).away()
    story.at("08:02:00").away()
    story.told()
    assert story.quality() == [Quality.OK, Quality.IMPLAUSIBLE, Quality.IMPLAUSIBLE, Quality.OK]


def test_a_fix_back_home_long_after_does_not_agree_with_the_jump_though_the_way_is_slow() -> None:
    story = Story()
    story.at("08:00:00").away()
    story.at("08:01:00", east_km=10.0).inside(by=42)
    story.at("08:21:00").away()
    story.told()
    assert story.quality() == [Quality.OK, Quality.IMPLAUSIBLE, Quality.OK]


def test_a_fix_at_the_jump_s_place_long_after_does_agree() -> None:
    story = Story()
    story.at("08:00:00").away()
    story.at("08:01:00", east_km=10.0).inside(by=42)
    story.at("08:21:00", east_km=10.0).inside(by=42)
    assert story.told() == ["08:21:02 OPEN exclusion P1 from 08:01:00"]


@pytest.mark.parametrize(("east_km", "plausible"), [(4.20, True), (4.24, False)])
def test_seventy_metres_a_second_after_both_accuracies_are_taken_off(east_km: float, plausible: bool) -> None:
    story = Story()
    story.at("08:00:00").away()
    story.at("08:01:00", east_km=east_km * 69.17 / 69.44).away()
    story.told()
    assert (story.quality()[1] == Quality.OK) == plausible


def test_a_jump_far_away_ends_nothing_until_it_is_confirmed() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:01:00", east_km=10.0).away()
    assert len(story.told()) == 1
    story.at("08:02:00", east_km=10.0).away()
    assert story.told() == ["08:02:02 END exclusion P1 from 08:00:00 to 08:01:00"]


# Paths


def test_a_path_through_the_zone_is_inferred_and_over_at_once() -> None:
    story = Story()
    story.at("08:00:00").outside(by=300)
    story.at("08:01:00").beyond(by=300)
    (change,) = story.changes()
    assert (change.op, change.kind, change.severity, change.confidence) == (Op.OPEN, "crossed", 2, Confidence.INFERRED)
    assert (change.event_at_us, change.ended_us, change.detected_us) == (us("08:01:00"), us("08:01:00"), us("08:01:02"))
    assert change.evidence["fix_at_us"].tolist() == [us("08:00:00"), us("08:01:00")]
    assert change.reason == "inferred from the path between fixes at 08:00:00 and 08:01:00, both outside"
    assert story.memory.state.pairs[TAG, ZONE]["phase"][0] == Phase.CROSSED


def test_the_path_may_begin_in_the_batch_before() -> None:
    story = Story(zone_of(purpose=Purpose.AREA))
    story.at("08:00:00").outside(by=300)
    story.told()
    story.at("08:01:00").beyond(by=300)
    assert story.told() == ["08:01:02 OPEN crossed P4 from 08:01:00 to 08:01:00"]


def test_crossing_again_within_ten_minutes_is_no_news_after_that_it_is() -> None:
    story = Story()
    for minute in range(0, 24, 2):
        story.at(f"08:{minute:02}:00").beyond()
    assert story.told(batch=5) == [
        "08:02:02 OPEN crossed P2 from 08:02:00 to 08:02:00",
        "08:14:02 OPEN crossed P2 from 08:14:00 to 08:14:00",
    ]


def test_nothing_is_inferred_from_a_path_between_fixes_that_cannot_be_sure() -> None:
    story = Story()
    story.at("08:00:00", source=Source.WIFI).outside(by=300)
    story.at("08:01:00").beyond(by=300)
    story.at("08:02:00", source=Source.WIFI).beyond(by=300)
    assert story.told() == []


def test_no_crossing_while_or_just_after_an_exclusion_says_more() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:01:00").outside(by=300)
    story.at("08:02:00").beyond(by=300)
    assert [text.split()[1] for text in story.told()] == ["OPEN", "END"]


def test_entering_after_a_crossing_is_an_exclusion_of_its_own() -> None:
    story = Story()
    story.at("08:00:00").outside(by=300)
    story.at("08:01:00").beyond(by=300)
    story.at("08:02:00").inside(by=42)
    assert [text.split()[2] for text in story.told()] == ["crossed", "exclusion"]


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_a_path_goes_past_what_wifi_says_between(batch: int) -> None:
    story = Story()
    story.at("08:00:00").outside(by=300)
    story.at("08:01:00", source=Source.WIFI).outside(by=300)
    story.at("08:02:00", source=Source.CELL, accuracy=1500.0).outside(by=300)
    story.at("08:04:00").beyond(by=300)
    assert story.told(batch) == ["08:04:02 OPEN crossed P2 from 08:04:00 to 08:04:00"]
