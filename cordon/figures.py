"""`cordon sla`, `cordon noise`: how soon people answered, and how much was noise, each as a table."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from api.routes.figures import FALSE_P1_TARGET, WORKED_TARGET
from cordon.data import opened
from model.errors import CordonError
from model.instant import DAY_US
from store import figures

NARROW: Final[dict[str, Any]] = {"box": SIMPLE_HEAD, "padding": (0, 1, 0, 0), "collapse_padding": True}  # for 80 columns

NOISIEST: Final = 30  # rows: more than a meeting goes through


async def run_sla(days: int, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Calls of the last days: clock by clock, kind by kind, and each shift's."""
    to_us = time.time_ns() // 1000
    async with opened(data_dir, dsn) as store, figures.reading(store) as reading:
        rows = await figures.answered(reading, to_us - days * DAY_US, to_us)
    out.print(answers([dict(row) for row in rows]))


async def run_noise(by: str, days: int, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Alerts of the last days, the noisiest first, and alerts a person-day against the targets.

    Raises
    ------
    CordonError
        If they cannot be summed by that.
    """
    if by not in figures.LEDGERS:
        raise CordonError(f"there is no ledger by {by!r}: choose one of {', '.join(figures.LEDGERS)}")
    to_us = time.time_ns() // 1000
    from_us = to_us - days * DAY_US
    async with opened(data_dir, dsn) as store, figures.reading(store) as reading:
        rows = await figures.noise(reading, by, from_us, to_us, 0, NOISIEST)
        whole = next(iter(await figures.noise(reading, "all", from_us, to_us, 0, 1)), None)
        person_days = await figures.person_days(reading, from_us, to_us)
    names = ("alerts", "calls", "judged", "false", "false rate", "P1", "false P1")
    table = Table(Column(by, overflow="fold"), *(_right(name) for name in names), **NARROW)
    for row in rows:
        rate = f"{row['false'] / row['judged']:.0%}" if row["judged"] else ""
        counted = [str(row[name]) for name in ("alerts", "calls", "judged", "false")]
        table.add_row(row["key"], *counted, rate, str(row["p1"]), str(row["false_p1"]))
    out.print(table)
    out.print(f"{person_days:,.1f} person-days", highlight=False)
    if whole is not None and person_days:
        worked, false_p1 = whole["alerts"] / person_days, whole["false_p1"] / person_days
        out.print(f"{worked:.3f} alerts a person-day (at most {WORKED_TARGET})", highlight=False)
        out.print(f"{false_p1:.4f} false P1 a person-day (at most {FALSE_P1_TARGET})", highlight=False)


def answers(rows: Sequence[Mapping[str, Any]]) -> Table:
    """What `store.figures.answered` found; where all calls came in one shift, its row alone."""
    table = Table(
        "clock",
        Column("kind", overflow="fold"),
        "shift",
        *(_right(name) for name in ("calls", "missed", "running", "p50", "p90")),
        **NARROW,
    )
    shifts = Counter((row["clock"], row["kind"]) for row in rows if row["shift"])
    for row in rows:
        if row["shift"] is None and shifts[row["clock"], row["kind"]] == 1:
            continue  # the one shift's row says the same
        counts = (str(row[name]) for name in ("calls", "missed", "running"))
        table.add_row(row["clock"], row["kind"] or "all", row["shift"] or "all", *counts, _s(row["p50_s"]), _s(row["p90_s"]))
    return table


def _right(name: str) -> Column:
    return Column(name, justify="right")


def _s(seconds: Any) -> str:
    return "" if seconds is None else f"{float(seconds):.0f} s"
