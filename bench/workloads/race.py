"""We and some baselines judge the same fixes turn about; rates and the answers that differ come out."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.chance import F64
from bench.machine import cores
from bench.rows import Measured
from bench.workloads import Tell, ours
from bench.workloads.town import I64, Town
from model.arrays import Array

RUNS: Final = 5

Bool = npt.NDArray[np.bool_]


class Rival(NamedTuple):
    """A baseline: how it answers, and when our answers are wrong by it."""

    case: str
    what: str
    by_tag: bool  # it gets the fixes sorted by tag and time, for nothing; else as they arrive
    at_least: float | None  # the ratio aimed at
    answer: Callable[[F64, F64, I64], Array]  # lon, lat (degrees), tag row -> (n, FENCES)
    wrong: Callable[[Any, F64, Array], Bool]  # our answers, accuracy (n,) metres, its answers -> (n, FENCES)


class Own(NamedTuple):
    """How we answer."""

    judge: Callable[[Array, int], Array]  # fixes of all tags as they arrive, threads -> rows; what is timed
    read: Callable[[Array, I64, I64], Any]  # rows, each fix's tag row, its place by tag and time -> answers


def race(workload: str, town: Town, own: Own, rivals: Sequence[Rival], tell: Tell) -> list[Measured]:
    """Every rival against us.

    In each of ``RUNS`` runs we judge all fixes, as they arrive, and each rival the next ``1 / RUNS`` of them: its rate does not
    depend on how many there are, and after the last run each fix was judged by each and compared once. Turn about, so that what
    else the machine does meanwhile falls on all alike.
    """
    threads = cores()
    arrival = np.arange(len(town.fixes))
    place = ours.placed(town.fixes)
    by_tag = np.argsort(place)
    lon, lat, accuracy_m = (np.ascontiguousarray(town.fixes[name], np.float64) for name in ("lon", "lat", "accuracy_m"))

    tell("compiling the kernels")
    own.judge(town.fixes, threads)

    rates: list[float] = []
    rival_rates: list[list[float]] = [[] for _ in rivals]
    wrong = [0] * len(rivals)
    stray = 0
    bounds = np.linspace(0, len(arrival), RUNS + 1).astype(np.int64).tolist()
    for run in range(RUNS):
        start = perf_counter()
        found = own.judge(town.fixes, threads)
        rates.append(len(arrival) / (perf_counter() - start))
        answers = own.read(found, town.row, place)
        stray = max(stray, answers.stray)
        for at, rival in enumerate(rivals):
            part = (by_tag if rival.by_tag else arrival)[bounds[run] : bounds[run + 1]]
            given = lon[part], lat[part], town.row[part]
            start = perf_counter()
            theirs = rival.answer(*given)
            rival_rates[at].append(len(part) / (perf_counter() - start))
            wrong[at] += int(np.count_nonzero(rival.wrong(answers.of(part), accuracy_m[part], theirs)))
        tell(f"run {run + 1} of {RUNS}: {rates[-1] / 1e6:.2f} M fixes/s")
    pairs = int(answers.covered.size)
    return [
        Measured(
            workload=workload,
            case=rival.case,
            unit="fixes/s",
            values=tuple(rates),
            threads=threads,
            baseline=f"{rival.what}, {'sorted by tag' if rival.by_tag else 'as they arrive'}, 1 thread",
            baseline_values=tuple(rival_rates[at]),
            at_least=rival.at_least,
            checked=pairs,
            wrong=wrong[at] + stray,
        )
        for at, rival in enumerate(rivals)
    ]
