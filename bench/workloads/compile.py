"""Workload `compile`: how long until 100,000 zones can be judged by, anew or as kept, in how many bytes; how a process starts."""

import gc
import os
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple

import numpy as np
import shapely

from bench.machine import cores
from bench.rows import Measured
from bench.workloads import Tell, ours
from bench.workloads.pairwise import Degrees
from bench.workloads.town import FENCES, Size, Town, town
from geofence.index import ZoneIndex
from geofence.kept import load, save
from model.arrays import I64, Array, rows_of
from model.zone import Zone
from model.zones import Zones

RUNS: Final = 3
FULL: Final = Size(20_000, 5)  # five fences a tag: 100,000 zones of 8 to 200 corners, and a fix about each to judge by the index
QUICK: Final = Size(200, 5)
TOGETHER: Final = 4  # processes that start at once
STARTS: Final = 2  # starts with the compiled kernels kept

# From nothing to a small world judged, and judged rightly: what a worker does before it joins.
_START: Final = "from geofence.warm import warm; warm()"
_ROOT: Final = Path(__file__).parents[2]


class _Given(NamedTuple):
    """What is compiled, validated before: by ours as the store hands it over, a table of columns with its WKB in one piece."""

    world: Town
    zones: list[Zone]
    table: Zones
    assignments: I64
    wkb: list[bytes]


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """Compiling, changing, the index's size, and starting."""
    size = QUICK if quick else FULL
    tell(f"drawing {size.tags * FENCES:,} zones")
    world = town(size)
    zones = ours.zones(world, buffer_m=0.0)
    given = _Given(world, zones, _table(zones), rows_of(ours.assignments(world), 4), [zone.wkb for zone in zones])
    ZoneIndex.build(zones[:10])  # kernels compiled, imports done
    return [*_building(given, tell), *_bytes(given, tell), *_starting(quick, tell)]


def _table(zones: list[Zone]) -> Zones:
    """Zones as a worker has read them: nobody keeps the objects."""
    table = Zones.of(zones)
    return Zones(table.row, table.interval, table.outlines)


# ---------------------------------------------------------------- building and changing


def _building(given: _Given, tell: Tell) -> list[Measured]:
    """Turn about: reading by shapely, our building, also of objects and with everybody's assignments, loading, changing one."""
    baselines: list[float] = []
    alone: list[float] = []
    objects: list[float] = []
    assigned: list[float] = []
    changed: list[float] = []
    loaded: list[float] = []
    wrong = [0, 0, 0]
    threads = cores()
    expected = _expected(given.world, ours.polygons(given.world))
    for run in range(RUNS):
        baselines.append(_seconds(partial(shapely.from_wkb, given.wkb))[0])
        alone.append(_seconds(partial(ZoneIndex.build, given.table, threads=threads))[0])
        objects.append(_seconds(partial(ZoneIndex.build, given.zones, threads=threads))[0])
        spent, index = _seconds(partial(ZoneIndex.build, given.table, given.assignments, threads=threads))
        assigned.append(spent)
        wrong[0] += _wrong(given, index, expected)
        spent, again = _kept(index)
        loaded.append(spent)
        wrong[2] += _wrong(given, again, expected)
        del again
        put, others = _moved(given, run)
        spent, index = _seconds(partial(index.changed, put=[put]))
        changed.append(spent)
        wrong[1] += _wrong(given, index, others)
        del index
        tell(f"run {run + 1} of {RUNS}: read {baselines[-1]:.2f} s, built {alone[-1]:.2f} s, one changed {changed[-1]:.3f} s")
    read = "shapely.from_wkb of the same, 1 thread"
    checked = RUNS * expected.size
    rows = (
        ("build", alone, read, baselines, 2.0, None, None),
        ("build of objects", objects, read, baselines, None, None, None),
        ("build and assign", assigned, read, baselines, None, checked, wrong[0]),
        ("change one", changed, "our own build and assign of all", assigned, None, checked, wrong[1]),
        ("load", loaded, "our own build and assign of all", assigned, None, checked, wrong[2]),
    )
    return [
        Measured("compile", case, "s", tuple(values), threads, what, tuple(theirs), None, checked, wrong, at_most=at_most)
        for case, values, what, theirs, at_most, checked, wrong in rows
    ]


def _expected(world: Town, polygons: Array) -> Array:
    """(n, FENCES) whether each fix is in each fence of its tag, by GEOS."""
    shapes = Degrees(polygons, world.middle)
    return shapes.covers(np.ascontiguousarray(world.fixes["lon"]), np.ascontiguousarray(world.fixes["lat"]), world.row)


def _wrong(given: _Given, index: ZoneIndex, expected: Array) -> int:
    """How many answers by an index differ from those expected."""
    world = given.world
    found = ours.hits(index, world.fixes, len(world.tags), 1)
    said = ours.answers(found, world.row, ours.placed(world.fixes))
    return int(np.count_nonzero(said.covered != expected)) + said.stray


def _kept(index: ZoneIndex) -> tuple[float, ZoneIndex]:
    """How long an index takes to be loaded again from the file in which it was kept, and what was loaded."""
    with tempfile.TemporaryDirectory(prefix="cordon-kept-") as folder:
        path = Path(folder) / "zones"
        save(index, path, "here")
        spent, again = _seconds(partial(_loaded, path))
    return spent, again


def _loaded(path: Path) -> ZoneIndex:
    kept = load(path, lambda mark: mark == "here", cores())
    if kept is None:
        raise RuntimeError("the kept index is gone")
    return ZoneIndex(kept.compiled, kept.reach)


def _moved(given: _Given, run: int) -> tuple[Zone, Array]:
    """A zone of somebody's, moved onto a fix of that wearer, and what is to be expected then."""
    at = (run + 1) * len(given.world.fixes) // (RUNS + 2)
    fix, fence = given.world.fixes[at], FENCES * given.world.row[at] + run
    lon, lat = float(fix["lon"]), float(fix["lat"])
    around = shapely.box(lon - 0.001, lat - 0.001, lon + 0.001, lat + 0.001)
    polygons = ours.polygons(given.world)
    polygons[fence] = around
    return given.zones[fence]._replace(wkb=shapely.to_wkb(around)), _expected(given.world, polygons)


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long something takes, and what it gives; garbage of what was before is not its fault."""
    gc.collect()
    start = perf_counter()
    made = work()
    return perf_counter() - start, made


# ---------------------------------------------------------------- bytes


def _bytes(given: _Given, tell: Tell) -> list[Measured]:
    """What the kernels read, and all that building leaves in memory beside the zones it was given, against the coordinates."""
    coordinates = 16.0 * len(given.world.lon)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    index = ZoneIndex.build(given.zones)
    gc.collect()
    held = float(tracemalloc.get_traced_memory()[0] - before)
    tracemalloc.stop()
    tell(f"{index.nbytes / 1e6:.1f} MB in the arrays the kernels read, {held / 1e6:.1f} MB held")
    what = "16 bytes a corner of closed rings"
    return [
        Measured("compile", case, "B", (value,), 1, what, (coordinates,), None, None, None, at_most=3.0)
        for case, value in (("index", float(index.nbytes)), ("held", held))
    ]


# ---------------------------------------------------------------- starting


def _starting(quick: bool, tell: Tell) -> list[Measured]:
    """A process from its start to a world judged: with nothing kept, with the kernels kept, and four at once with nothing kept.

    Quick: the kernels are kept where this process keeps its own, so that nobody waits for the compiler.
    """
    with tempfile.TemporaryDirectory(prefix="cordon-kernels-") as folder:
        mine = os.environ.get("NUMBA_CACHE_DIR")
        alone, together = (mine, mine) if quick and mine else (f"{folder}/alone", f"{folder}/together")
        first_s, failed = _started(1, alone)
        tell(f"first start {first_s:.1f} s")
        again = [_started(1, alone) for _ in range(STARTS)]
        tell(f"started again {again[0][0]:.2f} s")
        together_s, together_failed = _started(TOGETHER, together)
        tell(f"{TOGETHER} at once {together_s:.1f} s")
    what = "our own first start"
    failed += sum(one[1] for one in again)
    rows = (
        ("first start", (first_s,), None, (), None, None),
        ("started again", tuple(one[0] for one in again), what, (first_s,), 1 + STARTS, failed),
        (f"{TOGETHER} at once", (together_s,), what, (first_s,), TOGETHER, together_failed),
    )
    return [
        Measured("compile", case, "s", values, 1, baseline, theirs, None, checked, wrong)
        for case, values, baseline, theirs, checked, wrong in rows
    ]


def _started(count: int, kept: str) -> tuple[float, int]:
    """Start processes at the same moment, kernels kept in a folder: seconds until the last has judged, and how many failed."""
    environment = os.environ | {"NUMBA_CACHE_DIR": kept}
    start = perf_counter()
    children = [subprocess.Popen([sys.executable, "-c", _START], env=environment, cwd=_ROOT) for _ in range(count)]
    failed = sum(child.wait() != 0 for child in children)
    return perf_counter() - start, failed
