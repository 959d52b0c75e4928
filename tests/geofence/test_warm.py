"""Once warm a worker never waits for the compiler again, whatever form its arrays have; and no kernel is let off a rounding."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from geofence import warm
from geofence.evaluate import evaluate

PROGRAM = Path(__file__).with_name("signatures.py")


def test_whatever_is_judged_after_it_compiles_no_further_kernel() -> None:
    """In a process of its own: what other tests have had compiled must not hide what this needs."""
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.{PROGRAM.stem}"],
        cwd=PROGRAM.parents[2],
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


def test_a_world_that_is_judged_wrongly_stops_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(*given: Any) -> Any:
        return evaluate(*given)[:1]

    monkeypatch.setattr(warm, "evaluate", blind)
    with pytest.raises(RuntimeError, match="not to be trusted, remove their folder"):
        warm.warm()
