"""The kernels are plain Python underneath: with the compiler off they say the same, and say it where a debugger can look."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from geofence.evaluate import evaluate
from geofence.warm import warm
from geofence.within import within
from model.hit import HIT
from tests.geofence.check import no_last
from tests.geofence.small_world import small_world

PROGRAM = """
import sys
from geofence.evaluate import evaluate
from geofence.warm import warm
from geofence.within import within
from tests.geofence.check import no_last
from tests.geofence.small_world import small_world
import numba
assert numba.config.DISABLE_JIT
warm()
index, fixes = small_world()
print(evaluate(index, fixes, no_last(1)).tobytes().hex())
for of in (index, index.changed(shared=())):
    print(within(of, fixes).tobytes().hex())
"""


def test_compiled_and_plain_python_say_the_same() -> None:
    warm()
    index, fixes = small_world()
    hits = evaluate(index, fixes, no_last(1))
    assert len(hits) > 100
    assert hits["crossed"].any()
    assert set(hits["verdict"].tolist()) == {0, 1, 2}
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.split()
    plain = np.frombuffer(bytes.fromhex(said[0]), HIT)
    for name in HIT.names or ():
        if name != "distance_m":
            np.testing.assert_array_equal(plain[name], hits[name])
    assert said[1:] == [within(of, fixes).tobytes().hex() for of in (index, index.changed(shared=()))]
    # The compiler may call another sine than Python does; it differs in the last bit.
    np.testing.assert_allclose(plain["distance_m"], hits["distance_m"], rtol=1e-9, atol=1e-9)
