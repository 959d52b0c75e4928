"""A point and a geometry become covered or not, metres on the ellipsoid and a verdict, the long way."""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from geographiclib.geodesic import Geodesic

TURNS = (-360.0, 0.0, 360.0)
FLOOR_M = 10.0
REACH_M = 150.0
GOLDEN = (5**0.5 - 1) / 2


def covers(geometry: Any, lon: Any, lat: Any) -> Any:
    """GEOS covers, for arrays of points; longitudes a whole turn apart are the same place."""
    lon, lat = np.broadcast_arrays(np.asarray(lon, float), np.asarray(lat, float))
    shapely.prepare(geometry)
    covered = np.zeros(lon.shape, bool)
    west, _, east, _ = shapely.bounds(geometry)
    for turn in TURNS:
        near = (lon + turn >= west) & (lon + turn <= east)
        covered[near] |= shapely.covers(geometry, shapely.points(lon[near] + turn, lat[near]))
    return covered


def edges(geometry: Any) -> Any:
    """(e, 2, 2) float64 edges of a geometry, without the seam it was split at: where it goes on across the 180° meridian."""
    found = []
    for ring in shapely.get_rings(shapely.get_parts(geometry)):
        points = shapely.get_coordinates(ring)
        found.append(np.stack([points[:-1], points[1:]], axis=1))
    out = np.concatenate(found)
    on = np.all(np.abs(out[:, :, 0]) == 180.0, axis=1)
    ends = [piece for edge in out[on] for piece in _unseamed(edge, out[on])]
    return np.concatenate([out[~on], *ends])


def _unseamed(edge: Any, others: Any) -> Any:
    """The pieces, each (1, 2, 2), of an edge on the meridian beside which no edge of ``others`` lies on its other side."""
    side, low, high = edge[0, 0], edge[:, 1].min(), edge[:, 1].max()
    beside = sorted((other[:, 1].min(), other[:, 1].max()) for other in others if other[0, 0] == -side)
    for start, stop in [*beside, (high, high)]:
        if low < min(start, high):
            yield np.array([[(side, low), (side, min(start, high))]])
        low = max(low, stop)


def apart_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Metres of the geodesic (Karney)."""
    return float(Geodesic.WGS84.Inverse(lat1, lon1, lat2, lon2, Geodesic.DISTANCE)["s12"])


def to_edges_m(all_edges: Any, lon: float, lat: float) -> float:
    """Metres to the nearest of edges straight in lon/lat: geodesics to many points of every edge that might be it."""
    a = all_edges[:, 0] - (lon, lat)
    b = all_edges[:, 1] - (lon, lat)
    turn = -360.0 * np.round(a[:, 0] / 360.0)
    a[:, 0] += turn
    b[:, 0] += turn
    scale = (np.cos(np.radians(lat)), 1.0)
    sa, sb = a * scale, b * scale
    along = sb - sa
    length2 = np.maximum((along**2).sum(axis=1), 1e-300)
    t = np.clip(-(sa * along).sum(axis=1) / length2, 0.0, 1.0)
    rough = np.hypot(*(sa + t[:, None] * along).T)
    # The rough measure is right to some percent within the distances asked about; whatever might be nearest is measured well.
    return min(_to_edge_m(lon, lat, a[i], b[i]) for i in np.argsort(rough)[:8] if rough[i] <= 1.1 * rough.min() + 1e-9)


def _to_edge_m(lon: float, lat: float, a: Any, b: Any) -> float:
    def at(t: float) -> float:
        x, y = a + t * (b - a)
        return apart_m(lon, lat, lon + x, lat + y)

    steps = np.linspace(0.0, 1.0, 17)
    best = int(np.argmin([at(t) for t in steps]))
    return _least(at, steps[max(best - 1, 0)], steps[min(best + 1, 16)])


def _least(f: Callable[[float], float], low: float, high: float) -> float:
    """The least value of a function that falls, then rises, by golden section."""
    p, q = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    fp, fq = f(p), f(q)
    for _ in range(45):
        if fp < fq:
            high, q, fq = q, p, fp
            p = high - GOLDEN * (high - low)
            fp = f(p)
        else:
            low, p, fp = p, q, fq
            q = low + GOLDEN * (high - low)
            fq = f(q)
    return min(f(low), f(high), fp, fq)


def signed_m(geometry: Any, radius_m: float, lon: float, lat: float) -> float:
    """Signed metres to the boundary: negative inside. A circle is a point and a radius."""
    if radius_m > 0:
        return apart_m(geometry.x, geometry.y, lon, lat) - radius_m
    d = to_edges_m(edges(geometry), lon, lat)
    return -d if covers(geometry, lon, lat) else d


def verdict(distance_m: float, accuracy_m: float) -> str:
    """DOMAIN.md's three: ``inside``, ``possible``, ``outside``."""
    accuracy_m = max(accuracy_m, FLOOR_M)
    if distance_m <= -accuracy_m:
        return "inside"
    return "outside" if distance_m > accuracy_m else "possible"


def passes(geometry: Any, radius_m: float, start: tuple[float, float], end: tuple[float, float]) -> bool:
    """Whether the straight way between two points leads through the inside while both are outside."""
    x, y = start
    x -= 360.0 * round((x - end[0]) / 360.0)
    if radius_m > 0:
        ends = [apart_m(geometry.x, geometry.y, *point) for point in (start, end)]
        way = np.array([[(x, y), end]])
        return min(ends) > radius_m and to_edges_m(way, geometry.x, geometry.y) < radius_m
    if np.any(covers(geometry, [start[0], end[0]], [start[1], end[1]])):
        return False
    west, _, east, _ = shapely.bounds(geometry)
    ways = [((x + turn, y), (end[0] + turn, end[1])) for turn in TURNS]
    rings = [shapely.get_coordinates(ring).tolist() for ring in shapely.get_rings(shapely.get_parts(geometry))]
    return any(_passes(rings, *way) for way in ways if max(way[0][0], way[1][0]) >= west and min(way[0][0], way[1][0]) <= east)


def _passes(rings: Any, start: tuple[float, float], end: tuple[float, float]) -> bool:
    """In fractions, without any rounding: cut the way wherever it meets an edge, and see where the middle of each piece lies."""
    p, q = exact(start), exact(end)
    way = (q[0] - p[0], q[1] - p[1])
    walls = [(exact(a), exact(b)) for ring in rings for a, b in pairwise(ring)]
    cuts = {Fraction(0), Fraction(1)}
    for a, b in walls:
        wall = (b[0] - a[0], b[1] - a[1])
        cross = way[0] * wall[1] - way[1] * wall[0]
        if cross != 0:
            cuts.add(((a[0] - p[0]) * wall[1] - (a[1] - p[1]) * wall[0]) / cross)
            continue
        for corner in (a, b):  # parallel: where its corners lie along the way
            cuts.add(((corner[0] - p[0]) * way[0] + (corner[1] - p[1]) * way[1]) / (way[0] ** 2 + way[1] ** 2 or 1))
    inner = sorted(cut for cut in cuts if 0 <= cut <= 1)
    middles = [(t + u) / 2 for t, u in pairwise(inner)]
    return any(place(walls, (p[0] + t * way[0], p[1] + t * way[1])) == "INTERIOR" for t in middles)


def place(walls: Any, point: tuple[Fraction, Fraction]) -> str:
    """``INTERIOR``, ``BOUNDARY`` or ``EXTERIOR`` of a point among exact edges, in fractions."""
    x, y = point
    inside = False
    for (ax, ay), (bx, by) in walls:
        turn = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        if turn == 0 and min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by):
            return "BOUNDARY"
        if (ay > y) != (by > y) and (turn > 0) == (by > ay):
            inside = not inside
    return "INTERIOR" if inside else "EXTERIOR"


def exact(point: Any) -> tuple[Fraction, Fraction]:
    """A point's coordinates as fractions."""
    return Fraction(float(point[0])), Fraction(float(point[1]))
