"""The run's own server goes with the run, however that ends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.store.test_postgres import wait_gone

HANG = """
import time, pathlib

def test_hangs(database):
    pathlib.Path({here!r}).write_text(database)
    time.sleep(600)
"""


# What a shell starts in the background ignores Ctrl-C, and so does all that is started by it; the run under test must hear it.
HEARING = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind(tmp_path: Path, workers: str, blow: signal.Signals) -> None:
    here = tmp_path / "here"
    (tmp_path / "test_hang.py").write_text(HANG.format(here=str(here)))
    root = Path(__file__).parent.parent
    options = ["-c", root / "pyproject.toml", "-p", "tests.conftest", "-n", workers]
    command = [sys.executable, "-c", HEARING, sys.executable, "-m", "pytest", "-q", *options, tmp_path]
    with subprocess.Popen(command, cwd=root, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as run:
        while not here.exists() or not here.read_text():
            assert run.poll() is None, "the run ended by itself"
            time.sleep(0.05)
        data = socket_folder(here.read_text()).parent
        postmaster = int((data / "postgres" / "postmaster.pid").read_text().split("\n")[0])
        os.killpg(run.pid, blow)
    wait_gone(postmaster)
    if blow is signal.SIGKILL:  # which leaves nobody to tidy up
        shutil.rmtree(data)
    assert not data.exists()


def socket_folder(dsn: str) -> Path:
    """Where the server of an address has its socket."""
    from urllib.parse import parse_qs, urlsplit

    return Path(parse_qs(urlsplit(dsn).query)["host"][0])
