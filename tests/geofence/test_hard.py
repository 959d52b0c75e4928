"""A bounded number of the points of `adversarial`: with the compiler and without it, on one thread and on two, GEOS's answer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("hard_world.py")


@pytest.mark.parametrize(("off", "points", "piece"), [("0", 4_000, 8_192), ("1", 300, 256)], ids=["compiled", "plain Python"])
def test_ten_kinds_of_zones_on_one_thread_and_two(off: str, points: int, piece: int) -> None:
    """In a process of its own, which alone can have the compiler off."""
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.{PROGRAM.stem}", str(points), str(piece)],
        env=os.environ | {"NUMBA_DISABLE_JIT": off},
        cwd=PROGRAM.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["off"] == bool(int(off))
    assert said["points"] == 10 * points
    assert said["covered"] > 3 * points
    assert said["pieces"] > 3, "both threads have work"
    assert said["wrong"] == [0] * 4
    assert said["same"] == [True, True]
