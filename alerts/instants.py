"""A world becomes the instants at which, with nobody moving, the answer may change: what a lane judges again, and when."""

from collections.abc import Iterable, Sequence

import numpy as np

from model.arrays import I64, Array, rows_of
from model.instant import BEGINNING_US, FOREVER_US
from model.setting import Setting
from model.state import State
from model.zone import Assignment, Monitored, Zone
from model.zones import Zones


class Instants:
    """When zone versions, their schedules, people's orders and activations, and settings begin and end. Immutable.

    At each, the last fixes of the tags concerned are judged again (``alerts.judge.rejudge``): a zone drawn round somebody who
    stands still, or a schedule that starts while nobody moves, must not wait for the next fix.
    """

    def __init__(
        self,
        zones: Zones | Iterable[Zone],
        assignments: I64 | Iterable[Assignment],
        monitored: I64 | Iterable[Monitored],
        shared: Iterable[int],
        settings: Iterable[Setting] = (),
    ) -> None:
        table = zones if isinstance(zones, Zones) else Zones.of(zones)
        assigned, watched = rows_of(assignments, 4), rows_of(monitored, 6)
        row = table.row
        of = np.repeat(row["id"], row["intervals"])
        said = tuple(settings)
        of_zones, of_tags = rows_of(_of_zones(said), 2), _of_tags(said, watched)
        self._zone_at, self._zones = _sorted(
            (row["from_us"], row["to_us"], table.interval[:, 0], table.interval[:, 1], of_zones[:, 0]),
            (row["id"], row["id"], of, of, of_zones[:, 1]),
        )
        self._tag_at, self._tags = _sorted(
            (assigned[:, 2], assigned[:, 3], watched[:, 3], watched[:, 4], of_tags[:, 0]),
            (*(assigned[:, 0],) * 2, *(watched[:, 0],) * 2, of_tags[:, 1]),
        )
        self._shared = np.array(sorted(shared), np.int64)
        self._watched: I64 = np.unique(watched[:, 0])
        self._assigned_zones: I64 = assigned[:, 1]
        self._assigned_tags: I64 = assigned[:, 0]

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


def _of_zones(settings: Sequence[Setting]) -> list[tuple[int, int]]:
    """When numbers that are set for a zone come into force, and for which zones."""
    return [(at, one.subject) for one in settings if one.scope == "zone" for at in (one.in_force_from_us, one.in_force_to_us)]


def _of_tags(settings: Sequence[Setting], watched: I64) -> I64:
    """(n, 2) when numbers that are set for everyone, a type or an order come into force, and for which tags."""
    everyone = np.unique(watched[:, 0])
    found = [np.zeros((0, 2), np.int64)]
    for one in settings:
        if one.scope == "zone":
            continue
        whose = everyone
        if one.scope != "all":
            orders = one.orders if one.scope == "type" else (one.subject,)
            whose = np.unique(watched[np.isin(watched[:, 2], np.array(sorted(orders), np.int64)), 0])
        found += [np.column_stack([np.full(len(whose), at), whose]) for at in (one.in_force_from_us, one.in_force_to_us)]
    return np.concatenate(found)


def _sorted(times: Sequence[Array], of: Sequence[Array]) -> tuple[I64, I64]:
    """Times and what they are of, in order of time; the open ends of intervals are no instants."""
    real = [(at > BEGINNING_US) & (at < FOREVER_US) for at in times]
    at = np.concatenate([part[some] for part, some in zip(times, real, strict=True)])
    what = np.concatenate([part[some] for part, some in zip(of, real, strict=True)])
    order = np.argsort(at, kind="stable")
    return at[order], what[order]
