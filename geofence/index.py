"""Zones, and to whom and when they apply, become flat arrays that the kernels read."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from geofence.kernel import kernel
from geofence.metric import span_deg
from geofence.order import places
from geofence.shape import Room, Shapes, compile_shapes, extended
from geofence.tree import Tree, pack
from model.arrays import I64, Array, among, distinct, rows_of
from model.hit import REACH_M
from model.zone import Assignment, Monitored, Zone
from model.zones import VERSIONS, Zones

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


_SLOT_OF: Final = {  # of ROW
    "zone": "id",
    "version": "version",
    "from_us": "from_us",
    "to_us": "to_us",
    "buffer_m": "buffer_m",
    "interval_at": "interval_at",
    "intervals": "intervals",
}


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
    assigned: Array  # (a, 4) int64 tag, zone id, from, to
    monitored_at: Array  # (t + 1,) int64, each tag's first interval of monitoring
    monitored: Array  # (m, 3) int64 tag, from, to
    # zones shared by everyone monitored
    tree: Tree  # of their slots' boxes, reach included


class Compiled(NamedTuple):
    """Geometry that was compiled, and of which zone versions."""

    zones: Zones
    shapes: Shapes  # a row each
    room: Room


class Reach(NamedTuple):
    """To whom zones apply, before zone ids become rows."""

    assigned: Array  # (a, 4) int64 tag, zone id, from, to; in that order
    monitored: Array  # (m, 3) int64 tag, from, to; in that order
    shared: Array  # (k,) int64 zone ids


class ZoneIndex:
    """Every zone version, compiled, with its times and to whom it applies. Immutable; ``changed`` makes the next one.

    Attributes
    ----------
    zones : all zone versions, without their outlines
    tags : (t,) int64 tag ids in order, of all tags that have an assignment or are monitored
    plan : the arrays
    """

    def __init__(self, compiled: Compiled, reach: Reach) -> None:
        self.zones = compiled.zones
        self._room = compiled.room
        self.reach = reach
        self.tags: Array = distinct(
            np.sort(np.concatenate([distinct(reach.assigned[:, 0]), distinct(reach.monitored[:, 0])]), kind="stable")
        )
        self.places: Array = places(self.tags)
        self.plan = _plan(compiled, self.tags, reach)

    @classmethod
    def build(
        cls,
        zones: Zones | Iterable[Zone],
        assignments: I64 | Iterable[Assignment] = (),
        monitored: I64 | Iterable[Monitored] = (),
        shared: Iterable[int] = (),
        threads: int = 1,
        before: Compiled | None = None,
    ) -> "ZoneIndex":
        """An index of zone versions.

        Parameters
        ----------
        zones : several versions of one zone may be among them; each fix is judged by the one in force at its ``fix_at``
        assignments : which zones apply to which tags; as an array, (a, 4) of their fields
        monitored : when a tag is monitored at all: shared zones apply to it then; as an array, (m, 6)
        shared : ids of the zones that apply to everyone monitored
        threads : how many share the work; the index is the same for any number
        before : what was compiled already: taken for the zone versions whose outline is not given

        Raises
        ------
        ValueError
            If an assignment or ``shared`` names a zone of which no version is given: a wearer would be watched by nothing. If a
            zone version has no outline and was not compiled before.
        """
        table = zones if isinstance(zones, Zones) else Zones.of(zones)
        reach = Reach(_assigned(assignments), _monitored(monitored), _shared(shared))
        return cls(_compiled(table, threads, before), reach)

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
        gone = np.zeros(len(self.zones), np.bool_)
        dropped = self.zones.find(np.array([zone * VERSIONS + version for zone, version in drop], np.int64))
        gone[dropped[dropped >= 0]] = True
        given = Zones.of(put)
        given = given.outlined(lambda key, zone: self._shape_of(key) != (zone.wkb, zone.radius_m))
        reach = Reach(
            self.reach.assigned if assignments is None else _assigned(assignments),
            self.reach.monitored if monitored is None else _monitored(monitored),
            self.reach.shared if shared is None else _shared(shared),
        )
        return ZoneIndex(_compiled(self.zones.replaced(gone, given), 1, self.compiled), reach)

    def _shape_of(self, key: tuple[int, int]) -> tuple[bytes, float] | None:
        old = self.zones.get(key)
        return None if old is None else (old.wkb, old.radius_m)

    @property
    def compiled(self) -> Compiled:
        """Its geometry, to make another index of."""
        return Compiled(self.zones, self.plan.shapes, self._room)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays the kernels read, of geometry and of everything else."""
        flat: list[Array] = [part for part in self.plan if not isinstance(part, tuple)]
        return sum(part.nbytes for part in (*flat, *self.plan.tree, *self.plan.shapes, self.tags))


def _compiled(table: Zones, threads: int, before: Compiled | None) -> Compiled:
    """The geometry of a table: what is outlined is compiled, all else taken from what was before."""
    zones = Zones(table.row, table.interval, made=table.made)
    fresh = compile_shapes(table, threads)
    if len(fresh.shape) == len(table):
        return Compiled(zones, fresh, Room())
    row = np.full(len(table), -1) if before is None else before.zones.find(table.codes)
    part = np.zeros(len(table), np.int64)
    part[table.outlines.row], row[table.outlines.row] = 1, np.arange(len(fresh.shape))
    if before is None or (row < 0).any():
        zone, version = divmod(int(table.codes[row < 0][0]), VERSIONS)
        raise ValueError(f"zone {zone} version {version} has no outline, and was not compiled before: read it with its outline")
    shapes, room = extended(before.shapes, before.room, fresh, part, row)
    return Compiled(zones, shapes, room)


def _assigned(assignments: I64 | Iterable[Assignment]) -> I64:
    rows = rows_of(assignments, 4)
    return rows if _ordered(rows, 3) else rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]


def _monitored(monitored: I64 | Iterable[Monitored]) -> I64:
    rows = np.ascontiguousarray(rows_of(monitored, 6)[:, [0, 3, 4]])  # as kernels read them, so that it is the only copy
    return rows if _ordered(rows, 2) else rows[np.lexsort((rows[:, 1], rows[:, 0]))]


def _ordered(rows: I64, columns: int) -> bool:
    """Whether rows are in order of their first so many columns."""
    undecided = np.ones(max(len(rows) - 1, 0), np.bool_)
    for k in range(columns):
        step = np.diff(rows[:, k])
        if (step[undecided] < 0).any():
            return False
        undecided &= step == 0
    return True


def _shared(shared: Iterable[int]) -> Array:
    return np.unique(np.array(list(shared), np.int64))


def _plan(compiled: Compiled, tags: Array, reach: Reach) -> Plan:
    """The arrays of zone versions in the order of (id, version), for ``tags`` in order."""
    zones, shapes = compiled.zones, compiled.shapes
    slot = np.zeros(len(zones), SLOT)
    for field, name in _SLOT_OF.items():
        slot[field] = zones.row[name]
    slot_first = np.flatnonzero(np.diff(slot["zone"], prepend=slot["zone"][:1] - 1))
    known = slot["zone"][slot_first]
    assigned_zone = np.searchsorted(known, reach.assigned[:, 1])
    for ids, at in ((reach.assigned[:, 1], assigned_zone), (reach.shared, np.searchsorted(known, reach.shared))):
        unknown = ids[known[np.minimum(at, len(known) - 1)] != ids] if len(known) else ids
        if len(unknown):
            raise ValueError(f"zone {unknown.min()} applies to somebody, but no version of it was given: load its versions first")
    slot["row"] = np.repeat(np.arange(len(known)), np.diff(np.append(slot_first, len(slot))))
    _set_reach(slot, shapes.shape)
    is_shared = among(known, reach.shared)
    in_tree = np.flatnonzero(is_shared[slot["row"]])
    ends = np.append(tags, np.iinfo(np.int64).max)
    return Plan(
        shapes=shapes,
        slot=slot,
        interval=zones.interval,
        slot_first=np.append(slot_first, len(slot)).astype(np.int64),
        shared=is_shared,
        assigned_at=np.searchsorted(reach.assigned[:, 0], ends).astype(np.int64),
        assigned_zone=assigned_zone.astype(np.int64),
        assigned=_own(reach.assigned),
        monitored_at=np.searchsorted(reach.monitored[:, 0], ends).astype(np.int64),
        monitored=_own(reach.monitored),
        tree=pack(_boxes(slot[in_tree], shapes.shape[in_tree]), in_tree),
    )


def _own(rows: I64) -> I64:
    """Rows as kernels were compiled for: mostly the very same, as a copy of a million tags' assignments is 160 MB."""
    return np.require(rows, np.int64, ("C", "A", "W"))


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
