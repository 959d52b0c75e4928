"""Turns the beats of the process that has the gateways' HTTP door into since when this machine's lanes listen without a gap."""

import time
from collections.abc import Callable
from typing import Final

import structlog

# The door's process beats every few seconds (ingest/link.py); one that ends is started again within this, seconds.
DEAF_S: Final = 60.0

log = structlog.get_logger()


class Hearing:
    """Whether gateways can speak to us at all: while they cannot, nobody's silence is a tag's own.

    Parameters
    ----------
    clock : microseconds since 1970 UTC, the lanes' time
    elapsed_s : seconds that only ever go on: a wall clock that is set must not pass for a door that is shut
    """

    def __init__(self, clock: Callable[[], int], elapsed_s: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._elapsed_s = clock, elapsed_s
        self._beat_s = elapsed_s()  # a worker that begins waits for its door as long as one that lost it
        self._since_us = 0
        self._deaf = False

    def beat(self) -> None:
        """Note that the door is open."""
        self.since_us()
        self._beat_s, self._deaf = self._elapsed_s(), False

    def since_us(self) -> int:
        """Since when it has been open, 0 where that is for as long as we know of; now, while it is shut."""
        if self._elapsed_s() - self._beat_s > DEAF_S:
            self._since_us = self._clock()
            if not self._deaf:
                log.warning("the gateways' HTTP door is not heard of; nobody's silence is judged until it is")
            self._deaf = True
        return self._since_us
