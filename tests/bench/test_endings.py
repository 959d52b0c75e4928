"""A benchmark that is told to end, or is killed, leaves no process behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.process import alive
from tests.conftest import server_folder

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("crash"), pytest.mark.timeout(300)]

WAIT_S = 120.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_a_benchmark(number: signal.Signals) -> None:
    """In the middle of a workload with a system of its own: the worker runs."""
    folder = server_folder()
    mark = f"TEST_OF_ENDINGS_{os.getpid()}_{number}"
    environment = os.environ | {mark: "1", "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "cordon.main", "bench", "restart", "--quick"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            ends = time.monotonic() + WAIT_S
            while not any("cordon.worker" in words for words in alive(mark, folder).values()):
                assert run.poll() is None, "the benchmark goes on"
                assert time.monotonic() < ends, "its system starts"
                time.sleep(0.1)
            run.send_signal(number)
            run.wait(WAIT_S)
            while left := alive(mark, folder):
                assert time.monotonic() < ends, left
                time.sleep(0.1)
        finally:
            run.kill()
            for pid in alive(mark, folder):
                os.kill(pid, signal.SIGKILL)
    if number == signal.SIGTERM:
        assert run.returncode == 128 + number
        assert not [*Path(folder).glob("cordon-stock-*")], "nor its folder"
