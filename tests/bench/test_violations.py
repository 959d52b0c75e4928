"""The ground truth, judged by a slow plain oracle that knows only the fixes and the WORLD document."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from bench.clock import read
from bench.fleet import build
from bench.trace import expected
from bench.upload import Town, town
from bench.violations import SECOND_US, SPAN_AGAIN_S, Plan, Plans, Story
from bench.world import document
from bench.zones import Zones
from tests.bench.conftest import DAY_US, FRIDAY_US, Day, fixes_of
from tests.bench.oracle import verdicts, zones_by_wearer

LIKELY_M = 150.0  # a possible entry is raised with the centre this near (DOMAIN.md)


@pytest.mark.parametrize("name", ["demo_day", "plain_day"])
def test_ground_truth_holds_by_brute_force(name: str, request: pytest.FixtureRequest) -> None:
    day: Day = request.getfixturevalue(name)
    world = document(day.town, day.from_us)
    fixes = fixes_of(day, everybody=True)
    tag_of = {one["wearer"]: one["tag"] for one in world["activations"]}
    planned: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for one in expected(day.town, day.from_us, day.to_us):
        planned.setdefault((one["tag"], one["zone"]), []).append(one)
    told = Counter[str]()
    plans = day.town.plans.overlapping(day.from_us, day.to_us)
    dumb: list[Any] = []
    for wearer, zones in zones_by_wearer(world).items():
        if wearer not in tag_of:  # not fitted, for `not_fitted`
            dumb.append(wearer)
            continue
        own = fixes[np.searchsorted(fixes["tag"], tag_of[wearer]) : np.searchsorted(fixes["tag"], tag_of[wearer], "right")]
        if not len(own):  # fitted with a tag that never speaks, for `no_first_fix`
            dumb.append(wearer)
            continue
        assert len(own) > 350, "whose tag is silent for two thirds of the day still has so many"
        lonely = unplanned(plans, day.town, own)
        for feature in zones:
            away, verdict = verdicts(feature, own)
            free = np.ones(len(own), bool)
            for spell in planned.pop((tag_of[wearer], feature["ref"]), []):
                during = window(own, spell, 0)
                # People walk in from and out to 120 m, then drive away: within four minutes they are clear of it.
                free &= ~window(own, spell, 240)
                if spell["whole"]:
                    check_spell(spell, away[during], verdict[during], own[during])
                    told[spell["story"]] += 1
            # Before and after it is certainly outside; outside all plans not even near enough for a possible entry to be raised.
            assert (verdict[free & ~lonely] == 0).all(), (wearer, feature["ref"])
            assert away[lonely].min() > LIKELY_M, (wearer, feature["ref"])
            assert (verdict[lonely & (own["source"] == 0)] == 0).all(), (wearer, feature["ref"])
    assert len(dumb) <= 2
    assert not planned, "a spell names a zone that does not apply to its wearer"
    assert set(told) == {story.word for story in Story}, told


def window(own: Any, spell: dict[str, Any], slack_s: int) -> Any:
    at = own["fix_at_us"]
    return (at >= read(spell["from"]) - slack_s * SECOND_US) & (at <= read(spell["to"]) + slack_s * SECOND_US)


def unplanned(plans: list[Plan], town: Town, own: Any) -> Any:
    """Which fixes of one tag lie in no plan at all."""
    free = np.ones(len(own), bool)
    for plan in plans:
        if town.fleet.tag[plan.row] == own["tag"][0]:
            free &= (own["fix_at_us"] < plan.begin_us) | (own["fix_at_us"] >= plan.end_us)
    return free


def check_spell(spell: dict[str, Any], away: Any, verdict: Any, own: Any) -> None:
    """What the fixes of one spell say, by its kind."""
    if spell["kind"] == "definite":
        assert (verdict == 2).sum() >= 5, spell
        assert np.diff(own["fix_at_us"]).max() <= 15 * SECOND_US, "a tag inside reports every 15 s"
    elif spell["kind"] == "possible":
        assert len(verdict) >= 2, spell
        assert (verdict == 1).all(), spell
    elif spell["kind"] == "none":
        assert len(own) >= 2, spell
        assert (verdict == 0).all(), spell
    else:
        assert spell["kind"] == "crossed"
        assert len(own) == 0, "no fix is inside: only the path between two tells"


def test_a_held_spell_is_heard_late_and_all_others_at_once(demo_day: Day) -> None:
    fixes = fixes_of(demo_day)
    held = 0
    for spell in expected(demo_day.town, demo_day.from_us, demo_day.to_us):
        if not spell["whole"] or spell["kind"] != "definite":
            continue
        own = fixes[(fixes["tag"] == spell["tag"]) & window(fixes, spell, 0)]
        lag_s = (own["upload_us"] - own["fix_at_us"]) / 1e6
        if spell["held"]:
            held += 1
            assert lag_s[0] > 300, "received over 5 minutes after it: a late entry"
            assert (own["upload_us"] >= read(spell["held"][1])).all()
        else:
            assert lag_s.max() < 2
    assert held >= 10


def test_again_is_outside_for_over_ten_minutes(demo_day: Day) -> None:
    plans = [plan for plan in demo_day.town.plans.overlapping(demo_day.from_us, demo_day.to_us) if plan.story is Story.AGAIN]
    assert len(plans) > 20
    for plan in plans:
        (_, out_us), (in_us, _) = plan.spells
        assert in_us - out_us > 600 * SECOND_US


def test_at_any_moment_the_demo_has_something_to_show() -> None:
    """Within the half hour that a sender sends first there is always an entry that lasts, and then one every few minutes."""
    plans = town(7, 200, demo=True).plans.overlapping(FRIDAY_US, FRIDAY_US + DAY_US)
    raised = np.array(sorted(spell[0] for plan in plans if plan.story.kind != "none" for spell in plan.spells))
    assert np.diff(raised).max() < 1200 * SECOND_US
    assert 100 < np.diff(raised).mean() / SECOND_US < 240, "every couple of minutes, not every second"
    fresh = [(spell[0], spell[1]) for plan in plans if plan.story is Story.ENTER for spell in plan.spells]
    for at in range(FRIDAY_US + 3600 * SECOND_US, FRIDAY_US + DAY_US, 3600 * SECOND_US):
        assert any(begin < at and end > at - 1800 * SECOND_US for begin, end in fresh)


def test_plans_are_the_same_whichever_span_is_asked_for() -> None:
    whole = town(7, 200, demo=True).plans.overlapping(FRIDAY_US, FRIDAY_US + DAY_US)
    other = Plans(Zones(build(7, 200, True)))
    step_us = DAY_US // 24
    found = {}
    for at in range(FRIDAY_US, FRIDAY_US + DAY_US, step_us):
        for plan in other.overlapping(at, at + step_us):
            found[plan.row, plan.begin_us] = plan
    assert sorted(found) == sorted((plan.row, plan.begin_us) for plan in whole)
    for plan in whole:
        twin = found[plan.row, plan.begin_us]
        assert (plan.story, plan.spells, plan.zone.ref) == (twin.story, twin.spells, twin.zone.ref)
        assert np.array_equal(plan.x, twin.x)
        assert np.array_equal(plan.at_us, twin.at_us)


def test_a_wearers_plans_never_overlap(demo_day: Day, plain_day: Day) -> None:
    for day in (demo_day, plain_day):
        last: dict[int, int] = {}
        for plan in day.town.plans.overlapping(day.from_us, day.to_us + 3 * DAY_US):
            assert plan.begin_us >= last.get(plan.row, 0)
            assert plan.end_us - plan.begin_us <= SPAN_AGAIN_S * SECOND_US
            last[plan.row] = plan.end_us


def test_a_demo_of_one_wearer_works() -> None:
    plans = Plans(Zones(build(7, 1, True)))
    assert plans.overlapping(FRIDAY_US, FRIDAY_US + DAY_US)
