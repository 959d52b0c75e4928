"""The benchmark end to end, small: its rows are the contract's, and one wrong answer of ours is counted and fails the command."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bench import plot as plots
from bench.runner import run
from bench.workloads import WORKLOADS, ours
from bench.workloads.race import RUNS
from bench.workloads.town import FENCES, QUICK
from geofence.evaluate import evaluate
from model.arrays import Array
from model.errors import CordonError
from model.hit import Verdict

# CONTRACT.md, "bench --json".
KEYS = ["workload", "case", "value", "unit", "baseline", "baseline_value", "ratio", "checked", "wrong", "lost", "twice", "runs"]
PAIRS = QUICK.tags * QUICK.each * FENCES


def quick(names: list[str], **options: Any) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a quick run."""
    out, err = (Console(file=io.StringIO(), width=80) for _ in range(2))
    code = run(names, as_json=options.pop("as_json", True), plot=options.pop("plot", None), out=out, err=err, quick=True)
    assert isinstance(out.file, io.StringIO)
    assert isinstance(err.file, io.StringIO)
    return code, out.file.getvalue(), err.file.getvalue()


def test_without_a_name_all_run_and_the_rows_are_those_of_the_contract() -> None:
    code, out, err = quick([])
    rows = json.loads(out)
    assert code == 0
    assert [(row["workload"], row["case"]) for row in rows] == [
        ("fences", "unsorted"),
        ("fences", "sorted"),
        ("fences", "unsorted covers"),
        ("fences", "sorted covers"),
        ("verdict", "unsorted"),
        ("verdict", "sorted"),
        ("verdict", "unsorted boxes"),
        ("verdict", "sorted boxes"),
    ]
    for row in rows:
        assert list(row) == KEYS
        assert (row["checked"], row["wrong"], row["runs"]) == (PAIRS, 0, RUNS)
        assert row["lost"] is row["twice"] is None
        assert row["ratio"] == pytest.approx(row["value"] / row["baseline_value"])
        assert row["value"] > 0
    assert all(f"{name}: run {RUNS} of {RUNS}" in err for name in WORKLOADS)


def test_without_json_the_table_goes_to_standard_output_and_fits_80_columns() -> None:
    code, out, err = quick(["fences"], as_json=False)
    assert code == 0
    assert "unsorted covers" in out
    assert "…" not in out
    assert "fences: run 1 of" in err


def deep(hits: Array) -> int:
    """Row of a hit well inside its fence, which can be no question of rounding."""
    return int(np.flatnonzero((hits["distance_m"] < -30.0) & (hits["verdict"] == Verdict.INSIDE))[7])


def uncovered(hits: Array) -> Array:
    hits["covered"][deep(hits)] = False
    return hits


def covered(hits: Array) -> Array:
    hits["covered"][np.flatnonzero(hits["distance_m"] > 1.0)[3]] = True
    return hits


def acquitted(hits: Array) -> Array:
    hits["verdict"][deep(hits)] = Verdict.OUTSIDE
    return hits


def accused(hits: Array) -> Array:
    hits["verdict"][np.flatnonzero(hits["distance_m"] > 60.0)[3]] = Verdict.INSIDE
    return hits


def dropped(hits: Array) -> Array:
    return np.delete(hits, deep(hits))


def farther(hits: Array) -> Array:
    hits["distance_m"][deep(hits)] += 0.25
    return hits


def others(hits: Array) -> Array:
    """One more row: a fence of another tag."""
    more = hits[-1:].copy()
    more["zone"] -= 50 * FENCES
    return np.concatenate([hits, more])


@pytest.mark.parametrize(
    ("workload", "wrong"),
    [
        ("fences", uncovered),
        ("fences", covered),
        ("fences", acquitted),
        ("fences", accused),
        ("fences", dropped),
        ("verdict", acquitted),
        ("verdict", accused),
        ("verdict", dropped),
        ("verdict", farther),
    ],
)
def test_one_wrong_answer_is_counted_once_in_every_case_and_fails_the_command(
    workload: str, wrong: Callable[[Array], Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "evaluate", lambda *given: wrong(evaluate(*given)))
    code, out, err = quick([workload])
    assert code == 1
    assert [row["wrong"] for row in json.loads(out)] == [1, 1, 1, 1]
    assert "answers are wrong" in err


def test_a_row_for_another_tags_fence_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "evaluate", lambda *given: others(evaluate(*given)))
    code, out, _ = quick(["fences"])
    assert code == 1
    assert all(row["wrong"] > 0 for row in json.loads(out))


def test_an_unknown_workload_is_one_line_that_lists_those_there_are() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cordon.main", "bench", "fences", "nope"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == ["cordon: no workload is called 'nope': there are fences, verdict"]


def test_a_plot_that_cannot_be_drawn_is_said_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(plots.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(ours, "evaluate", None)
    with pytest.raises(CordonError, match="--plot needs matplotlib"):
        quick(["fences"], plot=tmp_path)


def test_each_workload_has_its_picture(tmp_path: Path) -> None:
    code, _, err = quick([], plot=tmp_path / "new" / "folder")
    assert code == 0
    drawn = sorted((tmp_path / "new" / "folder").iterdir())
    assert [path.name for path in drawn] == ["fences.png", "verdict.png"]
    for path in drawn:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert f"drawn: {path}" in err
