"""Workload `adversarial`: ten million points where containment goes wrong, each compared with GEOS; distances besides."""

from itertools import pairwise
from time import perf_counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from bench.chance import unit
from bench.city import metres_per_degree
from bench.machine import cores
from bench.rows import Measured
from bench.workloads import Tell, ours
from bench.workloads.placed import KINDS, Kind, Placed, made, place
from geofence.index import ZoneIndex
from model.arrays import Array
from model.fix import Source, empty_fixes
from model.hit import REACH_M
from model.instant import FOREVER_US, HOUR_US
from model.zone import Assignment

Bool = npt.NDArray[np.bool_]

RUNS: Final = 5  # parts that the points of a kind are judged in
QUICK: Final = 200  # times fewer points, and zones where there are many
SAMPLED: Final = 400  # distances of each kind
QUICK_SAMPLED: Final = 20
SLACK_M: Final = 0.1  # what DOMAIN.md allows of a distance: so much,
SLACK: Final = 1e-3  # or such a share of it


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """Every kind of zone; wrong must be 0."""
    return [_one(_smaller(kind) if quick else kind, QUICK_SAMPLED if quick else SAMPLED, tell) for kind in KINDS]


def _smaller(kind: Kind) -> Kind:
    return kind._replace(many=max(kind.many // QUICK, 5), points=kind.points // QUICK)


def _one(kind: Kind, sampled: int, tell: Tell) -> Measured:
    """``evaluate`` for all points at once, each zone for a tag of its own, and ``covers`` zone by zone; GEOS pairwise, sorted.

    Both answers of ours are compared with GEOS; the rate is that of ``evaluate``, which besides measures and judges.
    """
    zones, root = made(kind)
    index = ZoneIndex.build(
        [ours.zone(z + 1, wkb) for z, wkb in enumerate(shapely.to_wkb(zones))],
        [Assignment(z + 1, z + 1, 0, FOREVER_US) for z in range(len(zones))],
    )
    shapely.prepare(zones)
    rates, theirs, checked, wrong = [], [], 0, 0
    for run in range(RUNS):
        points = place(zones, kind.points // RUNS, root + np.uint64(run))
        fixes = _fixes(points)
        start = perf_counter()
        found = ours.hits(index, fixes, len(zones), cores())
        rates.append(len(fixes) / (perf_counter() - start))
        near = zones[points.zone]
        start = perf_counter()
        covered = shapely.intersects_xy(near, points.lon, points.lat)
        theirs.append(len(fixes) / (perf_counter() - start))
        for said in (_said(found, len(fixes)), _alone(index, points)):
            checked += len(said)
            wrong += int(np.count_nonzero(said != covered))
        rows = _spread(root, len(fixes), sampled // RUNS)
        checked += len(rows)
        wrong += sum(_badly_measured(zones[points.zone[row]], fixes[row], found) for row in rows.tolist())
    tell(f"{kind.case}: {checked:,} answers, {wrong:,} wrong")
    return Measured(
        workload="adversarial",
        case=kind.case,
        unit="points/s",
        values=tuple(rates[1:]),  # the first call may have waited for the compiler
        threads=cores(),
        baseline="shapely prepared intersects_xy, pairwise, sorted by zone, 1 thread",
        baseline_values=tuple(theirs[1:]),
        at_least=None,
        checked=checked,
        wrong=wrong,
    )


def _fixes(points: Placed) -> Array:
    """A fix an hour at each point, so that no way leads from one to the next; its tag is its zone's."""
    fixes = empty_fixes(len(points.lon))
    fixes["tag"], fixes["lon"], fixes["lat"] = points.zone + 1, points.lon, points.lat
    fixes["seq"] = np.arange(len(fixes))
    fixes["fix_at_us"] = fixes["seq"] * HOUR_US
    fixes["received_us"] = fixes["fix_at_us"]
    fixes["source"], fixes["accuracy_m"] = Source.GNSS, 8.0
    return fixes


def _said(found: Array, count: int) -> Bool:
    """(count,) whether each fix is covered by its zone; without a row it is far outside."""
    said = np.zeros(count, np.bool_)
    said[found["fix_row"]] = found["covered"]
    return said


def _alone(index: ZoneIndex, points: Placed) -> Bool:
    """The same by ``covers``, zone by zone."""
    bounds = np.flatnonzero(np.diff(points.zone, prepend=-1, append=-1)).tolist()
    parts = [slice(first, stop) for first, stop in pairwise(bounds)]
    return np.concatenate(
        [ours.covered(index, int(points.zone[part.start]) + 1, points.lon[part], points.lat[part]) for part in parts]
    )


def _spread(root: Any, count: int, sampled: int) -> npt.NDArray[np.int64]:
    return (unit(root, 90, np.arange(sampled)) * count).astype(np.int64)


def _badly_measured(zone: Any, fix: Any, found: Array) -> bool:
    """Whether a fix's distance is off by more than DOMAIN.md allows, or a row is missing or too much.

    Measured in a plane about the fix, whose degrees are as long as they are there: 5e-4 off at 5 km, far less where it matters.
    """
    lon, lat = float(fix["lon"]), float(fix["lat"])
    east_m, north_m = metres_per_degree(np.array([lat]))
    edges = _edges(zone)
    turn = 360.0 * np.round((edges[:, 0] - lon) / 360.0)
    flat = (edges - np.column_stack([turn + lon, np.full_like(turn, lat)])) * np.array([east_m[0], north_m[0]])
    away_m = float(
        shapely.distance(shapely.multilinestrings(shapely.linestrings(flat.reshape(-1, 2, 2))), shapely.Point(0.0, 0.0))
    )
    allowed_m = max(SLACK_M, SLACK * away_m)
    row = found[found["fix_row"] == fix["seq"]]
    if len(row) != 1:
        return bool(shapely.intersects_xy(zone, lon, lat)) or away_m <= REACH_M - allowed_m
    return bool(abs(abs(float(row["distance_m"][0])) - away_m) > allowed_m)


def _edges(zone: Any) -> Any:
    """(2 e, 2) starts and ends of edges, without the seam where a zone is split at 180°."""
    ends = np.concatenate(
        [
            np.stack([points[:-1], points[1:]], axis=1)
            for points in map(shapely.get_coordinates, shapely.get_rings(shapely.get_parts(zone)))
        ]
    )
    split = np.ptp(shapely.get_coordinates(zone)[:, 0]) > 180.0
    return ends[~(split & np.all(np.abs(ends[:, :, 0]) == 180.0, axis=1))].reshape(-1, 2)
