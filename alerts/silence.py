"""A lane's memory of contacts becomes which tags are overdue, and of how many each gateway, network and model could hear.

For what no lane can see alone: a gateway that has gone. It judges no wearer.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from alerts.outage import Overdue
from alerts.terms import Terms
from model.arrays import I64, Array
from model.instant import FOREVER_US, MINUTE_US
from model.outage import Group, Hardware
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


class Look(NamedTuple):
    """What a lane says of its tags at its time; synthetic wearers' left out."""

    counts: list[Count]
    worn: dict[Group, int]  # networks and models
    overdue: list[Overdue]
    unknown: frozenset[int]  # tags not heard from since the lane began to listen, and not overdue by that


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
        self._through: I64 = np.zeros(0, np.int64)  # the gateway of that contact; 0: as the state has it
        self._made_of: tuple[Terms, Mapping[int, Hardware]] | None = None
        self._sorted_at = (0, 0)
        self._worn: I64 = np.zeros(0, np.int64)  # rows of the tags worn
        self._from_us: I64 = np.zeros(0, np.int64)  # of each, since when
        self._of: I64 = np.zeros(0, np.int64)  # of each, the place of its gateway in ``numbers``
        self._numbers: list[int] = []
        self._others: dict[Group, int] = {}

    def look(self, state: State, terms: Terms, hardware: Mapping[int, Hardware]) -> Look:
        """Learn from the contacts since the last look, and say how things stand as of the lane's time."""
        tags = state.tags[: state.count]
        contact_us = tags["contact_us"].astype(np.int64)
        self._begun_us = max(self._begun_us, state.listening_us)
        self._learn(np.arange(len(tags)), contact_us)
        self._sort(state, terms, hardware)
        heard_us = np.maximum(np.maximum(contact_us[self._worn], self._begun_us), self._from_us)
        since_us = heard_us + self._patience_us()[self._worn]
        silent = since_us <= state.watermark_us
        unknown = ~silent & (contact_us[self._worn] < self._begun_us)
        kinds = np.ones(len(silent), np.bool_), silent, unknown
        counted = (np.bincount(self._of, weights=which, minlength=len(self._numbers)) for which in kinds)
        columns = (column.astype(np.int64).tolist() for column in counted)
        rows = self._worn[silent]
        return Look(
            [Count(*row) for row in zip(self._numbers, *columns, strict=True)],
            self._others,
            _overdue(
                state, terms, hardware, rows, tags["last"]["gateway"][rows], since_us[silent], np.full(len(rows), FOREVER_US)
            ),
            frozenset(tags["tag"][self._worn[unknown]].tolist()),
        )

    def hear(
        self, state: State, terms: Terms, hardware: Mapping[int, Hardware], tags: Array, received_us: Array, gateways: Array
    ) -> list[Overdue]:
        """Learn from each of a commit's (n,) messages, and through what it came; who was overdue before one and is not now.

        For a lane on a trace's clock, whose batches may span hours, in which tags fall silent and are heard again.
        """
        rows = state.find(np.asarray(tags, np.int64))
        known = rows >= 0
        rows, received_us, through = rows[known], np.asarray(received_us, np.int64)[known], np.asarray(gateways, np.int64)[known]
        order = np.lexsort((received_us, rows))
        rows, at_us, through = rows[order], received_us[order], through[order]
        turn = np.arange(len(rows)) - np.searchsorted(rows, rows)
        spells: list[Overdue] = []
        for number in range(int(turn.max(initial=-1)) + 1):
            of_turn = turn == number
            spells += self._back(state, terms, hardware, rows[of_turn], at_us[of_turn])
            self._learn(rows[of_turn], at_us[of_turn])
            self._through[rows[of_turn]] = through[of_turn]
        return spells

    def _back(self, state: State, terms: Terms, hardware: Mapping[int, Hardware], rows: I64, at_us: I64) -> list[Overdue]:
        self._grow(state.count)
        before_us = self._contact_us[rows]
        since_us = np.maximum(before_us, self._begun_us) + self._patience_us()[rows]
        late = (before_us > 0) & (since_us < at_us)
        tags = state.tags["tag"][rows]
        late &= (tags < FIRST_TAG) & terms.covered(tags, since_us)
        through = self._through[rows]  # what it was silent behind: the state has what it is heard through now
        gateways = np.where(through > 0, through, state.tags["last"]["gateway"][rows])[late]
        return _overdue(state, terms, hardware, rows[late], gateways, since_us[late], at_us[late])

    def _patience_us(self) -> I64:
        patience_us: I64 = np.maximum(LEAST_US, INTERVALS * np.where(self._usual_us > 0, self._usual_us, UNKNOWN_US))
        return patience_us

    def _sort(self, state: State, terms: Terms, hardware: Mapping[int, Hardware]) -> None:
        """Who is worn, and whose gateway is which; kept for a minute, as it takes ten times what the rest does."""
        sorted_at, made_of = (state.count, state.watermark_us // SORT_US), (terms, hardware)
        if (
            self._made_of is not None
            and self._made_of[0] is terms
            and self._made_of[1] is hardware
            and sorted_at == self._sorted_at
        ):
            return
        self._made_of, self._sorted_at = made_of, sorted_at
        tags = state.tags[: state.count]
        gateway = tags["last"]["gateway"]
        from_us, _ = terms.around(tags["tag"], np.full(len(tags), state.watermark_us))
        self._worn = np.flatnonzero((from_us >= 0) & (tags["tag"] < FIRST_TAG) & (gateway > 0))
        self._from_us = from_us[self._worn]
        numbers, self._of = np.unique(gateway[self._worn], return_inverse=True)
        self._numbers = numbers.tolist()
        self._others = {}
        if hardware:
            for tag in tags["tag"][self._worn].tolist():
                for group in _made(hardware, tag):
                    self._others[group] = self._others.get(group, 0) + 1

    def _grow(self, count: int) -> None:
        known = len(self._contact_us)
        if count > known:
            self._contact_us = np.concatenate([self._contact_us, np.zeros(count - known, np.int64)])
            self._usual_us = np.concatenate([self._usual_us, np.zeros(count - known, np.int64)])
            self._through = np.concatenate([self._through, np.zeros(count - known, np.int64)])

    def _learn(self, rows: I64, contact_us: I64) -> None:
        """Note the newest contact of (n,) distinct rows."""
        self._grow(int(rows.max(initial=-1)) + 1)
        before_us, usual_us = self._contact_us[rows], self._usual_us[rows]
        gap_us = np.minimum(contact_us - before_us, LONGEST_US)
        heard = (before_us >= self._begun_us) & (before_us > 0) & (gap_us > 0)
        learned_us = np.where(usual_us > 0, usual_us + (gap_us - usual_us) // LEARN, gap_us)
        self._usual_us[rows] = np.where(heard, learned_us, usual_us)
        self._contact_us[rows] = np.maximum(before_us, contact_us)


def _overdue(
    state: State, terms: Terms, hardware: Mapping[int, Hardware], rows: I64, gateways: Array, since_us: I64, to_us: I64
) -> list[Overdue]:
    tags = state.tags["tag"][rows].tolist()
    return [
        Overdue(tag, since, (Group("gateway", str(gateway)), *_made(hardware, tag)), terms.guarded(tag, since), to)
        for tag, gateway, since, to in zip(tags, gateways.tolist(), since_us.tolist(), to_us.tolist(), strict=True)
    ]


def _made(hardware: Mapping[int, Hardware], tag: int) -> Sequence[Group]:
    """The network and the model of a tag, where they are known."""
    known = hardware.get(tag)
    if known is None:
        return ()
    pairs = (("network", known.network), ("model", known.model))
    return tuple(Group(kind, name) for kind, name in pairs if name)
