"""Rings of a zone become chains of edges in boxes; of all edges only those of a few chains are looked at."""

from math import inf, sqrt
from typing import Final

import numpy as np

from geofence.kernel import Record, inlined, kernel, lean
from geofence.metric import beside_edge_m, metres_per_degree, to_edge_m
from model.arrays import Array

LENGTH: Final = 8  # edges a chain: a register or two of the processor; and boxes a box of the next level
TOP: Final = 32  # boxes of the highest level at most: looked at one after the other
_COUNT: Final = 4  # bits of a chain that hold its length

# While the radii of curvature change by less than this on the way to the nearest edge, the edge nearest by the point's own radii
# is the nearest one, or within a third of what DOMAIN.md allows of it.
_STEADY: Final = 3e-4
_EARTH_M: Final = 6_356_000.0
_OUTWARD: Final = 2.0**-22  # share by which a side moves outward: four times what rounding to float32 can move it


@lean
def boxes_of(chains: int) -> int:
    """How many boxes so many chains have, over all levels."""
    total = chains
    while chains > TOP:
        chains = (chains + LENGTH - 1) // LENGTH
        total += chains
    return total


@lean
def chains_of(ring: Array, first: int, stop: int) -> int:
    """How many chains rings ``first .. stop`` have."""
    chains = 0
    for r in range(first, stop):
        chains += (ring[r, 1] - ring[r, 0] - 1 + LENGTH - 1) // LENGTH
    return chains


@kernel
def link(s: Record, x: Array, y: Array, ring: Array, chain: Array, box: Array) -> None:
    """Set a zone's chains and their boxes.

    A chain is a ring's next ``LENGTH`` edges, the last one of a ring its last ones, some of which are then in two; a shorter ring
    is one chain. Boxes are float32 degrees from the zone's western and southern end, rounded outward.
    """
    base = s["vertex_at"]
    c = s["chain_at"]
    b = s["box_at"]
    for r in range(s["ring_at"], s["ring_at"] + s["rings"]):
        start, edges = ring[r, 0], ring[r, 1] - ring[r, 0] - 1
        for at in range(0, edges, LENGTH):
            first = start + max(min(at, edges - LENGTH), 0)
            n = min(LENGTH, edges)
            chain[c] = (first << _COUNT) | n
            west = south = inf
            east = north = -inf
            for i in range(base + first, base + first + n + 1):
                west, east = min(west, x[i]), max(east, x[i])
                south, north = min(south, y[i]), max(north, y[i])
            box[b, 0] = (west - s["west"]) * (1.0 - _OUTWARD)
            box[b, 1] = (south - s["south"]) * (1.0 - _OUTWARD)
            box[b, 2] = (east - s["west"]) * (1.0 + _OUTWARD)
            box[b, 3] = (north - s["south"]) * (1.0 + _OUTWARD)
            c += 1
            b += 1
    level, n = s["box_at"], s["chains"]
    while n > TOP:
        for at in range(0, n, LENGTH):
            last = min(at + LENGTH, n)
            box[b, 0] = np.min(box[level + at : level + last, 0])
            box[b, 1] = np.min(box[level + at : level + last, 1])
            box[b, 2] = np.max(box[level + at : level + last, 2])
            box[b, 3] = np.max(box[level + at : level + last, 3])
            b += 1
        level += n
        n = (n + LENGTH - 1) // LENGTH


@kernel
def room() -> Array:
    """Room that a search needs: (64,) float64."""
    return np.empty(TOP + 32, np.float64)


@inlined
def edge_m(
    s: Record, x: Array, y: Array, chain: Array, box: Array, scratch: Array, lon: float, lat: float, within_m: float
) -> float:
    """Metres to a zone's nearest edge, unsigned; inf, or what it is, where that is more than ``within_m``.

    Edges are compared by the radii of curvature at the point's own latitude. Near ones (some kilometres) need no more than a
    better measure of the winner; for far ones everything that might be nearer is measured better.

    Parameters
    ----------
    s : SHAPE of the zone, a polygon; the arrays are those of ``geofence.shape.Shapes``
    scratch : ``room()``
    lon, lat : degrees, in the zone's own frame of longitude
    """
    lon_m, lat_m = metres_per_degree(lat)
    bend = lat_m / (max(lon_m, 1.0) * _EARTH_M)  # a metre: at least tan(lat) in radians
    within2 = within_m * (1.0 + 2.0 * bend * within_m)
    i, best2 = _nearest(s, x, y, chain, box, scratch, lon, lat, lon_m, lat_m, within2 * within2)
    if i < 0:
        return inf
    change2 = bend * bend * best2
    if change2 < _STEADY * _STEADY:
        return beside_edge_m(lon, lat, x[i], y[i], x[i + 1], y[i + 1], lon_m, lat_m)
    best = to_edge_m(lon, lat, x[i], y[i], x[i + 1], y[i + 1])
    return _best(s, x, y, chain, box, lon, lat, lon_m, lat_m, best, (best * (1.0 + 2.0 * sqrt(change2))) ** 2)


@lean
def near_chain(
    s: Record, chain: Array, box: Array, c: int, west: float, south: float, east: float, north: float
) -> tuple[int, int, int]:
    """The first chain from ``c`` on whose box meets a box given in degrees: the one after it, its first edge and the end of them.

    All -1 where there is none. Touching boxes meet.
    """
    west, east = west - s["west"], east - s["west"]
    south, north = south - s["south"], north - s["south"]
    top = 0
    n = int(s["chains"])
    while n > TOP:
        n = (n + LENGTH - 1) // LENGTH
        top += 1
    while c < s["chains"]:
        level = 0
        while level < top and c & ((LENGTH << (3 * level)) - 1) == 0:
            level += 1
        while level >= 0:
            b = _level_at(s, level) + (c >> (3 * level))
            if box[b, 0] > east or box[b, 2] < west or box[b, 1] > north or box[b, 3] < south:
                break
            level -= 1
        if level < 0:
            code = int(chain[s["chain_at"] + c])
            first = int(s["vertex_at"]) + (code >> _COUNT)
            return c + 1, first, first + (code & (2**_COUNT - 1))
        c += 1 << (3 * level)
    return -1, -1, -1


@inlined
def _nearest(
    s: Record,
    x: Array,
    y: Array,
    chain: Array,
    box: Array,
    scratch: Array,
    lon: float,
    lat: float,
    lon_m: float,
    lat_m: float,
    best2: float,
) -> tuple[int, float]:
    """The vertex at which the nearest edge begins and the square of its distance by fixed radii; -1 where none is nearer than
    ``best2``.
    """
    px, py = lon - s["west"], lat - s["south"]
    at, n = s["box_at"], int(s["chains"])
    level = 0
    while n > TOP:
        at += n
        n = (n + LENGTH - 1) // LENGTH
        level += 1
    boxes = box[at : at + n]
    for j in range(n):
        dx = max(boxes[j, 0] - px, px - boxes[j, 2], 0.0) * lon_m
        dy = max(boxes[j, 1] - py, py - boxes[j, 3], 0.0) * lat_m
        scratch[j] = dx * dx + dy * dy
    low = scratch[0]
    node = 0
    for j in range(1, n):
        if scratch[j] < low:
            low = scratch[j]
            node = j
    nearest = -1
    if low >= best2:
        return nearest, best2
    first = _down(s, box, px, py, lon_m, lat_m, level, node) if level > 0 else node
    nearest, best2 = _measure(s, x, y, chain, scratch, lon, lat, lon_m, lat_m, first, nearest, best2)
    for j in range(n):
        if scratch[j] >= best2:
            continue
        if level == 0:
            if j != first:
                nearest, best2 = _measure(s, x, y, chain, scratch, lon, lat, lon_m, lat_m, j, nearest, best2)
            continue
        c = j << (3 * level)
        stop = min((j + 1) << (3 * level), int(s["chains"]))
        while c < stop:
            skip = _skip(s, box, px, py, lon_m, lat_m, c, level - 1, best2)
            if skip == 0:
                if c != first:
                    nearest, best2 = _measure(s, x, y, chain, scratch, lon, lat, lon_m, lat_m, c, nearest, best2)
                skip = 1
            c += skip
    return nearest, best2


@lean
def _best(
    s: Record,
    x: Array,
    y: Array,
    chain: Array,
    box: Array,
    lon: float,
    lat: float,
    lon_m: float,
    lat_m: float,
    best: float,
    worth2: float,
) -> float:
    """The least distance, measured well, of all edges nearer than ``worth2`` by fixed radii; ``best`` is one that was found."""
    px, py = lon - s["west"], lat - s["south"]
    top = 0
    n = int(s["chains"])
    while n > TOP:
        n = (n + LENGTH - 1) // LENGTH
        top += 1
    c = 0
    while c < s["chains"]:
        skip = _skip(s, box, px, py, lon_m, lat_m, c, top, worth2 * (1.0 + 1e-12))
        if skip > 0:
            c += skip
            continue
        code = int(chain[s["chain_at"] + c])
        a = s["vertex_at"] + (code >> _COUNT)
        for i in range(a, a + (code & (2**_COUNT - 1))):
            ax, ay = (x[i] - lon) * lon_m, (y[i] - lat) * lat_m
            bx, by = (x[i + 1] - lon) * lon_m, (y[i + 1] - lat) * lat_m
            if _origin_to_edge2(ax, ay, bx, by) <= worth2:
                best = min(best, to_edge_m(lon, lat, x[i], y[i], x[i + 1], y[i + 1]))
        c += 1
    return best


@lean
def _skip(s: Record, box: Array, px: float, py: float, lon_m: float, lat_m: float, c: int, top: int, best2: float) -> int:
    """How many chains from ``c`` on lie in a box that is no nearer than ``best2``, the largest that begins there; 0 for none."""
    level = 0
    while level < top and c & ((LENGTH << (3 * level)) - 1) == 0:
        level += 1
    while level >= 0:
        b = _level_at(s, level) + (c >> (3 * level))
        dx = max(box[b, 0] - px, px - box[b, 2], 0.0) * lon_m
        dy = max(box[b, 1] - py, py - box[b, 3], 0.0) * lat_m
        if dx * dx + dy * dy >= best2:
            return 1 << (3 * level)
        level -= 1
    return 0


@lean
def _down(s: Record, box: Array, px: float, py: float, lon_m: float, lat_m: float, level: int, node: int) -> int:
    """A chain that may be near: from a node of a level always on to the nearest box below."""
    while level > 0:
        level -= 1
        at = _level_at(s, level)
        n = int(s["chains"])
        for _ in range(level):
            n = (n + LENGTH - 1) // LENGTH
        low = inf
        near = node << 3
        for child in range(node << 3, min((node << 3) + LENGTH, n)):
            dx = max(box[at + child, 0] - px, px - box[at + child, 2], 0.0) * lon_m
            dy = max(box[at + child, 1] - py, py - box[at + child, 3], 0.0) * lat_m
            if dx * dx + dy * dy < low:
                low = dx * dx + dy * dy
                near = child
        node = near
    return node


@lean
def _level_at(s: Record, level: int) -> int:
    """Where the boxes of a level begin."""
    at, n = int(s["box_at"]), int(s["chains"])
    for _ in range(level):
        at += n
        n = (n + LENGTH - 1) // LENGTH
    return at


@inlined
def _measure(
    s: Record,
    x: Array,
    y: Array,
    chain: Array,
    scratch: Array,
    lon: float,
    lat: float,
    lon_m: float,
    lat_m: float,
    c: int,
    nearest: int,
    best2: float,
) -> tuple[int, float]:
    """``nearest`` and ``best2``, or the better ones of chain ``c``."""
    code = int(chain[s["chain_at"] + c])
    a = int(s["vertex_at"]) + (code >> _COUNT)
    n = code & (2**_COUNT - 1)
    # Into an array first, from pieces whose places are plainly not negative: the processor then measures several edges at once.
    xs, ys, to = x[a : a + n + 1], y[a : a + n + 1], scratch[TOP:]
    for k in range(n):
        ax, ay = (xs[k] - lon) * lon_m, (ys[k] - lat) * lat_m
        bx, by = (xs[k + 1] - lon) * lon_m, (ys[k + 1] - lat) * lat_m
        to[k] = _origin_to_edge2(ax, ay, bx, by)
    for k in range(n):
        if to[k] < best2:
            best2 = to[k]
            nearest = a + k
    return nearest, best2


@inlined
def _origin_to_edge2(ax: float, ay: float, bx: float, by: float) -> float:
    """The square of the distance from the origin to an edge."""
    dx = bx - ax
    dy = by - ay
    t = -(ax * dx + ay * dy) / max(dx * dx + dy * dy, 1e-300)
    t = min(max(t, 0.0), 1.0)
    ax += t * dx
    ay += t * dy
    return ax * ax + ay * ay
