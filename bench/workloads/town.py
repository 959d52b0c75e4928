"""Turns a seed and a size into fenced tags and the fixes they send: what the geofence workloads judge, the same for ever."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.chance import F64, U64, bits, unit
from bench.city import metres_per_degree
from model.arrays import Array
from model.fix import Source, empty_fixes
from model.instant import MINUTE_US, SECOND_US, parse

I64 = npt.NDArray[np.int64]

SEED: Final = 20_261_122  # part of the benchmark: changing it needs a decision page (docs/decisions/0009-benchmarks.md)
START_US: Final = parse("2026-11-22T08:00:00Z")

FENCES: Final = 5  # a tag
CORNERS: Final = (8, 200)  # of a fence; few are commoner than many: evenly spread in their logarithm
RADIUS_M: Final = (120.0, 450.0)  # a street and its surroundings, to a quarter of a town
AWAY_M: Final = (1_300.0, 4_500.0)  # from home to the middle of a fence
LEG: Final = 10  # fixes between one thing a wearer does and the next: walking along a fence, or being somewhere about it
NEAR_M: Final = 50.0  # on a walk, how far from the boundary a fix lies, at most
WALK_M: Final = (30.0, 90.0)  # along the fence, a fix
WIDE: Final = 2.5  # places lie in a disc so many times the fence's radius
SCATTER_M: Final = 30.0  # round a place, at most, east and north
ON_CORNER: Final = 1 / 512  # share of a walk's fixes exactly on a corner: the boundary is inside
_STEP: Final = 1e7  # positions are multiples of 1e-7 degrees, about a centimetre, as devices and GeoJSON give them

# lon, lat, radius in metres, share: towns whose tags lie as dense as in life. Only the places differ from one another.
_TOWNS: Final = (
    (-2.94, 53.41, 6_000.0, 0.20),
    (-2.23, 53.47, 8_000.0, 0.25),
    (-1.89, 52.48, 9_000.0, 0.30),
    (-1.55, 53.80, 7_000.0, 0.15),
    (-0.10, 51.50, 12_000.0, 0.10),
)


class Size(NamedTuple):
    """How much is judged."""

    tags: int
    each: int  # fixes a tag, one a minute


FULL: Final = Size(20_000, 200)
QUICK: Final = Size(200, 50)


class Town(NamedTuple):
    """Fences and fixes. Fence ``FENCES * t + k`` is the k-th of tag row ``t``; coordinates are degrees WGS84.

    Attributes
    ----------
    tags : (t,) int64 tag ids, ascending
    lon, lat : (v,) float64, the corners of closed rings, one after the other; one ring a fence
    ring_at : (z + 1,) int64, where each ring begins
    middle : (z, 2) float64, a point deep inside each fence
    fixes : (n,) FIX in the order they arrive
    row : (n,) int64, the tag row of each fix
    """

    tags: I64
    lon: F64
    lat: F64
    ring_at: I64
    middle: F64
    fixes: Array
    row: I64


class _Rings(NamedTuple):
    """Open rings, flat, in metres east and north of each fence's middle."""

    at: I64  # (z + 1,)
    east_m: F64
    north_m: F64
    radius_m: F64  # (z,)


def town(size: Size, seed: int = SEED) -> Town:
    """The town of a size. Every number is drawn by its own key (``bench.chance``), so no NumPy release changes it."""
    root = bits(np.uint64(seed))[0]
    row = np.arange(size.tags)
    tags = 350_000_000_000_000 + row * 7_919 + (bits(root, 1, row) % np.uint64(7_919)).astype(np.int64)
    middle = _middles(root, size.tags)
    rings = _rings(root, len(middle))
    lon, lat = _degrees(middle, np.repeat(np.arange(len(middle)), np.diff(rings.at)), rings.east_m, rings.north_m)
    fixes, of = _fixes(root, size, tags, middle, rings, lon, lat)
    # Close each ring: its first corner once more at its end.
    last = rings.at[1:]
    lon, lat = np.insert(lon, last, lon[rings.at[:-1]]), np.insert(lat, last, lat[rings.at[:-1]])
    return Town(tags, lon, lat, rings.at + np.arange(len(rings.at)), middle, fixes, of)


def _middles(root: U64, tags: int) -> F64:
    """(z, 2) degrees: each tag lives somewhere in a town, its fences lie a few kilometres off, each in a fifth of the compass."""
    row = np.arange(tags)
    towns = np.array(_TOWNS)
    place = towns[np.searchsorted(np.cumsum(towns[:-1, 3]), unit(root, 2, row), side="right")]
    turn, off_m = 2 * np.pi * unit(root, 3, row), place[:, 2] * np.sqrt(unit(root, 4, row))
    east_m, north_m = metres_per_degree(place[:, 1])
    home_lon, home_lat = place[:, 0] + off_m * np.cos(turn) / east_m, place[:, 1] + off_m * np.sin(turn) / north_m
    fence = np.arange(tags * FENCES)
    of, k = fence // FENCES, fence % FENCES
    turn = 2 * np.pi * (k + 0.5 * unit(root, 5, fence)) / FENCES
    off_m = AWAY_M[0] + (AWAY_M[1] - AWAY_M[0]) * unit(root, 6, fence)
    east_m, north_m = metres_per_degree(home_lat)
    return _rounded(
        np.column_stack([home_lon[of] + off_m * np.cos(turn) / east_m[of], home_lat[of] + off_m * np.sin(turn) / north_m[of]])
    )


def _rings(root: U64, fences: int) -> _Rings:
    """Jagged rings: corners at rising bearings round the middle, each at a distance of its own, so that none crosses itself."""
    fence = np.arange(fences)
    low, high = CORNERS
    corners = np.floor(low * ((high + 1) / low) ** unit(root, 10, fence)).astype(np.int64)
    radius_m = RADIUS_M[0] + (RADIUS_M[1] - RADIUS_M[0]) * unit(root, 11, fence)
    at = np.concatenate([[0], np.cumsum(corners)])
    of = np.repeat(fence, corners)
    k = np.arange(at[-1]) - at[of]
    turn = 2 * np.pi * (k + 0.5 * unit(root, 12, of, k)) / corners[of]
    off_m = radius_m[of] * (0.7 + 0.3 * unit(root, 13, of, k))
    return _Rings(at, off_m * np.cos(turn), off_m * np.sin(turn), radius_m)


def _fixes(root: U64, size: Size, tags: I64, middle: F64, rings: _Rings, lon: F64, lat: F64) -> tuple[Array, I64]:
    """The fixes in arrival order, and their tag rows: one a minute and tag, staying a fifth of the time round each fence."""
    n = size.tags * size.each
    key = np.arange(n)
    row, minute = key // size.each, key % size.each
    fence = row * FENCES + (row + minute * FENCES // size.each) % FENCES
    leg = row * size.each + minute // LEG
    walks = unit(root, 20, leg) < 0.5
    east_m, north_m, corner = _walk(root, key, leg, minute, rings, fence)
    there_m = _place(root, key, leg, rings.radius_m[fence])
    fix_lon, fix_lat = _degrees(middle, fence, np.where(walks, east_m, there_m[0]), np.where(walks, north_m, there_m[1]))
    on = walks & (unit(root, 21, key) < ON_CORNER)
    fix_lon[on], fix_lat[on] = lon[corner[on]], lat[corner[on]]

    fixes = empty_fixes(n)
    fixes["tag"] = tags[row]
    fixes["lon"], fixes["lat"] = fix_lon, fix_lat
    fixes["fix_at_us"] = START_US + minute * MINUTE_US + _us(60.0 * unit(root, 22, row))
    fixes["received_us"] = fixes["fix_at_us"] + _us(0.5 + 7.5 * unit(root, 23, key))
    fixes["seq"] = minute
    fixes["source"] = Source.GNSS
    fixes["accuracy_m"] = np.round(4.0 + 21.0 * unit(root, 24, key) ** 2, 1)  # mostly good, at times 25 m
    order = np.argsort(fixes["received_us"], kind="stable")
    return fixes[order], row[order]


def _walk(root: U64, key: I64, leg: I64, minute: I64, rings: _Rings, fence: I64) -> tuple[F64, F64, I64]:
    """(n,) metres east and north of the fence's middle, and the last corner passed: along the boundary, within NEAR_M of it."""
    pace_m = WALK_M[0] + (WALK_M[1] - WALK_M[0]) * unit(root, 30, leg)
    round_ = unit(root, 31, leg) + minute % LEG * pace_m / (2 * np.pi * rings.radius_m[fence])
    corners = np.diff(rings.at)[fence]
    passed = (round_ % 1.0) * corners
    k = np.minimum(passed.astype(np.int64), corners - 1)
    here, there, share = rings.at[fence] + k, rings.at[fence] + (k + 1) % corners, passed - k
    east_m = rings.east_m[here] + share * (rings.east_m[there] - rings.east_m[here])
    north_m = rings.north_m[here] + share * (rings.north_m[there] - rings.north_m[here])
    outward = 1.0 + NEAR_M * (2.0 * unit(root, 32, key) - 1.0) / np.hypot(east_m, north_m)
    return east_m * outward, north_m * outward, here


def _place(root: U64, key: I64, leg: I64, radius_m: F64) -> tuple[F64, F64]:
    """(n,) metres east and north of the fence's middle: about a place somewhere in or round it."""
    turn, off_m = 2 * np.pi * unit(root, 40, leg), WIDE * radius_m * np.sqrt(unit(root, 41, leg))
    east_m = off_m * np.cos(turn) + SCATTER_M * (2.0 * unit(root, 42, key) - 1.0)
    return east_m, off_m * np.sin(turn) + SCATTER_M * (2.0 * unit(root, 43, key) - 1.0)


def _degrees(middle: F64, fence: I64, east_m: F64, north_m: F64) -> tuple[F64, F64]:
    """Metres about the middle of a fence as degrees of lon, lat."""
    lon_m, lat_m = metres_per_degree(middle[:, 1])
    return _rounded(middle[fence, 0] + east_m / lon_m[fence]), _rounded(middle[fence, 1] + north_m / lat_m[fence])


def _rounded(degrees: F64) -> F64:
    rounded: F64 = np.rint(degrees * _STEP) / _STEP
    return rounded


def _us(seconds: Any) -> I64:
    micros: I64 = np.floor(seconds * SECOND_US).astype(np.int64)
    return micros
