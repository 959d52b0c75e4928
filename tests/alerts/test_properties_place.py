"""Approach, exit, attendance, location and faults: what any stream says, whoever cuts it, and what a slow oracle says of it."""

from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.rules import Rules
from model.alert import FAMILY, Change, Family, Op
from model.arrays import Array
from model.event import EventKind, empty_events
from model.fix import Source
from model.instant import HOUR_US, SECOND_US
from model.state import State, rebuilt
from model.zone import Purpose, Zone, ZoneKind
from tests.alerts.story import MONITORED, NEVER_SILENT, TAG, Memory, Story, us, zone_of
from tests.alerts.test_properties import clock, seen, texts
from tests.chance import times
from tests.oracle.places import Stay, approaches, exits

START_S = us("08:00:00") // SECOND_US
PROFILE = settings(max_examples=times(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
STREAMS = settings(PROFILE, max_examples=times(50))  # each is judged three times over, and each of those twice
BUFFER_M = 300.0
NEAR = zone_of(buffer_m=BUFFER_M)
STAY = zone_of(kind=ZoneKind.INCLUSION, purpose=Purpose.AREA)
MORNING = ((us("08:00:00"), us("08:40:00")), (us("09:00:00"), us("12:00:00")))
CLINIC = STAY._replace(id=8, attendance=True, intervals=MORNING)

RING = st.sampled_from([150.5, 200.0, 299.0, 300.0, 300.5, 310.0, 310.5, 349.0, 350.0, 350.5, 400.0, 5000.0])
SIDE = st.sampled_from([-400.0, -40.0, -10.0, -9.5, 0.0, 9.5, 10.0, 10.5, 60.0, 149.5, 150.5, 5000.0])
GAPS = st.sampled_from([3, 15, 60, 60, 240, 296, 297, 298, 299, 300, 301, 599, 600, 601, 3600])
ACCURACIES = st.sampled_from([5.0, 10.0, 30.0, 120.0, 160.0])
SOURCES = st.sampled_from([Source.GNSS] * 5 + [Source.WIFI])

Steps = list[tuple[int, float, float, Source]]  # gap, metres, accuracy, source


def steps(distances: st.SearchStrategy[float]) -> st.SearchStrategy[Steps]:
    return st.lists(st.tuples(GAPS, distances, ACCURACIES, SOURCES), max_size=30)


def told(story: Story, rows: Steps) -> Array:
    at_s = START_S
    for gap_s, distance_m, accuracy_m, source in rows:
        at_s += gap_s
        at = clock(at_s * SECOND_US)
        story.at(at, received=clock((at_s + 2) * SECOND_US), accuracy=accuracy_m, source=source).add(distance_m)
    return story.waiting()


def stood(changes: list[Change], family: Family) -> list[Stay]:
    """What changes leave standing of one family."""
    found: dict[int, Stay] = {}
    for change in changes:
        if FAMILY[change.kind] is not family:
            continue
        assert (change.occurrence_us in found) != (change.op is Op.OPEN)
        ended_s = None if change.ended_us is None else change.ended_us // SECOND_US
        found[change.occurrence_us] = Stay(change.event_at_us // SECOND_US, change.detected_us // SECOND_US, ended_s)
    return list(found.values())


def run(zone: Zone, rows: Steps, rules: Rules = NEVER_SILENT) -> tuple[list[Change], Story, Array]:
    story = Story(zone, rules=rules)
    fixes = told(story, rows)
    if not len(fixes):
        return [], story, fixes
    changes = Memory().take(story.world, fixes, int(fixes["received_us"][-1]) + HOUR_US)
    return changes, story, fixes


@PROFILE
@given(steps(RING))
def test_the_oracle_agrees_on_approaches(rows: Steps) -> None:
    changes, story, fixes = run(NEAR, rows)
    assert stood(changes, Family.APPROACH) == approaches(seen(fixes, story), BUFFER_M)


@PROFILE
@given(steps(SIDE), st.integers(1, 3))
def test_the_oracle_agrees_on_exits(rows: Steps, confirm: int) -> None:
    changes, story, fixes = run(STAY._replace(confirm_fixes=confirm), rows)
    assert stood(changes, Family.INCLUSION_EXIT) == exits(seen(fixes, story), confirm)


@pytest.mark.parametrize(
    ("family", "wrong"),
    [
        (Family.APPROACH, {"approach_us": 299 * SECOND_US}),
        (Family.APPROACH, {"approach_us": 301 * SECOND_US}),
        (Family.APPROACH, {"leave_far_m": 49.0}),
        (Family.APPROACH, {"leave_fixes": 1}),
        (Family.APPROACH, {"leave_fixes": 3}),
        (Family.APPROACH, {"reenter_us": 599 * SECOND_US}),
        (Family.INCLUSION_EXIT, {"exit_fixes": 1}),
        (Family.INCLUSION_EXIT, {"exit_fixes": 3}),
        (Family.INCLUSION_EXIT, {"reenter_us": 601 * SECOND_US}),
    ],
)
def test_the_oracles_tell_wrong_rules_from_right_ones(family: Family, wrong: dict[str, float]) -> None:
    random = Random(5)
    ring = family is Family.APPROACH
    distances = [200.0, 299.0, 311.0, 349.5, 350.5, 5000.0] if ring else [-40.0, 0.0, 60.0, 5000.0]
    rules = NEVER_SILENT._replace(**wrong)  # type: ignore[arg-type]
    for _ in range(300):
        gaps = [60, 120, 240, 297, 298, 299, 300, 599, 600, 601]
        rows: Steps = [(random.choice(gaps), random.choice(distances), 10.0, Source.GNSS) for _ in range(12)]
        changes, story, fixes = run(NEAR if ring else STAY, rows, rules)
        track = seen(fixes, story)
        if stood(changes, family) != (approaches(track, BUFFER_M) if ring else exits(track, 2)):
            return
    raise AssertionError("the oracle would not notice")


# ---------------------------------------------------------------- whoever cuts the stream


@dataclass(frozen=True)
class Item:
    """A fix, or where ``event`` is not 0 an event, of a made-up stream."""

    gap_s: int
    tag: int
    event: int
    distance_m: float
    accuracy_m: float
    source: Source
    delay_s: int
    ahead_s: int
    east_km: float


ITEMS = st.builds(
    Item,
    gap_s=st.sampled_from([1, 15, 60, 60, 240, 299, 300, 301, 600, 601, 1500, 3600]),
    tag=st.sampled_from([TAG, TAG, 3]),
    event=st.sampled_from(
        [0] * 6 + [EventKind.MOTION, EventKind.MOTION_CLEAR, EventKind.CONTACT, EventKind.JAMMING, EventKind.CONTACT]
    ),
    distance_m=st.one_of(RING, SIDE),
    accuracy_m=ACCURACIES,
    source=SOURCES,
    delay_s=st.sampled_from([0] * 6 + [200, 400, 900]),
    ahead_s=st.sampled_from([0] * 8 + [130, 900, 1200]),
    east_km=st.sampled_from([0.0] * 8 + [100.0]),
)


class Stream:
    """Items in the order they are received, each a second at least after the one before."""

    def __init__(self, items: list[Item], zone: Zone) -> None:
        self.story = Story(zone, CLINIC, monitored=[MONITORED, MONITORED._replace(tag=3, wearer=53, order=503)])
        self.parts: list[tuple[Array, Array]] = []
        at_s, received_s = START_S, START_S
        for item in items:
            at_s += item.gap_s
            received_s = max(received_s + 1, at_s + item.delay_s)
            event = empty_events(1 if item.event else 0)
            if item.event:
                event["tag"], event["kind"] = item.tag, item.event
                event["at_us"], event["received_us"] = at_s * SECOND_US, received_s * SECOND_US
            else:
                self.story.at(
                    clock((received_s + item.ahead_s if item.ahead_s else at_s) * SECOND_US),
                    received=clock(received_s * SECOND_US),
                    accuracy=item.accuracy_m,
                    source=item.source,
                    east_km=item.east_km,
                    tag=item.tag,
                ).add(item.distance_m)
                place = self.story.script[self.story._count]
                place.append((CLINIC.id, -item.distance_m, False))
            self.parts.append((self.story.waiting(), event))

    def run(self, memory: Memory, sizes: list[int], first: int = 0) -> list[tuple[object, ...]]:
        """Take the items from ``first`` on in batches of such sizes, over and over; what was said, in an order of its own."""
        changes: list[Change] = []
        turn = 0
        while first < len(self.parts):
            some = self.parts[first : first + sizes[turn % len(sizes)]]
            fixes, events = (np.concatenate(column) for column in zip(*some, strict=True))
            changes += memory.take(self.story.world, fixes, None, events)
            first, turn = first + len(some), turn + 1
        return sorted(texts(changes), key=repr)


def remembered(state: State) -> list[object]:
    """A state whatever the order its tags were first seen in."""
    tags = {(int(record["tag"]), 0): record.tobytes() for record in state.tags[: state.count]}
    return [tags, *(sorted(record.tobytes() for record in table) for table in state.tables)]


@STREAMS
@given(st.lists(ITEMS, max_size=30), st.lists(st.integers(1, 9), min_size=1, max_size=9), st.sampled_from([NEAR, STAY]))
def test_batches_do_not_matter(items: list[Item], sizes: list[int], zone: Zone) -> None:
    stream = Stream(items, zone)
    whole, single, cut = Memory(), Memory(), Memory()
    said = stream.run(whole, [max(len(items), 1)])
    assert said == stream.run(single, [1])
    assert said == stream.run(cut, sizes)
    assert remembered(whole.state) == remembered(single.state) == remembered(cut.state)


@STREAMS
@given(st.lists(ITEMS, min_size=1, max_size=30), st.integers(0, 30), st.sampled_from([NEAR, STAY]))
def test_a_state_rebuilt_from_its_blocks_goes_on_as_the_one_it_was(items: list[Item], cut: int, zone: Zone) -> None:
    stream = Stream(items, zone)
    memory = Memory()
    parts, stream.parts = stream.parts, stream.parts[:cut]
    stream.run(memory, [1])
    stream.parts = parts
    state = memory.state
    blocks = [(number, state.block(number)) for number in state.blocks()]
    again = memory.again(rebuilt(blocks, state.watermark_us, state.control_seq))
    again.shadow = rebuilt(blocks, state.watermark_us, state.control_seq)
    assert again.state.digest() == state.digest()
    assert stream.run(again, [4], cut) == stream.run(memory, [4], cut)
    assert again.state.digest() == memory.state.digest()


def test_the_streams_raise_every_kind() -> None:
    """Else the two tests above would prove little."""
    random = Random(1)
    found: set[str] = set()
    for turn in range(300):
        items = [
            Item(
                random.choice([15, 60, 240, 300]),
                TAG,
                random.choice([0] * 4 + [EventKind.MOTION, EventKind.CONTACT, EventKind.CONTACT]),
                random.choice([200.0, 60.0, -40.0, 5000.0]),
                10.0,
                Source.GNSS,
                0,
                random.choice([0, 0, 0, 1200]),
                random.choice([0.0] * 5 + [100.0]),
            )
            for _ in range(30)
        ]
        stream = Stream(items, [NEAR, STAY][turn % 2])
        found |= {str(value) for one in stream.run(Memory(), [30]) for value in one}
    assert {repr(kind) for kind in (Family.APPROACH, Family.INCLUSION_EXIT, Family.NO_LOCATION, Family.TAG_FAULT)} <= {
        text.replace("Kind.", "Family.") for text in found
    }
