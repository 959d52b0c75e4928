"""Measured cases become the tables that people read: medians and their range, the ratio aimed at, and whether it was reached."""

from collections.abc import Iterator
from itertools import groupby
from statistics import median

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.machine import Machine
from bench.rows import Measured


def tables(measured: list[Measured], machine: Machine, quick: bool) -> Iterator[RenderableType]:
    """A table for each workload, what its baselines are, and the machine; fits a terminal of 80 columns."""
    for workload, cases in groupby(measured, key=lambda one: one.workload):
        yield from _one(workload, list(cases), quick)
    yield Text("\n".join(machine.lines), style="dim")


def _one(workload: str, cases: list[Measured], quick: bool) -> Iterator[RenderableType]:
    first = cases[0]
    size = "; quick size, shows that it works, not how fast" if quick else ""
    title = f"{workload}: {first.unit}, median and range of {len(first.values)} runs, ours on {first.threads} threads{size}"
    yield Text(title, style="bold")
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    shown.add_column("case", no_wrap=True)
    for name in ("ours", "baseline", "ratio", "wrong"):
        shown.add_column(name, justify="right", no_wrap=True)
    for one in cases:
        shown.add_row(one.case, spread(one.values), spread(one.baseline_values), _ratio(one), _wrong(one))
    yield shown
    yield Padding(Text("\n".join(f"{one.case}: {one.baseline}" for one in cases), style="dim"), (0, 2, 1, 2))


def _ratio(one: Measured) -> Text:
    """The ratio, and below it what was aimed at; a miss is the loudest thing in the table but a wrong answer."""
    said = Text(f"{one.ratio:.3g} x")
    if one.met is not None:
        said.append(f"\nof {one.at_least:g} x: ").append("met" if one.met else "missed", "green" if one.met else "bold red")
    return said


def _wrong(one: Measured) -> Text:
    if one.wrong is None or one.checked is None:
        return Text("")
    scale, name = _scale(one.checked)
    return Text(f"{one.wrong:,}", "bold red" if one.wrong else "").append(
        f"\nof {one.checked / scale:.4g}{name}", "not bold default"
    )


def spread(values: tuple[float, ...]) -> str:
    """Median, and below it least and greatest, to three figures and in the median's unit: ``1.23 M``, ``1.1 to 1.4``."""
    middle = median(values)
    size, name = _scale(middle)
    return f"{middle / size:.3g}{name}\n{_figures(min(values) / size)} to {_figures(max(values) / size)}"


def _scale(value: float) -> tuple[float, str]:
    return next(((size, name) for size, name in ((1e6, " M"), (1e3, " k")) if value >= size), (1.0, ""))


def _figures(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
