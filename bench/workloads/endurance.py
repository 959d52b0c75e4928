"""Workload `endurance`: a system under steady load for a long time, and by how much its processes' memory grows meanwhile."""

import threading
import time
from typing import Any, Final, NamedTuple

import psutil

from bench.instance import Instance, loaded, running
from bench.machine import cores
from bench.rows import Along, Measured, alone
from bench.workloads import Tell
from bench.workloads.crowd import crowd, document
from bench.workloads.pipeline import ENGINES, HOUR_US, Loading, stored_us

MIB: Final = 2**20
GROWS: Final = 1.05  # at most, from the second quarter of the run to the last: the first warms what compiles and caches

# What each of our own processes runs. PostgreSQL's share one memory whose size is set, and the broker's heap has one.
PARTS: Final = {"worker": "cordon.worker", "API": "cordon.serve", "parent": "cordon.main up", "edge": "cordon.main edge"}


class Size(NamedTuple):
    """How much is sent, and how often is looked."""

    tags: int
    rate: int  # fixes a second, by the clock
    rounds: int
    frame_fixes: int
    outing_every: float  # seconds
    look_s: float


FULL: Final = Size(2_000, 10_000, 3_000, 500, 1.0, 5.0)  # ten minutes an engine
QUICK: Final = Size(200, 1_000, 30, 50, 1.0, 0.5)


class Look(NamedTuple):
    """What one look at a system's processes saw."""

    at_s: float
    resident_mib: dict[str, float]  # by part; of one that runs twice, both


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """Resident memory of each part against its own earlier self, and along the run, by both engines."""
    size = QUICK if quick else FULL
    people = crowd(size.tags)
    tell(f"loading {size.tags:,} wearers with five zones each")
    rows, along = [], []
    with loaded(document(people, time.time_ns() // 1000 - 24 * HOUR_US)) as held:
        for engine, options in ENGINES.items():
            tell(f"{engine}: {size.rate:,} fixes/s for {size.rounds * size.tags / size.rate:.0f} s")
            with running(held, options) as system:
                said, looks = _run(system, size)
                stored_us(system, said)
                with system.database() as database:
                    (stored,) = database.execute("SELECT count(*) FROM fix").fetchone() or (0,)
            lost = said["sent"] - stored
            for part in sorted(set.intersection(*(set(look.resident_mib) for look in looks))):
                rows.append(_grown(engine, part, looks, checked=said["sent"], lost=lost))
                tell(f"{engine}: {part} {rows[-1].baseline_values[0]:.0f} MiB, then {rows[-1].values[0]:.0f} MiB")
                along += _curve(engine, part, looks)
    return [*rows, *along]


def _run(system: Instance, size: Size) -> tuple[dict[str, Any], list[Look]]:
    """One long run of the load generator, and what was seen meanwhile."""
    words = ["--tags", size.tags, "--rounds", size.rounds, "--seq", 0, "--frame-fixes", size.frame_fixes, "--rate", size.rate]
    words += ["--outing-every", size.outing_every, "--outing-s", 4.0, "--outing-first", 0]
    looks, ended = list[Look](), threading.Event()
    watching = threading.Thread(target=_watch, args=(system, size.look_s, ended, looks))
    watching.start()
    try:
        said = Loading(system, words, system.folder / "load.json").account()
    finally:
        ended.set()
        watching.join()
    return said, looks


def _watch(system: Instance, every_s: float, ended: threading.Event, looks: list[Look]) -> None:
    start_s = time.monotonic()
    while not ended.wait(every_s):
        looks.append(Look(time.monotonic() - start_s, _resident(system)))


def _resident(system: Instance) -> dict[str, float]:
    """MiB by part."""
    found: dict[str, float] = {}
    for process in (psutil.Process(system.process_id), *psutil.Process(system.process_id).children(recursive=True)):
        try:
            words, mib = " ".join(process.cmdline()), process.memory_info().rss / MIB
        except psutil.NoSuchProcess:  # gone meanwhile
            continue
        part = next((part for part, runs in PARTS.items() if runs in words), None)
        if part is not None:
            found[part] = found.get(part, 0.0) + mib
    return found


def _grown(engine: str, part: str, looks: list[Look], *, checked: int, lost: int) -> Measured:
    """The last quarter of a run against the second."""
    quarter = max(1, len(looks) // 4)
    earlier, later = (
        tuple(look.resident_mib[part] for look in some) for some in (looks[quarter : 2 * quarter], looks[-quarter:])
    )
    return Measured(
        workload="endurance",
        case=f"{engine} {part}",
        unit="MiB",
        values=later,
        threads=cores(),
        baseline="the same process in the second quarter of the run",
        baseline_values=earlier,
        at_least=None,
        checked=checked,
        wrong=0,
        lost=lost,
        at_most=GROWS,
    )


def _curve(engine: str, part: str, looks: list[Look]) -> list[Measured]:
    """A row at the end of each twelfth of a run, for the picture."""
    some = looks[:: max(1, len(looks) // 12)]
    axis = f"{engine}, {part}: seconds under load"
    return [
        alone(
            "endurance",
            f"{engine} {part} at {look.at_s:.0f} s",
            "MiB",
            [look.resident_mib[part]],
            threads=cores(),
            along=Along(axis, look.at_s),
        )
        for look in some
    ]
