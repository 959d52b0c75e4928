"""A world becomes the instants at which, with nobody moving, the answer may change: what a lane judges again, and when."""

from collections.abc import Iterable

import numpy as np

from model.arrays import I64
from model.instant import BEGINNING_US, FOREVER_US
from model.state import State
from model.zone import Assignment, Monitored, Zone


class Instants:
    """When zone versions, their schedules, and people's orders and activations begin and end. Immutable.

    At each, the last fixes of the tags concerned are judged again (``alerts.judge.rejudge``): a zone drawn round somebody who
    stands still, or a schedule that starts while nobody moves, must not wait for the next fix.
    """

    def __init__(
        self, zones: Iterable[Zone], assignments: Iterable[Assignment], monitored: Iterable[Monitored], shared: Iterable[int]
    ) -> None:
        assigned, watched = tuple(assignments), tuple(monitored)
        of_zones = [
            (at, zone.id)
            for zone in zones
            for at in {zone.in_force_from_us, zone.in_force_to_us, *(end for span in zone.intervals for end in span)}
        ]
        worn = [(at, span.tag) for span in watched for at in (span.from_us, span.to_us)]
        of_tags = [(at, span.tag) for span in assigned for at in (span.from_us, span.to_us)] + worn
        self._zone_at, self._zones = _sorted(of_zones)
        self._tag_at, self._tags = _sorted(of_tags)
        self._shared = np.array(sorted(shared), np.int64)
        self._watched: I64 = np.unique(np.array([span.tag for span in watched], np.int64))
        pairs = np.array([(span.zone, span.tag) for span in assigned], np.int64).reshape(-1, 2)
        pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
        self._assigned_zones: I64 = pairs[:, 0]
        self._assigned_tags: I64 = pairs[:, 1]

    def between(self, after_us: int, upto_us: int) -> list[int]:
        """The instants in ``(after_us, upto_us]``, in order."""
        found = [times[slice(*np.searchsorted(times, (after_us, upto_us), "right"))] for times in (self._zone_at, self._tag_at)]
        instants: list[int] = np.unique(np.concatenate(found)).tolist()
        return instants

    def tags(self, at_us: int, state: State) -> I64:
        """(n,) int64 tags of the lane, ascending, whose answer may change at an instant; those never heard of are left out."""
        zones = self._zones[slice(np.searchsorted(self._zone_at, at_us), np.searchsorted(self._zone_at, at_us, "right"))]
        tags = self._tags[slice(np.searchsorted(self._tag_at, at_us), np.searchsorted(self._tag_at, at_us, "right"))]
        of_zones = self._assigned_tags[np.isin(self._assigned_zones, zones)]
        everyone = self._watched if np.isin(zones, self._shared).any() else self._watched[:0]
        concerned = np.unique(np.concatenate([tags, of_zones, everyone]))
        return concerned[np.fromiter((tag in state.row_of for tag in concerned.tolist()), np.bool_, len(concerned))]


def _sorted(pairs: list[tuple[int, int]]) -> tuple[I64, I64]:
    """Times and what they are of, in order of time; the open ends of intervals are no instants."""
    array = np.array([pair for pair in pairs if BEGINNING_US < pair[0] < FOREVER_US], np.int64).reshape(-1, 2)
    array = array[np.argsort(array[:, 0], kind="stable")]
    return array[:, 0], array[:, 1]
