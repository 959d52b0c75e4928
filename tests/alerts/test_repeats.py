"""Which rows of a batch may be stored already."""

import numpy as np

from alerts.judge import doubtful
from model.fix import empty_fixes
from model.state import State


def test_only_what_is_newer_than_everything_and_alone_at_its_instant_is_beyond_doubt() -> None:
    state = State()
    state.tags["newest_us"][state.rows(np.array([1]))] = 100
    given = empty_fixes(8)
    given["tag"] = [1, 1, 1, 2, 2, 1, 2, 3]
    given["fix_at_us"] = [100, 101, 99, 50, 40, 102, 50, 102]
    given["seq"] = range(8)  # another seq at the same instant is doubted too: nobody looked
    assert doubtful(state, given).tolist() == [True, False, True, True, False, False, True, False]


def test_nothing_of_nothing() -> None:
    assert doubtful(State(), empty_fixes()).tolist() == []


def test_looking_changes_nothing() -> None:
    state = State()
    given = empty_fixes(1)
    given["tag"], given["fix_at_us"] = 7, 1
    digest = state.digest()
    assert doubtful(state, given).tolist() == [False]
    assert state.digest() == digest
