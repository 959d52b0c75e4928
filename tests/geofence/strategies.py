"""Hypothesis strategies for zones of every kind, and points placed where geometry goes wrong."""

from typing import Any

import numpy as np
import shapely
import shapely.errors
from hypothesis import reject
from hypothesis import strategies as st

# Places with something to get wrong: Liverpool, Greenwich, the equator, both sides of the 180° meridian, far north, far south.
CENTRES = [
    (-2.98, 53.4),
    (0.0, 51.48),
    (0.0, 0.0),
    (-0.001, 0.001),
    (24.9, 60.2),
    (-97.74, 30.27),
    (179.99, -16.5),
    (25.8, 70.9),
    (-68.3, -54.8),
]

sizes = st.sampled_from([1e-4, 3e-3, 0.05])  # degrees: a house, a village, a county


@st.composite
def stars(draw: st.DrawFn) -> Any:
    """Jagged rings round a centre, any number of corners."""
    n = draw(st.integers(3, 24))
    radii = draw(st.lists(st.floats(0.2, 1.0), min_size=n, max_size=n))
    turn = draw(st.floats(0.0, 6.28))
    angles = turn + np.linspace(0.0, 2 * np.pi, n, endpoint=False)
    return shapely.Polygon(np.column_stack([np.cos(angles), np.sin(angles)]) * np.array(radii)[:, None])


@st.composite
def combs(draw: st.DrawFn) -> Any:
    """Rings of horizontal and vertical edges only, many at one height."""
    heights = draw(st.lists(st.integers(1, 4), min_size=1, max_size=8))
    ring = [(0, 0)]
    for i, height in enumerate(heights):
        ring += [(i, height), (i + 1, height)]
    ring += [(len(heights), 0)]
    return shapely.affinity.translate(shapely.Polygon(ring), -len(heights) / 2, -2.0).simplify(0)


@st.composite
def lattices(draw: st.DrawFn) -> Any:
    """The hull, or a triangle fan, of points on a small grid: corners in line, corners at one height."""
    points = draw(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=4, max_size=9, unique=True))
    ordered = sorted(points, key=lambda p: (np.arctan2(p[1] + 0.1, p[0] + 0.3), p))
    polygon = shapely.Polygon(ordered)
    return polygon if polygon.is_valid and polygon.area > 0 else shapely.box(-1, -1, 1, 1)


@st.composite
def holed(draw: st.DrawFn) -> Any:
    """A ring with a smaller copy of itself cut out, sometimes with an island in it, sometimes touching it in one corner."""
    outer = draw(stars() | combs() | lattices())
    around = outer.representative_point()
    inner = shapely.affinity.scale(outer, 0.4, 0.4, origin=around)
    inner = draw(
        st.sampled_from([inner, shapely.affinity.scale(outer, 0.5, 0.5, origin=shapely.Point(outer.exterior.coords[0]))])
    )
    island = draw(st.booleans())
    try:
        whole = outer.difference(inner)
        if island:
            whole = whole.union(shapely.affinity.scale(inner, 0.3, 0.3, origin=inner.representative_point()))
    except shapely.errors.GEOSException:
        reject()
    return whole


@st.composite
def scattered(draw: st.DrawFn) -> Any:
    """Several parts, some touching in a corner."""
    parts = draw(st.lists(stars() | combs() | lattices() | holed(), min_size=2, max_size=4))
    step = draw(st.sampled_from([2.0, 9.0]))
    apart = [shapely.affinity.translate(part, step * i, step * (i % 2)) for i, part in enumerate(parts)]
    try:
        return shapely.union_all(apart)
    except shapely.errors.GEOSException:  # some of these overlaps it gives up on
        reject()


@st.composite
def coasts(draw: st.DrawFn) -> Any:
    """Jagged rings of three to many thousands of corners, somewhere: with teeth of one size, or as small as corners are near."""
    n = draw(st.sampled_from([3, 17, 64, 65, 300, 2_000, 9_000]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    deep = draw(st.sampled_from([0.9, 0.05, 3.0 / n]))
    angles = (np.arange(n) + 0.5 * rng.random(n)) * (2 * np.pi / n)
    radii = 1.0 - min(deep, 0.9) * rng.random(n)
    centre = draw(st.sampled_from([c for c in CENTRES if abs(c[0]) < 179]))
    size = draw(st.sampled_from([3e-3, 0.05, 1.0]))
    ring = shapely.Polygon(np.column_stack([np.cos(angles), np.sin(angles)]) * radii[:, None] * size + np.array(centre))
    return ring if ring.is_valid else shapely.box(*np.array(centre) - size, *np.array(centre) + size)


@st.composite
def across(draw: st.DrawFn) -> tuple[Any, Any]:
    """A zone across the 180° meridian: split there as RFC 7946 asks, and whole, with longitudes beyond 180."""
    shape = draw(stars() | combs() | holed() | scattered())
    size, lat = draw(sizes), draw(st.sampled_from([-16.5, 0.0, 51.9, 65.0]))
    west, _, east, _ = shapely.bounds(shape)
    shift = 180.0 - size / 5.0 * draw(st.sampled_from([0.5 * (west + east), 0.9 * west + 0.1 * east, 0.25 * west + 0.75 * east]))
    whole = shapely.transform(shape, lambda c: c * size / 5.0 + np.array([shift, lat]))
    try:
        near = shapely.intersection(whole, shapely.box(100.0, -90.0, 180.0, 90.0))
        far = shapely.intersection(whole, shapely.box(180.0, -90.0, 260.0, 90.0))
    except shapely.errors.GEOSException:
        reject()
    far = shapely.transform(far, lambda c: c - np.array([360.0, 0.0]))
    cut = shapely.get_parts(shapely.get_parts([near, far]))
    parts = [part for part in cut if part.geom_type == "Polygon" and part.area > 0]
    split = shapely.MultiPolygon(parts)
    west, _, east, _ = shapely.bounds(split)
    # Of a hair, or an edge that lies on the meridian, the cut loses a side: the two are then not the same zone.
    hair = shapely.area(shapely.get_parts(whole)).min() < 1e-6 * size**2
    if (
        hair
        or len(parts) < sum(part.geom_type != "Point" for part in cut)
        or not split.is_valid
        or (west, east) != (-180.0, 180.0)
    ):
        reject()
    return split, whole


@st.composite
def wide(draw: st.DrawFn) -> Any:
    """A zone on both sides of the 180° meridian, up to 90 degrees wide.

    Two islands, or one split at the meridian. Its western end lies on either side of 128° W, east of which longitudes are so fine
    that 360 degrees more of them are a rounded number.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ends = draw(st.sampled_from([-170.0, -131.0, -128.0, np.nextafter(-128.0, 0.0), -127.0, -112.3, -95.0]))
    began = max(ends + 270.0, draw(st.sampled_from([90.0, 142.0, 171.7, 179.0])))
    shores = draw(st.sampled_from([(180.0, -180.0), (0.5 * (began + 180.0), 0.5 * (ends - 180.0))]))
    parts = []
    for shore, tip in zip(shores, (began, ends), strict=True):
        lat = np.sort(rng.uniform(-30.0, 50.0, draw(st.sampled_from([3, 12, 60]))))
        lon = rng.uniform(min(shore, tip), max(shore, tip), len(lat))
        lon[len(lat) // 2] = tip
        lat[[0, -1]] = -30.0, 50.0
        lon[[0, -1]] = shore
        parts.append(shapely.Polygon(np.column_stack([lon, lat])))
    return shapely.MultiPolygon(parts)


@st.composite
def zones(draw: st.DrawFn) -> Any:
    """A valid polygon or multipolygon somewhere with something to get wrong, of some size."""
    shape = draw(stars() | combs() | lattices() | holed() | scattered())
    size = draw(sizes)
    centre = draw(st.sampled_from(CENTRES))
    size = size if abs(centre[0]) < 179 else min(size, 1e-4)  # stays on its side; crossing the meridian has its own tests
    placed = shapely.transform(shape, lambda c: c * size / 5.0 + np.array(centre))
    return placed if placed.is_valid and placed.area > 0 else shapely.box(*np.array(centre) - 1e-3, *np.array(centre) + 1e-3)


# Into how many columns or rows a box may have been cut for a search: their borders are places to get wrong.
CUTS = (2, 3, 5, 8, 10, 16, 32, 50, 64, 100, 128, 256, 1000, 1024, 4096)


def placed(geometry: Any, seed: int = 1, most: int = 4000) -> Any:
    """(n, 2) points on and within an ulp of every corner and edge, at corners' heights, on borders of cells, and at random."""
    rng = np.random.default_rng(seed)
    corners, others, edges = [], [], []
    for ring in shapely.get_rings(shapely.get_parts(geometry)):
        a = shapely.get_coordinates(ring)[:-1]
        b = np.roll(a, -1, axis=0)
        corners += [a]
        others += [a + t * (b - a) for t in (0.5, 1.0 / 3.0, rng.random((len(a), 1)))]
        others += [2 * b - a]  # beyond an edge, in line with it
        edges += [np.stack([a, b], axis=1)]
    corner = np.concatenate(corners)
    on = np.concatenate([corner, *others])
    west, south, east, north = shapely.bounds(geometry)
    middle, half = np.array([west + east, south + north]) / 2, max(east - west, north - south)
    loose = middle + half * rng.uniform(-0.7, 0.7, (300, 2))
    heights = np.column_stack([rng.choice(np.append(loose[:, 0], [west, east]), 2 * len(corner)), np.repeat(corner[:, 1], 2)])
    widths = np.column_stack([np.repeat(corner[:, 0], 2), rng.choice(np.append(loose[:, 1], [south, north]), 2 * len(corner))])
    borders = _on_borders(np.concatenate(edges), np.array([west, south]), np.array([east - west, north - south]), rng)
    exact = np.concatenate([on, heights, widths, borders])
    if 9 * len(exact) + len(loose) <= most:
        ways = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        nudged = np.concatenate([np.column_stack([towards(exact[:, 0], dx), towards(exact[:, 1], dy)]) for dx, dy in ways])
    else:
        nudged = exact[rng.integers(0, len(exact), most)]
        nudged = np.column_stack([_nudged(nudged[:, axis], rng) for axis in (0, 1)])
    points = np.clip(np.concatenate([nudged, loose]), (-180.0, -90.0), (180.0, 90.0))
    if len(points) > most:
        points = points[rng.choice(len(points), most, replace=False)]
    return points


def _on_borders(edges: Any, low: Any, size: Any, rng: Any) -> Any:
    """(n, 2) points of the (e, 2, 2) edges moved along one axis or both onto a border between cells the box is cut into."""
    n = max(len(edges), 100)
    edge = edges[rng.integers(0, len(edges), n)]
    point = edge[:, 0] + rng.random((n, 1)) * (edge[:, 1] - edge[:, 0])
    cuts = rng.choice(CUTS, (n, 1))
    border = low + np.rint((point - low) / size * cuts) * (size / cuts)
    return np.where(rng.random((n, 2)) < 0.6, border, point)


def _nudged(values: Any, rng: Any) -> Any:
    """Each moved to the next float above or below, or not."""
    way = rng.integers(-1, 2, len(values))
    return np.where(way == 0, values, np.nextafter(values, np.copysign(np.inf, way)))


def towards(values: Any, way: int) -> Any:
    """The next float in a direction, or the same."""
    return values if way == 0 else np.nextafter(values, way * np.inf)
