"""Zones, and to whom and when they apply, become flat arrays that the kernels read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from geofence.kernel import kernel
from geofence.metric import span_deg
from geofence.shape import Shape, compile_shapes
from geofence.tree import Tree, pack
from model.arrays import Array
from model.zone import Assignment, Monitored, Zone


class Plan(NamedTuple):
    """What the kernels read. A *slot* is one version of one zone; slots are ordered by (zone, version), times are us UTC."""

    # slots
    zone: Array  # (s,) int64 zone id
    version: Array  # (s,) int32
    from_us: Array  # (s,) int64, in force from (inclusive)
    to_us: Array  # (s,) int64, to (exclusive)
    radius_m: Array  # (s,) float64, 0 for polygons
    buffer_m: Array  # (s,) float64
    box: Array  # (s, 4) float64 degrees west, south, east, north, its buffer included
    interval_at: Array  # (s + 1,) int64, where each slot's intervals begin
    interval: Array  # (i, 2) int64, when it applies: half-open, in order, apart
    ring_first: Array  # (s + 1,) int64, each slot's first ring
    ring_at: Array  # (r + 1,) int64, where each ring's coordinates begin
    x: Array  # (v,) float64 degrees longitude, in the slot's own frame (up to 360 across the 180° meridian)
    y: Array  # (v,) float64 degrees latitude
    centre_at: Array  # (s,) int64, a slot's first coordinate: the centre of a circle
    # zones
    slot_first: Array  # (z + 1,) int64, each zone's first slot
    zone_of: Array  # (s,) int64, row of the slot's zone
    shared: Array  # (z,) bool, whether it applies to everyone monitored
    # tags
    assigned_at: Array  # (t + 1,) int64, each tag's first assignment
    assigned_zone: Array  # (a,) int64 zone row; a tag's assignments are ordered by it
    assigned: Array  # (a, 2) int64 from, to
    monitored_at: Array  # (t + 1,) int64, each tag's first interval of monitoring
    monitored: Array  # (m, 2) int64 from, to
    # zones shared by everyone monitored
    tree: Tree


class _Reach(NamedTuple):
    """To whom zones apply, before zone ids become rows."""

    assigned: Array  # (a, 4) int64 tag, zone id, from, to
    monitored: Array  # (m, 3) int64 tag, from, to
    shared: Array  # (k,) int64 zone ids


class ZoneIndex:
    """Every zone version, compiled, with its times and to whom it applies. Immutable; ``changed`` makes the next one.

    Attributes
    ----------
    zones : {(id, version): Zone}
    tags : (t,) int64 tag ids in order, of all tags that have an assignment or are monitored
    plan : the arrays
    """

    def __init__(self, zones: Mapping[tuple[int, int], Zone], shapes: Mapping[tuple[int, int], Shape], reach: _Reach) -> None:
        self.zones = dict(sorted(zones.items()))
        self._shapes = shapes
        self._reach = reach
        self.tags: Array = np.unique(np.concatenate([reach.assigned[:, 0], reach.monitored[:, 0]]))
        self.plan = _plan(list(self.zones.values()), [shapes[key] for key in self.zones], self.tags, reach)

    @classmethod
    def build(
        cls,
        zones: Iterable[Zone],
        assignments: Iterable[Assignment] = (),
        monitored: Iterable[Monitored] = (),
        shared: Iterable[int] = (),
    ) -> "ZoneIndex":
        """An index of zone versions.

        Parameters
        ----------
        zones : several versions of one zone may be among them; each fix is judged by the one in force at its ``fix_at``
        assignments : which zones apply to which tags
        monitored : when a tag is monitored at all: shared zones apply to it then
        shared : ids of the zones that apply to everyone monitored

        Raises
        ------
        ValueError
            If an assignment or ``shared`` names a zone of which no version is given: a wearer would be watched by nothing.
        """
        by_key = {(zone.id, zone.version): zone for zone in zones}
        shapes = dict(zip(by_key, compile_shapes(list(by_key.values())), strict=True))
        return cls(by_key, shapes, _reach(assignments, monitored, shared))

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
        zones, shapes = dict(self.zones), dict(self._shapes)
        for key in drop:
            del zones[key], shapes[key]
        fresh = []
        for zone in put:
            key = (zone.id, zone.version)
            old = zones.get(key)
            if old is None or (old.wkb, old.radius_m) != (zone.wkb, zone.radius_m):
                fresh.append(zone)
            zones[key] = zone
        shapes.update(zip(((zone.id, zone.version) for zone in fresh), compile_shapes(fresh), strict=True))
        reach = _Reach(
            self._reach.assigned if assignments is None else _assigned(assignments),
            self._reach.monitored if monitored is None else _monitored(monitored),
            self._reach.shared if shared is None else _shared(shared),
        )
        return ZoneIndex(zones, shapes, reach)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays the kernels read."""
        flat: list[Array] = [part for part in self.plan if not isinstance(part, Tree)]
        return sum(part.nbytes for part in (*flat, *self.plan.tree, self.tags))


def _reach(assignments: Iterable[Assignment], monitored: Iterable[Monitored], shared: Iterable[int]) -> _Reach:
    return _Reach(_assigned(assignments), _monitored(monitored), _shared(shared))


def _assigned(assignments: Iterable[Assignment]) -> Array:
    return np.array([(a.tag, a.zone, a.from_us, a.to_us) for a in assignments], np.int64).reshape(-1, 4)


def _monitored(monitored: Iterable[Monitored]) -> Array:
    return np.array([(m.tag, m.from_us, m.to_us) for m in monitored], np.int64).reshape(-1, 3)


def _shared(shared: Iterable[int]) -> Array:
    return np.unique(np.array(list(shared), np.int64))


def _plan(zones: Sequence[Zone], shapes: Sequence[Shape], tags: Array, reach: _Reach) -> Plan:
    """The arrays of zone versions in the order of (id, version), for ``tags`` in order."""
    ids = np.array([zone.id for zone in zones], np.int64)
    known, slot_first = np.unique(ids, return_index=True)
    unknown = np.setdiff1d(np.concatenate([reach.assigned[:, 1], reach.shared]), known)
    if len(unknown):
        raise ValueError(f"zone {unknown[0]} applies to somebody, but no version of it was given: load its versions first")
    intervals = [merged(zone.intervals) for zone in zones]
    rings = [len(shape.ring_at) - 1 for shape in shapes]
    vertex_at = _starts([len(shape.x) for shape in shapes])
    buffer_m = np.array([zone.buffer_m for zone in zones], np.float64)
    box = np.array([shape.box for shape in shapes], np.float64).reshape(-1, 4)
    _widen(box, np.array([shape.radius_m for shape in shapes], np.float64) + buffer_m)
    zone_of = np.searchsorted(known, ids)
    is_shared = np.isin(known, reach.shared)
    in_tree = np.flatnonzero(is_shared[zone_of])
    assigned = reach.assigned[np.lexsort((reach.assigned[:, 2], reach.assigned[:, 1], reach.assigned[:, 0]))]
    monitored = reach.monitored[np.lexsort((reach.monitored[:, 1], reach.monitored[:, 0]))]
    return Plan(
        zone=ids,
        version=np.array([zone.version for zone in zones], np.int32),
        from_us=np.array([zone.in_force_from_us for zone in zones], np.int64),
        to_us=np.array([zone.in_force_to_us for zone in zones], np.int64),
        radius_m=np.array([shape.radius_m for shape in shapes], np.float64),
        buffer_m=buffer_m,
        box=box,
        interval_at=_starts([len(part) for part in intervals]),
        interval=np.array([pair for part in intervals for pair in part], np.int64).reshape(-1, 2),
        ring_first=_starts(rings),
        ring_at=_ring_at(shapes, vertex_at),
        x=_flat([shape.x for shape in shapes]),
        y=_flat([shape.y for shape in shapes]),
        centre_at=vertex_at[:-1],
        slot_first=np.append(slot_first, len(ids)).astype(np.int64),
        zone_of=zone_of.astype(np.int64),
        shared=is_shared,
        assigned_at=np.searchsorted(assigned[:, 0], np.append(tags, np.iinfo(np.int64).max)).astype(np.int64),
        assigned_zone=np.searchsorted(known, assigned[:, 1]).astype(np.int64),
        assigned=np.ascontiguousarray(assigned[:, 2:]),
        monitored_at=np.searchsorted(monitored[:, 0], np.append(tags, np.iinfo(np.int64).max)).astype(np.int64),
        monitored=np.ascontiguousarray(monitored[:, 1:]),
        tree=pack(box[in_tree], in_tree),
    )


def merged(intervals: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Half-open intervals in order, those that overlap or touch made one, empty ones left out."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _starts(counts: Sequence[int]) -> Array:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)


def _flat(parts: Sequence[Array]) -> Array:
    return np.concatenate(parts) if parts else np.zeros(0)


def _ring_at(shapes: Sequence[Shape], vertex_at: Array) -> Array:
    starts = [shape.ring_at[:-1] + at for shape, at in zip(shapes, vertex_at, strict=False)]
    return np.concatenate([*starts, vertex_at[-1:]]).astype(np.int64)


@kernel
def _widen(box: Array, by_m: Array) -> None:
    """Widen each (n, 4) box in place by (n,) metres."""
    for i in range(len(box)):
        lon_deg, lat_deg = span_deg(by_m[i], max(abs(box[i, 1]), abs(box[i, 3])))
        box[i, 0] -= lon_deg
        box[i, 1] -= lat_deg
        box[i, 2] += lon_deg
        box[i, 3] += lat_deg
