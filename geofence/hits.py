"""Fixes and the plan of an index become HIT rows: the kernel behind ``geofence.evaluate``."""

from typing import Final

import numpy as np

from geofence.force import applies, candidates
from geofence.index import Plan
from geofence.kernel import kernel
from geofence.metric import apart_m, geodesic_m, span_deg, to_edge_m
from geofence.path import passes
from geofence.ring import BOUNDARY, OUTSIDE, edge_m, locate
from geofence.tree import DEPTH
from model.arrays import Array
from model.fix import ACCURACY_FLOOR_M
from model.hit import HIT, REACH_M, Verdict
from model.instant import MINUTE_US, SECOND_US

# A path is inferred between fixes at most this far apart in time and no faster than this, accuracies taken off (DOMAIN.md).
CROSS_GAP_US: Final = 5 * MINUTE_US
PLAUSIBLE_MPS: Final = 70.0

# A 95 % radius beyond this says nothing of any zone and is taken as this: it keeps a search on one side of the globe.
FARTHEST_M: Final = 100_000.0

_OUTSIDE: Final = int(Verdict.OUTSIDE)
_POSSIBLE: Final = int(Verdict.POSSIBLE)
_INSIDE: Final = int(Verdict.INSIDE)


@kernel
def hits_of(plan: Plan, fixes: Array, last: Array, before: Array, tag_row: Array, first: int, stop: int) -> Array:
    """(h,) HIT rows of fixes ``first .. stop``, ordered by (fix_row, zone).

    Parameters
    ----------
    fixes, last : FIX, as ``geofence.evaluate.gate`` lets them through
    before : (n,) int64, the ok fix each fix follows: its row, or -2 - k for row k of ``last``, or -1 for none
    tag_row : (n,) int64, row of the fix's tag in the plan, -1 where no zone applies to it
    """
    out = np.empty(64, HIT)
    n = 0
    slots = np.empty(len(plan.zone), np.int64)
    found = np.empty(len(plan.tree.item), np.int64)
    stack = np.empty((DEPTH, 2), np.int64)
    query = np.empty(4, np.float64)
    for i in range(first, stop):
        row = tag_row[i]
        if row < 0:
            continue
        lon = fixes[i]["lon"]
        lat = fixes[i]["lat"]
        at_us = fixes[i]["fix_at_us"]
        accuracy_m = _floored(fixes[i]["accuracy_m"])
        near_m = max(accuracy_m, REACH_M)
        has_path, from_lon, from_lat, from_us = _path(fixes, last, before[i], i)
        _query(query, lon, lat, near_m, has_path, from_lon, from_lat)
        for j in range(candidates(plan, row, at_us, query, slots, found, stack)):
            slot = slots[j]
            x = _near(lon, (plan.box[slot, 0] + plan.box[slot, 2]) * 0.5)
            d, where = _distance(plan, slot, x, lat)
            crossed = False
            if has_path and where == OUTSIDE:
                crossed = _crossed(plan, slot, x + (from_lon - lon), from_lat, x, lat)
                crossed = crossed and applies(plan, row, plan.zone_of[slot], from_us)
            if d > max(near_m, plan.buffer_m[slot]) and not crossed:
                continue
            if n == len(out):
                grown = np.empty(2 * n, HIT)
                grown[:n] = out
                out = grown
            hit = out[n]
            hit["fix_row"] = i
            hit["zone"] = plan.zone[slot]
            hit["distance_m"] = d
            hit["version"] = plan.version[slot]
            hit["verdict"] = verdict(d, accuracy_m)
            hit["crossed"] = crossed
            hit["covered"] = where != OUTSIDE
            n += 1
    return out[:n]


@kernel
def verdict(distance_m: float, accuracy_m: float) -> int:
    """Verdict of a signed distance and a floored 95 % radius: both limits belong to the more serious side."""
    if distance_m <= -accuracy_m:
        return _INSIDE
    return _OUTSIDE if distance_m > accuracy_m else _POSSIBLE


@kernel
def _floored(accuracy_m: float) -> float:
    return min(max(np.float64(accuracy_m), ACCURACY_FLOOR_M), FARTHEST_M)


@kernel
def _path(fixes: Array, last: Array, before: int, i: int) -> tuple[bool, float, float, int]:
    """Whether a path leads to fix ``i`` from the one before it, and that one's lon (on this side of 180°), lat and instant."""
    lon, lat, at_us = fixes[i]["lon"], fixes[i]["lat"], fixes[i]["fix_at_us"]
    if before == -1:
        return False, lon, lat, at_us
    source = fixes[before] if before >= 0 else last[-2 - before]
    from_lon = _near(source["lon"], lon)
    gap_us = at_us - source["fix_at_us"]
    blur_m = _floored(source["accuracy_m"]) + _floored(fixes[i]["accuracy_m"])
    plausible = apart_m(lon, lat, from_lon, source["lat"]) - blur_m <= PLAUSIBLE_MPS * gap_us / SECOND_US
    return 0 <= gap_us <= CROSS_GAP_US and plausible, from_lon, source["lat"], source["fix_at_us"]


@kernel
def _query(query: Array, lon: float, lat: float, near_m: float, has_path: bool, from_lon: float, from_lat: float) -> None:
    """Set the query box: everything within ``near_m`` of the fix, and the path to it."""
    lon_deg, lat_deg = span_deg(near_m, abs(lat))
    query[0], query[1], query[2], query[3] = lon - lon_deg, lat - lat_deg, lon + lon_deg, lat + lat_deg
    if has_path:
        query[0], query[1] = min(query[0], from_lon), min(query[1], from_lat)
        query[2], query[3] = max(query[2], from_lon), max(query[3], from_lat)


@kernel
def _near(lon: float, other: float) -> float:
    """A longitude, moved by a whole turn where that brings it nearer to another one; exact where it matters, beside 180°."""
    if lon - other > 180.0:
        return lon - 360.0
    if lon - other < -180.0:
        return lon + 360.0
    return lon


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
    """Whether the way p -> q passes through the inside of a slot while p is outside; q, the fix itself, is known to be."""
    box = plan.box[slot]
    if max(px, qx) < box[0] or min(px, qx) > box[2] or max(py, qy) < box[1] or min(py, qy) > box[3]:
        return False
    if plan.radius_m[slot] > 0.0:
        x, y, radius_m = plan.x[plan.centre_at[slot]], plan.y[plan.centre_at[slot]], plan.radius_m[slot]
        return bool(geodesic_m(x, y, px, py) > radius_m and to_edge_m(x, y, px, py, qx, qy) < radius_m)
    first, stop = plan.ring_first[slot], plan.ring_first[slot + 1]
    if locate(px, py, plan.x, plan.y, plan.ring_at, first, stop) != OUTSIDE:
        return False
    return passes(px, py, qx, qy, plan.x, plan.y, plan.ring_at, first, stop)
