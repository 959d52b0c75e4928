"""A process ends itself where a crash test ordered it, there only, and only where crash tests are meant."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from cordon.doom import DEATHS, DIGESTS, ORDER, Doom
from cordon.settings import CRASH_TESTS, read
from model.errors import CordonError
from model.state import State
from model.steps import Reached, Step


def go(folder: Path, *reached: tuple[Step, int]) -> None:
    doom = Doom(folder)
    for step, work in reached:
        doom.reached(Reached(step, work, 3, 17, State()))


def reach(folder: Path, *reached: tuple[Step, int]) -> int | None:
    """Exit code of a process that reaches these steps with so much work."""
    process = multiprocessing.get_context("fork").Process(target=lambda: go(folder, *reached))
    process.start()
    process.join()
    return process.exitcode


def test_it_ends_at_the_step_ordered_when_it_is_reached_for_the_nth_time(tmp_path: Path) -> None:
    (tmp_path / ORDER).write_text("kill dead letters 2\n")
    letters = (Step.DEAD_LETTERS, 1)
    assert reach(tmp_path, letters, (Step.DEAD_LETTERS, 0), (Step.FEED, 9)) == 0, "once, and once with nothing to do"
    assert (tmp_path / ORDER).exists()
    assert reach(tmp_path, letters, (Step.FEED, 9), letters) == -signal.SIGKILL
    assert not (tmp_path / ORDER).exists(), "an order is carried out once"
    act, step, lane, commit_no, _ = (tmp_path / DEATHS).read_text().split("\t")
    assert (act, step, lane, commit_no) == ("kill", "dead letters", "3", "17")
    assert reach(tmp_path, letters, letters, letters) == 0


def test_it_is_frozen_until_somebody_wakes_it(tmp_path: Path) -> None:
    (tmp_path / ORDER).write_text("freeze feed 1\n")
    process = multiprocessing.get_context("fork").Process(target=lambda: go(tmp_path, (Step.FEED, 1)))
    process.start()
    assert process.pid is not None
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    os.kill(process.pid, signal.SIGCONT)
    process.join()
    assert process.exitcode == 0


def test_every_state_about_to_be_committed_or_rebuilt_is_noted(tmp_path: Path) -> None:
    state = State()
    doom = Doom(tmp_path)
    doom.reached(Reached(Step.FENCE, 1, 3, 17, state))
    doom.reached(Reached(Step.COMMIT, 1, 3, 17, state))
    state.watermark_us = 1
    doom.recovered(3, 17, state)
    lines = [line.split("\t") for line in (tmp_path / DIGESTS).read_text().splitlines()]
    assert [line[:3] for line in lines] == [["committing", "3", "17"], ["recovered", "3", "17"]]
    assert lines[0][3] != lines[1][3] == state.digest(), "one microsecond is another state"


def test_orders_are_refused_where_no_crash_test_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDON_DOOM_DIR", "/somewhere")
    for said in ("", "1"):
        monkeypatch.setenv("CORDON_CRASH_TESTS", said)
        with pytest.raises(CordonError, match="CORDON_DOOM_DIR"):
            read()
    monkeypatch.setenv("CORDON_CRASH_TESTS", CRASH_TESTS)
    assert read().doom_dir == Path("/somewhere")
