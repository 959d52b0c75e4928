"""Entering, leaving and coming back, told as they happen."""

import pytest

from model.alert import Confidence, Op
from model.fix import Source
from model.instant import MINUTE_US
from model.zone import Purpose
from tests.alerts.story import ORDER, TAG, WEARER, ZONE, Story, us, zone_of


def test_one_definite_fix_inside_a_victims_zone_is_an_alert_at_once() -> None:
    story = Story()
    story.at("08:00:00").away()
    story.at("08:00:05").inside(by=42)
    (change,) = story.changes()
    assert (change.op, change.wearer, change.tag, change.zone, change.order) == (Op.OPEN, WEARER, TAG, ZONE, ORDER)
    assert (change.kind, change.severity, change.confidence, change.late) == ("exclusion", 1, Confidence.DEFINITE, False)
    assert (change.event_at_us, change.occurrence_us, change.detected_us) == (us("08:00:05"), us("08:00:05"), us("08:00:07"))
    assert change.due_acknowledge_us == us("08:02:07")
    assert change.due_contact_us == us("08:05:07")
    assert change.due_decision_us == us("08:10:07")
    assert change.reason == "inside by 42 m at 08:00:05, accuracy 10 m"
    assert change.evidence["fix_at_us"].tolist() == [us("08:00:05")]
    assert change.distance_m == -42.0


def test_exactly_as_far_inside_as_the_fix_is_accurate_is_definite() -> None:
    story = Story()
    story.at("08:00:00", accuracy=42.0).inside(by=42)
    assert story.told() == ["08:00:02 OPEN exclusion P1 from 08:00:00"]


def test_an_area_zone_is_p2_and_has_ten_minutes() -> None:
    story = Story(zone_of(purpose=Purpose.AREA))
    story.at("08:00:00").inside(by=42)
    (change,) = story.changes()
    assert (change.severity, change.due_acknowledge_us, change.due_contact_us) == (2, us("08:10:02"), None)


def test_one_fix_just_outside_does_not_end_it_two_in_a_row_do_and_the_first_of_them_says_when() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:01:00").outside(by=20)
    story.at("08:02:00").inside(by=5)  # possible: not over
    story.at("08:03:00").outside(by=20)
    story.at("08:04:00").outside(by=30)
    assert story.told() == [
        "08:00:02 OPEN exclusion P1 from 08:00:00",
        "08:04:02 END exclusion P1 from 08:00:00 to 08:03:00",
    ]


def test_two_fixes_ended_it_and_both_are_evidence() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:03:00").outside(by=20)
    assert len(story.changes()) == 1
    story.at("08:04:00").outside(by=30)
    (end,) = story.changes()
    assert end.evidence["fix_at_us"].tolist() == [us("08:03:00"), us("08:04:00")]
    assert end.reason == "outside by 2 fixes in a row since 08:03:00: 30 m outside at 08:04:00, accuracy 10 m"


@pytest.mark.parametrize(("by", "ends"), [(50, False), (50.1, True)])
def test_one_fix_farther_than_50_m_outside_ends_it_alone(by: float, ends: bool) -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:01:00").outside(by=by)
    assert len(story.told()) == (2 if ends else 1)


@pytest.mark.parametrize(("by", "ends"), [(200, False), (201, True)])
def test_or_farther_than_the_buffer_where_the_zone_has_one(by: float, ends: bool) -> None:
    story = Story(zone_of(buffer_m=200.0))
    story.at("08:00:00").inside(by=42)
    story.at("08:01:00").outside(by=by)
    assert len(story.told()) == (2 if ends else 1)


def test_a_possible_fix_however_far_does_not_end_it() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:01:00", accuracy=90.0).outside(by=80)
    story.at("08:02:00", accuracy=90.0).outside(by=80)
    assert story.told() == ["08:00:02 OPEN exclusion P1 from 08:00:00"]


@pytest.mark.parametrize(("back", "same"), [("08:14:59", True), ("08:15:00", True), ("08:15:01", False)])
def test_back_within_ten_minutes_of_leaving_is_the_same_occurrence(back: str, same: bool) -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:05:00").away()
    story.at("08:10:00").away()
    story.at(back).inside(by=42)
    began, ended, again = story.changes()
    assert (began.op, ended.op) == (Op.OPEN, Op.END)
    if same:
        assert (again.op, again.occurrence_us, again.ended_us) == (Op.RESUME, us("08:00:00"), None)
        assert again.detected_us == us("08:00:02"), "nobody is paged twice"
        assert again.due_acknowledge_us == began.due_acknowledge_us
    else:
        assert (again.op, again.occurrence_us) == (Op.OPEN, us(back))
        assert again.detected_us == us(back) + 2_000_000
        assert again.due_acknowledge_us == again.detected_us + 2 * MINUTE_US


def test_back_by_possible_fixes_counts_from_the_first_of_them() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:05:00").away()
    story.at("08:14:59").inside(by=5)
    story.at("08:15:59").inside(by=5)
    assert story.told()[2:] == ["08:16:01 RESUME exclusion P1 from 08:00:00"]


def test_one_possible_fix_after_leaving_is_not_coming_back() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:05:00").away()
    story.at("08:06:00").inside(by=5)
    story.at("08:07:00").away()
    story.at("08:08:00").inside(by=5)
    assert len(story.told()) == 2
    story.at("08:16:00").away()
    assert story.told() == []
    assert not story.memory.state.pairs, "after ten minutes outside the pair is forgotten"


def test_an_hour_of_silence_after_leaving_makes_it_a_new_occurrence() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:05:00").away()
    story.at("09:05:00").inside(by=42)
    assert story.told()[2:] == ["09:05:02 OPEN exclusion P1 from 09:05:00"]


def test_a_day_on_the_fence_is_one_incident() -> None:
    story = Story()
    for minute in range(24 * 60):
        # Seven minutes in, three out, and all shades of maybe.
        by = (30, 30, 5, -5, -9, 30, 5, -20, -30, -60)[minute % 10]
        story.at(f"{minute // 60:02}:{minute % 60:02}:00").inside(by=by)
    changes = story.changes(batch=97)
    assert [change.op for change in changes].count(Op.OPEN) == 1
    assert {change.occurrence_us for change in changes} == {us("00:00:00")}


def test_two_zones_and_two_tags_do_not_mind_each_other() -> None:
    other = zone_of(id=8, purpose=Purpose.AREA)
    story = Story(zone_of(), other)
    story.at("08:00:00").inside(by=42)
    story.at("08:01:00").inside(by=42, zone=8)
    assert story.told() == [
        "08:00:02 OPEN exclusion P1 from 08:00:00",
        "08:01:02 END exclusion P1 from 08:00:00 to 08:01:00",
        "08:01:02 OPEN exclusion P2 from 08:01:00",
    ]


def test_home_and_inclusion_zones_raise_nothing_yet_and_break_nothing() -> None:
    story = Story(zone_of(kind="home"), zone_of(id=8, kind="inclusion"))
    story.at("08:00:00").inside(by=42)
    story.at("08:01:00").inside(by=42, zone=8)
    assert story.told() == []


def test_a_repeat_is_stored_once_and_says_nothing() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.told()
    again = story.memory.fixes.copy()
    assert story.memory.take(story.world, again) == []
    assert len(story.memory.fixes) == 1


def test_a_tag_nobody_wears_is_judged_by_nothing() -> None:
    story = Story(monitored=())
    story.at("08:00:00").inside(by=42)
    assert story.told() == []
    assert story.memory.fixes["flags"].tolist() == [4]


def test_wifi_is_not_the_only_source_rf_is_as_good_as_gnss() -> None:
    story = Story()
    story.at("08:00:00", source=Source.RF).inside(by=42)
    assert story.told() == ["08:00:02 OPEN exclusion P1 from 08:00:00"]
