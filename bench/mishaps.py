"""Turns (town, span of time) into what a few of the demo's tags go through besides: cut straps, jamming, flat batteries, silence.

As plans do for zones, these show what an operator may get to see, each kind anew every ten minutes and the wearers in turn. They
befall wearers who have no plan and upload at once, so that nothing that plans promise is touched.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from bench.fleet import I64, Fleet
from bench.violations import SECOND_US, Plans

SLOT_S: Final = 600  # each kind begins anew this often
AHEAD_S: Final = (
    16 * 60 + 7
)  # a clock so far wrong is a fault of the tag; no fix is ever due at seven seconds past its own second
LOW_PCT: Final = 8


class Mishap(NamedTuple):
    """One kind: seconds from the beginning of a slot; a wearer's turn comes every ``wearers`` slots."""

    name: str
    wearers: int
    events: tuple[tuple[str, int], ...] = ()  # word and second
    without: tuple[int, int] | None = None  # no fix is taken from .. to
    every_minute: tuple[int, int] | None = None  # heard from all the same, from .. to
    battery: tuple[int, int] | None = None  # nearly empty from .. to
    ahead: tuple[int, ...] = ()  # fixes more, from a clock that is ahead


MISHAPS: Final = (
    Mishap("strap", 2, events=(("strap_tamper", 30), ("strap_tamper_clear", 75))),
    Mishap("strap_brief", 2, events=(("strap_tamper", 60), ("strap_tamper_clear", 66))),
    Mishap("case", 2, events=(("case_tamper", 90), ("case_tamper_clear", 150))),
    Mishap("jamming", 2, events=(("jamming", 120), ("jamming_clear", 420))),
    Mishap("battery_low", 3, battery=(0, 1100)),
    Mishap("battery_dead", 2, events=(("power_off", 200),), without=(200, 500)),
    Mishap("no_contact", 3, without=(0, 1300)),
    Mishap("no_location", 3, events=(("motion", 5), ("motion_clear", 1300)), without=(5, 1300), every_minute=(65, 1300)),
    Mishap("tag_fault", 2, ahead=(60, 120, 180)),
    # Too short for a silence to be told; but nobody can say that they are still at home (bench/world.py has the curfews).
    Mishap("curfew_unverified", 6, events=(("motion", 5), ("motion_clear", 1625)), without=(5, 1620)),
)
PLACES: Final = (("approach", 3), ("inclusion_exit", 2), ("attendance_missed", 2))  # what only a zone is needed for


class Mishaps:
    """Who goes through what; nobody where it is no demo, or where too few wearers have nothing else to do."""

    def __init__(self, fleet: Fleet, plans: Plans, spare: int) -> None:
        """``spare``: so many of the first wearers without a plan have something else to do."""
        free = np.setdiff1d(np.arange(fleet.size), plans.rows)[spare:]
        free = free[fleet.batch[free] == 1][::-1]
        wanted = [*((one.name, one.wearers) for one in MISHAPS), *PLACES]
        enough = fleet.demo and len(free) >= sum(count for _, count in wanted)
        bounds = np.cumsum([0, *(count for _, count in wanted)])
        self.of: dict[str, I64] = {
            name: free[low:high] if enough else free[:0]
            for (name, _), low, high in zip(wanted, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
        }
        self.rows = np.sort(np.concatenate(list(self.of.values())))

    def turns(self, mishap: Mishap, from_us: int, to_us: int) -> list[tuple[int, int]]:
        """Row and beginning of each turn with a moment in [from_us, to_us)."""
        rows = self.of[mishap.name].tolist()
        if not rows:
            return []
        slot_us = SLOT_S * SECOND_US
        first, last = from_us // slot_us - len(rows), to_us // slot_us
        return [(rows[slot % len(rows)], slot * slot_us) for slot in range(first, last + 1)]

    def befall(self, fleet: Fleet, made: Any, words: tuple[str, ...], from_us: int, to_us: int) -> Any:
        """What reaches gateways of (n,) REPORT taken in [from_us, to_us), and of what is taken besides.

        Parameters
        ----------
        words : events by their number in REPORT
        """
        if not len(self.rows):
            return made
        kept = np.ones(len(made), np.bool_)
        more: list[Any] = []
        for mishap in MISHAPS:
            for row, begin_us in self.turns(mishap, from_us, to_us):
                own = np.flatnonzero(made["row"] == row)
                since_s = (made["fix_at_us"][own] - begin_us) / SECOND_US
                if mishap.without:
                    kept[own[(since_s >= mishap.without[0]) & (since_s < mishap.without[1])]] = False
                if mishap.battery:
                    made["battery_pct"][own[(since_s >= mishap.battery[0]) & (since_s < mishap.battery[1])]] = LOW_PCT
                minutes = range(*mishap.every_minute, 60) if mishap.every_minute else ()
                for word, second in (*mishap.events, *(("contact", second) for second in minutes)):
                    at_us = begin_us + second * SECOND_US
                    if from_us <= at_us < to_us:
                        more.append(_event(fleet, made.dtype, row, words.index(word), at_us))
                for second in mishap.ahead:
                    here = own[(since_s >= second) & (since_s < second + 60) & (made["event"][own] == 0)][:1]
                    ahead = made[here].copy()
                    ahead["fix_at_us"] += AHEAD_S * SECOND_US
                    more.append(ahead)
        return np.concatenate([made[kept], *more])


def _event(fleet: Fleet, dtype: Any, row: int, event: int, at_us: int) -> Any:
    """(1,) REPORT of an event, sent at once."""
    made = np.zeros(1, dtype)
    made["row"], made["tag"], made["event"] = row, fleet.tag[row], event
    made["fix_at_us"], made["upload_us"], made["seq"] = at_us, at_us + SECOND_US, at_us // (15 * SECOND_US)
    return made
