"""Workload `crash`: is anything lost, done twice or wrong when the system is killed, cut, frozen and filled up?"""

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.crash.trial import (
    EMBEDDED,
    FULL,
    KAFKA,
    LINKS,
    LOG,
    LOG_FULL,
    PARTS,
    REBALANCE,
    STEPS,
    WAYS,
    ZOMBIES,
    Done,
    Fault,
    Trial,
    plan,
)
from bench.rows import Measured
from bench.workloads import Tell

GATEWAYS: Final = 6
ROUNDS: Final = 3  # times each step is killed at, and each part
SEED: Final = "CORDON_BENCH_SEED"


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """A row for each step, part, link and whatever else is broken, on both engines: how often it was, and what that cost."""
    seed = int(os.environ.get(SEED) or time.time_ns() % 1_000_000)
    tell(f"{SEED}={seed} repeats this plan")
    rounds = 1 if quick else ROUNDS
    return [
        row
        for engine in (EMBEDDED, KAFKA)
        for row in _rows(engine, _trial(engine, seed, faults(engine, seed, quick), tell), rounds)
    ]


def faults(engine: str, seed: int, quick: bool) -> list[Fault]:
    """The seed's plan: steps and parts mixed, then links, zombies and the rest; ``quick`` is the first of it, once."""
    often = plan(seed, (*STEPS, *PARTS[engine]), 1 if quick else ROUNDS)
    links = [f"{link}, {way}" for link in LINKS[engine] for way in WAYS if not quick or link == LOG]
    full = [FULL, LOG_FULL] if engine == KAFKA else [FULL]
    if quick:
        return [*often, *plan(seed, links, 1), *map(Fault, full)]
    last = [*full, *[REBALANCE] * ROUNDS] if engine == KAFKA else full
    return [*often, *plan(seed, links, 1), *plan(seed, ZOMBIES, 1), *map(Fault, last)]


def _trial(engine: str, seed: int, planned: list[Fault], tell: Tell) -> list[Done]:
    folder = Path(tempfile.mkdtemp(prefix="cordon-crash-"))
    folder.chmod(0o755)  # the database's own user has to enter
    trial = Trial(folder, seed, GATEWAYS, lambda text: tell(f"{engine}, {text}"), engine)
    try:
        trial.begin()
        done = [trial.do(fault) for fault in planned]
        return [*done, trial.finish()]
    finally:
        trial.end()
        shutil.rmtree(folder, ignore_errors=True)


def _rows(engine: str, done: list[Done], rounds: int) -> list[Measured]:
    """A row a case; a step that was never reached is as bad as a wrong answer: nothing is known of it."""
    rows = []
    for case in dict.fromkeys(one.case for one in done):
        mine = [one for one in done if one.case == case]
        hits = sum(one.hits for one in mine)
        rows.append(
            Measured(
                workload="crash",
                case=f"{engine} {case}",
                unit="hits",
                values=(float(hits),),
                threads=1,
                baseline=None,
                baseline_values=(),
                at_least=float(min(rounds, len(mine))),
                checked=mine[-1].cost.checked,
                wrong=sum(one.cost.wrong for one in mine) + (hits == 0),
                lost=sum(one.cost.lost for one in mine),
                twice=sum(one.cost.twice for one in mine),
            )
        )
    return rows
