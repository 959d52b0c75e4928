"""Whatever the judge says is said again from the fixes that were copied with it; what somebody altered is not."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alerts.judge import rejudge
from alerts.review import WHAT, Entry, Review, review
from alerts.world import World
from model.alert import FAMILY, Change, Kind, Op
from model.fix import Source
from model.instant import MINUTE_US, SECOND_US
from model.zone import Purpose
from tests.alerts import test_properties_passed as passed
from tests.alerts.story import MONITORED, TAG, Memory, Story, us, zone_of
from tests.alerts.test_properties import BOTH, WILD, Row, told
from tests.chance import times

PROFILE = settings(max_examples=times(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
WORD = {op: what for what, op in WHAT.items()}


def entry(change: Change) -> Entry:
    """As the history keeps it."""
    return Entry(
        WORD[change.op],
        change.wearer,
        change.tag,
        change.zone,
        change.zone_version,
        change.order,
        change.occurrence_us,
        change.kind,
        change.severity,
        change.late,
        change.event_at_us,
        change.ended_us,
        change.changed_us,
        change.reason,
        change.evidence,
        change.distance_m,
    )


def reviewed(world: World, changes: Iterable[Change]) -> list[tuple[Entry, Review]]:
    """Each change, judged again from its own evidence."""
    done: list[tuple[Entry, Review]] = []
    for change in changes:
        now = entry(change)
        earlier = [
            old
            for old, _ in done
            if (old.tag, old.zone, old.occurrence_us, FAMILY[old.kind])
            == (now.tag, now.zone, now.occurrence_us, FAMILY[now.kind])
        ]
        done.append((now, review(world, now, earlier)))
    return done


# What a fix, or the time near a zone, tells of, that one fix and one zone do not show.
BEYOND = {Kind.APPROACH, Kind.TAG_FAULT}


# The fix that ends it is farther away than any fix alone is looked at: its path through the zone gave it a distance.
FAR_BY_PATH = [Row(1, -400.0, 5.0, Source.GNSS)] * 2 + [Row(1, 150.5, 5.0, Source.GNSS, crossed=True)]


@PROFILE
@given(st.lists(WILD, max_size=40), st.integers(1, 3), st.sampled_from(list(Purpose)), st.sampled_from([0.0, 200.0]))
@example(FAR_BY_PATH, 1, Purpose.VICTIM, 0.0)
def test_what_is_judged_live_is_the_same_again(rows: list[Row], confirm: int, purpose: Purpose, buffer_m: float) -> None:
    """Streams with jumps, wrong clocks, crossings and two tags."""
    story = Story(zone_of(confirm_fixes=confirm, purpose=purpose, buffer_m=buffer_m), monitored=BOTH)
    changes = Memory().take(story.world, told(story, rows))
    for now, again in reviewed(story.world, changes):
        if now.kind in BEYOND:
            assert again == Review((), None, (), f"{now.kind} does not follow from fixes and a zone alone")
        else:
            assert again.equal, (now.what, now.reason, again.differences, again.beyond)


@PROFILE
@given(st.lists(WILD, max_size=30), st.randoms(use_true_random=False))
def test_what_late_data_makes_is_the_same_again_or_said_to_be_beyond(rows: list[Row], chance: st.randoms) -> None:  # type: ignore[valid-type]
    """A third of the fixes come in a second upload, an hour after the rest."""
    story = Story(zone_of(), monitored=BOTH)
    fixes = told(story, rows)
    held = np.array([chance.random() < 0.3 for _ in fixes], bool)  # type: ignore[attr-defined]
    fixes["received_us"][held] = fixes["received_us"].max(initial=0) + us("01:00") - us("00:00")
    memory = Memory()
    changes = memory.take(story.world, fixes[~held]) + memory.take(story.world, fixes[held])
    for now, again in reviewed(story.world, changes):
        assert again.equal is not False, (now.what, now.reason, again.differences)
        assert again.equal or now.by_late_data or now.kind in BEYOND


def test_what_live_judging_says_once_late_data_has_told_it_of_other_times_is_the_same_again() -> None:
    """It ended as what began earlier, and was gone on with since it had been over for less long."""
    story, changes = Story(zone_of()), list[Change]()
    for clock, received, metres in [
        ("08:10:00", "08:10:02", -42.0),
        ("08:05:00", "08:11:00", -42.0),
        ("08:12:00", "08:12:02", 300.0),
        ("08:25:00", "08:25:02", 300.0),
        ("08:20:00", "08:26:00", -42.0),
        ("08:32:00", "08:32:02", -42.0),
    ]:
        story.at(clock, received=received).add(metres)
        changes += story.changes()
    assert [change.op for change in changes][:3] == [Op.OPEN, Op.AMEND, Op.END]
    assert changes[2].event_at_us == us("08:05:00")
    for now, again in reviewed(story.world, changes):
        assert again.equal or now.by_late_data, (now.what, now.reason, again.differences, again.beyond)


ALTERED = {
    "kind": lambda now: now._replace(kind=Kind.EXCLUSION_POSSIBLE if now.kind is Kind.EXCLUSION else Kind.EXCLUSION),
    "event_at": lambda now: now._replace(event_at_us=now.event_at_us + SECOND_US),
    "severity": lambda now: now._replace(severity=now.severity % 4 + 1),
    "distance": lambda now: now._replace(distance_m=now.distance_m + 1.0),
    "a fix's accuracy": lambda now: now._replace(evidence=altered(now.evidence, "accuracy_m", 500.0)),
    "a fix's time": lambda now: now._replace(evidence=altered(now.evidence, "fix_at_us", int(now.evidence["fix_at_us"][0]) - 1)),
    "a fix's source": lambda now: now._replace(evidence=altered(now.evidence, "source", Source.CELL)),
}


def altered(fixes: np.ndarray, name: str, value: float) -> np.ndarray:
    fixes = fixes.copy()
    fixes[name] = value
    return fixes


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_is_not_the_same_again(what: str) -> None:
    story = Story(zone_of())
    story.at("08:00").add(-40.0)
    (opened,) = Memory().take(story.world, story.waiting())
    now = entry(opened)
    assert review(story.world, now, []).equal
    again = review(story.world, ALTERED[what](now), [])
    assert again.equal is False
    assert again.differences


def test_an_end_because_of_an_order_is_beyond_the_fixes() -> None:
    story = Story(zone_of(), monitored=[MONITORED._replace(to_us=us("08:05"))])
    story.at("08:00").add(-40.0)
    story.at("08:06").add(-40.0)
    (opened, ended) = Memory().take(story.world, story.waiting())
    again = review(story.world, entry(ended), [entry(opened)])
    assert again.equal is None
    assert "no order allowed judging" in again.beyond


@pytest.mark.parametrize("minutes", [3, 30])
def test_a_last_fix_judged_by_a_new_zone_is_the_same_again(minutes: int) -> None:
    """Fresh it shows where the wearer is; old, only where they may be."""
    at_us = us("08:00") + minutes * MINUTE_US
    story = Story(zone_of(in_force_from_us=at_us))
    story.at("08:00").add(-40.0)
    memory = Memory()
    assert memory.take(story.world, story.waiting()) == []
    (opened,) = rejudge(story.world, memory.state, [TAG], at_us).changes
    now = entry(opened)
    assert review(story.world, now, []).equal
    assert review(story.world, now._replace(event_at_us=at_us + 1), []).equal is False


def test_an_end_by_a_zone_that_had_been_moved_when_the_fix_came_is_the_same_again() -> None:
    story = passed.Upload(zone_of(in_force_to_us=us("08:05")), zone_of(version=2, in_force_from_us=us("08:05")))
    story.instants = (us("08:05"),)
    story.send([passed.Row(60, -40.0, 600, 10.0, Source.GNSS)])
    _, (opened, ended) = story.run([1])
    assert ended.ended_us == us("08:05")
    assert review(story.world, entry(ended), [entry(opened)]).equal
