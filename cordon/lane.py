"""One lane at work: what comes in is merged, judged, committed and answered, one commit after another."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Protocol, TypeVar

import numpy as np
import structlog

from alerts.judge import doubtful, judge, rejudge
from alerts.late import windows
from alerts.outage import Overdue
from alerts.silence import Look, Silence
from alerts.standing import missed_windows
from alerts.world import World
from cordon.work import Work, merged, narrowed
from cordon.worlds import Standing, Worlds
from duties.outages import row
from model.alert import Judged
from model.arrays import I64
from model.batch import Batch, Position
from model.errors import BusyError, CordonError, FencedError
from model.event import EVENT
from model.fix import FIX
from model.history import History
from model.instant import MINUTE_US
from model.state import State
from store import counts, outages
from store.commit import commit
from store.lanes import Claim, claim, held, recover
from store.pool import Store

RETRY_AFTER_S: Final = 2.0  # what a gateway is told when a commit failed
COUNT_S: Final = 5.0  # between two counts of who is silent: a few milliseconds for 100,000 tags
PAUSE_S: Final = 0.5  # between losing a commit and claiming the lane again
# A lane's time moves at least every few seconds (clock commits, an edge's heartbeats): over a longer jump nobody listened.
DEAF_US: Final = MINUTE_US
# Records in a row that the judge fails on before that is taken for our own fault, not theirs: they are then kept, not buried.
POISON_MOST: Final = 20
STUCK_S: Final = 60.0  # between two lines that say that last fixes cannot be judged again; it is tried twice a second
STUCK: Final = (
    "last fixes cannot be judged again by what is in force, and the lane stands still until they can: run the release before, "
    "or, if this began with a change of zones, orders or activations, take it back; and report this"
)

log = structlog.get_logger()

T = TypeVar("T")


class Intake(Protocol):
    """Where a lane takes its work from: this machine's doors (cordon/inbox.py), or its two topics (cordon/tail.py)."""

    @property
    def live(self) -> bool:
        """Whether lane time is people's, so that nobody listened while it jumped; a trace's rows may be hours apart."""

    def begin(self, position: Position, watermark_us: int) -> None:
        """Give what follows a position that was come to at that lane time, and forget what was taken out or waits."""

    def wake(self) -> None:
        """Have ``next`` return soon."""

    def now_us(self, state: State) -> int:
        """Lane time with nothing in hand."""

    def listening_us(self) -> int:
        """Since when whoever speaks is heard, as far as is known apart from lane time; 0 where nothing says otherwise."""

    def until_us(self, received_us: int) -> int:
        """Up to when instants have come, with a batch of that time in hand."""

    async def next(self, state: State) -> list[Work]:
        """As many shares as one commit takes; none to look at the clock and the world alone."""


class _UnjudgedError(Exception):
    """The judge failed: on these records, it seems, as nothing else was asked of it."""


class _StuckError(Exception):
    """Judging last fixes again failed: no record that came is to blame, so there is none to bury."""


class Lane:
    """The one owner of a lane in this process. ``thread`` is the process's single judging thread."""

    def __init__(
        self,
        partition: int,
        store: Store,
        worlds: Worlds,
        thread: ThreadPoolExecutor,
        intake: Intake,
        *,
        owner: str,
        generation: int = 0,
    ) -> None:
        self.partition = partition
        self._store, self._worlds, self._thread, self._owner = store, worlds, thread, owner
        self._intake, self._generation = intake, generation
        self._retry: deque[list[Work]] = deque()  # parts of a batch that the judge failed on, before all else
        self._poisoned = 0  # records buried since something was judged
        self._state: State | None = None
        self._claim: Claim | None = None
        self._silence: Silence | None = None
        self._spells: list[Overdue] = []  # on a trace's clock: who was overdue and has been heard again, not asked for yet
        self._counted = -COUNT_S
        self._stuck_said = -STUCK_S
        self._stopping = asyncio.Event()

    @property
    def position(self) -> Position | None:
        """What is consumed and committed; None while the lane is not ours."""
        return None if self._claim is None else self._claim.position

    async def start(self, *, again: bool = False) -> None:
        """Claim the lane and rebuild its state; ``again`` where nobody else may have claimed it since we did."""
        began = time.monotonic()
        self._claim = await claim(self._store, self.partition, self._owner, self._generation, again=again)
        self._state = await recover(self._store, self._claim)
        log.info(
            "lane claimed",
            lane=self.partition,
            epoch=self._claim.epoch,
            tags=self._state.count,
            journal_entries=self._claim.entries,
            seconds=round(time.monotonic() - began, 3),
        )

    @property
    def stopping(self) -> bool:
        """Whether ``stop`` was called, and ``renew`` not since."""
        return self._stopping.is_set()

    def renew(self) -> None:
        """Be ready to run after ``stop``."""
        self._stopping.clear()

    async def wait(self, pause_s: float) -> None:
        """Return after so many seconds, or when stopped."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()

    async def resume(self, *, again: bool = False) -> None:
        """Go on with the state in memory where nobody has had the lane since; claim it, as ``start`` does, where somebody has."""
        if self._claim is None or self._state is None or not await held(self._store, self._claim):
            await self.start(again=again)
        assert self._claim is not None
        assert self._state is not None
        self._retry.clear()
        self._intake.begin(self._claim.position, self._state.watermark_us)

    def stop(self) -> None:
        """Have ``run`` return after the commit in hand. The claim and the state stay."""
        self._stopping.set()
        self._intake.wake()

    async def run(self) -> None:
        """Commit after commit, until stopped or cancelled.

        Raises
        ------
        FencedError
            If another process has claimed the lane: this one must not judge it any more.
        """
        shares: list[Work] = []  # at first a look at the clock alone, so that everyone sees the lane judging
        again = False  # whether they were part of a batch that failed
        while not self._stopping.is_set():
            try:
                await self._commit(shares)
                shares = []
                if self._stopping.is_set():
                    return
                assert self._state is not None
                again = bool(self._retry)
                shares = self._retry.popleft() if self._retry else await self._intake.next(self._state)
            except FencedError:
                self._fail(shares)
                self.drop()
                raise
            except Exception as error:
                _if_told_to_end(error)
                # Failed or ambiguous: what is in memory may be ahead of what is stored. Drop it and claim again.
                if isinstance(error, _StuckError):
                    self._say_stuck(error)
                else:
                    # What is tried again in parts has had its trace.
                    say = log.warning if again else log.exception
                    say("commit failed; the lane is claimed again", lane=self.partition, error=type(error).__name__)
                await self._restart(self._smaller(shares, error))
                again = bool(self._retry)
                shares = self._retry.popleft() if self._retry else []

    def _say_stuck(self, error: _StuckError) -> None:
        """Say it now and then; all the while the watch says that the lane commits nothing (duties/watch.py)."""
        if time.monotonic() - self._stuck_said >= STUCK_S:
            self._stuck_said = time.monotonic()
            log.error(STUCK, lane=self.partition, error=type(error.__cause__).__name__, exc_info=error)

    def drop(self) -> None:
        """Forget the claim and the state: what is in memory is nobody's any more."""
        self._state = self._claim = self._silence = None
        for shares in self._retry:
            self._fail(shares)
        self._retry.clear()

    def _smaller(self, shares: list[Work], error: Exception) -> list[list[Work]]:
        """What to try of a failed batch when the lane is claimed again: nothing, unless the judge failed, maybe on a record."""
        poison = isinstance(error, _UnjudgedError) and any(share.rows for share in shares) and self._poisoned < POISON_MOST
        if not poison:
            self._fail(shares)
            return []
        why = type(error.__cause__).__name__
        smaller = narrowed(shares, f"the judge failed on it ({why}); report this")
        if len(smaller) == 1:
            self._poisoned += 1
            log.error("a record that cannot be judged becomes a dead letter", lane=self.partition, error=why)
        return smaller

    async def _restart(self, smaller: list[list[Work]]) -> None:
        """Claim the lane again, and go on with the parts of what failed, or, where there are none, with what is not committed.

        All parts or none: one that is committed says that all before it is, so none may follow one that was given up.
        """
        assert self._claim is not None
        position, again = self._claim.position, [*smaller, *self._retry] if smaller else []
        if smaller:
            self._retry.clear()
        self.drop()
        while not self._stopping.is_set():
            if not smaller:
                await self.wait(PAUSE_S)
            try:
                await self.start(again=True)
            except FencedError:
                for shares in again:
                    self._fail(shares)
                raise
            except Exception as error:
                _if_told_to_end(error)
                smaller = []
                # Our own sentences say what to do and hold no one's data; others' may.
                reason = str(error) if isinstance(error, CordonError) else type(error).__name__
                log.warning("lane cannot be claimed yet", lane=self.partition, error=reason)
            else:
                break
        if again and self.position == position:
            self._retry.extend(again)
        elif self.position is not None and self._state is not None:
            self._intake.begin(self.position, self._state.watermark_us)

    async def _commit(self, shares: list[Work]) -> None:
        assert self._state is not None
        assert self._claim is not None
        state, ours = self._state, self._claim
        standing = await self._worlds.current()
        world = standing.world
        batch = merged(shares, self._intake.now_us(state), ours.position)
        if self._intake.live:
            listen(state, min((share.received_us for share in shares if share.received_us), default=batch.received_us))
            state.listening_us = max(state.listening_us, self._intake.listening_us())
        await self._rejudge(standing, state, ours, self._intake.until_us(batch.received_us))
        now_us = max(state.watermark_us, batch.received_us)

        async def judged(admitted: Batch, history: History) -> Judged:
            return await _asked(self._in_thread(judge, world, state, admitted, now_us, history))

        began = time.monotonic()
        outcome = await commit(
            self._store,
            ours,
            batch,
            state,
            doubtful=doubtful(state, batch.fixes),
            windows=lambda fixes, doubted, events: windows(world.rules, world.terms, state, fixes, doubted, events),
            judge=judged,
            now_us=now_us,
            control_seq=world.control_seq,
        )
        if any(share.records for share in shares):
            log.info(
                "committed",
                lane=self.partition,
                commit=outcome.commit_no,
                fixes=len(batch.fixes),
                events=len(batch.events),
                changes=outcome.changes,
                seconds=round(time.monotonic() - began, 3),
            )
        if len(batch.fixes) or len(batch.events):
            self._poisoned = 0
        if not self._intake.live:
            await self._hear(standing, state, batch)
        for share, receipt in zip([share for share in shares if share.part is not None], outcome.receipts, strict=False):
            if share.done is not None and not share.done.done():
                share.done.set_result(receipt)
        await self._count(standing, state, ours)

    async def silent(self) -> Look:
        """Who is overdue on a trace's clock, those too who were since this was asked last and have been heard again."""
        assert self._state is not None
        assert self._silence is not None
        standing = await self._worlds.current()
        act = partial(self._silence.look, self._state, standing.world.terms, standing.hardware)
        found = await asyncio.get_running_loop().run_in_executor(self._thread, act)
        spells, self._spells = self._spells, []
        return found._replace(overdue=[*found.overdue, *spells])

    async def _hear(self, standing: Standing, state: State, batch: Batch) -> None:
        """Learn from each message of a trace's commit, which may span hours."""
        if self._silence is None:
            self._silence = Silence(0)
        columns = [np.concatenate([batch.fixes[name], batch.events[name]]) for name in ("tag", "received_us", "gateway")]
        act = partial(self._silence.hear, state, standing.world.terms, standing.hardware, *columns)
        self._spells += await asyncio.get_running_loop().run_in_executor(self._thread, act)

    async def _count(self, standing: Standing, state: State, held: Claim) -> None:
        """Tell the watch lane, now and then, how many are silent; not within a commit, and no lane ends for it."""
        if not self._intake.live:
            return
        if time.monotonic() - self._counted < COUNT_S:
            return
        self._counted = time.monotonic()
        if self._silence is None:
            self._silence = Silence(state.watermark_us)
        try:
            act = partial(self._silence.look, state, standing.world.terms, standing.hardware)
            found = await asyncio.get_running_loop().run_in_executor(self._thread, act)
            await counts.write(self._store, held, state.watermark_us, found.counts)
            await outages.write(self._store, held, found.worn, [row(one) for one in found.overdue], found.unknown)
        except Exception as error:
            _if_told_to_end(error)
            log.warning("the silent could not be counted", lane=self.partition, error=type(error).__name__)

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

        async def judged(_: Batch, history: History) -> Judged:
            try:
                return await self._in_thread(rejudge, world, state, tags, at_us, history)
            except Exception as error:
                raise _StuckError from error

        await commit(
            self._store,
            held,
            Batch(np.zeros(0, FIX), np.zeros(0, EVENT), "", at_us),
            state,
            doubtful=np.zeros(0, np.bool_),
            windows=lambda _, __, ___: missed_windows(world.terms, tags.tolist(), at_us),
            judge=judged,
            now_us=at_us,
            control_seq=world.control_seq,
        )

    def _fail(self, shares: Sequence[Work]) -> None:
        for share in shares:
            if share.done is not None and not share.done.done():
                share.done.set_exception(BusyError(RETRY_AFTER_S))

    async def _in_thread(self, act: Callable[..., Judged], *args: object) -> Judged:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act, *args)


def listen(state: State, at_us: int) -> None:
    """Note from when on the lane listens, where its time jumps to ``at_us``: who was silent meanwhile may have spoken unheard."""
    if state.watermark_us and at_us - state.watermark_us > DEAF_US:
        log.warning("nobody listened for a while; silence counts from now", since_us=state.watermark_us, until_us=at_us)
        state.listening_us = at_us


async def _asked(judging: Awaitable[T]) -> T:
    """The judge's answer; that it failed is told apart from everything else that can fail in a commit."""
    try:
        return await judging
    except Exception as error:
        raise _UnjudgedError from error


def _if_told_to_end(error: Exception) -> None:
    """Go on ending: a connection that breaks while a cancelled commit is undone must not pass for a failed commit."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error
