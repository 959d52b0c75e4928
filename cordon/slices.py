"""How much of a backlog is judged at a time, and by which lane, while live records come: a worker's lanes share its one judge."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

MOST_RECORDS: Final = 2000  # in one slice, where they cost as little as live ones do
LEAST_RECORDS: Final = 100  # below, what every commit costs would be most of it
FIRST_RECORDS: Final = 250  # nobody knows yet what they cost
# What a slice is to take, by the clock, in its lane's commit: a live record may have to wait for one. Old fixes of a tag that was
# heard of since are judged as late data, many times as dear as others, so no number of records says it.
SLICE_S: Final = 0.15
QUIET_S: Final = 1.0  # without a live record: every lane then has slices of its own, one beside the other
WAITS_S: Final = (
    10.0  # so long a backlog may wait here: a door gives up after 30 s, and what it then sends again waits behind itself
)
LOST_S: Final = 10.0  # a lane that has not come back from its slice by then does not keep the others from theirs


class Waker(Protocol):
    """A lane's inbox, as far as it waits for its turn."""

    def wake(self) -> None:
        """Have it ask again."""


class Slices:
    """The turns of one process's lanes. While live records come, one lane at a time has a slice of its backlog judged.

    Parameters
    ----------
    elapsed_s : seconds that only ever go on
    """

    def __init__(self, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        self.records = FIRST_RECORDS  # of the next slice
        self._elapsed_s = elapsed_s
        self._holder: Waker | None = None
        self._since_s = 0.0  # when the holder's turn began
        self._live_s = -QUIET_S  # when a live record came last
        self._waiting: deque[Waker] = deque()
        self._begun: dict[int, float] = {}  # when the slice under way of an inbox was taken out, by its id

    def live(self) -> None:
        """Note that a live record came."""
        self._live_s = self._elapsed_s()

    @property
    def waiting_records(self) -> int:
        """How many records of backlog may wait, at the pace of slices: more would be given up by their doors."""
        return round(self.records * WAITS_S / SLICE_S)

    def skip(self, who: Waker) -> None:
        """Have an inbox with more live records than one commit takes wait for another turn: the others go on with theirs."""
        if self._holder is who and id(who) not in self._begun:
            if who not in self._waiting:
                self._waiting.append(who)
            self._pass()

    def ask(self, who: Waker) -> bool:
        """Whether an inbox may take a slice out now; where not, it is woken when it may."""
        now_s = self._elapsed_s()
        if self._holder is not None and self._holder is not who and now_s - self._since_s > LOST_S:
            self._pass()
        if self._holder is None:
            self._holder, self._since_s = who, now_s
        if self._holder is not who and now_s - self._live_s < QUIET_S:
            if who not in self._waiting:
                self._waiting.append(who)
            return False
        if who in self._waiting:
            self._waiting.remove(who)
        self._begun[id(who)] = now_s
        return True

    def end(self, who: Waker) -> None:
        """Note that an inbox has no slice under way any more; without effect where it had none."""
        began_s = self._begun.pop(id(who), None)
        if began_s is None:  # it may have its turn, which came to it during another commit
            return
        took_s = max(self._elapsed_s() - began_s, SLICE_S / 8)
        # By half at most: one slow moment of the disk says little.
        fit = round(self.records * min(max(SLICE_S / took_s, 0.5), 2.0))
        self.records = min(max(fit, LEAST_RECORDS), MOST_RECORDS)
        if self._holder is who:
            self._pass()

    def _pass(self) -> None:
        self._holder = self._waiting.popleft() if self._waiting else None
        self._since_s = self._elapsed_s()
        if self._holder is not None:
            self._holder.wake()
