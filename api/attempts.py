"""Turns wrong passwords into waiting time, for a name and for an address, in bounded memory."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

KEPT: Final = 10_000  # names and addresses remembered at once: the least recently wrong are forgotten first
FREE_NAME: Final = 5  # wrong passwords in a row before a name waits
FREE_ADDRESS: Final = 20  # and an address, behind which a whole office may sit
FIRST_WAIT_S: Final = 1.0  # doubles with every further wrong one
# A name waits a minute at most: longer, and anyone could lock an operator out of the queue by typing nonsense.
LONGEST_NAME_S: Final = 60.0
LONGEST_ADDRESS_S: Final = 900.0
FORGOTTEN_S: Final = 3600.0  # after this long without a wrong one, counting starts again


class Wrong(NamedTuple):
    """Wrong passwords in a row."""

    times: int
    last_s: float
    until_s: float


class Attempts:
    """Counts wrong passwords. One a process: a burst over several API processes waits a little less.

    Parameters
    ----------
    now_s : a clock that never goes back, seconds
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._wrong: OrderedDict[tuple[str, str], Wrong] = OrderedDict()

    def __len__(self) -> int:
        return len(self._wrong)

    def wait_s(self, name: str, address: str) -> float:
        """Seconds until this name may be tried from this address; 0 for now."""
        until_s = max(self._until("name", name), self._until("address", address))
        return max(0.0, until_s - self._now_s())

    def begin(self, name: str, address: str) -> None:
        """Count an attempt as wrong before it is checked, so that a hundred at once are not all free."""
        self._count("name", name, FREE_NAME, LONGEST_NAME_S)
        self._count("address", address, FREE_ADDRESS, LONGEST_ADDRESS_S)

    def succeeded(self, name: str, address: str) -> None:
        """It was right after all. The address keeps its wrong ones: one good account must not buy guesses at others."""
        self._wrong.pop(("name", name), None)
        known = self._wrong.get(("address", address))
        if known is not None:
            self._wrong["address", address] = known._replace(times=known.times - 1, until_s=0.0)

    def _until(self, kind: str, key: str) -> float:
        known = self._wrong.get((kind, key))
        return 0.0 if known is None else known.until_s

    def _count(self, kind: str, key: str, free: int, longest_s: float) -> None:
        now_s = self._now_s()
        known = self._wrong.pop((kind, key), None)
        count = 1 if known is None or now_s - known.last_s > FORGOTTEN_S else known.times + 1
        # The exponent is capped before it is taken: a count of thousands must not overflow.
        wait_s = 0.0 if count < free else min(longest_s, FIRST_WAIT_S * 2 ** min(count - free, 20))
        self._wrong[kind, key] = Wrong(count, now_s, now_s + wait_s)
        while len(self._wrong) > KEPT:
            self._wrong.popitem(last=False)
