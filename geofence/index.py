"""Zones, and to whom and when they apply, become flat arrays that the kernels read."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter, gt
from typing import Final, NamedTuple

import numpy as np

from geofence.kernel import kernel
from geofence.metric import span_deg
from geofence.order import places
from geofence.shape import Shapes, compile_shapes, gathered
from geofence.tree import Tree, pack
from model.arrays import I64, Array
from model.hit import REACH_M
from model.zone import Assignment, Monitored, Zone

# What of a slot is not geometry.
SLOT: Final = np.dtype(
    [
        ("zone", "<i8"),  # zone id
        ("from_us", "<i8"),  # us UTC, in force from (inclusive)
        ("to_us", "<i8"),  # to (exclusive)
        ("interval_at", "<i8"),  # its first interval
        ("buffer_m", "<f8"),
        ("reach_lon", "<f8"),  # degrees round its box within which a fix may be near enough to have a row, whatever its accuracy
        ("reach_lat", "<f8"),
        ("version", "<i4"),
        ("row", "<i4"),  # of its zone
        ("intervals", "<i4"),
    ]
)


class Plan(NamedTuple):
    """What the kernels read. A *slot* is one version of one zone; slots are ordered by (zone, version), times are us UTC."""

    shapes: Shapes  # of the slots
    slot: Array  # (s,) SLOT
    interval: Array  # (i, 2) int64, when each slot applies: half-open, in order, apart
    # zones
    slot_first: Array  # (z + 1,) int64, each zone's first slot
    shared: Array  # (z,) bool, whether it applies to everyone monitored
    # tags
    assigned_at: Array  # (t + 1,) int64, each tag's first assignment
    assigned_zone: Array  # (a,) int64 zone row; a tag's assignments are ordered by it
    assigned: Array  # (a, 2) int64 from, to
    monitored_at: Array  # (t + 1,) int64, each tag's first interval of monitoring
    monitored: Array  # (m, 2) int64 from, to
    # zones shared by everyone monitored
    tree: Tree  # of their slots' boxes, reach included


class _Slots(NamedTuple):
    """Slots before they know their zone's row and their reach."""

    slot: Array  # (s,) SLOT
    interval: Array  # (i, 2) int64


class _Reach(NamedTuple):
    """To whom zones apply, before zone ids become rows."""

    assigned: Array  # (a, 4) int64 tag, zone id, from, to; in that order
    monitored: Array  # (m, 3) int64 tag, from, to; in that order
    shared: Array  # (k,) int64 zone ids


class ZoneIndex:
    """Every zone version, compiled, with its times and to whom it applies. Immutable; ``changed`` makes the next one.

    Attributes
    ----------
    zones : {(id, version): Zone}, in that order
    tags : (t,) int64 tag ids in order, of all tags that have an assignment or are monitored
    plan : the arrays
    """

    def __init__(self, zones: Mapping[tuple[int, int], Zone], shapes: Shapes, slots: _Slots, reach: _Reach) -> None:
        self.zones = zones
        self._slots = slots
        self._reach = reach
        self.tags: Array = np.unique(np.concatenate([reach.assigned[:, 0], reach.monitored[:, 0]]))
        self.places: Array = places(self.tags)
        self.plan = _plan(shapes, slots, self.tags, reach)

    @classmethod
    def build(
        cls,
        zones: Iterable[Zone],
        assignments: Iterable[Assignment] = (),
        monitored: Iterable[Monitored] = (),
        shared: Iterable[int] = (),
        threads: int = 1,
    ) -> "ZoneIndex":
        """An index of zone versions.

        Parameters
        ----------
        zones : several versions of one zone may be among them; each fix is judged by the one in force at its ``fix_at``
        assignments : which zones apply to which tags
        monitored : when a tag is monitored at all: shared zones apply to it then
        shared : ids of the zones that apply to everyone monitored
        threads : how many share the work; the index is the same for any number

        Raises
        ------
        ValueError
            If an assignment or ``shared`` names a zone of which no version is given: a wearer would be watched by nothing.
        """
        by_key = {(zone.id, zone.version): zone for zone in zones}
        keys = list(by_key)
        if any(map(gt, keys, keys[1:])):
            by_key = dict(sorted(by_key.items()))
        ordered = list(by_key.values())
        reach = _Reach(_assigned(assignments), _monitored(monitored), _shared(shared))
        return cls(by_key, compile_shapes(ordered, threads), _slots_of(ordered), reach)

    def changed(
        self,
        put: Iterable[Zone] = (),
        drop: Iterable[tuple[int, int]] = (),
        assignments: Iterable[Assignment] | None = None,
        monitored: Iterable[Monitored] | None = None,
        shared: Iterable[int] | None = None,
    ) -> "ZoneIndex":
        """The index after a control change; what ``build`` would make of the whole. Unchanged geometry is not compiled again.

        Parameters
        ----------
        put : zone versions that are new or differ (in their times, say)
        drop : (id, version) of those no fix can be judged by any more
        assignments, monitored, shared : the whole of each, or None where it did not change
        """
        old_row = {key: row for row, key in enumerate(self.zones)}
        zones = dict(self.zones)
        for key in drop:
            del zones[key]
        given = {(zone.id, zone.version): zone for zone in put}
        fresh: dict[tuple[int, int], int] = {}  # geometries to compile, and their rows
        for key, zone in given.items():
            old = zones.get(key)
            if old is None or (old.wkb, old.radius_m) != (zone.wkb, zone.radius_m):
                fresh[key] = len(fresh)
            zones[key] = zone
        zones = dict(sorted(zones.items()))
        slot_row = {key: row for row, key in enumerate(given)}
        reach = _Reach(
            self._reach.assigned if assignments is None else _assigned(assignments),
            self._reach.monitored if monitored is None else _monitored(monitored),
            self._reach.shared if shared is None else _shared(shared),
        )
        shapes = gathered((self.plan.shapes, compile_shapes([given[key] for key in fresh])), *_sources(zones, old_row, fresh))
        slots = _spliced((self._slots, _slots_of(list(given.values()))), *_sources(zones, old_row, slot_row))
        return ZoneIndex(zones, shapes, slots, reach)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays the kernels read, of geometry and of everything else."""
        flat: list[Array] = [part for part in self.plan if not isinstance(part, tuple)]
        return sum(part.nbytes for part in (*flat, *self.plan.tree, *self.plan.shapes, self.tags))


def _sources(
    zones: Iterable[tuple[int, int]], old: Mapping[tuple[int, int], int], new: Mapping[tuple[int, int], int]
) -> tuple[I64, I64]:
    """For each zone version where to take it from: 0 for the old, 1 for the new, and its row there."""
    keys = list(zones)
    part = np.fromiter((key in new for key in keys), np.int64, len(keys))
    row = np.fromiter((new[key] if key in new else old[key] for key in keys), np.int64, len(keys))
    return part, row


def _assigned(assignments: Iterable[Assignment]) -> Array:
    rows = np.fromiter(chain.from_iterable(assignments), np.int64).reshape(-1, 4)
    return rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]


def _monitored(monitored: Iterable[Monitored]) -> Array:
    rows = np.fromiter(chain.from_iterable(monitored), np.int64).reshape(-1, 5)[:, [0, 3, 4]]
    return rows[np.lexsort((rows[:, 1], rows[:, 0]))]


def _shared(shared: Iterable[int]) -> Array:
    return np.unique(np.array(list(shared), np.int64))


def _slots_of(zones: Sequence[Zone]) -> _Slots:
    slot = np.zeros(len(zones), SLOT)
    for field, name in (
        ("zone", "id"),
        ("version", "version"),
        ("from_us", "in_force_from_us"),
        ("to_us", "in_force_to_us"),
        ("buffer_m", "buffer_m"),
    ):
        slot[field] = np.fromiter(map(attrgetter(name), zones), slot.dtype[field], len(zones))
    apart = [merged(zone.intervals) for zone in zones]
    slot["intervals"] = np.fromiter(map(len, apart), np.int64, len(zones))
    slot["interval_at"] = np.cumsum(slot["intervals"]) - slot["intervals"]
    return _Slots(slot, np.fromiter(chain.from_iterable(chain.from_iterable(apart)), np.int64).reshape(-1, 2))


def merged(intervals: Iterable[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Half-open intervals in order, those that overlap or touch made one, empty ones left out."""
    if isinstance(intervals, tuple) and len(intervals) == 1 and intervals[0][0] < intervals[0][1]:
        return intervals  # nearly all of them
    out: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _spliced(parts: Sequence[_Slots], part: I64, row: I64) -> _Slots:
    """Slots of several: the i-th is slot ``row[i]`` of ``parts[part[i]]``."""
    offset = np.cumsum([0, *(len(of.slot) for of in parts)])
    first = np.cumsum([0, *(len(of.interval) for of in parts)])
    slot = np.concatenate([of.slot for of in parts])[offset[part] + row]
    at = slot["interval_at"] + first[part]
    count = slot["intervals"].astype(np.int64)
    slot["interval_at"] = np.cumsum(count) - count
    picked = np.repeat(at - slot["interval_at"], count) + np.arange(count.sum())
    return _Slots(slot, np.concatenate([of.interval for of in parts])[picked])


def _plan(shapes: Shapes, slots: _Slots, tags: Array, reach: _Reach) -> Plan:
    """The arrays of zone versions in the order of (id, version), for ``tags`` in order."""
    slot = slots.slot.copy()
    known, slot_first = np.unique(slot["zone"], return_index=True)
    unknown = np.setdiff1d(np.concatenate([reach.assigned[:, 1], reach.shared]), known)
    if len(unknown):
        raise ValueError(f"zone {unknown[0]} applies to somebody, but no version of it was given: load its versions first")
    slot["row"] = np.searchsorted(known, slot["zone"])
    _set_reach(slot, shapes.shape)
    is_shared = np.isin(known, reach.shared)
    in_tree = np.flatnonzero(is_shared[slot["row"]])
    ends = np.append(tags, np.iinfo(np.int64).max)
    return Plan(
        shapes=shapes,
        slot=slot,
        interval=slots.interval,
        slot_first=np.append(slot_first, len(slot)).astype(np.int64),
        shared=is_shared,
        assigned_at=np.searchsorted(reach.assigned[:, 0], ends).astype(np.int64),
        assigned_zone=np.searchsorted(known, reach.assigned[:, 1]).astype(np.int64),
        assigned=np.ascontiguousarray(reach.assigned[:, 2:]),
        monitored_at=np.searchsorted(reach.monitored[:, 0], ends).astype(np.int64),
        monitored=np.ascontiguousarray(reach.monitored[:, 1:]),
        tree=pack(_boxes(slot[in_tree], shapes.shape[in_tree]), in_tree),
    )


def _boxes(slot: Array, shape: Array) -> Array:
    """(n, 4) float64 degrees west, south, east, north within which a fix may be near enough to have a row."""
    sides = (
        shape["west"] - slot["reach_lon"],
        shape["south"] - slot["reach_lat"],
        shape["east"] + slot["reach_lon"],
        shape["north"] + slot["reach_lat"],
    )
    return np.column_stack(sides)


@kernel
def _set_reach(slot: Array, shape: Array) -> None:
    for i in range(len(slot)):
        s = shape[i]
        lon_deg, lat_deg = span_deg(max(slot[i]["buffer_m"], REACH_M), max(abs(s["south"]), abs(s["north"])))
        slot[i]["reach_lon"] = lon_deg
        slot[i]["reach_lat"] = lat_deg
