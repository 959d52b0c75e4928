"""The table of `cordon sla` on a narrow screen: kinds whole, and no row that says what the one below it says."""

import io
from typing import Any

from rich.console import Console

from cordon.figures import answers


def row(kind: str | None, shift: str | None, calls: int) -> dict[str, Any]:
    return {"clock": "acknowledge", "kind": kind, "shift": shift, "calls": calls, "missed": 0, "running": 0} | {
        "p50_s": 12.0,
        "p90_s": 60.0,
    }


def test_kinds_are_whole_and_one_shift_is_one_row() -> None:
    rows = [row(None, None, 5), row(None, "early", 2), row(None, "night", 3)]
    rows += [row("home_unit_no_mains", None, 3), row("home_unit_no_mains", "night", 3)]
    out = Console(file=io.StringIO(), width=80)
    out.print(answers(rows))
    assert isinstance(out.file, io.StringIO)
    said = [line.split()[1:4] for line in out.file.getvalue().splitlines() if "acknowledge" in line]
    assert said == [
        ["all", "all", "5"],
        ["all", "early", "2"],
        ["all", "night", "3"],
        ["home_unit_no_mains", "night", "3"],
    ]
