"""Curfews while homes, wearers and authority change: what goes on is judged by what holds, and nothing is left open for ever."""

import pytest

import alerts.hearing
from alerts.device import Device
from alerts.rules import Rules
from alerts.terms import Terms
from model.alert import Family
from model.event import EventKind
from model.fix import Source
from model.instant import BEGINNING_US, MINUTE_US
from model.zone import Monitored, Purpose, Zone, ZoneKind
from tests.alerts.story import HOME, MONITORED, TAG, Story, curfew_of, home_of, said, terms_of, us, zone_of
from tests.alerts.test_story_curfew import PATIENT, Evening, shown

OTHER_HOME = 9


def moving_house() -> Story:
    """A wearer whose curfew asks for one home until 20:00 and for another from then on, neither of which is where they are."""
    story = Story(home_of(), home_of()._replace(id=OTHER_HOME), rules=PATIENT, curfews=_two_homes())
    story.at("19:20", received="19:20").inside(by=40, zone=HOME)
    for minute in range(30, 60):
        story.at(f"19:{minute}", received=f"19:{minute}").outside(by=500, zone=HOME)
    return story


def _two_homes() -> list[object]:
    return [curfew_of(in_force_to_us=us("20:00")), curfew_of(version=2, home=OTHER_HOME, in_force_from_us=us("20:00"))]


def test_an_absence_from_one_home_does_not_go_on_as_one_from_another() -> None:
    story = moving_house()
    assert story.told() == ["19:35:00 OPEN curfew_absence P3 from 19:30:00"]
    for minute in range(20):
        story.at(f"20:{minute:02}", received=f"20:{minute:02}").outside(by=500, zone=OTHER_HOME)
    assert story.told() == [
        "20:00:00 END curfew_absence P3 from 19:30:00 to 20:00:00",
        "20:05:00 OPEN curfew_absence P3 from 20:00:00",
    ]
    story.at("20:20", received="20:20").inside(by=40, zone=OTHER_HOME)
    assert story.told() == ["20:20:00 END curfew_absence P3 from 20:00:00 to 20:20:00"]
    assert {key[1] for key in story.memory.occurrences} == {HOME, OTHER_HOME}


def test_what_cannot_be_verified_of_one_home_does_not_go_on_as_that_of_another() -> None:
    story = Story(home_of(), home_of()._replace(id=OTHER_HOME), rules=PATIENT, curfews=_two_homes())
    story.at("19:00", received="19:00").inside(by=40, zone=HOME)
    assert story.told() == []
    assert story.clock("20:31") == [
        "19:40:00 OPEN curfew_unverified P2 from 19:10:00",
        "20:00:00 END curfew_unverified P2 from 19:10:00 to 20:00:00",
        "20:30:00 OPEN curfew_unverified P2 from 20:00:00",
    ]
    story.at("20:40", received="20:40").inside(by=40, zone=OTHER_HOME)
    assert story.told() == ["20:40:00 END curfew_unverified P2 from 20:00:00 to 20:40:00"]


@pytest.mark.parametrize("at_a_time", [1, 100])
def test_the_first_frame_of_a_tag_may_hold_an_hour_in_which_something_came_due(at_a_time: int) -> None:
    story = Evening()
    for minute in range(0, 61, 5):
        at = shown(us("19:00") + minute * MINUTE_US)
        story.at(at, received=at, source=Source.CELL, accuracy=1500.0).outside(by=3000, zone=HOME)
    (change,) = story.changes(at_a_time)
    assert (change.kind, said(change.detected_us), said(change.event_at_us)) == ("curfew_unverified", "19:30:00", "19:00:00")


def test_at_work_by_day_nobody_is_looked_at_one_message_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most wearers are away most of the day: their batches must cost what anybody's do."""
    story = Evening()
    story.away("12:00")
    story.away("12:01")
    story.told()
    looked_at = list[int]()

    class Counted(Device):
        def __init__(self, *given: object) -> None:
            looked_at.append(TAG)
            super().__init__(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(alerts.hearing, "Device", Counted)
    for minute in range(2, 50):
        story.away(f"12:{minute:02}")
        assert story.told() == []
    assert looked_at == []
    assert int(story.memory.state.due_us[0]) == us("19:00"), "the next instant at which anything is asked"
    story.away("18:55")
    story.told()
    assert story.clock("19:06") == ["19:05:00 OPEN curfew_absence P3 from 19:00:00"]
    assert looked_at


def test_a_change_of_somebody_elses_leaves_what_was_written_out_of_a_timetable() -> None:
    story = Evening()
    world = story.world
    written = world.terms.demands(TAG)
    for curfews, kept in (((curfew_of(), curfew_of(id=9, wearer=51, order=501)), True), ((curfew_of(grace_us=0),), False)):
        again = Terms([home_of()], [], [MONITORED], (), curfews, before=world.terms)
        assert (again.demands(TAG) is written) is kept
        assert again.demands(TAG) == terms_of(home_of(), curfews=curfews).demands(TAG)


# ---------------------------------------------------------------- one tag, first one wearer's and then another's

OTHERS = 51


def handed_over(at: str) -> list[Monitored]:
    """A tag that somebody else wore up to a time, and the wearer of the story from then on."""
    return [Monitored(TAG, OTHERS, 501, BEGINNING_US, us(at)), MONITORED._replace(from_us=us(at))]


def test_a_beacon_that_an_earlier_wearer_was_near_hides_nobodys_absence() -> None:
    story = Evening(monitored=handed_over("18:00"))
    story.event("17:00", EventKind.BEACON_IN, received="17:00")
    story.away_from("18:50", "19:02")
    assert story.told() == []
    assert story.clock("19:05") == ["19:05:00 OPEN curfew_absence P3 from 19:00:00"]


def test_a_beacon_says_nothing_of_a_home_that_became_one_later() -> None:
    story = Story(
        home_of(in_force_to_us=us("18:00")),
        home_of(in_force_from_us=us("18:00"))._replace(id=OTHER_HOME),
        rules=PATIENT,
        curfews=[curfew_of(home=OTHER_HOME)],
    )
    story.event("17:00", EventKind.BEACON_IN, received="17:00")
    for minute in range(5):
        story.at(f"19:{minute:02}", received=f"19:{minute:02}").outside(by=500, zone=OTHER_HOME)
    assert story.told() == []
    assert story.clock("19:05") == ["19:05:00 OPEN curfew_absence P3 from 19:00:00"]


def test_who_is_not_the_one_last_proven_at_home_is_missed_after_an_hour() -> None:
    story = Story(home_of(in_force_to_us=us("10:00")), rules=Rules(), monitored=handed_over("10:00"))
    story.at("09:00", received="09:00").inside(by=40, zone=HOME)
    story.at("10:30", received="10:30").outside(by=9000, zone=HOME)
    assert story.told() == []
    assert story.clock("13:00") == ["11:30:00 OPEN no_contact P2 from 10:30:00"]


def test_who_left_the_beacons_range_and_falls_silent_is_missed_after_an_hour() -> None:
    story = Evening(rules=Rules())
    story.event("09:00", EventKind.BEACON_IN)
    story.event("10:00", EventKind.BEACON_OUT)
    assert story.clock("12:30") == ["11:00:02 OPEN no_contact P2 from 10:00:02"]


def test_a_tag_handed_over_remembers_nothing_of_homes_and_beacons_of_before() -> None:
    story = Story(
        home_of(), home_of(in_force_to_us=us("18:00"))._replace(id=OTHER_HOME), rules=PATIENT, monitored=handed_over("18:00")
    )
    state = story.memory.state
    story.event("17:00", EventKind.BEACON_IN, received="17:00")
    story.at("17:01", received="17:01").inside(by=40, zone=HOME)
    story.told()
    assert len(state.presences) == 2
    assert len(state.beacons) == 1
    story.rejudged("18:00")
    assert (len(state.presences), len(state.beacons)) == (0, 0)


def test_what_comes_once_the_order_is_over_goes_on_from_what_was_known_then() -> None:
    over = us("20:20")
    story = Story(home_of(in_force_to_us=over), rules=PATIENT, monitored=[MONITORED._replace(to_us=over)], curfews=[curfew_of()])
    for clock in ("18:55", "19:15", "19:35", "19:55"):
        story.at(clock, received=clock).inside(by=40, zone=HOME)
        story.told()
    assert story.rejudged("20:20") == []
    for clock in ("20:00", "20:05", "20:15"):
        story.at(clock, received="20:25").outside(by=500, zone=HOME)
    assert [text.replace("20:25:00 ", "") for text in story.told()] == [
        "OPEN curfew_absence P3 from 20:00:00 late",
        "END curfew_absence P3 from 20:00:00 to 20:20:00 late",
    ]


# ---------------------------------------------------------------- authority that had ended already


def taken_into_custody(story: Story, since: str, *zones: Zone, **given: object) -> list[str]:
    """It is recorded at 21:30 that nobody was monitored from a time on."""
    zones = zones or ((home_of(),) if given else (zone_of(),))
    story.change_world(*zones, monitored=[MONITORED._replace(to_us=us(since))], **given)  # type: ignore[arg-type]
    return story.rejudged("21:30")


def test_custody_recorded_later_takes_back_the_absence_that_began_after_it() -> None:
    story = Evening()
    story.home("20:00")
    story.away_from("20:40", "21:30")
    story.told()
    assert taken_into_custody(story, "20:30", curfews=[curfew_of()]) == [
        "21:30:00 WITHDRAW curfew_absence P2 from 20:40:00 to 20:40:00"
    ]
    assert {key[2] for key in story.memory.occurrences} == {Family.CURFEW_UNVERIFIED}, (
        "not known from 20:10 on, and over: that stays told"
    )


def test_custody_recorded_later_ends_the_absence_that_began_before_it_when_it_began() -> None:
    story = Evening()
    story.home("20:00")
    story.away_from("20:10", "21:30")
    story.told()
    assert taken_into_custody(story, "20:30", curfews=[curfew_of()]) == [
        "21:30:00 END curfew_absence P2 from 20:10:00 to 20:30:00"
    ]


def test_custody_recorded_later_ends_an_absence_of_several_stretches_no_later_than_it_began() -> None:
    story = Evening()
    story.away_from("20:10", "20:20")
    story.home_from("20:20", "20:26")
    story.away_from("20:26", "21:30")
    story.told()
    assert taken_into_custody(story, "20:23", curfews=[curfew_of()]) == [
        "21:30:00 END curfew_absence P2 from 20:10:00 to 20:23:00"
    ]


@pytest.mark.parametrize(
    ("since", "told"), [("20:30", "WITHDRAW exclusion P1 from 20:40:00"), ("20:50", "END exclusion P1 from 20:40:00 to 20:50:00")]
)
def test_custody_recorded_later_takes_back_an_entry_or_ends_it_when_it_began(since: str, told: str) -> None:
    story = Story()
    story.at("20:40").inside(by=40)
    assert story.told() == ["20:40:02 OPEN exclusion P1 from 20:40:00"]
    assert taken_into_custody(story, since) == [f"21:30:00 {told}"]
    assert story.rejudged("21:31") == []


@pytest.mark.parametrize(
    ("since", "told"),
    [("20:30", "WITHDRAW inclusion_exit P2 from 20:40:00"), ("20:50", "END inclusion_exit P2 from 20:40:00 to 20:50:00")],
)
def test_custody_recorded_later_takes_back_an_exit_or_ends_it_when_it_began(since: str, told: str) -> None:
    place = zone_of(kind=ZoneKind.INCLUSION, purpose=Purpose.AREA)
    story = Story(place)
    story.at("20:40").away()
    story.at("20:45").away()
    assert story.told() == ["20:45:02 OPEN inclusion_exit P2 from 20:40:00"]
    assert taken_into_custody(story, since, place) == [f"21:30:00 {told}"]
    assert story.rejudged("21:31") == []


@pytest.mark.parametrize(
    ("since", "told"),
    [("20:30", "WITHDRAW case P1 from 20:40:00 to 20:40:00"), ("20:50", "END case P1 from 20:40:00 to 20:50:00")],
)
def test_custody_recorded_later_takes_back_what_a_device_said_or_ends_it_when_it_began(since: str, told: str) -> None:
    story = Story()
    story.at("20:00").away()
    story.told()
    assert story.event("20:40", EventKind.CASE_TAMPER) == ["20:40:02 OPEN case P1 from 20:40:00"]
    assert taken_into_custody(story, since) == [f"21:30:00 {told}"]
    assert story.rejudged("21:31") == []


# ---------------------------------------------------------------- out of order


@pytest.mark.parametrize("at_a_time", [1, 20, 100])
def test_what_was_kept_and_comes_after_a_newer_fix_is_judged_as_of_when_it_was_taken_however_batches_are_cut(
    at_a_time: int,
) -> None:
    story = Evening()
    story.home("19:55")
    story.home("21:00")
    for minute in range(49):
        story.away(f"20:{minute:02}", received="21:08")
    story.home("21:09")
    told = story.told(at_a_time)
    assert told[:2] == [
        "20:35:00 OPEN curfew_unverified P2 from 20:05:00",
        "21:00:00 END curfew_unverified P2 from 20:05:00 to 21:00:00",
    ]
    assert "21:08:00 OPEN curfew_absence P2 from 20:00:00 to 21:00:00 late" in told
    assert told[-1].startswith("21:08:00 WITHDRAW curfew_unverified P2")
    (known,) = story.memory.occurrences.values()
    assert (known.event_at_us, known.ended_us) == (us("20:00"), us("21:00"))


def test_one_frame_may_tell_the_newest_first() -> None:
    story = Evening()
    story.home("20:00", received="20:20")
    for minute in reversed(range(1, 10)):
        story.away(f"20:{minute:02}", received="20:20")
    assert story.told() == ["20:20:00 OPEN curfew_absence P3 from 20:01:00 late"]


def test_the_same_in_order_is_an_absence_known_late() -> None:
    story = Evening()
    story.home("19:55")
    for minute in range(49):
        story.away(f"20:{minute:02}", received="21:08")
    story.home("21:00", received="21:08")
    assert [told for told in story.told() if "absence" in told] == [
        "21:08:00 OPEN curfew_absence P3 from 20:00:00 late",
        "21:08:00 AMEND curfew_absence P2 from 20:00:00 late",
        "21:08:00 END curfew_absence P2 from 20:00:00 to 21:00:00 late",
    ]
