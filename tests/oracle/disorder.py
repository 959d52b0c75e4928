"""A stream of messages, some of which were kept and come when all is over, in any order: what is said of curfews in the end."""

from random import Random

import numpy as np

from alerts.world import World
from model.alert import FAMILY, Family
from model.arrays import Array
from model.instant import SECOND_US
from tests.alerts.story import Memory
from tests.oracle.curfew import TICK_S

Stay = tuple[str, int, int]  # family, from and to in seconds
SIZES = (1, 3, 50)  # of batches
CURFEWS = (Family.CURFEW_ABSENCE, Family.CURFEW_UNVERIFIED)


def delivered(world: World, fixes: Array, events: Array, kept: list[int], end_s: int, random: Random) -> tuple[Memory, list[int]]:
    """Everything as it was taken, but what was taken at some seconds after the end, shuffled; and when that was received."""
    memory, batch, received_s = Memory(), list(kept), list[int]()
    taken_s = np.unique(np.concatenate([fixes["fix_at_us"], events["at_us"]])) // SECOND_US
    for at_s in taken_s.tolist():
        if at_s not in kept:
            at_us = at_s * SECOND_US
            memory.take(world, fixes[fixes["fix_at_us"] == at_us], at_us, events[events["at_us"] == at_us])
    memory.take(world, fixes[:0], end_s * SECOND_US)
    random.shuffle(batch)
    size = random.choice(SIZES)
    for first in range(0, len(batch), size):
        now_us = (end_s + TICK_S * (len(received_s) + 1)) * SECOND_US
        received_s.append(now_us // SECOND_US)
        at_us = np.array(batch[first : first + size]) * SECOND_US
        some, told = fixes[np.isin(fixes["fix_at_us"], at_us)].copy(), events[np.isin(events["at_us"], at_us)].copy()
        some["received_us"] = told["received_us"] = now_us
        memory.take(world, some, now_us, told)
    return memory, received_s


def stays(memory: Memory) -> list[Stay]:
    """What stands; where one goes on as another at the very instant it ends, they are told as one."""
    told = [one for one in memory.occurrences.values() if FAMILY[one.kind] in CURFEWS]
    found: list[Stay] = []
    for one in sorted(told, key=lambda one: (one.kind, one.event_at_us)):
        assert one.ended_us is not None, "all is over"
        kind, from_s, to_s = one.kind.value, one.event_at_us // SECOND_US, one.ended_us // SECOND_US
        if found and found[-1][0] == kind and found[-1][2] == from_s:
            found[-1] = kind, found[-1][1], to_s
        else:
            found.append((kind, from_s, to_s))
    return found


def covers(told: list[Stay], stay: Stay) -> bool:
    """Whether one stay lies in one that was told."""
    return any(kind == stay[0] and from_s <= stay[1] and stay[2] <= to_s for kind, from_s, to_s in told)
