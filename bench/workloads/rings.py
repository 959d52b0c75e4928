"""Workload `rings`: is each of a million points inside one ring of 50 to 40,000 corners? On one thread."""

from itertools import pairwise
from time import perf_counter
from typing import Final

import numpy as np
import shapely

from bench.rows import Along, Measured
from bench.workloads import Tell, ours
from bench.workloads.coast import coast

RUNS: Final = 5
POINTS: Final = 1_000_000
QUICK_POINTS: Final = 5_000

# Corners of the ring, and the ratio aimed at (DESIGN.md section 4).
JAGGED: Final = ((50, 3.0), (1_000, 4.0), (10_000, 10.0), (40_000, 10.0))
# What real coasts are like, where GEOS is far quicker. No aim was set against them; shown all the same.
COASTS: Final = ((1_000, None), (10_000, None), (40_000, None))


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """Containment in one ring, ours against one prepared shapely geometry, both on one thread."""
    jagged = [_one(f"{corners}", corners, True, aim, quick, tell) for corners, aim in JAGGED]
    return jagged + [_one(f"coast {corners}", corners, False, aim, quick, tell) for corners, aim in COASTS]


def _one(case: str, corners: int, jagged: bool, aim: float | None, quick: bool, tell: Tell) -> Measured:
    """Turn about: we judge all points in each of ``RUNS`` runs, the baseline the next ``1 / RUNS`` of them."""
    given = coast(corners, QUICK_POINTS if quick else POINTS, jagged)
    index = ours.ring_index(given.polygon)
    prepared = given.polygon
    shapely.prepare(prepared)
    shapely.intersects_xy(prepared, given.lon[:1], given.lat[:1])  # GEOS builds its tree at the first use
    ours.covered(index, 1, given.lon[:1], given.lat[:1])
    rates, theirs, wrong = [], [], 0
    bounds = np.linspace(0, len(given.lon), RUNS + 1).astype(np.int64).tolist()
    for first, stop in pairwise(bounds):
        start = perf_counter()
        said = ours.covered(index, 1, given.lon, given.lat)
        rates.append(len(given.lon) / (perf_counter() - start))
        lon, lat = given.lon[first:stop].copy(), given.lat[first:stop].copy()
        start = perf_counter()
        covered = shapely.intersects_xy(prepared, lon, lat)
        theirs.append((stop - first) / (perf_counter() - start))
        wrong += int(np.count_nonzero(said[first:stop] != covered))
    tell(f"{case} corners: {np.median(rates) / 1e6:.3g} M points/s, {np.median(rates) / np.median(theirs):.3g} x the baseline")
    return Measured(
        workload="rings",
        case=case,
        unit="points/s",
        values=tuple(rates),
        threads=1,
        baseline="shapely prepared intersects_xy, 1 thread",
        baseline_values=tuple(theirs),
        at_least=aim,
        checked=len(given.lon),
        wrong=wrong,
        along=Along("corners of a jagged ring" if jagged else "corners of a coast", corners),
    )
