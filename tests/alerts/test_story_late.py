"""What came late, and what came out of order."""

import numpy as np
import pytest

from alerts.late import windows
from model.alert import Op
from model.fix import Flag, Quality, Source
from model.zone import Purpose
from tests.alerts.story import Story, us, zone_of

# Late, but in order: a tag uploads what it had kept.


def upload(story: Story, entered: str, left: str, newest: str, received: str) -> None:
    story.at("07:00:00").away()
    story.told()
    story.at(entered, received=received).inside(by=42)
    story.at(left, received=received).away()
    story.at(newest, received=received).away()


def test_a_late_entry_under_thirty_minutes_old_is_p1() -> None:
    story = Story()
    upload(story, "08:00:01", "08:05:00", "08:29:00", received="08:30:00")
    assert story.told() == [
        "08:30:00 OPEN exclusion P1 from 08:00:01 late",
        "08:30:00 END exclusion P1 from 08:00:01 to 08:05:00 late",
    ]


def test_thirty_minutes_old_and_we_know_where_he_is_is_p2() -> None:
    story = Story()
    upload(story, "08:00:00", "08:05:00", "08:29:00", received="08:30:00")
    begun, _ = story.changes()
    assert (begun.severity, begun.late, begun.reason) == (
        2,
        True,
        "inside by 42 m at 08:00:00, accuracy 10 m, known 30 min later",
    )
    assert begun.due_acknowledge_us == us("08:40:00")


def test_thirty_minutes_old_and_we_do_not_know_where_he_is_is_p1() -> None:
    story = Story()
    upload(story, "08:00:00", "08:05:00", "08:19:59", received="08:30:00")
    assert story.told()[0] == "08:30:00 OPEN exclusion P1 from 08:00:00 late"


def test_in_an_area_zone_late_or_not_it_is_p2() -> None:
    story = Story(zone_of(purpose=Purpose.AREA))
    upload(story, "08:00:01", "08:05:00", "08:29:00", received="08:30:00")
    assert story.told()[0] == "08:30:00 OPEN exclusion P2 from 08:00:01 late"


@pytest.mark.parametrize(("received", "late"), [("08:05:00", False), ("08:05:01", True)])
def test_late_is_over_five_minutes(received: str, late: bool) -> None:
    story = Story()
    story.at("08:00:00", received=received).inside(by=42)
    (change,) = story.changes()
    assert change.late == late
    assert bool(story.memory.fixes["flags"][0] & Flag.LATE) == late


def test_who_is_still_inside_when_the_upload_catches_up_is_p1_again() -> None:
    story = Story()
    story.at("08:00:00", received="09:00:00").inside(by=42)
    story.at("08:30:00", received="09:00:00").inside(by=42)
    story.at("08:59:00", received="09:00:00").inside(by=42)
    first, second = story.changes()
    assert (first.op, first.severity) == (Op.OPEN, 2)
    assert (second.op, second.severity, second.occurrence_us) == (Op.AMEND, 1, us("08:00:00"))
    assert second.due_acknowledge_us == us("09:02:00")


# Out of order: older than what the tag was judged by.


def gap(story: Story) -> None:
    """Away at eight, away at half past; in between nothing is known."""
    story.at("08:00:00").away()
    story.at("08:30:00").away()
    assert story.told() == []


def test_in_order_data_needs_no_history_and_older_data_two_hours_on_each_side() -> None:
    story = Story()
    gap(story)
    later = story.memory.fixes[-1:].copy()
    later["fix_at_us"] += 1
    assert windows(story.rules, story.terms, story.memory.state, later, np.ones(1, bool)) == []
    older = later.copy()
    older["fix_at_us"] = us("08:10:00")
    (window,) = windows(story.rules, story.terms, story.memory.state, older, np.ones(1, bool))
    assert (window.from_us, window.to_us) == (us("06:10:00"), us("10:10:00"))


def test_an_entry_that_only_late_data_shows_is_raised_with_its_end() -> None:
    story = Story()
    gap(story)
    before = story.memory.state.digest()
    story.at("08:10:00", received="08:31:00").inside(by=42)
    story.at("08:20:00", received="08:31:00").away()
    (change,) = story.changes()
    assert (change.op, change.kind, change.severity, change.late) == (Op.OPEN, "exclusion", 1, True)
    assert (change.event_at_us, change.ended_us, change.detected_us) == (us("08:10:00"), us("08:20:00"), us("08:31:00"))
    assert change.evidence["fix_at_us"].tolist() == [us("08:10:00"), us("08:20:00")]
    assert [bool(flags & Flag.DISORDERED) for flags in story.memory.fixes["flags"]] == [False, False, True, True]
    state = story.memory.state
    assert not state.pairs
    assert state.peek(1)["last"]["fix_at_us"] == us("08:30:00"), "live state is not rewound"  # type: ignore[index]
    assert state.digest() != before, "but contact was made"


def test_one_by_one_it_is_the_same_but_that_the_end_is_learnt_later() -> None:
    story = Story()
    gap(story)
    story.at("08:10:00", received="08:31:00").inside(by=42)
    story.at("08:20:00", received="08:31:30").away()
    assert story.told(batch=1) == [
        "08:31:00 OPEN exclusion P1 from 08:10:00 to 08:30:00 late",
        "08:31:30 AMEND exclusion P1 from 08:10:00 to 08:20:00 late",
    ]


def test_an_hour_old_and_we_know_where_he_is_is_p2() -> None:
    story = Story()
    gap(story)
    story.at("09:10:00").away()
    story.at("08:10:00", received="09:11:00").inside(by=42)
    story.at("08:20:00", received="09:11:00").away()
    assert story.told(batch=3) == ["09:11:00 OPEN exclusion P2 from 08:10:00 to 08:20:00 late"]


def test_it_began_earlier_than_we_thought() -> None:
    story = Story()
    story.at("08:00:00").away()
    story.at("08:10:00").inside(by=42)
    story.told()
    story.at("08:05:00", received="08:11:00").inside(by=42)
    (change,) = story.changes()
    assert (change.op, change.occurrence_us, change.event_at_us, change.ended_us) == (
        Op.AMEND,
        us("08:10:00"),
        us("08:05:00"),
        None,
    )
    assert change.reason == "by late data: began at 08:05:00, not 08:10:00"
    assert change.evidence["fix_at_us"].tolist() == [us("08:05:00")]
    story.at("08:12:00").away()
    assert story.told() == ["08:12:02 END exclusion P1 from 08:05:00 to 08:12:00"], "live judging has learnt of it"


def test_it_was_over_earlier_than_we_thought() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:20:00").away()
    story.told()
    story.at("08:05:00", received="08:21:00").away()
    assert story.told() == ["08:21:00 AMEND exclusion P1 from 08:00:00 to 08:05:00"]


def test_it_went_on_longer_than_we_thought() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:05:00").away()
    story.at("08:20:00").away()
    story.told()
    story.at("08:08:00", received="08:21:00").inside(by=42)
    assert story.told() == ["08:21:00 AMEND exclusion P1 from 08:00:00 to 08:20:00"]


def test_what_goes_on_is_not_ended_by_older_data() -> None:
    story = Story()
    story.at("08:00:00").inside(by=42)
    story.at("08:20:00").inside(by=42)
    story.told()
    story.at("08:05:00", received="08:21:00").away()
    story.at("08:06:00", received="08:21:00").away()
    assert story.told() == []
    story.at("08:22:00").away()
    assert story.told() == ["08:22:02 END exclusion P1 from 08:00:00 to 08:22:00"]


def test_what_never_was_is_withdrawn() -> None:
    story = Story()
    story.at("08:00:00").inside(by=5)
    story.at("08:10:00").inside(by=5)
    story.at("08:20:00").away()
    assert len(story.told()) == 2
    story.at("08:05:00", received="08:21:00").away()
    (change,) = story.changes()
    assert (change.op, change.occurrence_us, change.reason) == (
        Op.WITHDRAW,
        us("08:00:00"),
        "by late data: the fixes taken in between show that it was not so",
    )
    assert not story.memory.occurrences


def test_a_possible_entry_turns_out_definite() -> None:
    story = Story()
    story.at("08:00:00").inside(by=5)
    story.at("08:10:00").inside(by=5)
    story.at("08:20:00").away()
    story.told()
    story.at("08:05:00", received="08:21:00").inside(by=42)
    (change,) = story.changes()
    assert (change.op, change.kind, change.severity, change.due_acknowledge_us) == (Op.AMEND, "exclusion", 1, us("08:23:00"))
    assert change.reason == "by late data: definitely inside; began at 08:05:00, not 08:00:00", "the fix before is not needed"


def test_what_a_track_cannot_show_is_left_alone() -> None:
    """Raised by the instant the zone came into force: no fix of the track shows it, and no fix may take it back."""
    story = Story(zone_of(in_force_from_us=us("09:00:00")))
    story.at("08:59:00").inside(by=42)
    story.told()
    assert story.rejudged("09:00:00") == ["09:00:00 OPEN exclusion P1 from 09:00:00"]
    story.at("09:01:00").away()
    assert story.told() == ["09:01:02 END exclusion P1 from 09:00:00 to 09:01:00"]
    story.at("08:30:00", received="09:02:00").away()
    assert story.told() == []


def test_a_late_jump_is_known_for_one() -> None:
    story = Story()
    story.at("08:00:00").away()
    story.at("08:02:00").away()
    story.told()
    story.at("08:01:00", received="08:03:00", east_km=20.0).inside(by=42)
    assert story.told() == []
    assert story.quality() == [Quality.OK, Quality.IMPLAUSIBLE, Quality.OK]


def test_a_late_fix_confirms_a_jump_that_is_stored() -> None:
    story = Story()
    story.at("08:00:00").away()
    story.at("08:01:00", east_km=20.0).inside(by=42)
    story.at("08:08:00", east_km=5.0).away()
    assert story.told() == []
    assert story.quality() == [Quality.OK, Quality.IMPLAUSIBLE, Quality.OK]
    story.at("08:01:30", east_km=20.0, received="08:09:00").inside(by=42)
    assert story.told() == ["08:09:00 OPEN exclusion P1 from 08:01:00 to 08:08:00 late"]
    assert story.quality() == [Quality.OK] * 4


def test_two_fixes_of_one_instant_are_both_in_order() -> None:
    story = Story()
    story.at("08:00:00").inside(by=5)
    story.at("08:00:00", source=Source.WIFI).inside(by=5)
    assert story.told(batch=1) == ["08:00:02 OPEN exclusion_possible P2 from 08:00:00"]
    assert not (story.memory.fixes["flags"] & Flag.DISORDERED).any()


def test_without_history_it_is_judged_by_itself() -> None:
    story = Story()
    story.at("08:30:00").away()
    story.told()
    story.memory.fixes = story.memory.fixes[:0]
    story.at("08:10:00", received="08:31:00").inside(by=42)
    assert story.told() == ["08:31:00 OPEN exclusion P1 from 08:10:00 to 08:10:00 late"]


def test_two_far_apart_windows_of_one_tag_and_another_tag_s_are_all_judged() -> None:
    story = Story()
    story.at("00:30:00").away()
    story.at("23:00:00").away()
    story.told()
    story.at("01:00:00", received="23:01:00").inside(by=42)
    story.at("01:10:00", received="23:01:00").away()
    story.at("12:00:00", received="23:01:00").inside(by=42)
    story.at("12:10:00", received="23:01:00").away()
    assert sorted(story.told()) == [
        "23:01:00 OPEN exclusion P2 from 01:00:00 to 01:10:00 late",
        "23:01:00 OPEN exclusion P2 from 12:00:00 to 12:10:00 late",
    ]
    assert np.count_nonzero(story.memory.fixes["flags"] & Flag.DISORDERED) == 4
