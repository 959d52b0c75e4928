"""Measured cases become one picture a workload: ours beside each baseline, the range of their runs and the ratio aimed at."""

import importlib.util
from itertools import groupby
from pathlib import Path
from statistics import median

from bench.machine import Machine
from bench.rows import Measured
from model.errors import CordonError


def require() -> None:
    """Make sure that plots can be drawn, before an hour is spent on measuring.

    Raises
    ------
    CordonError
        If matplotlib is not installed: it comes with ``make bench``, not with what Cordon runs on.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise CordonError("--plot needs matplotlib, which is not installed: run `make bench` once, or leave --plot out")


def draw(measured: list[Measured], machine: Machine, folder: Path, quick: bool) -> list[Path]:
    """Write ``<workload>.png`` for each workload into a folder, made where it is missing; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for workload, cases in groupby(measured, key=lambda one: one.workload):
        path = folder / f"{workload}.png"
        _draw(workload, list(cases), machine, path, quick)
        drawn.append(path)
    return drawn


def _draw(workload: str, cases: list[Measured], machine: Machine, path: Path, quick: bool) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 1.6 + 0.9 * len(cases)), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for at, one in enumerate(cases):
        for offset, values, colour in ((-0.2, one.values, "#1b6ca8"), (0.2, one.baseline_values, "#b0b0b0")):
            middle = median(values)
            around = [[middle - min(values)], [max(values) - middle]]
            axes.barh(at + offset, middle, height=0.36, color=colour, xerr=around, capsize=3)
        if one.at_least is not None:
            aim = one.at_least * median(one.baseline_values)
            axes.plot([aim, aim], [at - 0.4, at + 0.4], color="#c0392b", linewidth=2)
        said = "" if one.met is None else f", {'met' if one.met else 'missed'} (at least {one.at_least:g} x)"
        plate = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
        axes.annotate(f" {one.ratio:.3g} x{said}", (max(one.values), at - 0.2), va="center", fontsize=9, bbox=plate)
    axes.set_yticks(range(len(cases)), [f"{one.case}\n{_short(one.baseline)}" for one in cases], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.3)
    axes.set_xlabel(f"{cases[0].unit}, median of {len(cases[0].values)} runs, whiskers least and greatest")
    size = " (quick size: not how fast)" if quick else ""
    axes.set_title(f"{workload}{size}: ours in blue, {cases[0].threads} threads; baseline in grey; aim in red", fontsize=10)
    figure.supxlabel("\n".join(machine.lines), fontsize=8, x=0.01, ha="left")
    canvas.print_png(str(path))


def _short(baseline: str, width: int = 44) -> str:
    """A baseline's description over two lines or three, so that the bars have room."""
    lines = [""]
    for word in baseline.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
