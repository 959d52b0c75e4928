"""Who is silent by their own habit, counted by gateway: nobody for what they always do, and nobody because a lane moved."""

import numpy as np

from alerts.silence import Count, Silence
from alerts.terms import Terms
from model.instant import FOREVER_US, HOUR_US, MINUTE_US
from model.state import State
from model.synthetic import FIRST_TAG
from model.zone import Monitored

START_US = 1_774_000_000_000_000


class Fleet:
    """A lane's state with tags that are heard from when told to be."""

    def __init__(self, worn: dict[int, int]) -> None:
        self.terms = Terms([], [], [Monitored(tag, tag, tag, 0, FOREVER_US) for tag in worn], [])
        self.state = State()
        self.silence = Silence(START_US)
        for tag, gateway in worn.items():
            row = self.state.rows(np.array([tag]))
            self.state.tags["last"]["gateway"][row] = gateway

    def at(self, minutes: float, *heard: int) -> list[Count]:
        """Some are heard from so long after the beginning; the counts as of then."""
        self.state.watermark_us = START_US + int(minutes * MINUTE_US)
        if heard:
            self.state.tags["contact_us"][self.state.rows(np.array(heard))] = self.state.watermark_us
        return self.silence.look(self.state, self.terms)


def test_a_tag_is_silent_by_its_own_habit() -> None:
    fleet = Fleet({1: 7, 2: 7})
    for minute in range(31):
        heard = (1, 2) if minute % 10 == 0 else (1,)
        assert fleet.at(minute, *heard) == [Count(7, 2, 0)]
    assert fleet.at(35) == [Count(7, 2, 0)]
    assert fleet.at(35.1) == [Count(7, 2, 1)], "over five minutes and three of its own one-minute intervals"
    assert fleet.at(60) == [Count(7, 2, 1)]
    assert fleet.at(60.1) == [Count(7, 2, 2)], "three of its ten minutes"
    assert fleet.at(61, 1) == [Count(7, 2, 1)]


def test_each_gateway_counts_the_tags_last_heard_through_it() -> None:
    fleet = Fleet({1: 7, 2: 8, 3: 8, 4: 0})
    fleet.state.rows(np.array([5]))
    fleet.state.tags["last"]["gateway"][fleet.state.row_of[5]] = 8  # nobody wears it
    assert fleet.at(0, 1, 2, 3) == [Count(7, 1, 0), Count(8, 2, 0)]
    fleet.at(1, 1, 2, 3)
    assert fleet.at(9, 2) == [Count(7, 1, 1), Count(8, 2, 1)]


def test_a_lane_that_moves_makes_nobody_silent() -> None:
    fleet = Fleet({1: 7})
    fleet.state.tags["contact_us"][0] = START_US - 5 * HOUR_US
    assert fleet.at(0) == [Count(7, 1, 0, 1)], "nor does anybody know that it is not"
    assert fleet.at(30) == [Count(7, 1, 0, 1)]
    assert fleet.at(30.1) == [Count(7, 1, 1)], "never heard from since: half an hour"


def test_a_lane_that_did_not_listen_knows_of_nobody_until_they_are_heard() -> None:
    fleet = Fleet({1: 7, 2: 7})
    for minute in range(11):
        fleet.at(minute, 1, 2)
    fleet.state.listening_us = START_US + 22 * MINUTE_US
    assert fleet.at(22) == [Count(7, 2, 0, 2)]
    assert fleet.at(23, 1) == [Count(7, 2, 0, 1)]
    assert fleet.at(27.1, 1) == [Count(7, 2, 1)]


def test_a_long_silence_is_no_habit_and_synthetic_wearers_are_not_counted() -> None:
    fleet = Fleet({1: 7, FIRST_TAG: 7})
    fleet.at(0, 1, FIRST_TAG)
    fleet.at(1, 1)
    fleet.at(600, 1)  # usual: one minute and a quarter of thirty less one
    assert fleet.at(600 + 24, FIRST_TAG) == [Count(7, 1, 0)]
    assert fleet.at(600 + 25, FIRST_TAG) == [Count(7, 1, 1)]
