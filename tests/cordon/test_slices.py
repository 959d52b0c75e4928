"""Slices of a backlog are as long as a live record may wait, by the clock, and no lane keeps the turn from the others."""

from dataclasses import dataclass

from cordon.slices import FIRST_RECORDS, LEAST_RECORDS, LOST_S, MOST_RECORDS, QUIET_S, SLICE_S, Slices


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(eq=False)
class Lane:
    woken: int = 0

    def wake(self) -> None:
        self.woken += 1


def taken(slices: Slices, clock: Clock, lane: Lane, seconds: float) -> int:
    """Take a slice that takes so long; how many records the next one has."""
    slices.live()
    assert slices.ask(lane)
    clock.now_s += seconds
    slices.end(lane)
    return slices.records


def test_a_slice_has_as_many_records_as_fit_its_time() -> None:
    clock, lane = Clock(), Lane()
    slices = Slices(clock)
    assert taken(slices, clock, lane, SLICE_S) == FIRST_RECORDS
    assert taken(slices, clock, lane, 1.25 * SLICE_S) == FIRST_RECORDS * 4 // 5
    assert taken(slices, clock, lane, 100 * SLICE_S) == FIRST_RECORDS * 2 // 5, "by half at most"
    for _ in range(10):
        taken(slices, clock, lane, 100 * SLICE_S)
    assert slices.records == LEAST_RECORDS
    assert taken(slices, clock, lane, 0.0) == 2 * LEAST_RECORDS, "doubled at most"
    for _ in range(10):
        taken(slices, clock, lane, 0.0)
    assert slices.records == MOST_RECORDS


def test_the_turn_goes_round() -> None:
    clock = Clock()
    slices = Slices(clock)
    one, two, three = lanes = Lane(), Lane(), Lane()
    slices.live()
    assert [slices.ask(lane) for lane in lanes] == [True, False, False]
    slices.end(one)
    assert [lane.woken for lane in lanes] == [0, 1, 0]
    slices.end(two)  # it comes back from a live commit, and has its turn still
    assert [slices.ask(lane) for lane in (one, three, two)] == [False, False, True]
    slices.end(two)
    slices.end(three)
    assert slices.ask(three)


def test_a_lane_that_does_not_come_back_loses_its_turn() -> None:
    clock = Clock()
    slices = Slices(clock)
    lost, other = Lane(), Lane()
    slices.live()
    assert slices.ask(lost)
    clock.now_s += LOST_S
    slices.live()
    assert not slices.ask(other)
    clock.now_s += 0.1
    assert slices.ask(other)


def test_without_live_records_every_lane_has_slices() -> None:
    clock = Clock()
    slices = Slices(clock)
    one, other = Lane(), Lane()
    slices.live()
    assert slices.ask(one)
    assert not slices.ask(other)
    clock.now_s += QUIET_S
    assert slices.ask(other)
    slices.end(other)
    slices.live()
    slices.end(one)
    assert slices.ask(other), "who had a slice meanwhile does not wait for another"
