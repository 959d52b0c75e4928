"""A tag, an instant and a place become the zone versions in force there: who is watched by what, and when."""

from typing import Final, NamedTuple

import numpy as np

from geofence.index import Plan
from geofence.kernel import inlined, kernel, lean
from geofence.tree import DEPTH, search
from model.arrays import Array

_ANY: Final = -1  # for the slot of a zone that has several versions or times: looked up at each instant


class Room(NamedTuple):
    """What one caller needs to look for slots, filled anew again and again."""

    slots: Array  # (s,) int64, room for every slot
    found: Array  # (k,) int64, for every shared slot
    stack: Array  # (DEPTH, 2) int64, for the search
    zone: Array  # (a,) int64, the zones of one tag, rows of the plan
    slot: Array  # (a,) int64, the one slot of each, or _ANY
    time: Array  # (a, 2) int64, from and to when that slot applies to the tag
    box: Array  # (a, 4) float64 degrees west, south, east, north of that slot, reach included


@kernel
def room(plan: Plan, rows: Array) -> Room:
    """Room for tags of a plan; ``rows`` are theirs, -1 where a tag has none."""
    most = 1
    for row in rows:
        if row >= 0:
            most = max(most, plan.assigned_at[row + 1] - plan.assigned_at[row])
    return Room(
        np.empty(len(plan.slot), np.int64),
        np.empty(len(plan.tree.item), np.int64),
        np.empty((DEPTH, 2), np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty((most, 2), np.int64),
        np.empty((most, 4), np.float64),
    )


@lean
def own(plan: Plan, row: int, room: Room) -> tuple[int, bool]:
    """Fill ``room`` with the zones assigned to a tag, whenever that is; their count, and whether ``plain`` finds all candidates.

    A zone of one version with one interval, assigned once, is as good as always the same slot within one span of time: what is
    the same for all of a tag's fixes is looked up once.
    """
    n = 0
    zone = -1
    is_plain = len(plan.tree.item) == 0
    for j in range(plan.assigned_at[row], plan.assigned_at[row + 1]):
        if plan.assigned_zone[j] == zone:
            room.slot[n - 1] = _ANY
            is_plain = False
            continue
        zone = plan.assigned_zone[j]
        slot = plan.slot_first[zone]
        s = plan.slot[slot]
        room.zone[n] = zone
        if plan.slot_first[zone + 1] == slot + 1 and s["intervals"] == 1:
            i = s["interval_at"]
            room.slot[n] = slot
            room.time[n, 0] = max(plan.assigned[j, 2], s["from_us"], plan.interval[i, 0])
            room.time[n, 1] = min(plan.assigned[j, 3], s["to_us"], plan.interval[i, 1])
            _frame(plan, slot, room.box, n)
        else:
            room.slot[n] = _ANY
            is_plain = False
        n += 1
    return n, is_plain


@inlined
def plain(
    slot: Array, time: Array, box: Array, n: int, at_us: int, west: float, south: float, east: float, north: float, slots: Array
) -> int:
    """What ``candidates`` does, for a tag all of whose zones are as good as slots; arguments are those of ``Room``."""
    k = 0
    for j in range(n):
        if _meets(box, j, west, south, east, north) and time[j, 0] <= at_us < time[j, 1]:
            slots[k] = slot[j]
            k += 1
    return k


@lean
def _frame(plan: Plan, slot: int, box: Array, n: int) -> None:
    s = plan.shapes.shape[slot]
    reach_lon, reach_lat = plan.slot[slot]["reach_lon"], plan.slot[slot]["reach_lat"]
    box[n, 0] = s["west"] - reach_lon
    box[n, 1] = s["south"] - reach_lat
    box[n, 2] = s["east"] + reach_lon
    box[n, 3] = s["north"] + reach_lat


@lean
def candidates(plan: Plan, row: int, at_us: int, n: int, west: float, south: float, east: float, north: float, room: Room) -> int:
    """Fill ``room.slots`` with those in force for a tag whose reach meets the query box, in order, each once; their count.

    Parameters
    ----------
    row : the tag's row in the plan
    n : how many zones ``own`` found for it
    west, south, east, north : the query box, degrees
    """
    k = 0
    for j in range(n):
        slot = room.slot[j]
        if slot == _ANY:
            if not _assigned(plan, row, room.zone[j], at_us):
                continue
            slot = in_force(plan, room.zone[j], at_us)
            if slot < 0:
                continue
            _frame(plan, slot, room.box, j)
        elif not room.time[j, 0] <= at_us < room.time[j, 1]:
            continue
        if _meets(room.box, j, west, south, east, north):
            room.slots[k] = slot
            k += 1
    if len(plan.tree.item) == 0 or not _watched(plan, row, at_us):
        return k
    for turn in (-360.0, 0.0, 360.0):
        many = search(plan.tree, west + turn, south, east + turn, north, room.stack, room.found)
        for j in range(many):
            slot = room.found[j]
            if in_force(plan, plan.slot[slot]["row"], at_us) == slot and not _has(room.slots, k, slot):
                i = k
                while i > 0 and room.slots[i - 1] > slot:
                    room.slots[i] = room.slots[i - 1]
                    i -= 1
                room.slots[i] = slot
                k += 1
    return k


@lean
def applies(plan: Plan, row: int, zone: int, at_us: int) -> bool:
    """Whether a zone, in any version, applied to a tag at an instant; both given as rows of the plan."""
    if in_force(plan, zone, at_us) < 0:
        return False
    if plan.shared[zone] and _watched(plan, row, at_us):
        return True
    return _assigned(plan, row, zone, at_us)


@lean
def in_force(plan: Plan, zone: int, at_us: int) -> int:
    """The slot of a zone (a row of the plan) at an instant, or -1: the newest version in force, if one of its intervals holds."""
    for slot in range(plan.slot_first[zone + 1] - 1, plan.slot_first[zone] - 1, -1):
        s = plan.slot[slot]
        if s["from_us"] <= at_us < s["to_us"]:
            return slot if _one(plan.interval, s["interval_at"], s["interval_at"] + s["intervals"], at_us) else -1
    return -1


@lean
def _assigned(plan: Plan, row: int, zone: int, at_us: int) -> bool:
    """Whether a zone (a row of the plan) is assigned to a tag at an instant."""
    for j in range(plan.assigned_at[row], plan.assigned_at[row + 1]):
        if plan.assigned_zone[j] == zone and plan.assigned[j, 2] <= at_us < plan.assigned[j, 3]:
            return True
    return False


@lean
def _one(interval: Array, first: int, stop: int, at_us: int) -> bool:
    """Whether an instant lies in one of the rows ``first .. stop``, which are in order and apart."""
    low, high = first, stop
    while low < high:
        middle = (low + high) // 2
        if interval[middle, 0] <= at_us:
            low = middle + 1
        else:
            high = middle
    return low > first and at_us < interval[low - 1, 1]


@lean
def _watched(plan: Plan, row: int, at_us: int) -> bool:
    """Whether a tag is monitored at an instant; its intervals may overlap."""
    for j in range(plan.monitored_at[row], plan.monitored_at[row + 1]):
        if plan.monitored[j, 1] <= at_us < plan.monitored[j, 2]:
            return True
    return False


@lean
def _has(slots: Array, k: int, slot: int) -> bool:
    for j in range(k):  # noqa: SIM110
        if slots[j] == slot:
            return True
    return False


@inlined
def _meets(box: Array, j: int, west: float, south: float, east: float, north: float) -> bool:
    """Whether a slot's box meets the query box, on whichever side of the 180° meridian; touching boxes meet."""
    if box[j, 1] > north or box[j, 3] < south:
        return False
    own_west, own_east = box[j, 0], box[j, 2]
    if own_west <= east and own_east >= west:
        return True
    if own_west > -180.0 and own_east < 180.0 and west > -180.0 and east < 180.0:
        return False
    for turn in (-360.0, 360.0):  # noqa: SIM110
        if own_west <= east + turn and own_east >= west + turn:
            return True
    return False
