"""A lane's memory of contacts becomes how many tags each gateway should be heard from, and how many of them are silent.

For what no lane can see alone: a gateway that has gone. It judges no wearer.
"""

from typing import Final, NamedTuple

import numpy as np

from alerts.terms import Terms
from model.arrays import I64
from model.instant import MINUTE_US
from model.state import State
from model.synthetic import FIRST_TAG

LEAST_US: Final = 5 * MINUTE_US  # DOMAIN.md, fleet outage: silent for this and three of their own usual intervals
INTERVALS: Final = 3
UNKNOWN_US: Final = 10 * MINUTE_US  # the interval of a tag not heard from twice yet: what most upload by
LONGEST_US: Final = 30 * MINUTE_US  # a longer silence was an outage, not a habit
SORT_US: Final = MINUTE_US  # a tag that moves to another gateway is counted there after this at most
LEARN: Final = 4  # an interval counts for a quarter of what is usual


class Count(NamedTuple):
    """Of one gateway, by the tags whose last fix came through it."""

    gateway: int  # its number
    worn: int
    silent: int
    unknown: int = 0  # of the others, those not heard from yet since the lane began to listen: maybe silent, maybe not


class Silence:
    """How often each tag of a lane is usually heard from, learned as it is looked at; forgotten when the lane moves.

    So silence is counted from when the lane was claimed at the earliest, or last began to listen, and a tag not heard from twice
    since then is silent after half an hour: a lane that moves must not make a fleet look silent. Nor must it make one look heard
    that was silent before: until then nobody knows.
    """

    def __init__(self, begun_us: int) -> None:
        self._begun_us = begun_us
        self._contact_us: I64 = np.zeros(0, np.int64)
        self._usual_us: I64 = np.zeros(0, np.int64)
        self._terms: Terms | None = None
        self._sorted_at = (0, 0)
        self._worn: I64 = np.zeros(0, np.int64)  # rows of the tags worn
        self._of: I64 = np.zeros(0, np.int64)  # of each, the place of its gateway in ``numbers``
        self._numbers: list[int] = []

    def look(self, state: State, terms: Terms) -> list[Count]:
        """Learn from the contacts since the last look, and count as of the lane's time; synthetic wearers' tags left out."""
        tags = state.tags[: state.count]
        contact_us = tags["contact_us"].astype(np.int64)
        self._begun_us = max(self._begun_us, state.listening_us)
        self._learn(contact_us)
        usual_us = np.where(self._usual_us > 0, self._usual_us, UNKNOWN_US)
        silent_us = state.watermark_us - np.maximum(contact_us, self._begun_us)
        self._sort(state, terms)
        silent = silent_us > np.maximum(LEAST_US, INTERVALS * usual_us)
        kinds = np.ones(len(tags), np.bool_), silent, ~silent & (contact_us < self._begun_us)
        counted = (np.bincount(self._of, weights=which[self._worn], minlength=len(self._numbers)) for which in kinds)
        columns = (column.astype(np.int64).tolist() for column in counted)
        return [Count(*row) for row in zip(self._numbers, *columns, strict=True)]

    def _sort(self, state: State, terms: Terms) -> None:
        """Who is worn, and whose gateway is which; kept for a minute, as it takes ten times what the rest does."""
        sorted_at = (state.count, state.watermark_us // SORT_US)
        if terms is self._terms and sorted_at == self._sorted_at:
            return
        self._terms, self._sorted_at = terms, sorted_at
        tags = state.tags[: state.count]
        gateway = tags["last"]["gateway"]
        worn = terms.covered(tags["tag"], np.full(len(tags), state.watermark_us)) & (tags["tag"] < FIRST_TAG) & (gateway > 0)
        self._worn = np.flatnonzero(worn)
        numbers, self._of = np.unique(gateway[self._worn], return_inverse=True)
        self._numbers = numbers.tolist()

    def _learn(self, contact_us: I64) -> None:
        known = len(self._contact_us)
        before_us, usual_us = np.zeros(len(contact_us), np.int64), np.zeros(len(contact_us), np.int64)
        before_us[:known], usual_us[:known] = self._contact_us, self._usual_us
        gap_us = np.minimum(contact_us - before_us, LONGEST_US)
        heard = (before_us >= self._begun_us) & (gap_us > 0)
        learned_us = np.where(usual_us > 0, usual_us + (gap_us - usual_us) // LEARN, gap_us)
        self._usual_us = np.where(heard, learned_us, usual_us)
        self._contact_us = contact_us.copy()
