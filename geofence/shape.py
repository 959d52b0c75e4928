"""WKB geometries become flat rings in one frame of longitude, ready for the kernels."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import shapely

from model.arrays import Array
from model.zone import Zone

_SEAM_DEG: Final = 180.0


class Shape(NamedTuple):
    """One zone's geometry. Longitudes may run beyond 180 where it crosses the 180° meridian: its frame is its own.

    A circle is a ring of one coordinate, its centre: a ring with no edges, that the ring before it in an index ends at.
    """

    x: Array  # (v,) float64 degrees longitude, rings closed, one after the other
    y: Array  # (v,) float64 degrees latitude
    ring_at: Array  # (r + 1,) int64, where each ring's coordinates begin; outer rings and holes alike (even-odd)
    box: tuple[float, float, float, float]  # degrees west, south, east, north; of a circle its centre
    radius_m: float


def compile_shapes(zones: Sequence[Zone]) -> list[Shape]:
    """The shapes of zones, in their order.

    Coordinates keep their order and value, so that containment stays what GEOS says of the same geometry. Only a zone that was
    split at the 180° meridian is joined again: its western parts move by 360 degrees, which is exact there, and the seam, no edge
    of the zone, disappears.

    Raises
    ------
    ValueError
        If a geometry is not a polygon, multipolygon or a point with a radius: ``geofence.feature.parse`` lets no other through.
    """
    geometries = shapely.from_wkb([zone.wkb for zone in zones])
    return [_compile(zone, geometry) for zone, geometry in zip(zones, geometries, strict=True)]


def _compile(zone: Zone, geometry: shapely.Geometry) -> Shape:
    if shapely.is_empty(geometry):
        raise ValueError(f"zone {zone.id} version {zone.version} is empty")
    if isinstance(geometry, shapely.Point) and zone.radius_m > 0:
        return Shape(
            np.array([geometry.x]),
            np.array([geometry.y]),
            np.array([0, 1], np.int64),
            shapely.bounds(geometry).tolist(),
            zone.radius_m,
        )
    if not isinstance(geometry, shapely.Polygon | shapely.MultiPolygon) or zone.radius_m > 0:
        raise ValueError(f"zone {zone.id} version {zone.version} is a {type(geometry).__name__} with radius {zone.radius_m:g} m")
    whole = joined(geometry)
    rings = shapely.get_rings(shapely.get_parts(whole))
    x, y = np.ascontiguousarray(shapely.get_coordinates(rings).T)
    ring_at = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(rings))]).astype(np.int64)
    return Shape(x, y, ring_at, shapely.bounds(whole).tolist(), 0.0)


def joined(geometry: shapely.Geometry) -> shapely.Geometry:
    """A geometry split at the 180° meridian as one, with longitudes up to 360; any other as it is."""
    west, _, east, _ = shapely.bounds(geometry)
    if (west, east) != (-_SEAM_DEG, _SEAM_DEG):
        return geometry
    parts = shapely.get_parts(geometry)
    western = shapely.bounds(parts)[:, 2] < 0.0
    return shapely.union_all(np.concatenate([parts[~western], shapely.transform(parts[western], _turned)]))


def _turned(coordinates: Array) -> Array:
    turned: Array = coordinates + np.array([360.0, 0.0])
    return turned
