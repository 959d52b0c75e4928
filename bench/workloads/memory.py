"""Workload `memory`: how many bytes a tag with five zones takes of a worker's memory, the zones' geometry apart."""

import gc
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import psutil
import shapely

from bench.rows import Measured, alone
from bench.workloads import Tell, ours
from bench.workloads.town import FENCES
from geofence.index import ZoneIndex
from model.arrays import Array
from model.fix import Source, empty_fixes
from model.instant import FOREVER_US, MINUTE_US, parse
from model.state import PAIR, Phase, State
from model.zone import Assignment, Monitored

TAGS: Final = 100_000
QUICK_TAGS: Final = 2_000
POOL: Final = 100  # zones that all tags share out among them, so that their geometry weighs nothing
LIMIT_B: Final = 1_024.0  # a tag (DESIGN.md section 4)
START_US: Final = parse("2026-11-22T08:00:00Z")
FIRST_TAG: Final = 350_000_000_000_000

# With how many of a tag's five zones something is going on. Mostly that is none; one is a fleet of which everybody breaks a
# condition at once; five cannot be in life, and has no aim.
CASES: Final = (("away", 0, LIMIT_B), ("at one", 1, LIMIT_B), ("at five", FENCES, None))

_ROOT: Final = Path(__file__).parents[2]


class Weighed(NamedTuple):
    """What one filled memory is."""

    allocated: float  # bytes a tag that Python and NumPy hold for it
    resident: float  # bytes a tag by which the process grew
    wrong: int  # records that do not read back as they were put


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """State and assignments of 100,000 tags, each time in a process of its own, so that no earlier garbage is filled up again."""
    tags = QUICK_TAGS if quick else TAGS
    out = []
    for case, pairs, limit in CASES:
        once = _weighed(tags, pairs)
        tell(f"{case}: {once.allocated:.0f} B a tag allocated, {once.resident:.0f} B resident")
        for name, value in ((case, once.allocated), (f"{case} resident", once.resident)):
            out.append(alone("memory", name, "B a tag", [value], at_most=limit, checked=tags, wrong=once.wrong))
    return out


def _weighed(tags: int, pairs: int) -> Weighed:
    """One run, in a child."""
    python = [sys.executable, "-m", "bench.workloads.memory", str(tags), str(pairs)]
    said = json.loads(subprocess.run(python, check=True, stdout=subprocess.PIPE, cwd=_ROOT).stdout)
    return Weighed(said["allocated"] / tags, said["resident"] / tags, said["wrong"])


# ---------------------------------------------------------------- in the child


def fill(tags: int, pairs: int) -> tuple[ZoneIndex, State]:
    """What a worker holds of so many tags after a commit: five assignments, the last fix and so many open occurrences each."""
    state = State()
    for first in range(0, tags, 4096):
        ids = FIRST_TAG + 7_919 * np.arange(first, min(first + 4096, tags))
        fixes = _fixes(ids)
        rows = state.rows(ids)
        records = state.tags
        records["newest_us"][rows] = fixes["fix_at_us"]
        records["contact_us"][rows] = fixes["received_us"]
        records["last"][rows] = fixes
        for k in range(pairs):
            for record in _open(fixes, k):
                state.put(state.pairs, record.copy())
        state.take_touched()
        state.take_delta()
    return _index(tags), state


def _fixes(ids: Array) -> Array:
    fixes = empty_fixes(len(ids))
    fixes["tag"] = ids
    fixes["fix_at_us"] = START_US + ids % 60 * MINUTE_US
    fixes["received_us"] = fixes["fix_at_us"] + 1
    fixes["lon"], fixes["lat"] = -2.9, 53.4
    fixes["accuracy_m"], fixes["source"] = 5.0, Source.GNSS
    return fixes


def _open(fixes: Array, k: int) -> Array:
    """(n, 1) PAIR of an open occurrence at each tag's k-th zone, raised with its fix."""
    records = np.zeros(len(fixes), PAIR)
    records["tag"], records["zone"], records["phase"] = fixes["tag"], _zone_of(fixes["tag"], k), Phase.ACTIVE
    records["occurrence_us"], records["first"] = fixes["fix_at_us"], fixes
    return records.reshape(-1, 1)


def _zone_of(tag: Any, k: int) -> Any:
    return 1 + (tag + k) % POOL


def _index(tags: int) -> ZoneIndex:
    """Five assignments a tag and one interval of monitoring, over few zones."""
    ids = (FIRST_TAG + 7_919 * np.arange(tags)).tolist()
    zones = [ours.zone(z, shapely.to_wkb(shapely.box(0.01 * z, 0.0, 0.01 * z + 0.005, 0.005))) for z in range(1, POOL + 1)]
    return ZoneIndex.build(
        zones,
        (Assignment(tag, _zone_of(tag, k), 0, FOREVER_US) for tag in ids for k in range(FENCES)),
        (Monitored(tag, 1, 1, 0, FOREVER_US) for tag in ids),
    )


def _wrong(state: State, tags: int, pairs: int) -> int:
    """Tags of which another fix or another number of occurrences is remembered than was put."""
    ids = FIRST_TAG + 7_919 * np.arange(tags)
    kept, put = (
        np.ascontiguousarray(fixes).view(f"V{fixes.itemsize}") for fixes in (state.at(state.find(ids))["last"], _fixes(ids))
    )
    fewer = [sum(state.pairs.get(tag, _zone_of(tag, k)) is not None for k in range(FENCES)) != pairs for tag in ids.tolist()]
    return int(np.count_nonzero((kept != put) | np.array(fewer)))


def _main(tags: int, pairs: int) -> None:
    """First undisturbed by how much the process grows, then anew with every allocation counted."""
    fill(8, pairs)  # imports and kernels are nobody's state
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    held = fill(tags, pairs)
    gc.collect()
    resident = process.memory_info().rss - before
    wrong = _wrong(held[1], tags, pairs)
    del held
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = fill(tags, pairs)
    gc.collect()
    allocated = tracemalloc.get_traced_memory()[0] - before
    print(json.dumps({"allocated": allocated, "resident": resident, "wrong": wrong + _wrong(held[1], tags, pairs)}))


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))
