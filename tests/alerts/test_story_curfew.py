"""Curfews told as stories: who is at home, who is not, and what cannot be known. Fixes are received as they are taken."""

from alerts.rules import Rules
from alerts.terms import Terms
from model.alert import Change
from model.event import EventKind
from model.instant import BEGINNING_US, DAY_US, FOREVER_US, MINUTE_US
from model.zone import Assignment, Monitored
from tests.alerts.story import HOME, MONITORED, ORDER, TAG, WEARER, Story, curfew_of, home_of, line, us

# Silence has stories of its own, but where a curfew's are about it.
PATIENT = Rules()._replace(silent_us=400 * DAY_US, silent_guarded_us=400 * DAY_US, silent_home_us=400 * DAY_US)


# For stories that begin with a wearer who is away: before the first fix nothing is known, for less than half an hour.
LATER = ("19:45", "+1 07:00")


class Evening(Story):
    """A wearer with a curfew from 19:00 to 07:00, unless told otherwise."""

    def __init__(self, *curfews: object, rules: Rules = PATIENT, **given: object) -> None:
        super().__init__(home_of(), rules=rules, curfews=curfews or (curfew_of(),), **given)  # type: ignore[arg-type]

    def home(self, clock: str, **given: object) -> None:
        """A fix well inside home."""
        self.at(clock, **{"received": clock, **given}).inside(by=40, zone=HOME)

    def away(self, clock: str, **given: object) -> None:
        """A fix half a kilometre from home."""
        self.at(clock, **{"received": clock, **given}).outside(by=500, zone=HOME)

    def doubtful(self, clock: str, **given: object) -> None:
        """A fix that may be at home."""
        self.at(clock, **{"received": clock, **given}).outside(by=5, zone=HOME)

    def away_from(self, clock: str, until: str) -> None:
        """A fix away every minute, from one time up to another, not included."""
        at = us(clock)
        while at < us(until):
            self.away(shown(at))
            at += MINUTE_US

    def home_from(self, clock: str, until: str) -> None:
        """A fix at home every minute, from one time up to another, not included."""
        at = us(clock)
        while at < us(until):
            self.home(shown(at))
            at += MINUTE_US


def shown(at_us: int) -> str:
    minutes = (at_us - us("00:00")) // MINUTE_US
    return f"+{minutes // 1440} {minutes % 1440 // 60:02}:{minutes % 60:02}:00"


# ---------------------------------------------------------------- absence


def test_away_for_five_minutes_inside_the_window_is_told_at_that_instant_though_nothing_more_is_heard() -> None:
    story = Evening()
    story.home("20:00")
    story.away("20:10")
    story.away("20:11")
    assert story.told() == []
    assert story.clock("20:14:59") == []
    assert story.clock("20:15:00") == ["20:15:00 OPEN curfew_absence P3 from 20:10:00"]


def test_away_for_half_an_hour_is_graver_and_the_fix_that_shows_the_wearer_at_home_ends_it() -> None:
    story = Evening()
    story.home("20:00")
    story.away_from("20:10", "21:00")
    story.home("21:00")
    assert story.told() == [
        "20:15:00 OPEN curfew_absence P3 from 20:10:00",
        "20:40:00 AMEND curfew_absence P2 from 20:10:00",
        "21:00:00 END curfew_absence P2 from 20:10:00 to 21:00:00",
    ]


def test_away_for_the_whole_window_is_grave_when_it_is_over() -> None:
    story = Evening()
    story.away_from("18:50", "19:02")
    assert story.told() == []
    assert story.clock("+1 08:00") == [
        "19:05:00 OPEN curfew_absence P3 from 19:00:00",
        "19:30:00 AMEND curfew_absence P2 from 19:00:00",
        "07:00:00 AMEND curfew_absence P1 from 19:00:00",
        "07:00:00 END curfew_absence P1 from 19:00:00 to 07:00:00",
    ]


def test_an_absence_of_high_risk_is_grave_at_once() -> None:
    story = Evening(curfew_of(high_risk=True))
    story.away("20:10")
    story.away("20:11")
    story.told()
    assert story.clock("21:00") == ["20:15:00 OPEN curfew_absence P1 from 20:10:00"]


def test_an_absence_is_as_grave_as_the_risk_that_holds_then() -> None:
    """The risk becomes high at 20:30: what goes on is graver from then on, what was over stays what it was."""
    versions = [curfew_of(in_force_to_us=us("20:30")), curfew_of(version=2, high_risk=True, in_force_from_us=us("20:30"))]
    story = Evening(*versions)
    story.home("20:00")
    story.away_from("20:10", "20:18")
    story.home("20:18")
    assert story.told() == [
        "20:15:00 OPEN curfew_absence P3 from 20:10:00",
        "20:18:00 END curfew_absence P3 from 20:10:00 to 20:18:00",
    ]
    story = Evening(*versions)
    story.home("20:00")
    story.away_from("20:10", "20:40")
    assert story.told() == [
        "20:15:00 OPEN curfew_absence P3 from 20:10:00",
        "20:30:00 AMEND curfew_absence P1 from 20:10:00",
    ]


def test_one_fix_outside_is_no_absence() -> None:
    story = Evening()
    story.home("20:00")
    story.away("20:05")
    story.home("20:06")
    assert story.told() == []
    assert story.clock("20:15") == []


def test_away_for_less_than_the_grace_is_no_news_and_is_not_added_up() -> None:
    story = Evening()
    for minute in ("00", "20", "40"):
        story.home(f"20:{minute}")
        story.away(f"20:{int(minute) + 1:02}")
        story.away(f"20:{int(minute) + 2:02}")
        story.home(f"20:{int(minute) + 5:02}:59")
    assert story.told() == []


def test_a_possible_fix_between_two_outside_begins_the_count_again() -> None:
    story = Evening()
    story.away("20:00")
    story.doubtful("20:01")
    story.away("20:02")
    story.doubtful("20:03")
    story.told()
    assert story.clock("20:12") == []


def test_a_possible_fix_shows_otherwise_and_ends_an_absence() -> None:
    story = Evening(curfew_of(LATER))
    story.away("20:00")
    story.away("20:01")
    story.doubtful("20:09")
    assert story.told() == [
        "20:05:00 OPEN curfew_absence P3 from 20:00:00",
        "20:09:00 END curfew_absence P3 from 20:00:00 to 20:09:00",
    ]


def test_a_wide_circle_and_a_jump_say_nothing() -> None:
    story = Evening(curfew_of(LATER))
    story.away("20:00")
    story.away("20:01")
    story.at("20:07", received="20:07", accuracy=200.0).outside(by=100, zone=HOME)
    story.at("20:08", received="20:08", east_km=80.0).inside(by=40, zone=HOME)
    assert story.told() == ["20:05:00 OPEN curfew_absence P3 from 20:00:00"]


def test_away_again_within_ten_minutes_is_the_same_occurrence_and_the_minutes_add_up() -> None:
    story = Evening(curfew_of(LATER))
    story.away_from("20:00", "20:20")
    story.home_from("20:20", "20:24")
    story.away_from("20:24", "20:50")
    story.home("20:50")
    changes = story.changes()
    assert [line(change) for change in changes] == [
        "20:05:00 OPEN curfew_absence P3 from 20:00:00",
        "20:20:00 END curfew_absence P3 from 20:00:00 to 20:20:00",
        "20:29:00 RESUME curfew_absence P3 from 20:00:00",
        "20:34:00 AMEND curfew_absence P2 from 20:00:00",
        "20:50:00 END curfew_absence P2 from 20:00:00 to 20:50:00",
    ]
    assert changes[1].reason == "at home again at 20:20:00; away for 20 min in all"
    assert changes[-1].reason == "at home again at 20:50:00; away for 46 min in all"


def test_away_again_after_more_than_ten_minutes_is_a_new_one() -> None:
    story = Evening()
    story.away_from("20:00", "20:20")
    story.home_from("20:20", "20:31")
    story.away("20:31")
    story.away("20:32")
    story.told()
    assert story.clock("20:40") == ["20:36:00 OPEN curfew_absence P3 from 20:31:00"]


def test_outside_its_windows_a_curfew_asks_nothing() -> None:
    story = Evening()
    story.away_from("08:00", "09:00")
    assert story.told() == []
    assert story.clock("18:59") == []


def test_a_contradiction_that_no_longer_speaks_when_the_window_begins_is_not_known() -> None:
    story = Evening()
    story.away("18:45")
    story.away("18:49:59")
    story.told()
    assert story.clock("20:00") == ["19:30:00 OPEN curfew_unverified P2 from 19:00:00"]


def test_a_contradiction_stands_from_window_to_window_only_while_it_speaks() -> None:
    story = Evening(curfew_of(("19:00", "20:00"), ("21:00", "22:00")))
    story.away_from("19:10", "19:30")
    assert story.told() == ["19:15:00 OPEN curfew_absence P3 from 19:10:00"]
    assert story.clock("21:45") == [
        "19:40:00 AMEND curfew_absence P2 from 19:10:00",
        "20:00:00 END curfew_absence P2 from 19:10:00 to 20:00:00",
        "21:30:00 OPEN curfew_unverified P2 from 21:00:00",
    ]


def test_the_window_ends_an_absence_though_the_wearer_stays_away() -> None:
    story = Evening(curfew_of(("+1 06:30", "+1 07:00")))
    story.away_from("+1 06:50", "+1 07:10")
    assert story.told() == [
        "06:55:00 OPEN curfew_absence P3 from 06:50:00",
        "07:00:00 END curfew_absence P3 from 06:50:00 to 07:00:00",
    ]
    assert story.clock("+1 12:00") == []


def test_away_for_the_last_minutes_of_a_window_no_longer_than_the_grace_is_no_news() -> None:
    story = Evening(curfew_of(("+1 06:30", "+1 07:00")))
    story.away_from("+1 06:55", "+1 07:30")
    assert story.told() == []


# ---------------------------------------------------------------- what asks


def test_an_authorised_absence_lifts_the_curfew_while_it_lasts() -> None:
    story = Evening(curfew_of(LATER, excused=((us("20:20"), us("21:00")),)))
    story.away_from("20:00", "21:10")
    assert story.told() == [
        "20:05:00 OPEN curfew_absence P3 from 20:00:00",
        "20:20:00 END curfew_absence P3 from 20:00:00 to 20:20:00",
        "21:05:00 OPEN curfew_absence P3 from 21:00:00",
    ]


def test_excused_for_less_than_ten_minutes_the_absence_after_it_is_the_same_occurrence() -> None:
    story = Evening(curfew_of(LATER, excused=((us("20:20"), us("20:28")),)))
    story.away_from("20:00", "20:40")
    assert story.told() == [
        "20:05:00 OPEN curfew_absence P3 from 20:00:00",
        "20:20:00 END curfew_absence P3 from 20:00:00 to 20:20:00",
        "20:33:00 RESUME curfew_absence P3 from 20:00:00",
        "20:38:00 AMEND curfew_absence P2 from 20:00:00",
    ]


def test_an_absence_authorised_afterwards_ends_what_was_told_and_leaves_it_told() -> None:
    story = Evening(curfew_of(LATER))
    story.away_from("20:00", "20:30")
    assert story.told() == ["20:05:00 OPEN curfew_absence P3 from 20:00:00"]
    story.change_world(home_of(), curfews=(curfew_of(excused=((us("19:30"), us("21:00")),)),))
    assert story.rejudged("20:31") == ["20:31:00 END curfew_absence P3 from 20:00:00 to 20:31:00"]
    story.away_from("20:32", "20:50")
    assert story.told() == []


def test_an_order_that_begins_inside_a_window_asks_from_then_on_and_the_window_is_not_whole() -> None:
    story = Evening(monitored=(MONITORED._replace(from_us=us("22:00")),))
    story.away_from("21:55", "22:03")
    story.told()
    story.rejudged("22:00")
    assert story.clock("+1 08:00") == [
        "22:05:00 OPEN curfew_absence P3 from 22:00:00",
        "22:30:00 AMEND curfew_absence P2 from 22:00:00",
        "07:00:00 END curfew_absence P2 from 22:00:00 to 07:00:00",
    ]


def test_when_authority_ends_inside_a_window_the_absence_ends_with_it() -> None:
    story = Evening(monitored=(MONITORED._replace(to_us=us("22:00")),))
    story.away_from("21:30", "21:40")
    story.told()
    changes = story.memory.take(story.world, story.waiting(), us("22:30"))
    assert [line(change) for change in changes] == ["22:00:00 END curfew_absence P3 from 21:30:00 to 22:00:00"]
    assert changes[0].reason == "no order allowed judging at 22:00:00; away for 30 min in all"


def test_a_curfew_changed_inside_a_window_goes_on_as_one() -> None:
    before = curfew_of(LATER, in_force_to_us=us("20:30"))
    after = curfew_of(("18:00", "+1 06:00"), version=2, in_force_from_us=us("20:30"))
    story = Evening(before, after)
    story.away_from("20:10", "20:50")
    assert story.told() == [
        "20:15:00 OPEN curfew_absence P3 from 20:10:00",
        "20:40:00 AMEND curfew_absence P2 from 20:10:00",
    ]
    assert story.clock("+1 06:30") == ["06:00:00 END curfew_absence P2 from 20:10:00 to 06:00:00"]


def test_a_curfew_that_is_revoked_ends_what_it_had_raised() -> None:
    story = Evening()
    story.away_from("20:00", "20:10")
    story.told()
    story.change_world(home_of(), curfews=())
    assert story.rejudged("20:10") == ["20:10:00 END curfew_absence P3 from 20:00:00 to 20:10:00"]


def test_curfews_of_two_orders_at_one_home_are_two_occurrences_of_one_row() -> None:
    other = curfew_of(("20:00", "+1 06:00"), id=2, order=501)
    story = Evening(curfew_of(LATER), other, monitored=(MONITORED, MONITORED._replace(order=501)))
    story.away_from("20:10", "20:20")
    story.home("20:20")
    changes = story.changes()
    assert [line(change) for change in changes] == [
        "20:15:00 OPEN curfew_absence P3 from 20:10:00",
        "20:15:00 OPEN curfew_absence P3 from 20:10:00",
        "20:20:00 END curfew_absence P3 from 20:10:00 to 20:20:00",
        "20:20:00 END curfew_absence P3 from 20:10:00 to 20:20:00",
    ]
    assert [change.order for change in changes] == [500, 501, 500, 501]
    assert len({change.occurrence_us for change in changes}) == 2


def test_a_home_drawn_anew_round_a_wearer_who_was_away_ends_the_absence() -> None:
    story = Evening()
    story.away_from("20:00", "20:10")
    story.told()
    story.change_world(
        home_of(in_force_to_us=us("20:10")), home_of(version=2, in_force_from_us=us("20:10")), curfews=(curfew_of(),)
    )
    story.script[10] = [(HOME, -30.0, False)]
    assert story.rejudged("20:10") == ["20:10:00 END curfew_absence P3 from 20:00:00 to 20:10:00"]


# ---------------------------------------------------------------- unverified


def test_unknown_for_half_an_hour_inside_a_window_is_told() -> None:
    story = Evening()
    story.home("20:00")
    story.told()
    assert story.clock("20:39:59") == []
    assert story.clock("20:40") == ["20:40:00 OPEN curfew_unverified P2 from 20:10:00"]
    story.home("20:50")
    assert story.told() == ["20:50:00 END curfew_unverified P2 from 20:10:00 to 20:50:00"]


def test_at_home_before_and_silent_since_is_unknown_from_when_the_window_begins() -> None:
    story = Evening()
    story.home("17:00")
    story.told()
    assert story.clock("+1 08:00") == [
        "19:30:00 OPEN curfew_unverified P2 from 19:00:00",
        "07:00:00 END curfew_unverified P2 from 19:00:00 to 07:00:00",
    ]


def test_last_proven_in_contact_and_still_is_consistent() -> None:
    story = Evening()
    story.home("20:00")
    story.told()
    told = [
        word
        for minute in range(8, 60, 8)
        for word in story.event(f"20:{minute:02}", EventKind.CONTACT, received=f"20:{minute:02}")
    ]
    assert told == []
    assert story.clock("21:35:59") == []
    assert story.clock("21:36") == ["21:36:00 OPEN curfew_unverified P2 from 21:06:00"]


def test_moved_since_it_was_last_proven_it_is_not_known() -> None:
    story = Evening()
    story.home("20:00")
    story.told()
    story.event("20:05", EventKind.MOTION, received="20:05")
    story.event("20:06", EventKind.MOTION_CLEAR, received="20:06")
    for minute in range(8, 40, 8):
        assert story.event(f"20:{minute:02}", EventKind.CONTACT, received=f"20:{minute:02}") == []
    assert story.clock("20:40") == ["20:40:00 OPEN curfew_unverified P2 from 20:10:00"]


def test_a_contact_ends_what_could_not_be_verified_where_it_makes_presence_consistent() -> None:
    story = Evening()
    story.home("20:00")
    story.told()
    story.clock("20:45")
    assert story.event("20:50", EventKind.CONTACT, received="20:50") == [
        "20:50:00 END curfew_unverified P2 from 20:10:00 to 20:50:00"
    ]


def test_one_fix_outside_alone_is_not_known_from_then_on() -> None:
    story = Evening()
    story.home("20:00")
    story.away("20:05")
    story.told()
    assert story.clock("20:35") == ["20:35:00 OPEN curfew_unverified P2 from 20:05:00"]
    story.away("20:50")
    assert story.told() == [
        "20:50:00 END curfew_unverified P2 from 20:05:00 to 20:50:00",
        "20:50:00 OPEN curfew_absence P2 from 20:05:00",
    ]


def test_motion_takes_back_only_what_follows_it() -> None:
    story = Evening()
    story.home("20:00")
    story.told()
    for minute in range(8, 60, 8):
        story.event(f"20:{minute:02}", EventKind.CONTACT, received=f"20:{minute:02}")
    assert story.event("21:00", EventKind.MOTION, received="21:00") == []
    assert story.clock("21:30") == ["21:30:00 OPEN curfew_unverified P2 from 21:00:00"]


def test_what_silence_hides_is_held_under_the_silence() -> None:
    story = Evening(rules=Rules())
    story.home("20:00")
    story.event("20:01", EventKind.MOTION, received="20:01")
    changes = story.memory.take(story.world, story.waiting(), us("21:30"))
    assert [(line(change), change.held_under) for change in changes] == [
        ("20:40:00 OPEN curfew_unverified P2 from 20:10:00", None),
        ("21:01:00 OPEN no_contact P2 from 20:01:00", None),
        ("21:01:00 AMEND curfew_unverified P2 from 20:10:00", "no_contact"),
    ]


def test_what_goes_on_when_its_cause_is_over_stands_alone_again() -> None:
    story = Evening(rules=Rules())
    story.home("20:00")
    story.event("20:01", EventKind.MOTION, received="20:01")
    story.clock("21:30")
    story.away("21:40")  # alone it says nothing that is known
    changes = [change for change in story.changes() if change.kind == "curfew_unverified"]
    assert [(line(change), change.released) for change in changes] == [
        ("21:40:00 AMEND curfew_unverified P2 from 20:10:00", True)
    ]
    assert changes[0].reason == "goes on though no_contact is over"
    assert story.clock("21:50") == []


def test_what_a_dead_battery_hides_is_held_under_it() -> None:
    story = Evening(rules=Rules())
    story.home("20:00")
    story.told()
    story.event("20:02", EventKind.POWER_OFF, received="20:02")
    changes = story.memory.take(story.world, story.waiting(), us("20:50"))
    assert [(line(change), change.held_under) for change in changes] == [
        ("20:42:00 OPEN curfew_unverified P2 from 20:12:00", "battery_dead")
    ]


def test_what_the_beacon_ended_is_told_once_however_long_the_span_lasts() -> None:
    story = Evening()
    story.event("18:50", EventKind.CONTACT)
    assert story.clock("19:40") == ["19:30:00 OPEN curfew_unverified P2 from 19:00:00"]
    assert story.event("19:40", EventKind.BEACON_OUT, received="19:40") == []
    assert story.clock("19:50") == [
        "19:45:00 OPEN curfew_absence P3 from 19:40:00",
        "19:45:00 END curfew_unverified P2 from 19:00:00 to 19:45:00",
    ]
    assert story.event("20:05", EventKind.CONTACT) == []
    assert story.clock("22:00") == ["20:10:00 AMEND curfew_absence P2 from 19:40:00"]
    assert story.event("22:00", EventKind.CONTACT) == []
    assert story.event("23:00", EventKind.CONTACT) == []


def test_a_night_that_could_not_be_verified_is_told_once_however_late_the_next_fix_comes() -> None:
    story = Evening()
    story.doubtful("18:40")
    assert story.told() == []
    assert story.clock("+1 08:00") == [
        "19:30:00 OPEN curfew_unverified P2 from 19:00:00",
        "07:00:00 END curfew_unverified P2 from 19:00:00 to 07:00:00",
    ]
    assert story.event("+1 09:30", EventKind.CONTACT) == []
    story.away("+1 09:40")
    assert story.told() == []


def test_silence_while_nobody_listened_is_not_the_wearers() -> None:
    story = Evening()
    story.home("20:00")
    story.told()
    story.memory.state.listening_us = story.memory.shadow.listening_us = us("22:00")
    assert story.clock("22:29:59") == []
    assert story.clock("22:30") == ["22:30:00 OPEN curfew_unverified P2 from 22:00:00"]


# ---------------------------------------------------------------- the beacon


def test_the_beacon_in_range_and_contact_prove_presence_whatever_positions_drift_to() -> None:
    story = Evening()
    story.event("19:30", EventKind.BEACON_IN, received="19:30")
    story.away_from("20:00", "20:30")
    assert story.told() == []


def test_in_range_and_heard_from_every_five_minutes_a_fix_outside_that_comes_late_takes_nothing_away() -> None:
    story = Evening()
    story.doubtful("18:50")
    story.told()
    story.event("18:51", EventKind.BEACON_IN, received="18:51")
    for minute in range(5, 75, 5):
        story.event(f"{19 + minute // 60}:{minute % 60:02}", EventKind.CONTACT, received=f"{19 + minute // 60}:{minute % 60:02}")
    story.away("20:05", received="20:12")
    assert story.told() == [], "whenever it was taken, the tag had been in range and heard from all the time"


def test_the_beacon_out_of_range_for_five_minutes_contradicts_from_when_it_went() -> None:
    story = Evening()
    story.event("19:30", EventKind.BEACON_IN, received="19:30")
    assert story.event("19:38", EventKind.BEACON_OUT, received="19:38") == []
    assert story.clock("20:00") == ["19:43:00 OPEN curfew_absence P3 from 19:38:00"]
    assert story.event("20:01", EventKind.BEACON_IN, received="20:01") == [
        "20:01:00 END curfew_absence P3 from 19:38:00 to 20:01:00"
    ]


def test_a_fix_inside_goes_before_the_beacon_while_it_speaks() -> None:
    story = Evening()
    story.event("19:30", EventKind.BEACON_IN, received="19:30")
    story.event("19:38", EventKind.BEACON_OUT, received="19:38")
    story.home("19:40")
    assert story.told() == []
    assert story.clock("20:00") == ["19:55:00 OPEN curfew_absence P3 from 19:50:00"]


def test_in_range_but_silent_is_not_known() -> None:
    story = Evening()
    story.event("19:30", EventKind.BEACON_IN, received="19:30")
    assert story.clock("20:10") == ["20:10:00 OPEN curfew_unverified P2 from 19:40:00"]


def test_what_the_beacon_told_of_another_wearer_proves_nothing() -> None:
    spans = (Monitored(TAG, 60, 600, BEGINNING_US, us("19:35")), MONITORED._replace(from_us=us("19:40")))
    story = Evening(monitored=spans)
    mine = Assignment(TAG, HOME, us("19:40"), FOREVER_US)
    story.terms = Terms([home_of()], [mine], spans, (), [curfew_of()])
    story.event("19:30", EventKind.BEACON_IN, received="19:30")
    story.event("19:45", EventKind.CONTACT, received="19:45")
    assert story.clock("20:10") == ["20:10:00 OPEN curfew_unverified P2 from 19:40:00"]


def test_told_again_while_it_is_out_of_range_the_beacon_went_when_it_was_first_told() -> None:
    story = Evening()
    story.event("19:20", EventKind.BEACON_OUT, received="19:20")
    assert story.event("19:24", EventKind.BEACON_OUT, received="19:24") == []
    assert story.clock("19:40") == ["19:25:00 OPEN curfew_absence P3 from 19:20:00"]


def test_the_beacon_in_range_before_it_was_last_told_out_of_range_is_no_news() -> None:
    story = Evening()
    story.event("19:20", EventKind.BEACON_OUT, received="19:20")
    assert story.event("19:40", EventKind.BEACON_OUT, received="19:40") == ["19:25:00 OPEN curfew_absence P3 from 19:20:00"]
    assert story.event("19:39", EventKind.BEACON_IN, received="19:41") == [], "since 19:40 the tag is not in its range"
    assert story.clock("20:30") == ["19:50:00 AMEND curfew_absence P2 from 19:20:00"]


# ---------------------------------------------------------------- silence at home


def test_silent_at_home_and_not_moved_is_no_contact_after_two_hours_only() -> None:
    story = Evening(curfew_of(("08:00", "09:00")), rules=Rules())
    story.home("20:00")
    story.told()
    assert story.clock("21:59:59") == []
    assert story.clock("22:00") == ["22:00:00 OPEN no_contact P2 from 20:00:00"]


def test_silent_after_a_fix_outside_is_no_contact_after_an_hour() -> None:
    story = Evening(curfew_of(("08:00", "09:00")), rules=Rules())
    story.home("20:00")
    story.away("20:01")
    story.told()
    assert story.clock("21:01") == ["21:01:00 OPEN no_contact P2 from 20:01:00"]


# ---------------------------------------------------------------- what comes late


def test_uploaded_together_an_absence_that_is_over_is_told_with_both_ends() -> None:
    story = Evening()
    story.home("20:00")
    story.told()
    story.away("20:02", received="20:20")
    story.away("20:03", received="20:20")
    story.home("20:12", received="20:20")
    assert story.told() == [
        "20:20:00 OPEN curfew_absence P3 from 20:02:00 late",
        "20:20:00 END curfew_absence P3 from 20:02:00 to 20:12:00 late",
    ]


def test_uploaded_together_an_absence_within_the_grace_is_no_news() -> None:
    story = Evening()
    story.home("20:00")
    story.told()
    story.away("20:02", received="20:20")
    story.away("20:03", received="20:20")
    story.home("20:06:59", received="20:20")
    assert story.told() == []


def test_known_only_after_the_window_it_is_told_as_of_the_window() -> None:
    story = Evening()
    story.home("+1 06:40")
    story.told()
    story.clock("+1 07:03")
    story.away("+1 06:50", received="+1 07:04")
    story.away("+1 06:51", received="+1 07:04")
    assert story.told() == [
        "07:04:00 OPEN curfew_absence P3 from 06:50:00 late",
        "07:04:00 END curfew_absence P3 from 06:50:00 to 07:00:00 late",
    ]


def test_a_second_fix_outside_after_the_window_makes_no_absence_in_it() -> None:
    story = Evening()
    story.home("+1 06:40")
    story.away("+1 06:50")
    story.away("+1 07:01")
    assert story.told() == []


def test_late_data_that_shows_the_wearer_back_within_the_grace_withdraws_the_absence() -> None:
    story = Evening()
    story.away("20:00")
    story.away("20:01")
    story.told()
    assert story.clock("20:20") == ["20:05:00 OPEN curfew_absence P3 from 20:00:00"]
    story.home("20:03", received="20:21")
    story.home("20:04", received="20:21")
    assert story.told() == ["20:21:00 WITHDRAW curfew_absence P3 from 20:00:00 to 20:03:00"]


def test_late_data_that_shows_when_the_wearer_came_back_ends_the_absence_then() -> None:
    story = Evening()
    story.away("20:00")
    story.away("20:01")
    story.told()
    story.clock("20:45")
    story.home("20:15", received="20:46")
    assert story.told() == ["20:46:00 END curfew_absence P2 from 20:00:00 to 20:15:00"]


def test_evidence_is_the_fixes_that_showed_it() -> None:
    story = Evening()
    story.away("20:00")
    story.away("20:01")
    story.told()
    changes: list[Change] = story.memory.take(story.world, story.waiting(), us("20:10"))
    (change,) = changes
    assert change.evidence["fix_at_us"].tolist() == [us("20:00"), us("20:01")]
    assert (change.zone, change.zone_version, change.order, change.wearer) == (HOME, 1, ORDER, WEARER)
    assert change.reason == "away from home since 20:00:00: two fixes show it"


# ---------------------------------------------------------------- a beacon that is belied


def far(story: Evening, start: str, stop: str, by: float = 20_000.0) -> None:
    """A fix far from home every minute, from one time up to another, not included."""
    for at_us in range(us(start), us(stop), MINUTE_US):
        story.at(shown(at_us), received=shown(at_us)).outside(by=by, zone=HOME)


def test_fixes_too_far_away_to_be_drift_contradict_a_beacon_that_was_never_told_to_be_out_of_range() -> None:
    story = Evening()
    story.event("18:55", EventKind.BEACON_IN, received="18:55")
    far(story, "19:30", "20:10")
    assert story.told(batch=7) == [
        "19:35:00 OPEN curfew_absence P3 from 19:30:00",
        "20:00:00 AMEND curfew_absence P2 from 19:30:00",
    ]
    assert story.event("20:20", EventKind.BEACON_OUT, received="20:20") == [], "that is not: at home until then"
    assert story.event("20:30", EventKind.BEACON_IN, received="20:30") == [
        "20:30:00 END curfew_absence P2 from 19:30:00 to 20:30:00"
    ]


def test_a_position_that_drifts_some_hundred_metres_or_a_single_one_from_afar_does_not() -> None:
    story = Evening()
    story.event("18:55", EventKind.BEACON_IN, received="18:55")
    far(story, "19:30", "20:00", by=510.0)
    far(story, "20:00", "20:01")
    far(story, "20:01", "21:00", by=510.0)
    assert story.told() == []


def test_what_was_belied_before_the_window_vouches_for_nobody_in_it() -> None:
    story = Evening()
    story.event("12:00", EventKind.BEACON_IN, received="12:00")
    far(story, "15:00", "15:03")
    story.told()
    for minute in range(0, 36, 5):
        story.event(f"19:{minute:02}", EventKind.CONTACT, received=f"19:{minute:02}")
    assert story.clock("19:36") == []
    assert list(story.memory.occurrences.values())[-1].kind == "curfew_unverified"


def test_a_home_unit_that_is_moved_proves_nothing_until_it_is_put_back_or_in_range_again() -> None:
    for back in (EventKind.HOME_UNIT_MOVED_CLEAR, EventKind.BEACON_IN):
        story = Evening()
        story.event("18:55", EventKind.BEACON_IN, received="18:55")
        story.event("19:00", EventKind.HOME_UNIT_NO_MAINS, received="19:00")
        story.away_from("19:01", "19:10")
        assert story.told() == [], "without mains it is still where it was"
        story.event("19:10", EventKind.HOME_UNIT_MOVED, received="19:10")
        story.away_from("19:11", "19:17")
        assert story.told() == ["19:16:00 OPEN curfew_absence P3 from 19:11:00"]
        story.home("19:20")
        assert story.told() == ["19:20:00 END curfew_absence P3 from 19:11:00 to 19:20:00"]
        story.event("19:21", back, received="19:21")
        story.away_from("19:22", "19:40")
        assert story.told() == []
