"""Measured cases become one picture a workload: ours beside each baseline, the range of their runs and the ratio aimed at."""

import importlib.util
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.machine import Machine
from bench.rows import Measured
from model.errors import CordonError

OURS: Final = "#1b6ca8"
THEIRS: Final = "#b0b0b0"
AIM: Final = "#c0392b"


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

    panels = [list(part) for _, part in groupby(cases, key=lambda one: (one.unit, one.threads, one.along and one.along.axis))]
    heights = [3.0 if panel[0].along else 0.7 + 0.9 * len(panel) for panel in panels]
    figure = Figure(figsize=(9.0, 1.0 + sum(heights)), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    every = figure.subplots(len(panels), squeeze=False, height_ratios=heights)[:, 0]
    for axes, panel in zip(every, panels, strict=True):
        (_curves if panel[0].along else _bars)(axes, panel)
    size = " (quick size: not how fast)" if quick else ""
    figure.suptitle(f"{workload}{size}: ours in blue; baseline in grey; aim in red", fontsize=10)
    figure.supxlabel("\n".join(machine.lines), fontsize=8, x=0.01, ha="left")
    canvas.print_png(str(path))


def _bars(axes: Any, cases: list[Measured]) -> None:
    """Ours above its baseline, a pair a case."""
    for at, one in enumerate(cases):
        for offset, values, colour in ((-0.2, one.values, OURS), (0.2, one.baseline_values, THEIRS)):
            if values:
                axes.barh(at + offset, median(values), height=0.36, color=colour, xerr=_around([values]), capsize=3)
        aim = _aimed(one)
        if aim is not None:
            axes.plot([aim, aim], [at - 0.4, at + 0.4], color=AIM, linewidth=2)
        ratio = "" if one.ratio is None else f" {one.ratio:.3g} x"
        said = "" if one.met is None else f"{',' if ratio else ''} {'met' if one.met else 'missed'} ({one.aim})"
        plate = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
        axes.annotate(f"{ratio}{said}", (max(one.values), at - 0.2), va="center", fontsize=9, bbox=plate)
    axes.set_yticks(range(len(cases)), [f"{one.case}\n{_short(one.baseline or '')}" for one in cases], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.45)
    axes.set_xlabel(f"{_unit(cases[0])}; median, whiskers least and greatest")


def _curves(axes: Any, cases: list[Measured]) -> None:
    """Ours against what changes, and each baseline; the axis is the cases' own."""
    lines: dict[str, list[Measured]] = {}
    for one in cases:
        lines.setdefault(one.baseline or "", []).append(one)
    widest = max(lines.values(), key=len)
    axes.errorbar(
        _at(widest), [median(one.values) for one in widest], _around([one.values for one in widest]), None, **_line(OURS)
    )
    for style, (what, ones) in zip(("-", "--", ":", "-."), lines.items(), strict=False):
        theirs = [one.baseline_values for one in ones]
        if all(theirs):
            middles = [median(values) for values in theirs]
            axes.errorbar(_at(ones), middles, _around(theirs), None, **_line(THEIRS), linestyle=style, label=_short(what))
    aims = [(at, aim) for one, at in zip(widest, _at(widest), strict=True) if (aim := _aimed(one)) is not None]
    if aims:
        axes.plot(*zip(*aims, strict=True), color=AIM, linewidth=1, marker="_", markersize=12)
    at, drawn = _at(widest), [median(values) for one in cases for values in (one.values, one.baseline_values) if values]
    if _by_factors(at):
        axes.set_xscale("symlog" if min(at) <= 0 else "log")
    if max(drawn) > 3 * min(drawn) > 0:
        axes.set_yscale("log")
    axes.set_xlabel(widest[0].along.axis if widest[0].along else "", fontsize=9)
    axes.set_ylabel(_unit(cases[0]), fontsize=9)
    axes.grid(visible=True, alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7)


def _by_factors(at: list[float]) -> bool:
    """Whether places on an axis grow by factors, as sizes do, and not by steps, as time does."""
    return len(at) > 2 and at[-1] - at[-2] > 2 * (at[1] - at[0])


def _at(cases: list[Measured]) -> list[float]:
    return [one.along.at if one.along else 0.0 for one in cases]


def _around(runs: list[tuple[float, ...]]) -> list[list[float]]:
    """How far the least and the greatest run lie from the median."""
    return [[median(values) - min(values) for values in runs], [max(values) - median(values) for values in runs]]


def _line(colour: str) -> dict[str, Any]:
    return {"color": colour, "capsize": 3, "marker": "o", "markersize": 4}


def _aimed(one: Measured) -> float | None:
    """What the value would have to reach, or not to pass."""
    aim = one.at_least if one.at_least is not None else one.at_most
    if aim is None:
        return None
    return aim * median(one.baseline_values) if one.baseline_values else aim


def _unit(one: Measured) -> str:
    return f"{one.unit}, {one.threads} {'thread' if one.threads == 1 else 'threads'}"


def _short(baseline: str, width: int = 44) -> str:
    """A baseline's description over two lines or three, so that the bars have room."""
    lines = [""]
    for word in baseline.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
