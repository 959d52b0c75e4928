"""What this machine's doors put in for a lane, taken out as much at a time as one commit takes, or nothing at all."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final

from cordon.hearing import Hearing
from cordon.slices import Slices
from cordon.work import Work
from cordon.worlds import Worlds
from model.batch import Position
from model.state import State

IDLE_S: Final = 5.0  # a lane with nothing to do commits its clock this often, so that everyone sees it judging
LOOK_S: Final = 0.25  # and looks this often whether a control change has come into force: it must not wait for the next fix


class Inbox:
    """The embedded engine's ``cordon.lane.Intake``.

    Parameters
    ----------
    clock : microseconds since 1970 UTC; None: an instance on a trace's clock, which only batches move
    hearing : whether the gateways' door is open; None: it is in this process
    slices : the backlog's turns, which the lanes of a process share; None: this lane is alone
    """

    def __init__(
        self,
        worlds: Worlds,
        *,
        commit_records: int,
        clock: Callable[[], int] | None,
        hearing: Hearing | None = None,
        slices: Slices | None = None,
    ) -> None:
        self._hearing = hearing
        self._slices = slices or Slices()
        self._worlds, self._commit_records, self._clock = worlds, commit_records, clock
        self._queue: deque[Work] = deque()
        self._backlog: deque[Work] = deque()
        self._turn = False  # whether the backlog may have a slice before the live records that wait
        self._filled = asyncio.Event()
        self._woken = False  # by somebody who wants ``next`` to return

    def put(self, work: Work) -> None:
        """Queue one share."""
        if work.old:
            self._backlog.append(work)
        else:
            self._queue.append(work)
            self._slices.live()
        self._filled.set()

    def begin(self, position: Position, watermark_us: int) -> None:
        """Nothing to begin at: what waits here, waits. A slice that was taken out has failed."""
        self._slices.end(self)

    def wake(self) -> None:
        """Have ``next`` return."""
        self._woken = True
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

        Live ones first. The backlog has its turn after each commit that took all the live ones there were, in commits of its own:
        a live record waits for no more than one slice, and neither is its alert held up by judging what is old; nor does a
        backlog wait for ever.
        """
        self._slices.end(self)
        while not self._queue and not self._slice_now():
            self._turn = False
            if not await self._idle(state):
                break
        if self._slice_now():
            self._turn = False
            # Lane time stands still where live records wait, which came before now.
            now_us = 0 if self._queue else self.now_us(state)
            return [share._replace(received_us=now_us) for share in _taken(self._backlog, self._slices.records)]
        shares = _taken(self._queue, self._commit_records)
        self._turn = bool(shares) and not self._queue
        if self._backlog and not self._turn:
            self._slices.skip(self)
        return shares

    def _slice_now(self) -> bool:
        """Whether it is the backlog's turn, in this lane and among the lanes."""
        return bool(self._backlog) and (self._turn or not self._queue) and self._slices.ask(self)

    async def _idle(self, state: State) -> bool:
        """Return when something was put in, after ``IDLE_S``, or at an instant at which last fixes are judged again.

        Whether it was only put in: old records do not have the clock committed while another lane has the turn.
        """
        self._filled.clear()
        self._woken = False
        if self._clock is None:
            await self._filled.wait()
            return not self._woken
        for _ in range(round(IDLE_S / LOOK_S)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._filled.wait()
            if self._worlds.due(state, self._clock()):
                return False
            if self._filled.is_set():
                return not self._woken
        return False


def _taken(queue: "deque[Work]", most: int) -> list[Work]:
    """The first shares of a queue, with so many records at most; one at least, where there is one."""
    shares: list[Work] = []
    records = 0
    while queue and (not shares or records + queue[0].records <= most):
        shares.append(queue.popleft())
        records += shares[-1].records
    return shares
