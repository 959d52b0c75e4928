"""The numbered steps of a commit, by name: the one list that the code, its documentation and the crash tests go by."""

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from model.state import State


class Step(IntEnum):
    """Where a commit stands (store/commit.py). ``str`` is the name that people and crash tests use."""

    READY = 0
    FENCE = 1
    ADMIT = 2
    HISTORY = 3
    JUDGE = 4
    STORE = 5
    ALERTS = 6
    DEAD_LETTERS = 7
    RECEIPTS = 8
    JOURNAL = 9
    SNAPSHOT = 10
    LINK = 11
    FEED = 12
    COMMIT = 13
    ANSWER = 14

    def __str__(self) -> str:
        return self.name.lower().replace("_", " ")


class Reached(NamedTuple):
    """That a commit is about to do a step. ``work`` is how much there is to do in it: 0 where it passes it by."""

    step: Step
    work: int
    lane: int
    commit_no: int
    state: "State"


class Probe(Protocol):
    """What a crash test listens with."""

    def reached(self, reached: Reached) -> None:
        """Hear of a step before it is done; may not return."""

    def recovered(self, lane: int, commit_no: int, state: "State") -> None:
        """Hear of a state as it was rebuilt."""
