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

from alerts.judge import judge
from bench import plot as plots
from bench import runner
from bench.machine import cores
from bench.runner import run
from bench.workloads import PURE, WORKLOADS, adversarial, memory, ours, ticks
from bench.workloads import compile as compiling
from bench.workloads.ours import hits
from bench.workloads.placed import KINDS
from bench.workloads.race import RUNS
from bench.workloads.town import FENCES, QUICK
from geofence.evaluate import evaluate
from geofence.within import within
from model.arrays import Array
from model.errors import CordonError
from model.hit import Verdict
from tests.geofence import mutants

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


CASES = {
    "fences": ["unsorted", "sorted", "unsorted covers", "sorted covers"],
    "verdict": ["unsorted", "sorted", "unsorted boxes", "sorted boxes"],
    "rings": ["50", "1000", "10000", "40000", "coast 1000", "coast 10000", "coast 40000"],
    "compile": [
        *("build", "build of objects", "build and assign", "change one", "load"),
        *("index", "held", "first start", "started again", "4 at once"),
    ],
    "memory": ["away", "away resident", "at one", "at one resident", "at five", "at five resident"],
    "scale": [
        *("tags 1000", "tags 10000", "own 5", "own 50", "far 10", "far 1000", "corners 8", "corners 80"),
        *(f"threads {n}" for n in range(1, cores() + 1)[:2]),
        *("clock 1000", "clock silent 1000", "clock 10000", "clock silent 10000"),
    ],
    "adversarial": [kind.case for kind in KINDS],
}


def test_the_workloads_tested_are_all_there_are() -> None:
    assert list(CASES) == list(PURE)


@pytest.mark.parametrize("workload", CASES)
def test_its_rows_are_those_of_the_contract_all_answers_are_right_and_it_has_its_picture(workload: str, tmp_path: Path) -> None:
    code, out, err = quick([workload], plot=tmp_path / "new" / "folder")
    assert code == 0
    rows = json.loads(out)
    assert [(row["workload"], row["case"]) for row in rows] == [(workload, case) for case in CASES[workload]]
    for row in rows:
        assert list(row) == KEYS
        assert row["lost"] is row["twice"] is None
        assert row["value"] > 0
        assert (row["baseline"] is None) == (row["baseline_value"] is None) == (row["ratio"] is None)
        if row["ratio"] is not None:
            assert row["ratio"] == pytest.approx(row["value"] / row["baseline_value"])
        assert (row["checked"] is None) == (row["wrong"] is None)
        assert row["wrong"] in {None, 0}
        assert row["checked"] is None or row["checked"] > 0
        if workload in {"fences", "verdict"}:
            assert (row["checked"], row["runs"]) == (PAIRS, RUNS)
            assert f"{workload}: run {RUNS} of {RUNS}" in err
    picture = tmp_path / "new" / "folder" / f"{workload}.png"
    assert list(picture.parent.iterdir()) == [picture]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"drawn: {picture}" in err


def test_without_a_name_all_run(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    monkeypatch.setattr(runner, "measure", lambda name, small, tell: ran.append((name, small)) or [])
    assert quick([])[0] == 0
    assert ran == [(name, True) for name in WORKLOADS]


def test_without_json_the_table_goes_to_standard_output_and_fits_80_columns() -> None:
    code, out, err = quick(["fences"], as_json=False)
    assert code == 0
    assert "unsorted covers" in out
    assert "shows that it works, not how fast" in " ".join(out.split())
    assert "trust" not in out
    assert "…" not in out
    assert "fences: run 1 of" in err


def deep(hits: Array) -> int:
    """Row of a hit well inside its fence, which can be no question of rounding."""
    return int(np.flatnonzero((hits["distance_m"] < -30.0) & (hits["verdict"] == Verdict.INSIDE))[7])


def uncovered(rows: Array) -> Array:
    """Of COVER rows, in order of fix and fence: one missing."""
    return np.delete(rows, int(np.flatnonzero(~rows["boundary"])[7]))


def covered(rows: Array) -> Array:
    """One more: the fence after one that covers a fix, where that does not."""
    fence = (rows["zone"] - 1) % FENCES
    follows = (rows["fix_row"][1:] == rows["fix_row"][:-1]) & (fence[1:] == fence[:-1] + 1)
    at = int(np.flatnonzero((fence[:-1] < FENCES - 1) & ~follows)[3])
    more = rows[at : at + 1].copy()
    more["zone"] += 1
    more["boundary"] = False
    return np.insert(rows, at + 1, more)


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
        ("verdict", acquitted),
        ("verdict", accused),
        ("verdict", dropped),
        ("verdict", farther),
    ],
)
def test_one_wrong_answer_is_counted_once_in_every_case_and_fails_the_command(
    workload: str, wrong: Callable[[Array], Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    if workload == "fences":
        monkeypatch.setattr(ours, "within", lambda *given: wrong(within(*given)))
    else:
        monkeypatch.setattr(ours, "evaluate", lambda *given: wrong(evaluate(*given)))
    code, out, err = quick([workload])
    assert code == 1
    assert [row["wrong"] for row in json.loads(out)] == [1, 1, 1, 1]
    assert "answers are wrong" in err


@pytest.mark.parametrize("workload", ["fences", "verdict"])
def test_a_row_for_another_tags_fence_fails_the_command(workload: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "evaluate", lambda *given: others(evaluate(*given)))
    monkeypatch.setattr(ours, "within", lambda *given: others(within(*given)))
    code, out, _ = quick([workload])
    assert code == 1
    assert all(row["wrong"] > 0 for row in json.loads(out))


def test_one_wrong_point_of_a_ring_is_counted_and_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ours.covered

    def wrong(*given: Any) -> Any:
        said = right(*given)
        if len(said) > 1:
            said[7] = not said[7]
        return said

    monkeypatch.setattr(ours, "covered", wrong)
    code, out, _ = quick(["rings"])
    assert code == 1
    assert {row["wrong"] for row in json.loads(out)} == {1}


@pytest.mark.parametrize("mutant", [mutants.strict_boundary, mutants.first_part_only])
def test_a_nearly_right_geofence_fails_on_adversarial_points(mutant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "evaluate", lambda index, fixes, last, threads: mutant(index, fixes, last))
    monkeypatch.setattr(adversarial, "KINDS", KINDS[1:4])
    code, out, err = quick(["adversarial"])
    assert code == 1
    assert sum(row["wrong"] for row in json.loads(out)) > 100
    assert "answers are wrong" in err


def test_a_wrong_containment_alone_or_distance_is_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adversarial, "KINDS", KINDS[:1])
    with monkeypatch.context() as patched:
        patched.setattr(ours, "covered", lambda index, zone, lon, lat: np.zeros(len(lon), np.bool_))
        assert json.loads(quick(["adversarial"])[1])[0]["wrong"] > 100
    monkeypatch.setattr(ours, "evaluate", lambda *given: farther_all(evaluate(*given)))
    assert json.loads(quick(["adversarial"])[1])[0]["wrong"] >= 10


def farther_all(hits: Array) -> Array:
    hits["distance_m"] *= 1.01
    hits["distance_m"] += 0.2
    return hits


def test_a_wrong_answer_anywhere_on_a_curve_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "evaluate", lambda *given: uncovered_all(evaluate(*given)))
    code, out, _ = quick(["scale"])
    assert code == 1
    assert all(row["wrong"] > 0 for row in json.loads(out) if not row["case"].startswith("clock"))


def test_a_clock_that_tells_of_somebody_too_few_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(*given: Any) -> Any:
        judged = judge(*given)
        return judged._replace(changes=judged.changes[1:])

    monkeypatch.setattr(ticks, "judge", forgetful)
    rows = ticks.measure((1000,), lambda line: None)
    assert [(row.case, row.wrong) for row in rows] == [("clock 1000", 0), ("clock silent 1000", ticks.RUNS)]


def uncovered_all(hits: Array) -> Array:
    hits["covered"] = False
    return hits


def test_what_is_forgotten_is_counted() -> None:
    index, state = memory.fill(50, 2)
    assert len(index.tags) == 50
    assert memory._wrong(state, 50, 2) == 0
    state.drop(state.pairs, memory.FIRST_TAG, memory._zone_of(memory.FIRST_TAG, 1))
    state.tags["last"]["lon"][7] += 1e-7
    assert memory._wrong(state, 50, 2) == 2


def test_an_index_that_lost_a_zone_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_starting", lambda *given: [])

    def fewer(*given: Any) -> Any:
        found = hits(*given)
        return found[found["zone"] != found["zone"][found["covered"]][0]]

    monkeypatch.setattr(ours, "hits", fewer)
    code, out, _ = quick(["compile"])
    assert code == 1
    assert all(row["wrong"] >= compiling.RUNS for row in json.loads(out)[2:5]), "at least once a run"


def test_an_unknown_workload_is_one_line_that_lists_those_there_are() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cordon.main", "bench", "fences", "nope"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [f"cordon: no workload is called 'nope': there are {', '.join(WORKLOADS)}"]


def test_a_plot_that_cannot_be_drawn_is_said_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(plots.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(ours, "evaluate", None)
    with pytest.raises(CordonError, match="--plot needs matplotlib"):
        quick(["fences"], plot=tmp_path)
