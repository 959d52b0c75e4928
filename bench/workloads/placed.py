"""Turns kinds of zones and a seed into points placed where containment goes wrong: what `adversarial` judges."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import shapely

from bench.chance import F64, bits, unit
from bench.workloads.coast import coast
from bench.workloads.town import FENCES, I64, Size, town
from model.arrays import Array

SEED: Final = 20_261_127  # part of the benchmark: changing it needs a decision page (docs/decisions/0009-benchmarks.md)

# How a point is placed, by its edge a -> b, its zone's box and grids over box or globe; then each axis moves by an ulp or not.
MANNERS: Final = ("corner", "middle", "third", "along", "beyond", "level", "plumb", "cell", "globe", "loose")
_CELLS: Final = 12  # a box is cut into up to 2**12 columns and rows; the globe into steps of 2**-1 to 2**-24 degrees
_GLOBE: Final = 24


class Kind(NamedTuple):
    """Zones of one kind, and how many points are placed about them."""

    case: str
    zones: Callable[[Any, int], Array]  # a uint64 root and a count -> (count,) valid polygons or multipolygons
    many: int
    points: int


class Placed(NamedTuple):
    """Points about zones, in the order of the zones."""

    lon: F64
    lat: F64
    zone: I64  # (n,) row of the zone it was placed about


def place(zones: Array, points: int, root: Any) -> Placed:
    """Points about zones, each zone's share alike, each edge of a zone, manner and ulp equally likely."""
    edges = _edges(zones)
    at = np.arange(points)
    zone = at * len(zones) // points
    first = np.searchsorted(edges.zone, np.arange(len(zones) + 1))
    edge = first[zone] + (unit(root, 1, at) * np.diff(first)[zone]).astype(np.int64)
    a, b = edges.start[edge], edges.end[edge]
    box = shapely.bounds(zones)[zone]
    low, size = box[:, :2], box[:, 2:] - box[:, :2]
    loose = low + size * (1.2 * np.column_stack([unit(root, 2, at), unit(root, 3, at)]) - 0.1)
    along = a + unit(root, 4, at)[:, None] * (b - a)
    cells = 2.0 ** (1 + np.floor(unit(root, 5, at) * _CELLS))[:, None]
    cell = low + np.rint((along - low) / size * cells) / cells * size
    step = 2.0 ** -(1 + np.floor(unit(root, 6, at) * _GLOBE))[:, None]
    globe = np.rint(along / step) * step
    axis = bits(root, 7, at) % np.uint64(3)  # a border of columns, of rows, or a corner of cells
    keep_lon, keep_lat = axis == 1, axis == 0
    for snapped in (cell, globe):
        snapped[keep_lon, 0], snapped[keep_lat, 1] = along[keep_lon, 0], along[keep_lat, 1]
    level, plumb = np.column_stack([loose[:, 0], a[:, 1]]), np.column_stack([a[:, 0], loose[:, 1]])
    manner = (unit(root, 8, at) * len(MANNERS)).astype(np.int64)
    ways = (a, (a + b) * 0.5, a + (b - a) / 3.0, along, 2.0 * b - a, level, plumb, cell, globe, loose)
    spot = np.choose(manner[:, None], ways)
    for k in range(2):
        way = np.floor(unit(root, 9 + k, at) * 3.0) - 1.0
        spot[:, k] = np.where(way == 0.0, spot[:, k], np.nextafter(spot[:, k], np.copysign(np.inf, way)))
    spot = np.clip(spot, (-180.0, -90.0), (180.0, 90.0))
    return Placed(np.ascontiguousarray(spot[:, 0]), np.ascontiguousarray(spot[:, 1]), zone)


class _Edges(NamedTuple):
    start: F64  # (e, 2)
    end: F64  # (e, 2)
    zone: I64  # (e,)


def _edges(zones: Array) -> _Edges:
    parts, zone = shapely.get_parts(zones, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    return _Edges(points[:-1][same], points[1:][same], zone[part[ring[:-1][same]]])


# ---------------------------------------------------------------- kinds of zones


def _stars(
    root: Any, count: int, corners: int = 16, grid: float = 1e7, middle: tuple[float, float] = (-2.9, 53.4), spread: float = 1.0
) -> Array:
    """Jagged rings of half a kilometre or so, spread over a degree or less, corners on a grid of ``1 / grid`` degrees."""
    zone, k = np.repeat(np.arange(count), corners), np.tile(np.arange(corners), count)
    turn = 2 * np.pi * (k + 0.5 * unit(root, 1, zone, k)) / corners
    off = 0.004 * (0.3 + 0.7 * unit(root, 2, zone, k))
    about = np.array(middle) + spread * (np.column_stack([unit(root, 3, zone), unit(root, 4, zone)]) - 0.5)
    ring = about + off[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    return np.asarray(shapely.polygons(shapely.linearrings(np.rint(ring * grid) / grid, indices=zone)))


def _fences(root: Any, count: int) -> Array:
    """Fences of the town of `fences`: 8 to 200 corners."""
    world = town(Size(count // FENCES, 1))
    ring = np.repeat(np.arange(len(world.middle)), np.diff(world.ring_at))
    return np.asarray(shapely.polygons(shapely.linearrings(np.column_stack([world.lon, world.lat]), indices=ring)))


def _holed(root: Any, count: int) -> Array:
    """Stars with a smaller one cut out, and another in the hole; every third hole touches the outer ring in a corner."""
    outer = _stars(root, count)
    out = []
    for i, star in enumerate(outer.tolist()):
        corner = shapely.Point(star.exterior.coords[0])
        middle = star.representative_point() if i % 3 else corner
        whole = star.difference(shapely.affinity.scale(star, 0.5, 0.5, origin=middle))
        if i % 2:
            whole = whole.union(shapely.affinity.scale(star, 0.2, 0.2, origin=middle))
        out.append(whole)
    return _valid(out)


def _parted(root: Any, count: int) -> Array:
    """Three stars each, side by side, at times one inside another's box; every other pair touches in a corner."""
    out = []
    for i, star in enumerate(_stars(root, count).tolist()):
        (x1, y1), (x2, y2) = star.exterior.coords[0], star.exterior.coords[8]
        other = shapely.affinity.scale(star, -1.0, -1.0, origin=(x1, y1) if i % 2 else (x1 + 0.001, y1))
        third = shapely.affinity.translate(star, 2.5 * (x2 - x1), 2.5 * (y2 - y1))
        out.append(shapely.union_all([star, other, third]))
    return _valid(out)


def _combs(root: Any, count: int) -> Array:
    """Rings of horizontal and vertical edges only, on a grid of binary fractions: many corners at one height or in one column."""
    teeth, cell = 12, 2.0**-10
    out = []
    for i in range(count):
        high = 1.0 + np.floor(4.0 * unit(root, 1, i, np.arange(teeth)))
        x, y = np.repeat(np.arange(teeth + 1), 2)[1:-1], np.repeat(high, 2)
        west, south = np.floor(512.0 * unit(root, 2, i, np.arange(2))) * 2.0**-9
        ring = np.vstack([[0.0, 0.0], np.column_stack([x, y]), [teeth, 0.0]])
        out.append(shapely.Polygon(ring * cell + (west - 3.0, south + 53.0)))
    return _valid(out)


def _lattices(root: Any, count: int) -> Array:
    """Stars whose corners lie on a coarse grid: corners in line, at one height, edges through corners' prolongations."""
    return _valid(_stars(root, count, corners=10, grid=2.0**10).tolist())


def _slivers(root: Any, count: int) -> Array:
    """Triangles a kilometre long and from a metre down to a few ulps wide."""
    out = []
    for i in range(count):
        a, b, c, w = unit(root, 1, i, np.arange(4))
        start, along = np.array([-3.0 + a, 53.0 + b]), 0.01 * np.array([np.cos(6.3 * c), np.sin(6.3 * c)])
        aside = np.array([-along[1], along[0]]) * 10.0 ** (-3.0 - 8.0 * w)
        out.append(shapely.Polygon([start, start + along, start + along + aside]))
    return _valid(out)


def _jagged(root: Any, count: int) -> Array:
    """A ring of 40,000 corners with teeth of one size."""
    return np.array([coast(40_000, 10, jagged=True).polygon])


def _coast(root: Any, count: int) -> Array:
    """A ring of 40,000 corners like a coast."""
    return np.array([coast(40_000, 10, jagged=False).polygon])


def _meridian(root: Any, count: int) -> Array:
    """Stars across the 180° meridian, split there as RFC 7946 asks."""
    out = []
    for star in _stars(root, count, middle=(180.0, -16.5), spread=0.002).tolist():
        west = shapely.intersection(star, shapely.box(170.0, -20.0, 180.0, -10.0))
        east = shapely.intersection(star, shapely.box(180.0, -20.0, 190.0, -10.0))
        parts = [*shapely.get_parts(west), *(shapely.affinity.translate(part, -360.0) for part in shapely.get_parts(east))]
        out.append(shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon"]))
    return _valid(out)


def _origin(root: Any, count: int) -> Array:
    """Stars about 0, 0: Greenwich and the equator, where an ulp is next to nothing."""
    return _valid([shapely.affinity.translate(s, -s.centroid.x, -s.centroid.y) for s in _stars(root, count).tolist()])


def _valid(made: list[Any]) -> Array:
    """Those that are zones; GEOS's own answer on an invalid one is nobody's measure."""
    out: Array = np.array([one for one in made if one.is_valid and one.area > 0.0 and one.geom_type.endswith("Polygon")])
    return out


KINDS: Final = (
    Kind("fences", _fences, 2_000, 3_000_000),
    Kind("holes", _holed, 1_000, 1_500_000),
    Kind("parts", _parted, 1_000, 1_000_000),
    Kind("combs", _combs, 1_000, 1_000_000),
    Kind("lattices", _lattices, 1_000, 1_000_000),
    Kind("slivers", _slivers, 500, 500_000),
    Kind("jagged 40000", _jagged, 1, 500_000),
    Kind("coast 40000", _coast, 1, 500_000),
    Kind("meridian", _meridian, 500, 500_000),
    Kind("origin", _origin, 500, 500_000),
)


def made(kind: Kind, seed: int = SEED) -> tuple[Array, Any]:
    """The zones of a kind, and the root its points are placed with."""
    root = bits(np.uint64(seed), [each.case for each in KINDS].index(kind.case))[0]
    return kind.zones(bits(root, 1)[0], kind.many), bits(root, 2)[0]
