"""Makes miniature.json: small stand-ins for the shared data, so that no clone loses the checks.

``python -m tests.geofence.miniature`` writes it again. A mosaic of neighbours that share borders (wards), rings with holes, one
ring of many corners, rings broken in every way, and points whose place is known by exact fractions.
"""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from tests.oracle import plane

PATH = Path(__file__).with_name("miniature.json")


def made() -> dict[str, Any]:
    """The file's content; the same every time."""
    rng = np.random.default_rng(20260320)
    return {"zones": _mosaic(rng) + _holed() + [_many(rng)], "invalid": _invalid(), "points": _points()}


def _feature(geometry: Any, name: str) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"name": name}, "geometry": json.loads(shapely.to_geojson(geometry))}


def _mosaic(rng: Any) -> list[dict[str, Any]]:
    """Three by three neighbours over Liverpool, each border drawn once and used from both sides."""
    corner = {
        (i, j): np.round(np.array([-2.98 + 0.01 * i, 53.4 + 0.006 * j]) + rng.uniform(-0.002, 0.002, 2), 7)
        for i in range(4)
        for j in range(4)
    }

    def border(a: tuple[int, int], b: tuple[int, int]) -> Any:
        first, last = sorted((a, b))
        t = np.linspace(0.0, 1.0, 9)[:, None]
        wiggle = np.random.default_rng([*first, *last]).uniform(-0.0003, 0.0003, (9, 2)) * np.sin(np.pi * t)
        way = np.round(corner[first] + t * (corner[last] - corner[first]) + wiggle, 7)
        way[0], way[-1] = corner[first], corner[last]
        return way if a == first else way[::-1]

    out = []
    for i in range(3):
        for j in range(3):
            around = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1), (i, j)]
            ring = np.concatenate([border(a, b)[:-1] for a, b in pairwise(around)])
            out.append(_feature(shapely.Polygon(ring), f"ward {i}{j}"))
    return out


def _holed() -> list[dict[str, Any]]:
    outer = shapely.Polygon([(-1.47, 52.26), (-1.44, 52.25), (-1.42, 52.28), (-1.45, 52.29)])
    one, two = shapely.box(-1.455, 52.263, -1.445, 52.268), shapely.Polygon([(-1.44, 52.27), (-1.435, 52.275), (-1.445, 52.276)])
    island = shapely.box(-1.452, 52.264, -1.449, 52.266)
    return [_feature(outer - one - two, "holes"), _feature((outer - one) | island, "island in a hole")]


def _many(rng: Any) -> dict[str, Any]:
    """A jagged coast of 700 corners."""
    angle = np.linspace(0.0, 2 * np.pi, 700, endpoint=False)
    radius = 0.2 + 0.03 * np.sin(9 * angle) + rng.uniform(-0.004, 0.004, 700)
    return _feature(
        shapely.Polygon(np.round(np.column_stack([-5.0 + radius * np.cos(angle), 51.8 + radius * np.sin(angle)]), 7)), "coast"
    )


def _invalid() -> list[dict[str, Any]]:
    """Polygons broken one way each, words their refusal must hold, and whether a repair can be offered."""
    square = [[0.0, 50.0], [1.0, 50.0], [1.0, 51.0], [0.0, 51.0], [0.0, 50.0]]

    def box(west: float, south: float, east: float, north: float) -> list[list[float]]:
        return [[west, south], [east, south], [east, north], [west, north], [west, south]]

    broken: list[tuple[str, Any, str]] = [
        ("Polygon", [[[0, 50], [1, 51], [1, 50], [0, 51], [0, 50]]], "crosses itself near lon 0.500000, lat 50.500000"),
        (
            "Polygon",
            [[[0, 50], [1, 50], [0.5, 50.5], [1, 51], [0, 51], [0.5, 50.5], [0, 50]]],
            "points 3 and 6 are the same place",
        ),
        (
            "Polygon",
            [[[0, 50], [2, 50], [1, 50], [1, 51], [0, 50]]],
            "Point 2 of the outer ring (lon 2.000000, lat 50.000000) is a spike",
        ),
        (
            "Polygon",
            [square, box(0.2, 50.2, 0.5, 50.5), box(0.4, 50.4, 0.8, 50.8)],
            "Hole 1 and hole 2 cross, overlap or run along each other",
        ),
        ("Polygon", [square, box(5.0, 50.0, 6.0, 51.0)], "Hole 1 lies outside the outer ring"),
        ("Polygon", [square, box(0.1, 50.1, 0.9, 50.9), box(0.4, 50.4, 0.6, 50.6)], "Hole 2 lies inside another hole"),
        ("Polygon", [square, square], "The outer ring and hole 1 are the same ring, given twice,"),
        ("Polygon", [square, [[0, 50], [1, 51], [0.9, 50.1], [0, 50]]], "cut the zone in two"),
        (
            "MultiPolygon",
            [[square], [box(0.5, 50.5, 1.5, 51.5)]],
            "The outer ring of part 1 and the outer ring of part 2 cross, overlap or run along each other",
        ),
        (
            "MultiPolygon",
            [[square], [box(1.0, 50.0, 2.0, 51.0)]],
            "The outer ring of part 1 and the outer ring of part 2 cross, overlap or run along each other",
        ),
        ("Polygon", [square, box(0.0, 50.2, 0.5, 50.5)], "The outer ring and hole 1 cross, overlap or run along each other"),
        ("MultiPolygon", [[square], [box(0.4, 50.4, 0.6, 50.6)]], "The outer ring of part 2 lies inside another part"),
        ("MultiPolygon", [[square], [square]], "The outer ring of part 1 and the outer ring of part 2 are the same ring"),
    ]
    # A hole as large as its zone leaves nothing to offer.
    return [
        {"geometry": {"type": kind, "coordinates": coordinates}, "words": words, "repaired": coordinates != [square, square]}
        for kind, coordinates, words in broken
    ]


def _points() -> list[dict[str, Any]]:
    """Points on, beside and level with corners and edges, and where exact fractions say they lie."""
    rings = {
        "square": shapely.box(0, 0, 20, 20),
        "teeth": shapely.Polygon(
            [(0, 0), (0, 10), (4, 5), (6, 10), (7, 5), (9, 10), (10, 5), (13, 5), (15, 10), (18, 3), (25, 10), (25, 0)]
        ),
        "hole": shapely.box(0, 0, 12, 12) - shapely.Polygon([(3, 3), (9, 4), (7, 9)]),
        "thin": shapely.Polygon([(0, 0), (30, 1), (30, 1 + 2**-40)]),
    }
    out = []
    for name, geometry in rings.items():
        walls = [(plane.exact(a), plane.exact(b)) for a, b in plane.edges(geometry).tolist()]
        corners = shapely.get_coordinates(geometry)
        beside = [np.nextafter(corners, way) for way in (-np.inf, np.inf)]
        level = [np.column_stack([corners[:, 0] + dx, corners[:, 1]]) for dx in (-1.5, 0.25, 2.0)]
        halves = plane.edges(geometry).mean(axis=1)
        for point in np.unique(np.concatenate([corners, *beside, *level, halves]), axis=0).tolist():
            if 0.0 < min(abs(point[0]), abs(point[1])) < 1e-300:
                continue
            out.append({"name": name, "wkt": geometry.wkt, "point": point, "expected": plane.place(walls, plane.exact(point))})
    return out


if __name__ == "__main__":
    PATH.write_text(json.dumps(made(), indent=None, separators=(",", ":")) + "\n")
