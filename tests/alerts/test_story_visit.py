"""Work at the door, told as stories: what joins a visit, what a visit proves, and what it leaves unproven."""

import pytest

from alerts.judge import rejudge
from alerts.rules import Rules
from model.event import EventKind
from model.instant import BEGINNING_US, FOREVER_US
from model.visit import Visit
from model.zone import Purpose
from tests.alerts.story import MONITORED, TAG, WEARER, Story, us, zone_of

AREA = zone_of(purpose=Purpose.AREA)
STRAP, STRAP_CLEAR = EventKind.STRAP_TAMPER, EventKind.STRAP_TAMPER_CLEAR
CASE, CASE_CLEAR = EventKind.CASE_TAMPER, EventKind.CASE_TAMPER_CLEAR


def visit(start: str = "10:00", end: str | None = None, *, proven: bool = False, tags: tuple[int, ...] = (TAG,)) -> Visit:
    """A visit by Kim; without an end nobody has signed out yet."""
    return Visit(12, WEARER, tags, us(start), FOREVER_US if end is None else us(end), proven, "Kim")


def at_the_door(*visits: Visit) -> Story:
    """A story in which somebody has signed in, as far as anyone knows by now."""
    story = Story(AREA, rules=Rules()._replace(silent_us=FOREVER_US // 4, silent_guarded_us=FOREVER_US // 4), visits=visits)
    story.event("09:00", EventKind.CONTACT)
    return story


def signed_out(story: Story, clock: str, *visits: Visit) -> list[str]:
    """What comes of a sign-out, read by the lane at a time."""
    story.change_world(AREA, visits=visits)
    return story.rejudged(clock)


# ---------------------------------------------------------------- during the visit


def test_a_strap_opened_and_closed_at_the_door_is_no_tamper_once_it_is_proven() -> None:
    story = at_the_door(visit())
    assert story.event("10:05", STRAP) == []
    assert story.clock("10:20") == []
    assert story.event("10:25", STRAP_CLEAR) == []
    assert signed_out(story, "10:30:02", visit(end="10:30", proven=True)) == []
    assert story.clock("+1 10:00") == []


def test_an_unproven_strap_is_grave_at_the_very_sign_out() -> None:
    story = at_the_door(visit())
    story.event("10:05", STRAP)
    assert signed_out(story, "10:30:02", visit(end="10:30")) == ["10:30:02 OPEN strap P1 from 10:05:00"]


def test_a_clear_at_the_door_proves_nothing_by_itself() -> None:
    story = at_the_door(visit())
    story.event("10:05", STRAP)
    story.event("10:25", STRAP_CLEAR)
    assert signed_out(story, "10:30:02", visit(end="10:30")) == [
        "10:30:02 OPEN strap P1 from 10:05:00",
        "10:30:02 AMEND strap P1 from 10:05:00",
    ]


def test_opened_for_a_few_seconds_at_the_door_is_not_brief_but_the_visit_s() -> None:
    story = at_the_door(visit())
    story.event("10:05:00", STRAP)
    assert story.event("10:05:04", STRAP_CLEAR) == []
    assert signed_out(story, "10:30", visit(end="10:30", proven=True)) == []


def test_a_visit_nobody_signs_out_of_accounts_for_two_hours_by_the_clock() -> None:
    story = at_the_door(visit())
    story.event("10:05", STRAP)
    assert story.clock("11:59:59") == []
    assert story.clock("12:10") == ["12:00:00 OPEN strap P1 from 10:05:00"]
    assert story.event("12:30", CASE) == ["12:30:02 OPEN case P1 from 12:30:00"], "nor for what happens later still"


def test_a_case_opened_at_the_door_joins_the_visit_as_well() -> None:
    story = at_the_door(visit())
    assert story.event("10:05", CASE) == []
    assert signed_out(story, "10:30", visit(end="10:30")) == ["10:30:00 OPEN case P1 from 10:05:00"]


@pytest.mark.parametrize(("clock", "told"), [("09:59:59", True), ("10:00:00", False), ("10:29:59", False), ("10:30:00", True)])
def test_only_what_happens_between_sign_in_and_sign_out_joins(clock: str, told: bool) -> None:
    story = at_the_door(visit(end="10:30", proven=True))
    story.event(clock, CASE, received="10:40")
    # Opened before the visit is told, late though it is, and proven to be over in the same breath.
    story.clock("10:41")
    assert bool(story.memory.occurrences) is told


def test_opened_before_sign_in_is_a_tamper_whenever_it_is_heard_of() -> None:
    story = at_the_door(visit())
    assert story.event("09:59", STRAP, received="10:10") == ["10:10:00 OPEN strap P1 from 09:59:00 late"]


def test_another_wearer_s_visit_accounts_for_nothing() -> None:
    story = at_the_door(visit()._replace(wearer=51))
    story.event("10:05", STRAP)
    assert story.clock("10:06") == ["10:05:10 OPEN strap P1 from 10:05:00"]


def test_a_visit_that_names_no_tag_is_about_all_that_the_wearer_wears() -> None:
    story = at_the_door(visit(tags=()))
    story.event("10:05", STRAP)
    assert story.clock("10:06") == []


def test_a_visit_to_the_other_tag_accounts_for_nothing_of_this_one() -> None:
    story = at_the_door(visit(tags=(2,)))
    story.event("10:05", STRAP)
    assert story.clock("10:06") == ["10:05:10 OPEN strap P1 from 10:05:00"]


def test_opened_again_after_a_proven_visit_is_a_new_tamper_even_if_no_clear_was_ever_heard() -> None:
    story = at_the_door(visit())
    story.event("10:05", STRAP)
    signed_out(story, "10:30", visit(end="10:30", proven=True))
    assert story.event("10:45", STRAP) == []
    assert story.clock("10:46") == ["10:45:10 OPEN strap P1 from 10:45:00"]


# ---------------------------------------------------------------- what an inspection ends


def cut() -> Story:
    """A strap cut at eight, and told."""
    story = at_the_door()
    story.event("08:00:05", STRAP, received="09:30")
    return story


def test_a_done_inspection_with_a_proven_strap_ends_the_alert_at_its_sign_out_and_says_by_whom() -> None:
    story = cut()
    story.change_world(AREA, visits=[visit(end="10:30", proven=True)])
    assert story.rejudged("10:30:02") == ["10:30:02 END strap P1 from 08:00:05 to 10:30:00 late"]
    assert story.clock("11:00") == []
    assert story.event("11:05", STRAP) == []
    assert story.clock("11:06") == ["11:05:10 OPEN strap P1 from 11:05:00"]


def test_the_history_says_at_which_visit_and_by_whom() -> None:
    story = cut()
    story.change_world(AREA, visits=[visit(end="10:30", proven=True)])
    (change,) = rejudge(story.world, story.memory.state, [TAG], us("10:32")).changes
    assert change.reason == "strap proven closed and whole at visit 12 by Kim, signed out at 10:30:00"


def test_an_unproven_inspection_ends_nothing() -> None:
    story = cut()
    assert signed_out(story, "10:30:02", visit(end="10:30")) == []


def test_an_inspection_before_the_tamper_proves_nothing_of_it() -> None:
    story = at_the_door(visit("09:10", "09:20", proven=True))
    story.event("09:40", STRAP)
    assert story.clock("09:41") == ["09:40:10 OPEN strap P1 from 09:40:00"]
    assert story.clock("11:00") == []


def test_a_case_alert_ends_with_the_same_proof() -> None:
    story = at_the_door()
    story.event("09:30", CASE)
    assert signed_out(story, "10:30", visit(end="10:30", proven=True)) == ["10:30:00 END case P1 from 09:30:00 to 10:30:00"]


# ---------------------------------------------------------------- fitting and taking off


def test_what_was_open_before_a_tag_was_fitted_and_proven_is_not_its_wearer_s() -> None:
    fitted = MONITORED._replace(from_us=us("10:30"))
    story = Story(AREA, rules=Rules(), monitored=(fitted,), visits=[visit(end="10:30", proven=True)])
    story.event("09:00", STRAP)
    assert story.clock("10:35") == []
    unproven = Story(AREA, rules=Rules(), monitored=(fitted,), visits=[visit(end="10:30")])
    unproven.event("09:00", STRAP)
    unproven.change_world(AREA, monitored=(fitted,), visits=[visit(end="10:30")])
    assert unproven.rejudged("10:30") == ["10:30:00 OPEN strap P1 from 10:30:00"]


def test_a_tag_taken_off_at_a_visit_leaves_no_tamper_behind() -> None:
    story = at_the_door(visit())
    story.event("10:05", STRAP)
    story.change_world(AREA, monitored=(MONITORED._replace(to_us=us("10:30")),), visits=[visit(end="10:30")])
    assert story.rejudged("10:30") == []
    assert story.clock("13:00") == []


def test_a_swap_ends_the_old_tag_s_alert_by_the_inspection_not_by_nobody_s_order() -> None:
    story = cut()
    worn = MONITORED._replace(from_us=BEGINNING_US, to_us=us("10:30"))
    story.change_world(AREA, monitored=(worn,), visits=[visit(end="10:30", proven=True)])
    (change,) = rejudge(story.world, story.memory.state, [TAG], us("10:30")).changes
    assert change.reason.startswith("strap proven closed and whole at visit 12")
