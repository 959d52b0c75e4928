"""That a tag moves, is heard from and says not where it is, over an hour, becomes the instant at which that is told.

Read from DOMAIN.md's row "contact, no location, moving: 10 min in 60, then 10 min grace" as docs/alerts.md says. Pure.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from alerts.rules import Rules
from model.arrays import Array
from model.instant import FOREVER_US
from model.state import LOST, MOTION, State

_NONE: Final = (0, 0)


class Location:
    """One tag's motion and the times it was without a location; ``keep`` writes what they have become to the state.

    Parameters
    ----------
    rules : those in force at the instant that is judged
    located_us : when the last location in order was taken, one that is in doubt as well; 0 for never
    """

    def __init__(self, rules: Callable[[], Rules], state: State, tag: int, located_us: int) -> None:
        self._asked, self._state, self._tag = rules, state, tag
        self._last_us = located_us
        motion, lost = state.motions.get(tag), state.lost.get(tag)
        self._motion_us = self._motion_before_us = 0 if motion is None else int(motion["motion_us"][0])
        self._told_us = 0 if lost is None else int(lost["told_us"][0])
        spells: list[list[int]] = [] if lost is None else lost["spell"][0].tolist()
        self._spells = [(from_us, to_us) for from_us, to_us in spells if to_us]  # oldest first
        self._lost_before = self._lost()

    @property
    def _rules(self) -> Rules:
        return self._asked()

    @property
    def since_us(self) -> int:
        """Since when the tag has been moving without a location; 0 where it is not moving, or never had one (no first fix)."""
        return max(self._last_us, self._motion_us) if self._motion_us and self._last_us else 0

    def moves(self, at_us: int) -> None:
        """It says that it moves; again while it does, it is the same."""
        self._motion_us = self._motion_us or at_us

    def rests(self, at_us: int) -> None:
        """It says that it is still; time without a location before that counts."""
        if self._motion_us and at_us >= self._motion_us:
            self._close(at_us)
            self._motion_us = self._told_us = 0

    def told(self, at_us: int) -> None:
        """A message without a location: it is heard from. What comes sooner than counts says nothing."""
        if self.since_us and at_us - self.since_us >= self._rules.lost_least_us:
            self._told_us = max(self._told_us, at_us)

    def located(self, at_us: int) -> None:
        """A location: it is lost no longer, and what it was counts for the next hour."""
        self._close(at_us)
        self._last_us, self._told_us = max(self._last_us, at_us), 0

    def due_us(self, lane_us: int) -> int:
        """The lane time, from ``lane_us`` on, at which it is to be told; FOREVER_US where the clock alone will not.

        The time without a location, of those spells that ended within the hour and of the present one, has reached ten minutes;
        ten more have passed; and the tag has been heard from in the last ten.
        """
        rules, since_us = self._rules, self.since_us
        if not self._told_us:
            return FOREVER_US
        reached_us = since_us + rules.lost_us
        counted_us = 0
        for from_us, to_us in reversed(self._spells):
            counted_us += to_us - from_us
            with_it_us = since_us + max(rules.lost_least_us, rules.lost_us - counted_us)
            if with_it_us - to_us <= rules.lost_within_us:
                reached_us = min(reached_us, with_it_us)
        at_us = max(reached_us + rules.lost_grace_us, lane_us)
        return at_us if at_us - self._told_us <= rules.contact_us else FOREVER_US

    @property
    def expires_us(self) -> int:
        """When the spells that are remembered no longer count, of a tag that has a location."""
        return self._spells[-1][1] + self._rules.lost_within_us if self._spells and not self._told_us else FOREVER_US

    def forget(self) -> None:
        """Let go of the spells."""
        self._spells = []

    def keep(self) -> None:
        """Write what changed to the state."""
        if self._motion_us != self._motion_before_us:
            if self._motion_us:
                record = np.zeros(1, MOTION)
                record["tag"], record["motion_us"] = self._tag, self._motion_us
                self._state.put(self._state.motions, record)
            else:
                self._state.drop(self._state.motions, self._tag)
            self._state.motion_us[self._state.row_of[self._tag]] = self._motion_us
        lost = self._lost()
        if lost.tobytes() == self._lost_before.tobytes():
            return
        if self._told_us or self._spells:
            self._state.put(self._state.lost, lost)
        else:
            self._state.drop(self._state.lost, self._tag)

    def _close(self, at_us: int) -> None:
        """The present spell is over: it counts as far as messages show that the tag was heard from, if it was long enough.

        Of the spells before, those are forgotten that no spell to come can reach.
        """
        if not self._told_us:
            return
        since_us, until_us = self.since_us, min(at_us, self._told_us)
        if until_us - since_us >= self._rules.lost_least_us:
            self._spells = [*self._spells, (since_us, until_us)][-2:]
        self._spells = [(from_us, to_us) for from_us, to_us in self._spells if at_us - to_us <= self._rules.lost_within_us]

    def _lost(self) -> Array:
        """(1,) LOST as it stands."""
        record = np.zeros(1, LOST)
        record["tag"], record["told_us"] = self._tag, self._told_us
        record["spell"][0] = [*self._spells, _NONE, _NONE][:2]
        return record
