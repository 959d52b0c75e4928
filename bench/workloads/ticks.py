"""What the clock alone costs: a lane asks all of its tags whether their time has run out, and tells of those whose has."""

from statistics import median
from time import perf_counter
from typing import Final

import numpy as np

from alerts.judge import judge
from alerts.rules import Rules
from alerts.world import World
from bench.rows import Along, Measured, alone
from bench.workloads import Tell
from model.alert import Kind
from model.batch import Batch
from model.event import EVENT
from model.fix import Source, empty_fixes
from model.instant import FOREVER_US, MINUTE_US, SECOND_US, parse
from model.state import State

START_US: Final = parse("2026-03-20T08:00:00Z")
FIRST_TAG: Final = 350_000_000_000_000
TICKS: Final = 50  # a run's value is their median
RUNS: Final = 3
SILENT: Final = 100  # whose time runs out at once, in each run
MOST_MS: Final = 10.0  # of asking, whatever the number of tags
SILENT_AFTER_US: Final = 60 * MINUTE_US  # whom no zone protects from
NOTHING: Final = Batch(empty_fixes(0), np.zeros(0, EVENT), "bench", START_US)


def measure(through: tuple[int, ...], tell: Tell) -> list[Measured]:
    """Milliseconds of a tick in which nothing is due (``clock``), and of one in which 100 fall silent (``clock silent``)."""
    out = []
    for tags in through:
        asked, told, wrong = _run(tags)
        tell(f"clock over {tags:,} tags: {median(asked):.3g} ms, {median(told):.3g} ms with {SILENT} that fall silent")
        quiet = _row("clock", tags, asked, checked=RUNS * TICKS, wrong=0)
        out += [quiet._replace(at_most=MOST_MS), _row("clock silent", tags, told, checked=RUNS * SILENT, wrong=wrong)]
    return out


def _run(tags: int) -> tuple[list[float], list[float], int]:
    """Milliseconds of both kinds of ticks, a value a run, and how many were told of wrongly or not at all."""
    tag = FIRST_TAG + np.arange(tags)
    nothing = np.zeros_like(tag)
    spans = np.column_stack([tag, tag, tag, nothing, np.full_like(tag, FOREVER_US), nothing])
    world = World.build((), (), spans, (), Rules(), 1)
    state = State()
    fixes = empty_fixes(tags)
    fixes["tag"], fixes["accuracy_m"], fixes["source"] = tag, 6.0, Source.GNSS
    heard_us = np.full(tags, START_US)
    for run in range(RUNS):  # each time others, who are told of a second after those of the last run
        heard_us[run * SILENT : (run + 1) * SILENT] += (run + 1) * SECOND_US - SILENT_AFTER_US
    fixes["fix_at_us"] = fixes["received_us"] = heard_us
    judge(world, state, NOTHING._replace(fixes=fixes[np.argsort(heard_us, kind="stable")]), START_US)
    asked, told, wrong = [], [], 0
    for run in range(RUNS):
        took = []
        for tick in range(1, TICKS + 1):
            ms, raised = _tick(world, state, START_US + run * SECOND_US + tick * 1000)
            took.append(ms)
            wrong += len(raised)
        asked.append(median(took))
        ms, raised = _tick(world, state, START_US + (run + 1) * SECOND_US)
        told.append(ms)
        wrong += len(raised ^ set(tag[run * SILENT : (run + 1) * SILENT].tolist()))
    return asked, told, wrong


def _tick(world: World, state: State, now_us: int) -> tuple[float, set[int]]:
    start = perf_counter()
    changes = judge(world, state, NOTHING, now_us).changes
    took_ms = (perf_counter() - start) * 1000
    return took_ms, {change.tag for change in changes if change.kind is Kind.NO_CONTACT}


def _row(name: str, tags: int, values_ms: list[float], *, checked: int, wrong: int) -> Measured:
    along = Along(f"{name}: tags of a lane", tags)
    return alone("scale", f"{name} {tags}", "ms", values_ms, checked=checked, wrong=wrong, along=along)
