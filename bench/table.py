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
    """A table for each workload and unit, what its baselines are, and the machine; fits a terminal of 80 columns."""
    for _, cases in groupby(measured, key=lambda one: (one.workload, one.unit, one.threads)):
        yield from _one(list(cases), quick)
    yield Text("\n".join(machine.lines), style="dim")


def _one(cases: list[Measured], quick: bool) -> Iterator[RenderableType]:
    first = cases[0]
    size = "; quick size, shows that it works, not how fast" if quick else ""
    threads = f"{first.threads} {'thread' if first.threads == 1 else 'threads'}"
    title = f"{first.workload}: {first.unit}, {_times(cases)}, ours on {threads}{size}"
    yield Text(title, style="bold")
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    shown.add_column("case", overflow="fold", ratio=1)  # a name cut short could be another's
    for name in ("ours", "baseline", "ratio", "wrong"):
        shown.add_column(name, justify="right", no_wrap=True)
    for one in cases:
        baseline = spread(one.baseline_values) if one.baseline_values else ""
        shown.add_row(one.case, spread(one.values), baseline, _ratio(one), _wrong(one))
    yield shown
    against: dict[str, list[str]] = {}
    for one in cases:
        if one.baseline is not None:
            against.setdefault(one.baseline, []).append(one.case)
    told = Text("\n".join(f"{', '.join(names)}: {what}" for what, names in against.items()), style="dim")
    yield Padding(told, (0, 2, 1, 2), expand=False)


def _times(cases: list[Measured]) -> str:
    """How often they were run."""
    runs = [len(one.values) for one in cases]
    if max(runs) == 1:
        return "one run"
    return f"median and range of {max(runs) if min(runs) == max(runs) else f'{min(runs)} to {max(runs)}'} runs"


def _ratio(one: Measured) -> Text:
    """The ratio, and below it what was aimed at; a miss is the loudest thing in the table but a wrong answer."""
    said = Text("" if one.ratio is None else f"{one.ratio:.3g} x")
    if one.aim is not None:
        said.append(f"\n{one.aim}: ").append("met" if one.met else "missed", "green" if one.met else "bold red")
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
    if len(values) == 1:
        return f"{middle / size:.3g}{name}"
    return f"{middle / size:.3g}{name}\n{_figures(min(values) / size)} to {_figures(max(values) / size)}"


def _scale(value: float) -> tuple[float, str]:
    return next(((size, name) for size, name in ((1e6, " M"), (1e3, " k")) if value >= size), (1.0, ""))


def _figures(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
