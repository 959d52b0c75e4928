"""Names of workloads become rows, a table and plots, and an exit code that tells whether every answer was right."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from bench import plot as plots
from bench.machine import Meter
from bench.process import ended_in_order
from bench.rows import Measured
from bench.table import tables
from bench.workloads import WORKLOADS, measure
from model.errors import CordonError


def run(names: Sequence[str], *, as_json: bool, plot: Path | None, out: Console, err: Console, quick: bool = False) -> int:
    """Measure workloads one after the other.

    Parameters
    ----------
    names : which, in this order; none for all
    as_json : the rows of CONTRACT.md to ``out``, and the table to ``err``; else the table to ``out``
    plot : folder for a picture of each workload
    quick : small ones, to see that they work

    Returns
    -------
    0, or 1 where any answer was wrong, lost or given twice. A ratio that is missed is shown as missed, and is no failure.

    Raises
    ------
    CordonError
        If there is no such workload, or a plot is asked for that cannot be drawn; before anything is measured.
    """
    chosen = list(dict.fromkeys(names)) or list(WORKLOADS)
    unknown = [name for name in chosen if name not in WORKLOADS]
    if unknown:
        raise CordonError(f"no workload is called {unknown[0]!r}: there are {', '.join(WORKLOADS)}")
    if plot is not None:
        plots.require()
    meter = Meter()
    measured: list[Measured] = []
    with ended_in_order():
        for name in chosen:
            measured += measure(name, quick, partial(_tell, err, name))
    machine = meter.read()
    if quick:
        measured = [one._replace(at_least=None, at_most=None) for one in measured]
        machine = machine._replace(others=None)  # neither rates nor ratios of so little are to be trusted
    (err if as_json else out).print(*tables(measured, machine, quick), sep="\n")
    if as_json:
        say(out, json.dumps([one.row() for one in measured]))
    if plot is not None:
        for path in plots.draw(measured, machine, plot, quick):
            say(err, f"drawn: {path}")
    faulty = [one for one in measured if one.faults]
    for one in faulty:
        say(err, f"{one.workload} {one.case}: {one.faults:,} of {one.checked or 0:,} answers are wrong, lost or given twice")
    return 1 if faulty else 0


def _tell(console: Console, name: str, text: str) -> None:
    say(console, f"{name}: {text}")


def say(console: Console, text: str) -> None:
    """A line as it is: no markup, no colour, never wrapped."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
