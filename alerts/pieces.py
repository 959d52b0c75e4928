"""A batch becomes pieces, so that what came out of order of a tag that a curfew asks for is judged when it came.

Judged after the whole batch it would meet alerts that were raised only later, and the live judging of what came later would not
know what it made of the time before: what is said would depend on how records were cut into batches.
"""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from alerts.late import Known, going_on, out_of_order, windows, within
from alerts.quality import identity_order
from alerts.track import runs
from alerts.world import World
from model.alert import Change, Judged
from model.arrays import I64, Array, joined, taken
from model.batch import Batch
from model.event import EVENT
from model.fix import FIX, IDENTITY
from model.history import NO_HISTORY, History
from model.state import State

# Places of a batch at most at which it is cut; what came out of order later than that in it is judged at its end, together. A
# piece costs a judge's turn, some milliseconds, and history judged twice: a slice of old data should not hold a lane for long.
MOST: Final = 64


class Piece(NamedTuple):
    """Part of a batch: its fixes and events, and lane time once it is consumed."""

    batch: Batch
    now_us: int


def pieces(world: World, state: State, batch: Batch, now_us: int) -> list[Piece]:
    """The batch in pieces; none where nothing in it came out of order of a tag under curfew, so that it can stay whole.

    Of one lane time everything stays together: in one frame any order is in order.
    """
    fixes, events = batch.fixes, batch.events
    back, told_back = out_of_order(world.rules, world.terms, state, fixes, events)
    if not back.any() and not told_back.any():
        return []
    came_us, told_us = _lane_us(state, fixes), _lane_us(state, events)
    cuts = np.unique(np.concatenate([came_us[back], told_us[told_back]]))
    edges = np.unique(np.append(cuts[:MOST], cuts[:MOST] + 1))  # before such a time, and after it
    of_fix, of_event = np.searchsorted(edges, came_us, side="right"), np.searchsorted(edges, told_us, side="right")
    found = []
    for number in range(len(edges) + 1):
        ours, own = of_fix == number, of_event == number
        upto_us = int(np.max(np.concatenate([came_us[ours], told_us[own]]), initial=0))
        if upto_us:
            part = batch._replace(fixes=taken(fixes, ours), events=taken(events, own), received_us=upto_us)
            found.append(Piece(part, min(upto_us, now_us)))
    if found[-1].now_us < now_us:  # what the clock makes of it comes after what was out of order
        found.append(Piece(batch._replace(fixes=fixes[:0], events=events[:0]), now_us))
    return found


def _lane_us(state: State, rows: Array) -> I64:
    """(n,) lane time of each of (n,) FIX or EVENT in arrival order."""
    lane_us: I64 = (
        np.maximum(np.maximum.accumulate(rows["received_us"]), state.watermark_us) if len(rows) else rows["received_us"]
    )
    return lane_us


class Pool:
    """What the store held of the past, and what the pieces judged so far have added to it."""

    def __init__(self, history: History) -> None:
        self.fixes: list[Array] = []
        self.changes: list[Change] = []
        self._requalified: list[Array] = []
        self._history, self._events = history, [history.events]
        self._known = Known(history.occurrences, ())
        self._spans: dict[int, list[tuple[int, int]]] = {}  # of which rows of the history are whose: a piece needs but a few
        for span in pairwise(runs(history.fixes["tag"]).tolist()):
            self._spans.setdefault(int(history.fixes["tag"][span[0]]), []).append(span)

    def history(self, world: World, state: State, batch: Batch) -> History:
        """What judging a piece needs: no more than the store would have given, had the piece been a batch."""
        asked = windows(world.rules, world.terms, state, batch.fixes, np.ones(len(batch.fixes), bool), batch.events)
        if not asked:
            return NO_HISTORY
        spans = sorted(span for tag in {window.tag for window in asked} for span in self._spans.get(tag, ()))
        stored = [self._history.fixes[first:stop] for first, stop in spans]
        return History(
            _as_confirmed(within(asked, joined([*stored, *self.fixes], FIX), "fix_at_us"), self._requalified),
            going_on(asked, self._known.all()),
            within(asked, joined(self._events, EVENT), "at_us"),
        )

    def add(self, batch: Batch, judged: Judged) -> None:
        """A piece has been judged."""
        self.fixes.append(judged.fixes)
        self._events.append(batch.events)
        self._requalified.append(judged.requalified)
        for change in judged.changes:
            self._known.tell(change)
        self.changes += judged.changes

    def judged(self) -> Judged:
        """All pieces as one."""
        fixes = _as_confirmed(joined(self.fixes, FIX), self._requalified)
        names = list(IDENTITY)
        own = set(fixes[names].tolist())
        confirmed = joined(self._requalified, FIX)
        stored = np.array([one not in own for one in confirmed[names].tolist()], bool)
        return Judged(fixes[identity_order(fixes)], tuple(self.changes), confirmed[stored])


def _as_confirmed(fixes: Array, requalified: list[Array]) -> Array:
    """(n,) FIX, those that later ones have confirmed as these say."""
    confirmed = joined(requalified, FIX)
    if not len(confirmed):
        return fixes
    names = list(IDENTITY)
    place = {identity: row for row, identity in enumerate(fixes[names].tolist())}
    for row, identity in enumerate(confirmed[names].tolist()):
        if identity in place:
            fixes[place[identity]] = confirmed[row]
    return fixes
