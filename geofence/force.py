"""A tag, an instant and a box become the zone versions in force there: who is watched by what, and when."""

from geofence.index import Plan
from geofence.kernel import kernel
from geofence.tree import search
from model.arrays import Array


@kernel
def candidates(plan: Plan, row: int, at_us: int, query: Array, slots: Array, found: Array, stack: Array) -> int:
    """Fill ``slots`` with those in force for a tag whose boxes meet the query box, in order, each once; their count.

    Parameters
    ----------
    row : the tag's row in the plan
    query : (4,) float64 degrees west, south, east, north
    slots : (s,) int64, room for every slot
    found, stack : (3 s,) and (DEPTH, 2) int64, room for the search of shared zones
    """
    k = 0
    zone = -1
    for j in range(plan.assigned_at[row], plan.assigned_at[row + 1]):
        if plan.assigned_zone[j] == zone or not plan.assigned[j, 0] <= at_us < plan.assigned[j, 1]:
            continue
        zone = plan.assigned_zone[j]
        slot = in_force(plan, zone, at_us)
        if slot >= 0 and _meets(plan.box, slot, query):
            slots[k] = slot
            k += 1
    if len(plan.tree.item) == 0 or not _any(plan.monitored, plan.monitored_at[row], plan.monitored_at[row + 1], at_us):
        return k
    own = k
    for turn in (-360.0, 0.0, 360.0):
        n = search(plan.tree, query[0] + turn, query[1], query[2] + turn, query[3], stack, found)
        for j in range(n):
            slot = found[j]
            if in_force(plan, plan.zone_of[slot], at_us) == slot and not _has(slots, k, slot):
                slots[k] = slot
                k += 1
    if k > own:
        slots[:k].sort()
    return k


@kernel
def applies(plan: Plan, row: int, zone: int, at_us: int) -> bool:
    """Whether a zone, in any version, applied to a tag at an instant; both given as rows of the plan."""
    if in_force(plan, zone, at_us) < 0:
        return False
    if plan.shared[zone] and _any(plan.monitored, plan.monitored_at[row], plan.monitored_at[row + 1], at_us):
        return True
    for j in range(plan.assigned_at[row], plan.assigned_at[row + 1]):
        if plan.assigned_zone[j] == zone and plan.assigned[j, 0] <= at_us < plan.assigned[j, 1]:
            return True
    return False


@kernel
def in_force(plan: Plan, zone: int, at_us: int) -> int:
    """The slot of a zone (a row of the plan) at an instant, or -1: the newest version in force, if one of its intervals holds."""
    for slot in range(plan.slot_first[zone + 1] - 1, plan.slot_first[zone] - 1, -1):
        if plan.from_us[slot] <= at_us < plan.to_us[slot]:
            return slot if _one(plan.interval, plan.interval_at[slot], plan.interval_at[slot + 1], at_us) else -1
    return -1


@kernel
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


@kernel
def _any(interval: Array, first: int, stop: int, at_us: int) -> bool:
    """Whether an instant lies in any of the rows ``first .. stop``, which may overlap."""
    for j in range(first, stop):  # noqa: SIM110 - kernels have no generators
        if interval[j, 0] <= at_us < interval[j, 1]:
            return True
    return False


@kernel
def _has(slots: Array, k: int, slot: int) -> bool:
    for j in range(k):  # noqa: SIM110
        if slots[j] == slot:
            return True
    return False


@kernel
def _meets(box: Array, slot: int, query: Array) -> bool:
    """Whether a slot's box meets the query box, on whichever side of the 180° meridian; touching boxes meet."""
    if box[slot, 1] > query[3] or box[slot, 3] < query[1]:
        return False
    for turn in (-360.0, 0.0, 360.0):  # noqa: SIM110
        if box[slot, 0] <= query[2] + turn and box[slot, 2] >= query[0] + turn:
            return True
    return False
