"""One lane at work: what doors put in is merged, judged, committed and answered, one commit after another."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
import structlog

from alerts.judge import doubtful, judge, rejudge
from alerts.late import windows
from alerts.world import World
from cordon.worlds import Standing, Worlds
from model.alert import Judged
from model.arrays import I64, Array
from model.batch import Batch, DeadLetter, Part, Receipt
from model.errors import BusyError, CordonError, FencedError
from model.event import EVENT
from model.fix import FIX
from model.history import History
from model.state import State
from store.commit import commit
from store.lanes import Claim, claim, recover
from store.pool import Store

IDLE_S: Final = 5.0  # a lane with nothing to do commits its clock this often, so that everyone sees it judging
LOOK_S: Final = 0.25  # and looks this often whether a control change has come into force: it must not wait for the next fix
RETRY_AFTER_S: Final = 2.0  # what a gateway is told when a commit failed
PAUSE_S: Final = 0.5  # between losing a commit and claiming the lane again

log = structlog.get_logger()


class Work(NamedTuple):
    """A lane's share of one request, and who waits for its outcome."""

    fixes: Array  # (n,) FIX with the gateway's number set
    events: Array  # (m,) EVENT likewise
    dead: tuple[DeadLetter, ...]
    receipt: str
    received_us: int
    done: "asyncio.Future[Receipt]"  # of this share alone

    @property
    def records(self) -> int:
        return len(self.fixes) + len(self.events) + len(self.dead)


class Lane:
    """The one owner of a lane in this process. ``thread`` is the process's single judging thread."""

    def __init__(
        self,
        partition: int,
        store: Store,
        worlds: Worlds,
        thread: ThreadPoolExecutor,
        *,
        owner: str,
        commit_records: int,
        clock: Callable[[], int] | None,
    ) -> None:
        self.partition = partition
        self._store, self._worlds, self._thread, self._owner = store, worlds, thread, owner
        self._commit_records = commit_records
        self._clock = clock  # None: an instance on a trace's clock, which only batches move
        self._queue: deque[Work] = deque()
        self._filled = asyncio.Event()
        self._state: State | None = None
        self._claim: Claim | None = None

    def put(self, work: Work) -> None:
        """Queue one share."""
        self._queue.append(work)
        self._filled.set()

    async def start(self, *, again: bool = False) -> None:
        """Claim the lane and rebuild its state; ``again`` where nobody else may have claimed it since we did."""
        began = time.monotonic()
        self._claim = await claim(self._store, self.partition, self._owner, again=again)
        self._state = await recover(self._store, self._claim)
        log.info(
            "lane claimed",
            lane=self.partition,
            epoch=self._claim.epoch,
            tags=self._state.count,
            journal_entries=self._claim.entries,
            seconds=round(time.monotonic() - began, 3),
        )

    async def run(self) -> None:
        """Commit after commit, until cancelled.

        Raises
        ------
        FencedError
            If another process has claimed the lane: this one must not judge it any more.
        """
        shares: list[Work] = []  # at first a look at the clock alone, so that everyone sees the lane judging
        while True:
            try:
                await self._commit(shares)
            except FencedError:
                self._fail(shares)
                raise
            except Exception as error:
                _if_told_to_end(error)
                # Failed or ambiguous: what is in memory may be ahead of what is stored. Drop it and claim again.
                log.exception("commit failed; the lane is claimed again", lane=self.partition, error=type(error).__name__)
                self._fail(shares)
                await self._restart()
            shares = await self._next()

    async def _restart(self) -> None:
        self._state = self._claim = None
        while True:
            await asyncio.sleep(PAUSE_S)
            try:
                await self.start(again=True)
            except FencedError:
                raise
            except Exception as error:
                _if_told_to_end(error)
                # Our own sentences say what to do and hold no one's data; others' may.
                reason = str(error) if isinstance(error, CordonError) else type(error).__name__
                log.warning("lane cannot be claimed yet", lane=self.partition, error=reason)
            else:
                return

    async def _next(self) -> list[Work]:
        """As many shares as one commit takes; none when nothing came for a while and the clock is to be committed."""
        if not self._queue:
            await self._idle()
        shares: list[Work] = []
        records = 0
        while self._queue and (not shares or records + self._queue[0].records <= self._commit_records):
            shares.append(self._queue.popleft())
            records += shares[-1].records
        return shares

    async def _idle(self) -> None:
        """Return when something was put in, after ``IDLE_S``, or at an instant at which last fixes are judged again."""
        self._filled.clear()
        if self._clock is None:
            await self._filled.wait()
            return
        for _ in range(round(IDLE_S / LOOK_S)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._filled.wait()
            if self._queue or (self._state is not None and self._worlds.due(self._state, self._clock())):
                return

    async def _commit(self, shares: list[Work]) -> None:
        assert self._state is not None
        assert self._claim is not None
        state = self._state
        standing = await self._worlds.current()
        world = standing.world
        batch = merged(shares, self._clock() if self._clock else state.watermark_us)
        await self._rejudge(standing, state, self._claim, self._clock() if self._clock else batch.received_us)
        now_us = max(state.watermark_us, batch.received_us)

        async def judged(admitted: Batch, history: History) -> Judged:
            return await self._in_thread(judge, world, state, admitted, now_us, history)

        began = time.monotonic()
        outcome = await commit(
            self._store,
            self._claim,
            batch,
            state,
            doubtful=doubtful(state, batch.fixes),
            windows=lambda fixes: windows(world.rules, state, fixes),
            judge=judged,
            now_us=now_us,
            control_seq=world.control_seq,
        )
        if shares:
            log.info(
                "committed",
                lane=self.partition,
                commit=outcome.commit_no,
                fixes=len(batch.fixes),
                events=len(batch.events),
                changes=outcome.changes,
                seconds=round(time.monotonic() - began, 3),
            )
        for share, receipt in zip(shares, outcome.receipts, strict=True):
            if not share.done.done():
                share.done.set_result(receipt)

    async def _rejudge(self, standing: Standing, state: State, held: Claim, until_us: int) -> None:
        """Judge last fixes again where the answer may have changed though nobody moved.

        At every instant since the lane's time at which something came into force or ended; and, once a change of orders,
        activations or groups is read, now: it may reach back, as when a fitting is recorded after the visit.
        """
        for at_us in standing.instants.between(state.watermark_us, until_us):
            await self._commit_again(standing.world, state, held, standing.instants.tags(at_us, state), at_us)
        if state.control_seq != standing.world.control_seq:
            tags = self._worlds.concerned(state.control_seq, state)
            await self._commit_again(standing.world, state, held, tags, max(state.watermark_us, until_us))

    async def _commit_again(self, world: World, state: State, held: Claim, tags: I64, at_us: int) -> None:
        """Commit what judging the last fixes of some tags again, as of an instant, makes of them."""
        if not len(tags):
            return

        async def judged(_: Batch, __: History) -> Judged:
            return await self._in_thread(rejudge, world, state, tags, at_us)

        await commit(
            self._store,
            held,
            Batch(np.zeros(0, FIX), np.zeros(0, EVENT), "", at_us),
            state,
            doubtful=np.zeros(0, np.bool_),
            windows=lambda _: (),
            judge=judged,
            now_us=at_us,
            control_seq=world.control_seq,
        )

    def _fail(self, shares: list[Work]) -> None:
        for share in shares:
            if not share.done.done():
                share.done.set_exception(BusyError(RETRY_AFTER_S))

    async def _in_thread(self, act: Callable[..., Judged], *args: object) -> Judged:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act, *args)


def _if_told_to_end(error: Exception) -> None:
    """Go on ending: a connection that breaks while a cancelled commit is undone must not pass for a failed commit."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error


def merged(shares: list[Work], clock_us: int) -> Batch:
    """One batch of several shares, in the order they came; its time is that of the newest receipt, or the clock's with none."""
    return Batch(
        np.concatenate([share.fixes for share in shares]) if shares else np.zeros(0, FIX),
        np.concatenate([share.events for share in shares]) if shares else np.zeros(0, EVENT),
        "",
        max((share.received_us for share in shares), default=clock_us),
        tuple(letter for share in shares for letter in share.dead),
        parts=tuple(Part(share.receipt, len(share.fixes), len(share.events)) for share in shares),
    )
