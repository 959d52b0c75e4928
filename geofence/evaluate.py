"""An index of zones and a batch of fixes become hits: the one place where position and zone meet."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from geofence.index import Plan, ZoneIndex
from geofence.kernel import kernel
from geofence.metric import apart_m, geodesic_m, span_deg, to_edge_m
from geofence.path import passes
from geofence.ring import BOUNDARY, OUTSIDE, edge_m, locate
from geofence.tree import DEPTH, search
from model.arrays import Array
from model.fix import ACCURACY_FLOOR_M, FIX, Quality
from model.hit import HIT, REACH_M, Verdict
from model.instant import MINUTE_US, SECOND_US

# A path is inferred between fixes at most this far apart in time and no faster than this, accuracies taken off (DOMAIN.md).
CROSS_GAP_US: Final = 5 * MINUTE_US
PLAUSIBLE_MPS: Final = 70.0

# A 95 % radius beyond this says nothing of any zone; it only keeps the search box on one side of the globe.
_FARTHEST_M: Final = 100_000.0

_CHUNK: Final = 8192  # fixes a call of the kernel, whatever the number of threads: the answer never depends on it

_OUTSIDE: Final = int(Verdict.OUTSIDE)
_POSSIBLE: Final = int(Verdict.POSSIBLE)
_INSIDE: Final = int(Verdict.INSIDE)


def evaluate(index: ZoneIndex, fixes: Array, last: Array, threads: int = 1) -> Array:
    """What the zones say of fixes.

    A row for every fix and zone in force for its tag at ``fix_at`` where the signed distance is at most
    max(accuracy, floor, buffer, REACH_M), or which the way from the previous ok fix crossed. The verdict comes of distance and
    accuracy alone: inside where ``d <= -a``, outside where ``d > a``, else possible; the boundary itself is inside.

    Parameters
    ----------
    index : zones and to whom they apply
    fixes : (n,) FIX, sorted by (tag, fix_at_us)
    last : (k,) FIX, one for each distinct tag of ``fixes`` in order: the tag's ok fix before them, tag 0 where there is none
    threads : how many threads share the work; the answer is the same for any number

    Returns
    -------
    (h,) HIT, ordered by (fix_row, zone)

    Raises
    ------
    ValueError
        If the arrays are not as said, or a position or an accuracy is not a number: doors let no such fix through.
    """
    tag_at = gate(fixes, last)
    run = np.diff(np.append(tag_at, len(fixes)))
    tags = fixes["tag"][tag_at]
    found = np.searchsorted(index.tags, tags)
    known = index.tags[np.minimum(found, len(index.tags) - 1)] == tags if len(index.tags) else np.zeros(len(tags), bool)
    tag_row = np.repeat(np.where(known, found, -1), run).astype(np.int64)
    before = previous(fixes, last, np.repeat(tag_at, run), np.repeat(np.arange(len(tags)), run))

    def part(first: int) -> Array:
        hits: Array = _hits(index.plan, fixes, last, before, tag_row, first, min(first + _CHUNK, len(fixes)))
        return hits

    starts = range(0, len(fixes), _CHUNK)
    if threads > 1 and len(starts) > 1:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(part, starts))
    else:
        parts = [part(first) for first in starts]
    return np.concatenate(parts) if parts else np.zeros(0, HIT)


def gate(fixes: Array, last: Array) -> Array:
    """Where each tag's fixes begin, (k,) int64, once both arrays are proven to be what the kernels take for granted.

    Raises
    ------
    ValueError
        Naming the array, the row and what is wrong with it.
    """
    for name, array in (("fixes", fixes), ("last", last)):
        if array.dtype != FIX or array.ndim != 1:
            raise ValueError(f"{name}: give a one-dimensional array of FIX, not {array.ndim}-dimensional {array.dtype}")
        real = np.isfinite(array["lon"]) & np.isfinite(array["lat"]) & ~np.isnan(array["accuracy_m"])
        real &= (np.abs(array["lon"]) <= 180.0) & (np.abs(array["lat"]) <= 90.0)
        wrong = np.flatnonzero(~real & (array["tag"] != 0))
        if len(wrong):
            raise ValueError(
                f"{name} row {wrong[0]}: position or accuracy is not a number in range; doors must refuse such a fix"
            )
    tag, at = fixes["tag"], fixes["fix_at_us"]
    step = np.diff(tag)
    wrong = np.flatnonzero((step < 0) | ((step == 0) & (np.diff(at) < 0)))
    if len(wrong):
        raise ValueError(f"fixes row {wrong[0] + 1}: sort fixes by tag and fix_at (model.fix.sorted_fixes)")
    tag_at = np.flatnonzero(np.append(True, step != 0)) if len(fixes) else np.zeros(0, np.int64)
    if len(last) != len(tag_at):
        raise ValueError(f"last: {len(last)} rows for {len(tag_at)} tags; give one a tag, tag 0 where there is none")
    wrong = np.flatnonzero((last["tag"] != 0) & (last["tag"] != tag[tag_at]))
    if len(wrong):
        raise ValueError(f"last row {wrong[0]}: tag {last['tag'][wrong[0]]} where tag {tag[tag_at][wrong[0]]} is judged")
    return tag_at


def previous(fixes: Array, last: Array, run_at: Array, run: Array) -> Array:
    """The ok fix each ok fix follows, (n,) int64: its row, or -2 - k for row k of ``last``, or -1 for none.

    Fixes that are not ok are passed over, as if they had not come; ``run_at`` and ``run`` are each fix's first row of its tag, and
    its row of ``last``.
    """
    ok = fixes["quality"] == Quality.OK
    rows = np.arange(len(fixes))
    newest = np.maximum.accumulate(np.where(ok, rows, -1)) if len(fixes) else rows
    before = np.concatenate([[-1], newest[:-1]])[: len(fixes)]
    before = np.where(before >= run_at, before, np.where(last["tag"][run] != 0, -2 - run, -1))
    return np.where(ok, before, -1).astype(np.int64)


@kernel
def _hits(plan: Plan, fixes: Array, last: Array, before: Array, tag_row: Array, first: int, stop: int) -> Array:
    """HIT rows of fixes ``first .. stop``; the arguments are those ``evaluate`` prepared."""
    out = np.empty(64, HIT)
    n = 0
    most = len(plan.zone)
    slots = np.empty(most, np.int64)
    found = np.empty(2 * most, np.int64)
    stack = np.empty((DEPTH, 2), np.int64)
    for i in range(first, stop):
        row = tag_row[i]
        if row < 0:
            continue
        lon = fixes[i]["lon"]
        lat = fixes[i]["lat"]
        at_us = fixes[i]["fix_at_us"]
        accuracy_m = min(max(np.float64(fixes[i]["accuracy_m"]), ACCURACY_FLOOR_M), _FARTHEST_M)
        near_m = max(accuracy_m, REACH_M)
        lon_deg, lat_deg = span_deg(near_m, abs(lat))
        west, east, south, north = lon - lon_deg, lon + lon_deg, lat - lat_deg, lat + lat_deg

        # The way from the previous fix, its longitude brought to this side of the 180° meridian.
        has_path = False
        from_lon = from_lat = 0.0
        from_us = at_us
        if before[i] != -1:
            source = fixes[before[i]] if before[i] >= 0 else last[-2 - before[i]]
            from_lon = _near(source["lon"], lon)
            from_lat = source["lat"]
            from_us = source["fix_at_us"]
            gap_us = at_us - from_us
            if 0 <= gap_us <= CROSS_GAP_US:
                blur_m = accuracy_m + max(np.float64(source["accuracy_m"]), ACCURACY_FLOOR_M)
                has_path = apart_m(lon, lat, from_lon, from_lat) - blur_m <= PLAUSIBLE_MPS * gap_us / SECOND_US
        if has_path:
            west, east = min(west, from_lon), max(east, from_lon)
            south, north = min(south, from_lat), max(north, from_lat)

        k = _candidates(plan, row, at_us, west, south, east, north, slots, found, stack)
        for j in range(k):
            slot = slots[j]
            x = _near(lon, (plan.box[slot, 0] + plan.box[slot, 2]) * 0.5)
            d, where = _distance(plan, slot, x, lat)
            crossed = False
            if has_path and where == OUTSIDE:
                crossed = _crossed(plan, slot, x + (from_lon - lon), from_lat, x, lat) and _applies(plan, row, slot, from_us)
            if d <= max(near_m, plan.buffer_m[slot]) or crossed:
                if n == len(out):
                    grown = np.empty(2 * n, HIT)
                    grown[:n] = out
                    out = grown
                hit = out[n]
                hit["fix_row"] = i
                hit["zone"] = plan.zone[slot]
                hit["distance_m"] = d
                hit["version"] = plan.version[slot]
                hit["verdict"] = _INSIDE if d <= -accuracy_m else (_OUTSIDE if d > accuracy_m else _POSSIBLE)
                hit["crossed"] = crossed
                hit["covered"] = where != OUTSIDE
                n += 1
    return out[:n]


@kernel
def _near(lon: float, other: float) -> float:
    """The longitude, moved by a whole turn where that brings it nearer to another one; exact where it matters, beside 180°."""
    if lon - other > 180.0:
        return lon - 360.0
    if lon - other < -180.0:
        return lon + 360.0
    return lon


@kernel
def _candidates(
    plan: Plan,
    row: int,
    at_us: int,
    west: float,
    south: float,
    east: float,
    north: float,
    slots: Array,
    found: Array,
    stack: Array,
) -> int:
    """Fill ``slots`` with those in force for the tag whose boxes meet the query box, in order, each once; their count."""
    k = 0
    zone = -1
    for j in range(plan.assigned_at[row], plan.assigned_at[row + 1]):
        if plan.assigned_zone[j] == zone or not plan.assigned[j, 0] <= at_us < plan.assigned[j, 1]:
            continue
        zone = plan.assigned_zone[j]
        slot = _in_force(plan, zone, at_us)
        if slot >= 0 and _meets(plan.box, slot, west, south, east, north):
            slots[k] = slot
            k += 1
    if len(plan.tree.item) == 0 or not _within(plan.monitored, plan.monitored_at[row], plan.monitored_at[row + 1], at_us):
        return k
    n = 0
    for turn in (-360.0, 0.0, 360.0):
        n = search(plan.tree, west + turn, south, east + turn, north, stack, found, n)
    own = k
    for j in range(n):
        slot = found[j]
        if _in_force(plan, plan.zone_of[slot], at_us) == slot and not _has(slots, k, slot):
            slots[k] = slot
            k += 1
    if k > own:
        slots[:k].sort()
    return k


@kernel
def _has(slots: Array, k: int, slot: int) -> bool:
    for j in range(k):  # noqa: SIM110 - a generator has no place in a kernel
        if slots[j] == slot:
            return True
    return False


@kernel
def _meets(box: Array, slot: int, west: float, south: float, east: float, north: float) -> bool:
    if box[slot, 1] > north or box[slot, 3] < south:
        return False
    for turn in (-360.0, 0.0, 360.0):
        if box[slot, 0] <= east + turn and box[slot, 2] >= west + turn:
            return True
    return False


@kernel
def _in_force(plan: Plan, zone: int, at_us: int) -> int:
    """The slot of a zone that applies at a time, or -1: the newest version in force then, if one of its intervals holds."""
    for slot in range(plan.slot_first[zone + 1] - 1, plan.slot_first[zone] - 1, -1):
        if plan.from_us[slot] <= at_us < plan.to_us[slot]:
            return slot if _within_ordered(plan.interval, plan.interval_at[slot], plan.interval_at[slot + 1], at_us) else -1
    return -1


@kernel
def _within_ordered(interval: Array, first: int, stop: int, at_us: int) -> bool:
    """Whether a time lies in one of the rows ``first .. stop``, which are in order and apart."""
    low, high = first, stop
    while low < high:
        middle = (low + high) // 2
        if interval[middle, 0] <= at_us:
            low = middle + 1
        else:
            high = middle
    return low > first and at_us < interval[low - 1, 1]


@kernel
def _within(interval: Array, first: int, stop: int, at_us: int) -> bool:
    """Whether a time lies in any of the rows ``first .. stop``, which may overlap."""
    for j in range(first, stop):  # noqa: SIM110
        if interval[j, 0] <= at_us < interval[j, 1]:
            return True
    return False


@kernel
def _applies(plan: Plan, row: int, slot: int, at_us: int) -> bool:
    """Whether the slot's zone, in any version, applied to the tag at a time."""
    zone = plan.zone_of[slot]
    if _in_force(plan, zone, at_us) < 0:
        return False
    if plan.shared[zone] and _within(plan.monitored, plan.monitored_at[row], plan.monitored_at[row + 1], at_us):
        return True
    for j in range(plan.assigned_at[row], plan.assigned_at[row + 1]):
        if plan.assigned_zone[j] == zone and plan.assigned[j, 0] <= at_us < plan.assigned[j, 1]:
            return True
    return False


@kernel
def _distance(plan: Plan, slot: int, x: float, y: float) -> tuple[float, int]:
    """Signed metres to a slot's boundary and where the point lies (``geofence.ring``), for a point in the slot's frame."""
    if plan.radius_m[slot] > 0.0:
        centre = plan.centre_at[slot]
        d = geodesic_m(plan.x[centre], plan.y[centre], x, y) - plan.radius_m[slot]
        return d, OUTSIDE if d > 0.0 else BOUNDARY
    first, stop = plan.ring_first[slot], plan.ring_first[slot + 1]
    where = locate(x, y, plan.x, plan.y, plan.ring_at, first, stop)
    if where == BOUNDARY:
        return 0.0, where
    d = edge_m(x, y, plan.x, plan.y, plan.ring_at, first, stop)
    return d if where == OUTSIDE else -d, where


@kernel
def _crossed(plan: Plan, slot: int, px: float, py: float, qx: float, qy: float) -> bool:
    """Whether the way p -> q passes through the inside of a slot with p outside; q, known to be outside, is the fix itself."""
    box = plan.box
    if max(px, qx) < box[slot, 0] or min(px, qx) > box[slot, 2] or max(py, qy) < box[slot, 1] or min(py, qy) > box[slot, 3]:
        return False
    if plan.radius_m[slot] > 0.0:
        x, y, radius_m = plan.x[plan.centre_at[slot]], plan.y[plan.centre_at[slot]], plan.radius_m[slot]
        return geodesic_m(x, y, px, py) > radius_m and to_edge_m(x, y, px, py, qx, qy) < radius_m
    first, stop = plan.ring_first[slot], plan.ring_first[slot + 1]
    if locate(px, py, plan.x, plan.y, plan.ring_at, first, stop) != OUTSIDE:
        return False
    return passes(px, py, qx, qy, plan.x, plan.y, plan.ring_at, first, stop)
