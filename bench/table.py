"""Measured cases become the table that people read: medians and their range, the ratio aimed at, and whether it was reached."""

from statistics import median

from rich.markup import escape
from rich.table import Table

from bench.machine import Machine
from bench.rows import Measured


def table(measured: list[Measured], machine: Machine, quick: bool) -> Table:
    """One row a case; a missed aim and a wrong answer are the loudest things in it."""
    shown = Table(
        title="Quick size: shows that it works, not how fast" if quick else None,
        caption="\n".join(escape(line) for line in machine.lines),
        caption_justify="left",
    )
    for name in ("workload", "case"):
        shown.add_column(name, no_wrap=True)
    shown.add_column("ours\nmedian (min to max)", justify="right")
    shown.add_column("baseline\nmedian (min to max)", justify="right")
    shown.add_column("what the baseline is", ratio=1)
    for name in ("ratio", "at least", "", "checked", "wrong"):
        shown.add_column(name, justify="right", no_wrap=True)
    for one in measured:
        shown.add_row(
            one.workload,
            escape(one.case),
            f"{spread(one.values)} {one.unit}\n{one.threads} threads",
            f"{spread(one.baseline_values)} {one.unit}",
            escape(one.baseline),
            f"{one.ratio:.3g} x",
            "" if one.at_least is None else f"{one.at_least:g} x",
            {None: "", True: "[green]met[/]", False: "[bold red]missed[/]"}[one.met],
            "" if one.checked is None else f"{one.checked:,}",
            "" if one.wrong is None else f"[bold red]{one.wrong:,}[/]" if one.wrong else "0",
        )
    return shown


def spread(values: tuple[float, ...]) -> str:
    """Median, least and greatest to three figures: ``1.23 M (1.1 to 1.4)``; all three in the unit of the median."""
    middle = median(values)
    size, name = next(((size, name) for size, name in ((1e6, " M"), (1e3, " k")) if middle >= size), (1.0, ""))
    return f"{middle / size:.3g}{name} ({min(values) / size:.3g} to {max(values) / size:.3g})"
