"""What this machine's doors put in for a lane, taken out as much at a time as one commit takes, or nothing at all."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final

from cordon.hearing import Hearing
from cordon.work import Work
from cordon.worlds import Worlds
from model.batch import Position
from model.state import State

SLICE_RECORDS: Final = 2000  # of backlog in one commit: what a live record may have to wait for
IDLE_S: Final = 5.0  # a lane with nothing to do commits its clock this often, so that everyone sees it judging
LOOK_S: Final = 0.25  # and looks this often whether a control change has come into force: it must not wait for the next fix


class Inbox:
    """The embedded engine's ``cordon.lane.Intake``.

    Parameters
    ----------
    clock : microseconds since 1970 UTC; None: an instance on a trace's clock, which only batches move
    hearing : whether the gateways' door is open; None: it is in this process
    """

    def __init__(
        self, worlds: Worlds, *, commit_records: int, clock: Callable[[], int] | None, hearing: Hearing | None = None
    ) -> None:
        self._hearing = hearing
        self._worlds, self._commit_records, self._clock = worlds, commit_records, clock
        self._queue: deque[Work] = deque()
        self._backlog: deque[Work] = deque()
        self._filled = asyncio.Event()

    def put(self, work: Work) -> None:
        """Queue one share."""
        (self._backlog if work.old else self._queue).append(work)
        self._filled.set()

    def begin(self, position: Position, watermark_us: int) -> None:
        """Nothing to begin at: what waits here, waits."""

    def wake(self) -> None:
        """Have ``next`` return."""
        self._filled.set()

    @property
    def live(self) -> bool:
        """Whether lane time is the wall clock's."""
        return self._clock is not None

    def now_us(self, state: State) -> int:
        """Lane time with nothing in hand."""
        return self._clock() if self._clock else state.watermark_us

    def listening_us(self) -> int:
        """Since when whoever speaks is heard."""
        return self._hearing.since_us() if self._hearing else 0

    def until_us(self, received_us: int) -> int:
        """Up to when instants have come, with a batch of that time in hand."""
        return self._clock() if self._clock else received_us

    async def next(self, state: State) -> list[Work]:
        """As many shares as one commit takes; none when nothing came for a while and the clock is to be committed.

        Live ones first; where that was all of them, a slice of the backlog besides. So a live record never waits for more than
        one slice, and a backlog never for ever.
        """
        if not self._queue and not self._backlog:
            await self._idle(state)
        shares = _taken(self._queue, self._commit_records)
        return shares if self._queue else [*shares, *_taken(self._backlog, SLICE_RECORDS)]

    async def _idle(self, state: State) -> None:
        """Return when something was put in, after ``IDLE_S``, or at an instant at which last fixes are judged again."""
        self._filled.clear()
        if self._clock is None:
            await self._filled.wait()
            return
        for _ in range(round(IDLE_S / LOOK_S)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._filled.wait()
            if self._filled.is_set() or self._worlds.due(state, self._clock()):
                return


def _taken(queue: "deque[Work]", most: int) -> list[Work]:
    """The first shares of a queue, with so many records at most; one at least, where there is one."""
    shares: list[Work] = []
    records = 0
    while queue and (not shares or records + queue[0].records <= most):
        shares.append(queue.popleft())
        records += shares[-1].records
    return shares
