"""WKB bytes become flat rings of longitude and latitude, many geometries in one call and without an object for any of them."""

from typing import Final

import numpy as np

from geofence.kernel import lean
from model.arrays import Array

_POINT: Final = 1
_POLYGON: Final = 3
_MULTIPOLYGON: Final = 6
_HEAD: Final = 5  # bytes before a geometry's own: byte order, type
_PAIR: Final = 16  # bytes a coordinate
_COORDINATE: Final = np.dtype([("x", "<f8"), ("y", "<f8")])  # a record, not aligned: WKB aligns nothing


@lean
def count(body: Array, at: Array, radius_m: Array, out: Array, first: int, stop: int) -> None:
    """Set how many coordinates and rings geometries ``first .. stop`` have; no rings where one is not plain.

    Plain are a point with a radius, and a polygon or multipolygon without one, in little-endian two-dimensional WKB: what
    ``shapely.to_wkb`` and PostGIS write on our machines.

    Parameters
    ----------
    body : (b,) uint8, with the geometries in it
    at : (n, 2) int64, where each begins and ends
    radius_m : (n,) float64
    out : (n, 2) int64
    """
    for i in range(first, stop):
        out[i, 0] = out[i, 1] = 0
        o, end = at[i, 0], at[i, 1]
        kind = _kind(body, o, end)
        if kind == _POINT and radius_m[i] > 0.0 and end - o == _HEAD + _PAIR and not _absent(body, o + _HEAD):
            out[i, 0] = 1
            out[i, 1] = 1
        elif kind == _POLYGON and radius_m[i] == 0.0:
            out[i, 0], out[i, 1], _ = _count_rings(body, o, end)
        elif kind == _MULTIPOLYGON and radius_m[i] == 0.0:
            parts = _number(body, o + _HEAD)
            o += _HEAD + 4
            for _ in range(parts):
                if _kind(body, o, end) != _POLYGON:
                    out[i, 1] = 0
                    break
                coordinates, rings, o = _count_rings(body, o, end)
                out[i, 0] += coordinates
                out[i, 1] += rings
        if out[i, 0] == 0:
            out[i, 1] = 0


@lean
def read(body: Array, o: int, vertex: int, x: Array, y: Array, ring: Array, row: int) -> None:
    """Set a plain geometry's coordinates from ``vertex`` on and its rings from ``row`` on; both were counted before.

    Parameters
    ----------
    body, o : uint8 and where in it the geometry begins
    x, y : float64 degrees
    ring : (r, 2) int32, where each ring's coordinates begin and end, counted from the geometry's first one
    """
    kind = _kind(body, o, len(body))
    first = vertex
    if kind == _POINT:
        _pairs(body, o + _HEAD, 1, x, y, vertex)
        ring[row, 0] = 0
        ring[row, 1] = 1
        return
    parts = 1
    if kind == _MULTIPOLYGON:
        parts = _number(body, o + _HEAD)
        o += _HEAD + 4
    for _ in range(parts):
        rings = _number(body, o + _HEAD)
        o += _HEAD + 4
        for _ in range(rings):
            n = _number(body, o)
            o += 4
            _pairs(body, o, n, x, y, vertex)
            o += _PAIR * n
            ring[row, 0] = vertex - first
            ring[row, 1] = vertex - first + n
            vertex += n
            row += 1


@lean
def _count_rings(body: Array, o: int, end: int) -> tuple[int, int, int]:
    """A polygon's coordinates and rings, and where it ends."""
    rings = _number(body, o + _HEAD)
    o += _HEAD + 4
    coordinates = 0
    for _ in range(rings):
        if o + 4 > end:
            return 0, 0, end
        n = _number(body, o)
        coordinates += n
        o += 4 + _PAIR * n
    if o > end:
        return 0, 0, end
    return coordinates, rings, o


@lean
def _kind(body: Array, o: int, end: int) -> int:
    """The type of a little-endian geometry, 0 of others; flags of dimensions or SRID make it one that nobody knows."""
    if end - o < _HEAD + 4 or body[o] != 1:
        return 0
    return _number(body, o + 1)


@lean
def _number(body: Array, o: int) -> int:
    """Four bytes as a number."""
    return int(body[o]) | (int(body[o + 1]) << 8) | (int(body[o + 2]) << 16) | (int(body[o + 3]) << 24)


@lean
def _absent(body: Array, o: int) -> bool:
    """Whether a coordinate is NaN: how WKB writes an empty point."""
    return (int(body[o + 7]) & 0x7F) == 0x7F and (int(body[o + 6]) & 0xF0) == 0xF0


@lean
def _pairs(body: Array, o: int, n: int, x: Array, y: Array, vertex: int) -> None:
    pairs = body[o : o + _PAIR * n].view(_COORDINATE)
    for k in range(n):
        x[vertex + k] = pairs[k]["x"]
        y[vertex + k] = pairs[k]["y"]
