"""Points in order and the plan of an index become HIT rows: the kernel behind ``geofence.evaluate``."""

from typing import Final, NamedTuple

import numpy as np

from geofence.chain import edge_m
from geofence.chain import room as chain_room
from geofence.force import Room, applies, candidates, own, plain, room
from geofence.grid import BOUNDARY, OUTSIDE, locate
from geofence.index import Plan
from geofence.kernel import Record, inlined, kernel, lean
from geofence.metric import apart_m, geodesic_m, near, span_deg, to_edge_m
from geofence.order import POINT, set_point
from geofence.path import passes
from geofence.shape import Shapes
from model.arrays import I64, Array
from model.hit import HIT, REACH_M, Verdict
from model.instant import MINUTE_US, SECOND_US

# A path is inferred between fixes at most this far apart in time and no faster than this, accuracies taken off (DOMAIN.md).
CROSS_GAP_US: Final = 5 * MINUTE_US
PLAUSIBLE_MPS: Final = 70.0

_OUTSIDE: Final = int(Verdict.OUTSIDE)
_POSSIBLE: Final = int(Verdict.POSSIBLE)
_INSIDE: Final = int(Verdict.INSIDE)


# A way over a zone's edge is at least as long as both its ends are far from that edge; and what these may be wrong by.
_WIDER: Final = 1.002
_WIDER_M: Final = 0.2
_IN: Final = -1.0  # for the distance of a fix that is not outside: no way from there crosses


class Near(NamedTuple):
    """Room for how far from a tag's slots the fix before, and this one, are."""

    was_slot: Array  # (s,) int64, in order
    was_m: Array  # (s,) float64 metres outside it at least, or _IN
    now_slot: Array
    now_m: Array


@kernel
def hits_of(plan: Plan, points: Array, tag_at: I64, tag_row: I64, last: Array, first: int, stop: int) -> Array:
    """(h,) HIT rows of points ``first .. stop``, ordered by (point, zone).

    Parameters
    ----------
    points : POINT, as ``geofence.order`` makes them
    tag_at : (k + 1,) int64, where each tag's points begin
    tag_row : (k,) int64, row of each tag in the plan, -1 where no zone applies to it
    last : (k,) FIX, the ok fix each tag's first point follows, tag 0 for none
    """
    out = np.empty(2 * (stop - first) + 16, HIT)
    run = np.searchsorted(tag_at, first, side="right") - 1
    here = room(plan, tag_row[run : np.searchsorted(tag_at, stop, side="left")])
    scratch = chain_room()
    before = np.zeros(1, POINT)
    most = len(plan.slot)
    near_by = Near(np.empty(most, np.int64), np.empty(most), np.empty(most, np.int64), np.empty(most))
    n = 0
    while True:
        first, n = _judge(plan, points, tag_at, tag_row, last, first, stop, here, scratch, before, near_by, out, n)
        if first == stop:
            return out[:n]
        grown = np.empty(2 * len(out) + len(here.slots), HIT)
        grown[:n] = out[:n]
        out = grown


@lean
def _judge(  # noqa: PLR0912, PLR0915 - one piece: a call for every fix costs more than most of what it would do
    plan: Plan,
    points: Array,
    tag_at: I64,
    tag_row: I64,
    last: Array,
    first: int,
    stop: int,
    here: Room,
    scratch: Array,
    held: Array,
    near_by: Near,
    out: Array,
    n: int,
) -> tuple[int, int]:
    """Add the rows of points ``first .. stop`` to the ``n`` in ``out``: the point before which it was full, or ``stop``, and
    how many there are now.
    """
    slots, own_slot, own_time, own_box = here.slots, here.slot, here.time, here.box
    slot_of, shapes = plan.slot, plan.shapes
    shape_of, xs, ys, chain, box = shapes.shape, shapes.x, shapes.y, shapes.chain, shapes.box
    cell, run_of, edge = shapes.cell, shapes.run, shapes.edge
    before = held[0]
    was_slot, was_m, now_slot, now_m = near_by.was_slot, near_by.was_m, near_by.now_slot, near_by.now_m
    run = np.searchsorted(tag_at, first, side="right") - 1
    i = first
    while i < stop:
        end = min(tag_at[run + 1], stop)
        row = tag_row[run]
        if row < 0:
            i = end
            run += 1
            continue
        zones, is_plain = own(plan, row, here)
        has_before = _before(points, tag_at[run], i, last[run], before)
        was = 0  # of how many slots it is known how far ``before`` was from them
        while i < end:
            point = points[i]
            lon, lat, at_us = point["lon"], point["lat"], point["at_us"]
            accuracy_m = np.float64(point["accuracy_m"])
            is_ok = point["fix"] >= 0
            gap_us = at_us - before["at_us"]
            has_path = is_ok and has_before and 0 <= gap_us <= CROSS_GAP_US
            from_lon = near(before["lon"], lon)
            west, south, east, north = _query(lon, lat, accuracy_m, has_path, from_lon, before["lat"])
            if is_plain:
                found = plain(own_slot, own_time, own_box, zones, at_us, west, south, east, north, slots)
            else:
                found = candidates(plan, row, at_us, zones, west, south, east, north, here)
            if n + found > len(out):
                return i, n
            way_m = -1.0  # not measured yet
            k = 0
            for j in range(found):
                slot = slots[j]
                s = slot_of[slot]
                shape = shape_of[slot]
                x = near(lon, (shape["west"] + shape["east"]) * 0.5)
                reach_m = max(accuracy_m, REACH_M, s["buffer_m"])
                circle = shape["radius_m"] > 0.0
                d = 0.0
                if circle:
                    centre = shape["vertex_at"]
                    d = geodesic_m(xs[centre], ys[centre], x, lat) - shape["radius_m"]
                    where = OUTSIDE if d > 0.0 else BOUNDARY
                else:
                    where = locate(shape, xs, ys, cell, run_of, edge, x, lat)
                if not circle and where != BOUNDARY:
                    # Farther outside than a row needs, any number that is more will do.
                    d = -where * edge_m(shape, xs, ys, chain, box, scratch, x, lat, reach_m if where == OUTSIDE else np.inf)
                now_slot[j] = slot
                now_m[j] = min(d, reach_m) if where == OUTSIDE else _IN
                crossed = False
                if has_path and where == OUTSIDE and _meets(shape, x + (from_lon - lon), before["lat"], x, lat):
                    while k < was and was_slot[k] < slot:
                        k += 1
                    known = k < was and was_slot[k] == slot
                    from_m = was_m[k] if known else 0.0
                    if way_m < 0.0:
                        way_m = apart_m(lon, lat, from_lon, before["lat"])
                        blur_m = np.float64(before["accuracy_m"]) + accuracy_m
                        has_path = way_m - blur_m <= PLAUSIBLE_MPS * gap_us / SECOND_US
                    if has_path and from_m >= 0.0 and from_m + now_m[j] <= way_m * _WIDER + _WIDER_M:
                        crossed = _crossed(shapes, slot, x + (from_lon - lon), before["lat"], x, lat, known)
                        crossed = crossed and applies(plan, row, s["row"], before["at_us"])
                        if crossed and d > reach_m and not circle:
                            d = edge_m(shape, xs, ys, chain, box, scratch, x, lat, np.inf)
                if d > reach_m and not crossed:
                    continue
                hit = out[n]
                hit["fix_row"] = point["fix"] if is_ok else ~point["fix"]
                hit["zone"] = s["zone"]
                hit["distance_m"] = d
                hit["version"] = s["version"]
                hit["verdict"] = verdict(d, accuracy_m)
                hit["crossed"] = crossed
                hit["covered"] = where != OUTSIDE
                n += 1
            if is_ok:
                before["lon"], before["lat"], before["at_us"] = lon, lat, at_us
                before["accuracy_m"] = point["accuracy_m"]
                has_before = True
                now_slot, was_slot, now_m, was_m, was = was_slot, now_slot, was_m, now_m, found
            i += 1
        run += 1
    return stop, n


@inlined
def verdict(distance_m: float, accuracy_m: float) -> int:
    """Verdict of a signed distance and a floored 95 % radius: both limits belong to the more serious side."""
    if distance_m <= -accuracy_m:
        return _INSIDE
    return _OUTSIDE if distance_m > accuracy_m else _POSSIBLE


@lean
def _before(points: Array, start: int, i: int, last: Record, before: Record) -> bool:
    """Set ``before`` to the ok fix that point ``i`` follows, of a tag whose points begin at ``start``; whether there is one."""
    for j in range(i - 1, start - 1, -1):
        if points[j]["fix"] >= 0:
            before["lon"], before["lat"], before["at_us"] = points[j]["lon"], points[j]["lat"], points[j]["at_us"]
            before["accuracy_m"] = points[j]["accuracy_m"]
            return True
    if last["tag"] == 0:
        return False
    set_point(before, last, 0)
    return True


@inlined
def _query(
    lon: float, lat: float, accuracy_m: float, has_path: bool, from_lon: float, from_lat: float
) -> tuple[float, float, float, float]:
    """The query box: the fix, everything within its accuracy where slots do not reach as far, and the path to it."""
    lon_deg = lat_deg = 0.0
    if accuracy_m > REACH_M:
        lon_deg, lat_deg = span_deg(accuracy_m, abs(lat))
    west, south, east, north = lon - lon_deg, lat - lat_deg, lon + lon_deg, lat + lat_deg
    if has_path:
        west, south, east, north = min(west, from_lon), min(south, from_lat), max(east, from_lon), max(north, from_lat)
    return west, south, east, north


@inlined
def _meets(s: Record, px: float, py: float, qx: float, qy: float) -> bool:
    """Whether the box of the way p -> q meets that of a shape."""
    meets: bool = (
        max(px, qx) >= s["west"] and min(px, qx) <= s["east"] and max(py, qy) >= s["south"] and min(py, qy) <= s["north"]
    )
    return meets


@lean
def _crossed(shapes: Shapes, slot: int, px: float, py: float, qx: float, qy: float, known: bool) -> bool:
    """Whether the way p -> q passes through the inside of a slot while p is outside, which may be known; q, the fix, is."""
    s = shapes.shape[slot]
    if s["radius_m"] > 0.0:
        x, y, radius_m = shapes.x[s["vertex_at"]], shapes.y[s["vertex_at"]], s["radius_m"]
        passes_in: bool = geodesic_m(x, y, px, py) > radius_m and to_edge_m(x, y, px, py, qx, qy) < radius_m
        return passes_in
    if not known and locate(s, shapes.x, shapes.y, shapes.cell, shapes.run, shapes.edge, px, py) != OUTSIDE:
        return False
    return passes(px, py, qx, qy, shapes, slot)
