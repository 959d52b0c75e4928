"""Once warm a worker never waits for the compiler again, whatever form its arrays have; and no kernel is let off a rounding."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from geofence import warm
from geofence.evaluate import evaluate

PROGRAM = Path(__file__).with_name("signatures.py")
ROOT = PROGRAM.parents[2]

# Two kernels compiled, or loaded: what they say, and how often that was loaded.
TWO = """
import json, sys
import numpy as np
from geofence.metric import geodesic_m
from geofence.order import places
print("ready", flush=True)
sys.stdin.readline()
said = [places(np.arange(1, 9)).tolist(), geodesic_m(-3.0, 53.0, -2.9, 53.1)]
print(json.dumps([said, sum(sum(one.stats.cache_hits.values()) for one in (places, geodesic_m))]))
"""


def test_whatever_is_judged_after_it_compiles_no_further_kernel() -> None:
    """In a process of its own: what other tests have had compiled must not hide what this needs."""
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.{PROGRAM.stem}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["kernels"] > 60
    assert said["warmed"] > 5
    assert {name: more for name, more in said["steps"].items() if more} == {}
    assert len(said["steps"]) > 15
    assert said["fast"] == [], "a verdict depends on every rounding"
    assert said["locked"] == [], "other threads run meanwhile"


def started(kept: Path, count: int) -> list[tuple[object, int]]:
    """What so many processes say that come to the kernels at the same moment, kept in one folder; and how many each loaded."""
    command, environment = [sys.executable, "-c", TWO], os.environ | {"NUMBA_CACHE_DIR": str(kept)}
    children = [
        subprocess.Popen(command, env=environment, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(count)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    return [tuple(json.loads(child.communicate()[0])) for child in children]


def test_four_processes_may_start_at_once_with_nothing_kept(tmp_path: Path) -> None:
    """Each compiles for itself, all keep it in one place, and what the last of them left there is whole."""
    four = started(tmp_path, 4)
    assert [said for said, _ in four] == [four[0][0]] * 4
    assert started(tmp_path, 2) == [(four[0][0], 2)] * 2


def test_a_world_that_is_judged_wrongly_stops_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(*given: Any) -> Any:
        return evaluate(*given)[:1]

    monkeypatch.setattr(warm, "evaluate", blind)
    with pytest.raises(RuntimeError, match="not to be trusted, remove their folder"):
        warm.warm()
