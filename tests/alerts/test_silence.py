"""Who is silent by their own habit, counted by gateway: nobody for what they always do, and nobody because a lane moved."""

import numpy as np
import pytest

from alerts.silence import Count, Silence
from alerts.terms import Terms
from model.instant import FOREVER_US, HOUR_US, MINUTE_US
from model.outage import Group, Hardware
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
        return self.silence.look(self.state, self.terms, {}).counts


def test_a_tag_is_silent_by_its_own_habit() -> None:
    fleet = Fleet({1: 7, 2: 7})
    for minute in range(31):
        heard = (1, 2) if minute % 10 == 0 else (1,)
        assert fleet.at(minute, *heard) == [Count(7, 2, 0)]
    assert fleet.at(34.9) == [Count(7, 2, 0)]
    assert fleet.at(35) == [Count(7, 2, 1)], "five minutes and three of its own one-minute intervals"
    assert fleet.at(59.9) == [Count(7, 2, 1)]
    assert fleet.at(60) == [Count(7, 2, 2)], "three of its ten minutes"
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
    assert fleet.at(29.9) == [Count(7, 1, 0, 1)]
    assert fleet.at(30) == [Count(7, 1, 1)], "never heard from since: half an hour"


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


def test_who_is_overdue_is_said_with_the_instant_and_what_the_tag_is() -> None:
    fleet = Fleet({1: 7, 2: 7})
    made = {1: Hardware(1, "M3", "EE"), 3: Hardware(3, "M4", "")}
    for minute in range(3):
        fleet.at(minute, 1, 2)
    fleet.state.watermark_us = START_US + 9 * MINUTE_US
    look = fleet.silence.look(fleet.state, fleet.terms, made)
    assert look.worn == {Group("network", "EE"): 1, Group("model", "M3"): 1}
    one, two = look.overdue
    assert (one.tag, one.since_us) == (1, START_US + 7 * MINUTE_US)
    assert one.groups == (Group("gateway", "7"), Group("network", "EE"), Group("model", "M3"))
    assert two.groups == (Group("gateway", "7"),)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_batch_of_hours_says_who_was_overdue_in_it_however_it_is_cut(size: int) -> None:
    fleet = Fleet({1: 7, 2: 7})
    fleet.silence = Silence(0)
    minutes = [0, 1, 2, 20, 21, 22, 23, 50]
    told = [(tag, START_US + minute * MINUTE_US) for minute in minutes for tag in (1, 2) if tag == 1 or minute < 3]
    spells = []
    for first in range(0, len(told), size):
        tags, at_us = zip(*told[first : first + size], strict=True)
        spells += fleet.silence.hear(fleet.state, fleet.terms, {}, np.array(tags), np.array(at_us), np.full(len(tags), 7))
    found = [(one.tag, (one.since_us - START_US) / MINUTE_US, (one.to_us - START_US) / MINUTE_US) for one in spells]
    usual = 1 + 17 / 4  # of the eighteen minutes a quarter counts
    for _ in range(3):
        usual += (1 - usual) / 4
    assert found == [(1, 7, 20), (1, pytest.approx(23 + 3 * usual, abs=0.001), 50)]


@pytest.mark.parametrize("size", [1, 4])
def test_a_tag_heard_again_through_another_gateway_was_silent_behind_the_first(size: int) -> None:
    fleet = Fleet({1: 8})  # as the state has it once all is committed
    fleet.silence = Silence(0)
    told = [(1, START_US + minute * MINUTE_US, 7 if minute < 20 else 8) for minute in (0, 1, 2, 20)]
    spells = []
    for first in range(0, len(told), size):
        tags, at_us, gateways = (np.array(column) for column in zip(*told[first : first + size], strict=True))
        spells += fleet.silence.hear(fleet.state, fleet.terms, {}, tags, at_us, gateways)
    assert [one.groups for one in spells] == [(Group("gateway", "7"),)]
