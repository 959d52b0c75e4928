"""What must hold of any stream of a wearer under curfew: the same is said however it is cut, whatever is rebuilt on the way."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alerts import hearing
from alerts.device import Device
from alerts.rules import Rules
from model.alert import Change
from model.arrays import Array
from model.event import EventKind, empty_events
from model.fix import Source
from model.instant import FOREVER_US, SECOND_US
from model.state import rebuilt
from tests.alerts.story import HOME, TAG, Memory, Story, curfew_of, home_of, us
from tests.alerts.test_properties import clock
from tests.alerts.test_properties import texts as all_of
from tests.chance import times

PROFILE = settings(max_examples=times(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])

DISTANCES = st.sampled_from([-40.0] * 4 + [500.0] * 4 + [700.0] * 2 + [5.0, -5.0, 130.0])
EVENTS = st.sampled_from(
    [
        EventKind.CONTACT,
        EventKind.BEACON_IN,
        EventKind.BEACON_OUT,
        EventKind.MOTION,
        EventKind.MOTION_CLEAR,
        EventKind.POWER_OFF,
        EventKind.HOME_UNIT_MOVED,
        EventKind.HOME_UNIT_MOVED_CLEAR,
    ]
)


@dataclass(frozen=True)
class Told:
    """One message of a made-up stream: a fix, or an event."""

    gap_s: int
    distance_m: float | None
    event: EventKind
    accuracy_m: float
    source: Source
    east_km: float
    kept_s: int  # how long the tag kept it
    back_s: int  # how long before its turn it happened: out of order, where that is before what came before it


STREAM = st.builds(
    Told,
    st.sampled_from([0, 1, 60, 60, 60, 299, 300, 301, 600, 601, 1800, 2400, 7200]),
    st.one_of(DISTANCES, DISTANCES, st.none()),
    EVENTS,
    st.sampled_from([10.0, 10.0, 10.0, 120.0, 160.0]),
    st.sampled_from([Source.GNSS] * 5 + [Source.WIFI]),
    st.sampled_from([0.0] * 9 + [60.0]),
    st.sampled_from([0, 0, 0, 2, 400]),
    st.sampled_from([0] * 8 + [61, 300, 1900]),
)
WINDOWS = (("18:00", "19:30"), ("19:38", "21:00"), ("22:00", "+1 05:00"))


def texts(changes: list[Change]) -> list[tuple[object, ...]]:
    """Changes as values that compare, but for the fix that shows where the wearer was last seen.

    In a batch that holds both a jump and the fix that confirms it, the jump is a good fix from the first.
    """
    return all_of([change._replace(evidence=change.evidence[:0]) for change in changes])


def world(story_rules: Rules) -> Story:
    """Two orders' curfews at one home, one of them with an absence and a change of version."""
    first = curfew_of(*WINDOWS, excused=((us("18:40"), us("18:48")), (us("23:00"), us("23:30"))), in_force_to_us=us("20:10"))
    second = curfew_of(*WINDOWS, version=2, grace_us=0, high_risk=True, in_force_from_us=us("20:10"))
    return Story(home_of(), rules=story_rules, curfews=(first, second, curfew_of(id=2)))


def sent(story: Story, stream: list[Told]) -> list[tuple[Array, Array]]:
    """(1,) FIX or (1,) EVENT each, in arrival order. No jumps in a stream out of order: what is a jump depends on the order."""
    at_s, received_s = us("17:40") // SECOND_US, 0
    records = []
    for one in stream:
        at_s += one.gap_s
        received_s = max(received_s + 1, at_s + one.kept_s)  # two messages of one instant are one frame, and are not cut apart
        if one.distance_m is None:
            event = empty_events(1)
            event["tag"], event["kind"] = TAG, one.event
            event["at_us"], event["received_us"] = (at_s - one.back_s) * SECOND_US, received_s * SECOND_US
            records.append((story.waiting(), event))
        else:
            received = clock(received_s * SECOND_US)
            given = {
                "received": received,
                "accuracy": one.accuracy_m,
                "source": one.source,
                "east_km": one.east_km * in_order(stream),
            }
            story.at(clock((at_s - one.back_s) * SECOND_US), **given).add(one.distance_m, zone=HOME)
            records.append((story.waiting(), empty_events()))
    return records


def in_order(stream: list[Told]) -> bool:
    return not any(one.back_s for one in stream)


def standing(memory: Memory) -> list[tuple[object, ...]]:
    """What is said in the end."""
    end = memory.state.watermark_us
    return sorted((one.kind.value, one.order, one.event_at_us, one.ended_us or end) for one in memory.occurrences.values())


def taken(memory: Memory, story: Story, records: list[tuple[Array, Array]]) -> list[Change]:
    """Several records in one batch."""
    fixes, events = (np.concatenate(column) for column in zip(*records, strict=True))
    return memory.take(story.world, fixes, events=events)


def event_of(gap_s: int, kind: EventKind, kept_s: int = 0, back_s: int = 0) -> Told:
    """An event, received as it happens unless it is said otherwise."""
    return Told(gap_s, None, kind, 10.0, Source.GNSS, 0.0, kept_s, back_s)


def perhaps(gap_s: int) -> Told:
    """A fix that may be at home, received as it is taken."""
    return Told(gap_s, 5.0, EventKind.CONTACT, 10.0, Source.GNSS, 0.0, 0, 0)


# A beacon told out of range once more, and then that it was in range before that: what is older than its newest word is no news.
BEACON_OVERTAKEN = [
    Told(0, -40.0, EventKind.CONTACT, 10.0, Source.GNSS, 0.0, 0, 0),
    event_of(0, EventKind.BEACON_OUT),
    event_of(7200, EventKind.CONTACT),
    event_of(0, EventKind.BEACON_OUT),
    event_of(0, EventKind.BEACON_IN, back_s=61),
]
# A fix of the time in between, received late: contact had never been lost.
IN_CONTACT_ALL_THE_TIME = [
    perhaps(600),
    event_of(60, EventKind.BEACON_IN),
    *(event_of(300, EventKind.CONTACT) for _ in range(14)),
    event_of(60, EventKind.CONTACT, kept_s=400),
    Told(0, 500.0, EventKind.CONTACT, 10.0, Source.GNSS, 0.0, 401, 0),
]
# What came out of order is judged before what came after it, also where both come in one batch.
KNOWN_BEFORE_WHAT_FOLLOWED = [
    event_of(1860, EventKind.BEACON_OUT),
    event_of(1, EventKind.CONTACT),
    event_of(1, EventKind.BEACON_OUT, back_s=1900),
    event_of(7200, EventKind.CONTACT),
]


@PROFILE
@given(st.lists(STREAM, min_size=1, max_size=40), st.lists(st.integers(1, 9), min_size=1, max_size=8))
@example(BEACON_OVERTAKEN, [1])
@example(IN_CONTACT_ALL_THE_TIME, [1])
@example(KNOWN_BEFORE_WHAT_FOLLOWED, [9])
def test_batches_do_not_matter(stream: list[Told], sizes: list[int]) -> None:
    story = world(Rules())
    records = sent(story, stream)
    whole, single, cut = Memory(), Memory(), Memory()
    changes = taken(whole, story, records)
    one_by_one = [change for record in records for change in taken(single, story, [record])]
    in_pieces: list[Change] = []
    first = 0
    for size in sizes * len(records):
        if first < len(records):
            in_pieces += taken(cut, story, records[first : first + size])
            first += size
    if in_order(stream):
        assert texts(one_by_one) == texts(in_pieces) == texts(changes)
        assert whole.state.digest() == single.state.digest() == cut.state.digest()
    else:
        assert standing(single) == standing(cut) == standing(whole)


# Whether what is over is forgotten before the next message depends on when the clock is looked at: then it was told once more.
# By the beacon, while the span goes on:
FORGOTTEN_IN_SPAN = [
    event_of(7200, EventKind.BEACON_OUT),
    event_of(0, EventKind.CONTACT),
    event_of(1800, EventKind.CONTACT),
    event_of(7200, EventKind.CONTACT),
]
# By a fix, after nights of which nothing was known:
FORGOTTEN_SINCE_FIX = [perhaps(600), *(event_of(7200, EventKind.CONTACT) for _ in range(8)), perhaps(2400)]


@PROFILE
@given(st.lists(STREAM, min_size=1, max_size=40), st.lists(st.integers(0, 90), min_size=1, max_size=8))
@example(FORGOTTEN_IN_SPAN, [80])
@example(FORGOTTEN_SINCE_FIX, [85])
def test_ticks_do_not_matter(stream: list[Told], ticks: list[int]) -> None:
    """The clock may be looked at whenever: what it causes is told at its own instant."""
    story = world(Rules())
    records = sent(story, stream)
    quiet, ticked = Memory(), Memory()
    silent: list[Change] = []
    looked: list[Change] = []
    for place, record in enumerate(records):
        received_us = int(max(rows["received_us"].max(initial=0) for rows in record))
        if place:
            for part in sorted(ticks):
                between = ticked.state.watermark_us + (received_us - ticked.state.watermark_us) * part // 91
                looked += ticked.take(story.world, story.waiting(), between)
        looked += taken(ticked, story, [record])
        silent += taken(quiet, story, [record])
    end = us("+2 12:00")
    silent += quiet.take(story.world, story.waiting(), end)
    looked += ticked.take(story.world, story.waiting(), end)
    assert texts(looked) == texts(silent)
    before = ticked.state.digest()
    assert ticked.take(story.world, story.waiting(), end) == []
    assert ticked.state.digest() == before, "a tick that fires nothing changes nothing"


@PROFILE
@given(st.lists(STREAM, min_size=1, max_size=40))
def test_the_clock_is_never_wound_too_late_and_what_is_open_ends(stream: list[Told]) -> None:
    story = world(Rules())
    memory = Memory()
    for record in sent(story, stream):
        taken(memory, story, [record])
        state = memory.state
        device = Device(story.rules, story.terms, state, TAG, state.watermark_us)
        assert state.due_us[0] <= device.next_us()
        assert story.terms.asks_from(TAG, state.watermark_us) <= first_asked(story, state.watermark_us)
        for absence in state.absences.of_tag(TAG):
            if not absence["ended_us"][0]:
                assert device.next_us() < FOREVER_US, "an absence that nothing would end"
    memory.take(story.world, story.waiting(), us("+2 12:00"))
    assert not [one for one in memory.state.absences.of_tag(TAG) if not one["ended_us"][0]]


def first_asked(story: Story, at_us: int) -> int:
    """The first instant from one on at which a curfew asks, by looking at every span."""
    spans = [span for of_one in story.terms.demands(TAG).values() for span in of_one if span.to_us > at_us]
    return min((max(span.from_us, at_us) for span in spans), default=FOREVER_US)


@PROFILE
@given(st.lists(STREAM, min_size=1, max_size=30), st.data())
def test_a_state_rebuilt_goes_on_as_the_one_it_was(stream: list[Told], data: st.DataObject) -> None:
    story = world(Rules())
    records = sent(story, stream)
    cut = data.draw(st.integers(1, len(records)))
    memory = Memory()
    taken(memory, story, records[:cut])
    state = memory.state
    blocks = [(number, state.block(number)) for number in state.blocks()]
    again = memory.again(rebuilt(blocks, state.watermark_us, state.control_seq))
    again.shadow = rebuilt(blocks, state.watermark_us, state.control_seq)
    assert again.state.digest() == state.digest()
    end = us("+2 12:00")
    if records[cut:]:
        assert texts(taken(again, story, records[cut:])) == texts(taken(memory, story, records[cut:]))
    assert texts(again.take(story.world, story.waiting(), end)) == texts(memory.take(story.world, story.waiting(), end))
    assert again.state.digest() == memory.state.digest()


FIXES = st.builds(
    Told,
    st.sampled_from([60, 299, 600, 601, 601, 1199, 1800, 2399, 2400, 2401, 7200]),
    st.sampled_from([-40.0] * 6 + [5.0, 500.0, 500.0]),
    st.just(EventKind.CONTACT),
    st.sampled_from([10.0] * 6 + [160.0]),
    st.sampled_from([Source.GNSS] * 6 + [Source.WIFI]),
    st.sampled_from([0.0] * 12 + [60.0]),
    st.sampled_from([2] * 6 + [400]),
    st.sampled_from([0] * 12 + [300]),
)
OUT_AT_WORK = [Told(601, metres, EventKind.CONTACT, 10.0, Source.GNSS, 0.0, 2, 0) for metres in [500.0] * 30 + [-40.0] * 8]


def at_home(gap_s: int) -> Told:
    """A fix at home, received two seconds later."""
    return Told(gap_s, -40.0, EventKind.CONTACT, 10.0, Source.GNSS, 0.0, 2, 0)


@PROFILE
@given(
    st.lists(st.one_of(FIXES, FIXES, FIXES, STREAM), min_size=1, max_size=40),
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.booleans(),
)
@example([at_home(60), at_home(60), *(at_home(gap_s) for gap_s in (601, 900, 2399, 2400, 2401, 601))], [1], True)
@example(OUT_AT_WORK, [1], True)
def test_whoever_is_heard_again_and_no_more_needs_no_machine(stream: list[Told], sizes: list[int], asked: bool) -> None:
    """The same is said and remembered as with the machine, whatever gaps there are between a tag's messages."""
    story = world(Rules()) if asked else Story(home_of(), rules=Rules())
    records = sent(story, stream)

    def run() -> tuple[list[tuple[object, ...]], list[str]]:
        memory, changes, digests, first = Memory(), list[Change](), list[str](), 0
        for size in sizes * len(records):
            if first < len(records):
                changes += taken(memory, story, records[first : first + size])
                digests.append(memory.state.digest())
                first += size
        return all_of(changes), digests

    quick = run()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hearing, "resume", lambda *_: False)
        assert quick == run()
