"""Turns what a lane's two topics hold into its work: live first, backlog in slices between, cut where an instant falls."""

import asyncio
import contextlib
import time
from collections import deque
from typing import Final, NamedTuple

import numpy as np
import structlog

from cordon.lane import DEAF_US
from cordon.work import Work
from cordon.worlds import Worlds
from ingest.frame import PROTOCOL, decode
from ingest.kafka import Group, Record
from model.batch import DeadLetter, Part, Position, Rejected
from model.event import empty_events
from model.fix import empty_fixes
from model.instant import SECOND_US
from model.state import State
from store import gateways
from store.pool import Store

IDLE_S: Final = 5.0  # a lane with nothing but heartbeats commits its time this often, so that everyone sees it judging
LOOK_S: Final = 0.25  # and looks this often whether a control change is to be judged by
SLICE_RECORDS: Final = 2000  # of backlog in one commit: what a live record may have to wait for, some 100 ms
QUEUE_BYTES: Final = 32 * 1024 * 1024  # fetched and waiting, of each topic; beyond, the partition is paused
RECORD_BYTES: Final = 300  # what a record takes besides its value
AHEAD_US: Final = 5 * SECOND_US  # an edge's clock so far ahead of the broker's is said
SAY_S: Final = 60.0  # once in so long
DECODE_HERE_BYTES: Final = 256 * 1024  # a longer frame is decoded in a thread: the loop has other lanes to serve

log = structlog.get_logger()


class Waiting(NamedTuple):
    """A record, and what it says once it was looked at."""

    record: Record
    work: Work | None = None


class Queue:
    """What was fetched of one topic and not taken out yet."""

    def __init__(self) -> None:
        self.records: deque[Waiting] = deque()
        self.bytes = 0
        self.said = 0  # records that say more than the time
        self.next: int | None = None  # offset that is to come next; None: nothing is
        self.paused = False

    def begin(self, offset: int | None) -> None:
        """Forget everything; the next record is that of ``offset``."""
        self.records.clear()
        self.bytes = self.said = 0
        self.next, self.paused = offset, False

    def put(self, record: Record) -> None:
        """Add the record that was to come next."""
        self.records.append(Waiting(record))
        self.bytes += len(record.value) + RECORD_BYTES
        self.said += _says(record)
        self.next = record.offset + 1

    def pop(self) -> None:
        """Take the first one out."""
        record = self.records.popleft().record
        self.bytes -= len(record.value) + RECORD_BYTES
        self.said -= _says(record)


def _says(record: Record) -> bool:
    return bool(record.value or record.lost)


class Tail:
    """The Kafka engine's ``cordon.lane.Intake``: one lane's live and backlog partitions."""

    def __init__(self, lane: int, store: Store, worlds: Worlds, group: Group, *, commit_records: int) -> None:
        self._lane, self._store, self._worlds = lane, store, worlds
        self._commit_records = commit_records
        self._group = group
        self._live, self._backlog = Queue(), Queue()
        self._filled = asyncio.Event()
        self._woken = False
        self._quiet_until = 0.0  # heartbeats alone are not committed before, seconds of the monotonic clock
        self._said_at = -SAY_S  # when an edge's clock was last said to be ahead
        self._turn = True  # whether the backlog may have a slice before the next live records

    def join(self, group: Group) -> None:
        """Be fed by another membership of the group; nothing comes before ``begin``."""
        self.close()
        self._group = group

    def close(self) -> None:
        """Take nothing more: the lane may be somebody else's."""
        self._live.begin(None)
        self._backlog.begin(None)

    def begin(self, position: Position, watermark_us: int) -> None:
        """Have what follows a position fetched; forget everything else."""
        self._live.begin(position.live)
        self._backlog.begin(position.backlog)
        self._woken = False
        self._group.begin(self._lane, position, watermark_us)

    def put(self, backlog: bool, records: list[Record]) -> None:
        """Queue what was fetched."""
        queue = self._backlog if backlog else self._live
        for record in records:
            if queue.next is None or (record.offset < queue.next and not record.lost):
                continue
            if record.offset > queue.next and not record.lost:
                # Offsets of these topics have no holes: what lies between was handed to an earlier owner of this memory.
                log.warning("records are fetched again", lane=self._lane, next=queue.next, came=record.offset)
                self._group.begin(self._lane, Position(self._live.next or 0, self._backlog.next or 0))
                break
            queue.put(record)
        if queue.bytes > QUEUE_BYTES and not queue.paused:
            queue.paused = True
            self._group.pause(self._lane, backlog)
        self._filled.set()

    def wake(self) -> None:
        """Have ``next`` return."""
        self._woken = True
        self._filled.set()

    @property
    def live(self) -> bool:
        """Lane time is the broker's."""
        return True

    def now_us(self, state: State) -> int:
        """Lane time with nothing in hand: what it was. Only records move it."""
        return state.watermark_us

    def listening_us(self) -> int:
        """Since when whoever speaks is heard: the edges' records themselves tell, no process of ours does."""
        return 0

    def until_us(self, received_us: int) -> int:
        """Up to when instants have come, with a batch of that time in hand."""
        return received_us

    async def next(self, state: State) -> list[Work]:
        """Live records as many as one commit takes; else a slice of backlog; nothing where the world changed.

        The backlog has its turn when live is consumed to its end as far as is known: after each commit that took all there was,
        so that a live record never waits for more than one slice, and a backlog never for ever.
        """
        while not self._woken:
            self._filled.clear()
            if self._turn and self._backlog.said and state.watermark_us and self._caught_up():
                self._turn = False
                return [*await self._take(state, backlog=False), *await self._take(state, backlog=True)]
            if self._live.said or self._due(state):
                self._quiet_until = time.monotonic() + IDLE_S
                shares = await self._take(state, backlog=False)
                self._turn = not self._live.said
                return shares
            self._turn = True
            if self._worlds.due(state, state.watermark_us):
                return []
            if not self._filled.is_set() and not (self._backlog.said and self._caught_up() and state.watermark_us):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._filled.wait()
        return []

    def _due(self, state: State) -> bool:
        """Whether heartbeats alone are worth a commit: their time has come, or something else's has."""
        if not self._live.records:
            return False
        newest_us = self._live.records[-1].record.at_us
        return not state.watermark_us or time.monotonic() > self._quiet_until or self._worlds.due(state, newest_us)

    def _caught_up(self) -> bool:
        """Whether live is fetched to its end, and nothing of it but heartbeats waits."""
        end = self._group.end(self._lane, False)
        return not self._live.said and end is not None and self._live.next is not None and self._live.next >= end

    async def _take(self, state: State, *, backlog: bool) -> list[Work]:
        """As much as one commit takes, taken out."""
        queue, most = (self._backlog, SLICE_RECORDS) if backlog else (self._live, self._commit_records)
        instants = (await self._worlds.current()).instants
        shares: list[Work] = []
        records, until_us, before_us = 0, 0, 0
        while queue.records:
            record = queue.records[0].record
            if not shares:
                # What is due before a record is judged before it: a batch ends where an instant falls between two of its records.
                last_us = max(record.at_us, queue.records[-1].record.at_us)
                until_us = next(iter(instants.between(max(record.at_us, state.watermark_us), last_us)), 0)
            elif not backlog and ((until_us and record.at_us >= until_us) or record.at_us - before_us > DEAF_US):
                break  # over a longer gap nobody listened, which the lane sees by the first record of a batch (lane.listen)
            work = queue.records[0].work or await self._work(record, backlog)
            if not queue.records or queue.records[0].record is not record:  # begun anew meanwhile
                return []
            if shares and records + work.records > most:
                queue.records[0] = Waiting(record, work)
                break
            queue.pop()
            shares.append(work)
            records, before_us = records + work.records, max(before_us, record.at_us)
        if queue.paused and queue.bytes < QUEUE_BYTES // 2:
            queue.paused = False
            self._group.resume(self._lane, backlog)
        return shares

    async def _work(self, record: Record, backlog: bool) -> Work:
        """What a record says. One that is not a frame of ours is a dead letter, with its bytes and its place."""
        nothing = Work(empty_fixes(), empty_events(), (), "", record.at_us, live=record.offset + 1)
        if backlog:  # which does not move the clock: what is old would say that time had stood still
            nothing = nothing._replace(received_us=0, live=None, backlog=record.offset + 1)
        if not _says(record):
            return nothing
        if record.lost:
            return nothing._replace(dead=(DeadLetter(record.lost, b"", PROTOCOL),))
        here = len(record.value) <= DECODE_HERE_BYTES
        frame = decode(record.value) if here else await asyncio.to_thread(decode, record.value)
        if isinstance(frame, Rejected) or not frame.receipt:
            reason = frame.reason if isinstance(frame, Rejected) else "no edge of ours made it: it has no receipt"
            where = f"lane {self._lane}, {'backlog' if backlog else 'live'} record {record.offset}"
            log.error("a record is no frame; it becomes a dead letter", lane=self._lane, backlog=backlog, offset=record.offset)
            return nothing._replace(dead=(DeadLetter(f"{where}: {reason}", record.value, PROTOCOL),))
        number = await gateways.number(self._store, frame.gateway)
        frame.fixes["gateway"] = number
        frame.events["gateway"] = number
        # A door had it before the broker did. By the clock of an edge that is ahead a tag would have been heard in times to come,
        # and could not be silent until then.
        for rows in (frame.fixes, frame.events):
            np.minimum(rows["received_us"], record.at_us, out=rows["received_us"])
        self._say_ahead(frame.received_us - record.at_us)
        return nothing._replace(
            fixes=frame.fixes,
            events=frame.events,
            dead=tuple(letter._replace(gateway=letter.gateway or frame.gateway) for letter in frame.dead),
            gateway=frame.gateway,
            part=Part(frame.receipt, len(frame.fixes), len(frame.events), of=frame.parts),
        )

    def _say_ahead(self, ahead_us: int) -> None:
        if ahead_us > AHEAD_US and time.monotonic() - self._said_at > SAY_S:
            self._said_at = time.monotonic()
            log.warning("an edge's clock is ahead of the broker's: set them", lane=self._lane, seconds=ahead_us // SECOND_US)
