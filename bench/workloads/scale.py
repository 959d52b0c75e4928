"""Workload `scale`: how the rate of judging changes with tags, zones, corners and threads, and what the clock costs with tags."""

from collections.abc import Callable, Iterable, Sequence
from math import log
from time import perf_counter
from typing import Any, Final, NamedTuple

import numpy as np
import shapely

from bench.chance import F64, bits, unit
from bench.city import metres_per_degree
from bench.machine import cores
from bench.rows import Along, Measured
from bench.workloads import Tell, ours, ticks
from bench.workloads.coast import coast
from bench.workloads.town import I64, START_US, Size, town
from geofence.index import ZoneIndex
from model.arrays import Array
from model.fix import Source, empty_fixes
from model.instant import FOREVER_US, SECOND_US
from model.zone import Assignment, Monitored

SEED: Final = 20_261_126  # part of the benchmark: changing it needs a decision page (docs/decisions/0009-benchmarks.md)
RUNS: Final = 3
FIXES: Final = 400_000  # judged at each point of each curve
QUICK_FIXES: Final = 1_000
QUICK_POINTS: Final = 2  # of each curve
COMPARED: Final = 20_000  # fixes at each point whose answer is compared with GEOS
TAG_COUNTS: Final = (1_000, 10_000, 100_000, 1_000_000)
TAGS: Final = 1_000  # where it is not they that change
POOL: Final = 5_000  # zones shared out among tags where it is not they that change
CORNERS: Final = 24  # of a zone where it is not they that change
FIRST_TAG: Final = 350_000_000_000_000


class Point(NamedTuple):
    """One point of a curve: what is judged there, by what, and which answers are known."""

    at: int
    judged_by: ZoneIndex
    fixes: Array  # (n,) FIX as they arrive; ``seq`` is the row
    polygons: Array  # (z,), zone i + 1 is polygon i
    zone: I64  # (n,) row of the polygon that each fix is compared by
    tags: int  # how many different ones the fixes are of
    threads: int


class Curve(NamedTuple):
    """What changes, through which values, and how one of them is set up."""

    name: str
    axis: str  # the same in full
    through: tuple[int, ...]
    point: Callable[[int, int], Point]  # of a value and a number of fixes
    logarithmic: bool  # aimed at: the cost of a fix grows no faster than the logarithm of what changes


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """Every curve, its points turn about, each compared with the curve's first point; and the clock's, in milliseconds."""
    curves = (
        Curve("tags", "tags", TAG_COUNTS, _tags, True),
        Curve("own", "zones of each tag's own", (5, 50, 500), _own, True),
        Curve("far", "zones for everyone, far away", (10, 1_000, 100_000), _shared, True),
        Curve("corners", "corners of the zone", (8, 80, 800, 8_000), _corners, True),
        Curve("threads", "threads", tuple(range(1, cores() + 1)), _threads, False),
    )
    out: list[Measured] = []
    for curve in curves:
        through = curve.through[:QUICK_POINTS] if quick else curve.through
        tell(f"{curve.axis}: setting up {', '.join(f'{at:,}' for at in through)}")
        out += _drawn(curve, [curve.point(at, QUICK_FIXES if quick else FIXES) for at in through], tell)
    return out + ticks.measure(TAG_COUNTS[:QUICK_POINTS] if quick else TAG_COUNTS, tell)


def _drawn(curve: Curve, points: Sequence[Point], tell: Tell) -> list[Measured]:
    rates: list[list[float]] = [[] for _ in points]
    wrong = [0] * len(points)
    for point in points:
        ours.hits(point.judged_by, point.fixes[:1], 1, point.threads)
    for _ in range(RUNS):
        for k, point in enumerate(points):
            start = perf_counter()
            found = ours.hits(point.judged_by, point.fixes, point.tags, point.threads)
            rates[k].append(len(point.fixes) / (perf_counter() - start))
            wrong[k] += _wrong(point, found)
    tell(f"{curve.axis}: {', '.join(f'{np.median(runs) / 1e6:.3g}' for runs in rates)} M fixes/s")
    first = points[0].at
    return [
        Measured(
            workload="scale",
            case=f"{curve.name} {point.at}",
            unit="fixes/s",
            values=tuple(rates[k]),
            threads=cores(),  # but where they are what changes: the case says how many
            baseline=f"our own rate at {curve.name} {first}" if k else None,
            baseline_values=tuple(rates[0]) if k else (),
            at_least=log(first) / log(point.at) if k and curve.logarithmic else None,
            checked=RUNS * min(COMPARED, len(point.fixes)),
            wrong=wrong[k],
            along=Along(curve.axis, point.at),
        )
        for k, point in enumerate(points)
    ]


def _wrong(point: Point, found: Array) -> int:
    """How many of the first ``COMPARED`` fixes are in their zone by GEOS and not by us, or the other way round."""
    arrived = found["fix_row"]
    some = slice(0, COMPARED)
    said = np.zeros(len(point.fixes), np.bool_)
    own = found["zone"] == point.zone[arrived] + 1
    said[arrived[own]] = found["covered"][own]
    shapely.prepare(point.polygons)
    near = point.polygons[point.zone[some]]
    covered = shapely.intersects_xy(near, point.fixes["lon"][some], point.fixes["lat"][some])
    return int(np.count_nonzero(said[some] != covered))


# ---------------------------------------------------------------- the points


def _tags(tags: int, fixes: int) -> Point:
    """So many tags, each with one zone of a pool, and one fix of somebody's after the other."""
    root = bits(np.uint64(SEED), 1)[0]
    polygons, middle = _fences(root, POOL)
    row = (unit(root, 1, np.arange(fixes)) * tags).astype(np.int64)
    index = _index(polygons, ((t, t % POOL) for t in range(tags)))
    return Point(tags, index, _about(root, row, middle[row % POOL]), polygons, row % POOL, len(np.unique(row)), cores())


def _own(zones: int, fixes: int) -> Point:
    """Tags with so many zones of their own all over the county, all fixes near the first of them."""
    root = bits(np.uint64(SEED), 2)[0]
    tags = TAGS // 10
    polygons, middle = _fences(root, tags * zones)
    row = np.arange(fixes) % tags
    index = _index(polygons, ((t, t * zones + k) for t in range(tags) for k in range(zones)))
    return Point(zones, index, _about(root, row, middle[row * zones]), polygons, row * zones, tags, cores())


def _shared(zones: int, fixes: int) -> Point:
    """Tags with one zone of their own, and so many zones for everyone half a country away."""
    root = bits(np.uint64(SEED), 3)[0]
    near, middle = _fences(root, TAGS)
    far, _ = _fences(bits(root, 1)[0], zones, south=56.0)
    polygons = np.concatenate([near, far])
    row = np.arange(fixes) % TAGS
    index = _index(polygons, ((t, t) for t in range(TAGS)), range(TAGS, TAGS + zones), TAGS)
    return Point(zones, index, _about(root, row, middle[row]), polygons, row, TAGS, cores())


def _corners(corners: int, fixes: int) -> Point:
    """Tags that all have one zone, like a coast, of so many corners; half of the fixes within 50 m of it."""
    made = coast(corners, fixes, jagged=False)
    polygons = np.array([made.polygon])
    index = _index(polygons, ((t, 0) for t in range(TAGS)))
    row = np.arange(fixes) % TAGS
    return Point(corners, index, _fixes(row, made.lon, made.lat), polygons, np.zeros(fixes, np.int64), TAGS, cores())


def _threads(threads: int, fixes: int) -> Point:
    """The town of `fences`, smaller, on so many threads."""
    world = town(Size(max(fixes // 200, 1), 200))
    given = world.fixes
    given["seq"] = np.arange(len(given))
    fence = world.row * 5 + np.arange(len(given)) % 5
    return Point(threads, ours.indexed(world, buffer_m=0.0), given, ours.polygons(world), fence, len(world.tags), threads)


# ---------------------------------------------------------------- zones and fixes


def _fences(root: Any, count: int, south: float = 53.0) -> tuple[Array, F64]:
    """(count,) jagged polygons of 120 to 450 m in a box of two degrees, and their (count, 2) middles, degrees."""
    zone = np.arange(count)
    middle = np.column_stack([-3.0 + 2.0 * unit(root, 10, zone), south + 2.0 * unit(root, 11, zone)])
    of, k = np.repeat(zone, CORNERS), np.tile(np.arange(CORNERS), count)
    turn = 2 * np.pi * (k + 0.5 * unit(root, 12, of, k)) / CORNERS
    off_m = (120.0 + 330.0 * unit(root, 13, of)) * (0.7 + 0.3 * unit(root, 14, of, k))
    east_m, north_m = metres_per_degree(middle[of, 1])
    ring = middle[of] + np.column_stack([off_m * np.cos(turn) / east_m, off_m * np.sin(turn) / north_m])
    return np.asarray(shapely.polygons(shapely.linearrings(np.rint(ring * 1e7) / 1e7, indices=of))), middle


def _about(root: Any, row: I64, middle: F64) -> Array:
    """(n,) FIX of tag rows within some 500 m of (n, 2) middles."""
    at = np.arange(len(row))
    east_m, north_m = metres_per_degree(middle[:, 1])
    lon = middle[:, 0] + 500.0 * (2.0 * unit(root, 20, at) - 1.0) / east_m
    lat = middle[:, 1] + 500.0 * (2.0 * unit(root, 21, at) - 1.0) / north_m
    return _fixes(row, np.rint(lon * 1e7) / 1e7, np.rint(lat * 1e7) / 1e7)


def _fixes(row: I64, lon: F64, lat: F64) -> Array:
    """(n,) FIX of tag rows, one a second as they arrive."""
    fixes = empty_fixes(len(row))
    fixes["tag"], fixes["lon"], fixes["lat"] = FIRST_TAG + row, lon, lat
    fixes["seq"] = np.arange(len(row))
    fixes["fix_at_us"] = START_US + fixes["seq"] * SECOND_US
    fixes["received_us"] = fixes["fix_at_us"]
    fixes["source"], fixes["accuracy_m"] = Source.GNSS, 8.0
    return fixes


def _index(polygons: Array, pairs: Iterable[tuple[int, int]], shared: Iterable[int] = (), monitored: int = 0) -> ZoneIndex:
    """An index of polygons, given to tag rows by (tag row, polygon), some shared by everyone of ``monitored`` tags."""
    zones = [ours.zone(z + 1, wkb) for z, wkb in enumerate(shapely.to_wkb(polygons))]
    return ZoneIndex.build(
        zones,
        (Assignment(FIRST_TAG + t, z + 1, 0, FOREVER_US) for t, z in pairs),
        (Monitored(FIRST_TAG + t, 1, 1, 0, FOREVER_US) for t in range(monitored)),
        [z + 1 for z in shared],
    )
