"""The Kafka engine's worker: a member of the workers' group that judges the lanes it is given, as long as it has them."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from alerts.rules import Rules
from cordon import child, doom, logs
from cordon.keeping import Keeping
from cordon.lane import Lane
from cordon.scrape import expose
from cordon.settings import Settings, read
from cordon.tail import Tail
from cordon.worlds import Worlds
from geofence.warm import warm
from ingest import kafka
from ingest.kafka import Group, Topics
from model.errors import CordonError, FencedError
from store import generations
from store.lanes import Look, look
from store.pool import FAILURES, Store

REVOKE_S: Final = 10.0  # a commit in hand ends well within this; one that does not is cut off, and void
FENCED_S: Final = 1.0  # between two looks whether a lane that was lost to another worker, or failed, may be claimed again
STILL_S: Final = 20.0  # an owner that commits nothing for so long has gone; an idle one commits its clock every 5 s
CLAIMS: Final = 4  # at once: each holds a connection while it waits, and one more has to be left to cut off whom it waits for
NOTE_S: Final = 5.0  # how often lag tools are told
LOOK_S: Final = 1.0  # how often it is looked whether the lanes have moved to other topics
WAIT_S: Final = 0.2  # for records, at once
RETRY_S: Final = 0.5

log = structlog.get_logger()


class Other:
    """Another worker that has a lane of ours, as long as it does something with it."""

    def __init__(self, still_s: float) -> None:
        self._still_s = still_s
        self._seen: Look | None = None
        self._since = 0.0

    def stands(self, seen: Look, now: float) -> bool:
        """Whether it has done nothing for so long; ``now`` in seconds of the monotonic clock."""
        if seen != self._seen:
            self._seen, self._since = seen, now
        return now - self._since > self._still_s


class Lanes:
    """The lanes that one member of the group has, each judged by a task of its own.

    On a rebalance every lane stops after its commit in hand and keeps its state: where it comes back to us and nobody had it
    meanwhile, it goes on at once. Where somebody had, and always after a failure, it is claimed again, which fences the other.

    The group's word is good for one claim. Who loses a lane after it may have been given up by the group without hearing of it
    (frozen, or cut off from the broker alone): it leaves the lane to whoever has it, until the group says otherwise or the other
    has done nothing for ``STILL_S``.
    """

    def __init__(
        self,
        store: Store,
        worlds: Worlds,
        thread: ThreadPoolExecutor,
        topics: Topics,
        settings: Settings,
        assigned: asyncio.Event,
    ) -> None:
        self._store, self._worlds, self._thread = store, worlds, thread
        self._settings = settings
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        self.topics = topics
        self._told = assigned  # set once the group has said which lanes are ours
        self._lanes: dict[int, Lane] = {}
        self._tails: dict[int, Tail] = {}
        self._owning: set[asyncio.Task[None]] = set()
        self._group: Group | None = None
        self._claiming = asyncio.Semaphore(CLAIMS)

    @contextlib.asynccontextmanager
    async def member(self) -> AsyncIterator[Group]:
        """Be a member of the group meanwhile; leaves it in order, after the commits in hand."""
        address, session_ms = self._settings.kafka, self._settings.kafka_session_ms
        group = Group(address, self.topics, session_ms=session_ms, revoked=self.revoked, assigned=self._assigned)
        self._group = group
        async with group:
            try:
                yield group
            finally:
                self._group = None  # what is assigned from here on is not ours any more
                await self.revoked()

    async def revoked(self) -> None:
        """Stop judging: when this returns nothing of ours is committed any more."""
        for lane in self._lanes.values():
            lane.stop()
        if self._owning:
            _, late = await asyncio.wait(self._owning, timeout=REVOKE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for tail in self._tails.values():
            tail.close()

    def _assigned(self, lanes: frozenset[int]) -> None:
        if self._group is None:
            return
        for gone in set(self._lanes) - lanes:  # its state is of no use: whoever has it now changes it
            del self._lanes[gone], self._tails[gone]
        for number in sorted(lanes):
            if number not in self._lanes:
                tail = Tail(number, self._store, self._worlds, self._group, commit_records=self._settings.commit_records)
                self._tails[number] = tail
                self._lanes[number] = Lane(
                    number,
                    self._store,
                    self._worlds,
                    self._thread,
                    tail,
                    owner=self._owner,
                    generation=self.topics.generation,
                )
            self._tails[number].join(self._group)
            self._lanes[number].renew()  # here, not in the task: it may be told to stop before it begins
            task = asyncio.create_task(self._own(self._lanes[number]), name=f"lane {number}")
            self._owning.add(task)
            task.add_done_callback(self._owning.discard)
        log.info("lanes assigned", lanes=sorted(lanes))
        self._told.set()

    async def _own(self, lane: Lane) -> None:
        """Judge a lane until it is revoked."""
        had = False  # since the group gave it to us
        other = Other(max(STILL_S, self._settings.kafka_session_ms / 1000))
        while not lane.stopping:
            try:
                again = had
                if had:
                    now = time.monotonic()  # before the look: who is frozen after it has not seen anybody stand still
                    seen = await look(self._store, lane.partition)
                    if seen.owner != self._owner:
                        if not other.stands(seen, now):
                            await lane.wait(FENCED_S)
                            continue
                        log.warning("another worker does nothing with our lane; it is claimed again", lane=lane.partition)
                        again = False
                async with self._claiming:
                    await lane.resume(again=again)
                had = True
                await lane.run()
            except FencedError as error:
                had = True
                log.warning("the lane was claimed by another worker", lane=lane.partition, detail=str(error))
                await lane.wait(FENCED_S)
            except Exception as error:
                # Ours or not, it is of this lane alone; a worker that ended would take the others along.
                lane.drop()
                log.exception("the lane failed; it is begun again", lane=lane.partition, error=type(error).__name__)
                await lane.wait(FENCED_S)

    async def feed(self, group: Group) -> None:
        """Hand out what comes, until cancelled.

        Raises
        ------
        CordonError
            If the group is lost.
        """
        while True:
            for (number, backlog), records in (await group.records(WAIT_S)).items():
                tail = self._tails.get(number)
                if tail is not None:
                    tail.put(backlog, records)

    async def note(self, group: Group) -> None:
        """Tell lag tools how far lanes are, until cancelled."""
        while True:
            await asyncio.sleep(NOTE_S)
            positions = {number: lane.position for number, lane in self._lanes.items()}
            await group.note({number: position for number, position in positions.items() if position is not None})


async def run_worker(dsn: str, address: str) -> None:
    """The command's process: a worker over a database and a broker, until told to stop.

    Raises
    ------
    CordonError
        If no database or no broker is named, or one of them cannot be reached.
    """
    settings = read()
    settings = settings.model_copy(update={"dsn": dsn or settings.dsn, "kafka": address or settings.kafka})
    if not settings.dsn or not settings.kafka:
        raise CordonError(
            "which database, and which broker? Give --dsn and --kafka, or set CORDON_DSN and CORDON_KAFKA; "
            "on one machine `cordon up` runs a worker without any broker"
        )
    logs.configure(settings.log_level, settings.log_file, "worker")
    expose(settings.metrics_port)
    await consume(settings)


async def consume(settings: Settings) -> None:
    """Judge whatever lanes the group gives us, until told to stop."""
    warming = asyncio.ensure_future(asyncio.to_thread(warm))  # before joining: seconds of silence would be an eviction
    async with child.database(settings.dsn, settings.lanes + 4) as store:
        store.snapshot_entries = settings.snapshot_entries
        doom.bind(store, settings)
        worlds = Worlds(store, Rules(), lambda: time.time_ns() // 1000, Keeping(settings.data_dir))
        await worlds.load()
        await warming
        with ThreadPoolExecutor(1, "judge") as thread:
            async with asyncio.TaskGroup() as tasks:
                stop = tasks.create_task(child.until_told(settings.parent_pipe))
                working = [tasks.create_task(job) for job in (worlds.follow(), _judge(store, worlds, thread, settings))]
                await asyncio.wait([stop, *working], return_when=asyncio.FIRST_COMPLETED)
                for task in (stop, *working):
                    task.cancel()


async def _judge(store: Store, worlds: Worlds, thread: ThreadPoolExecutor, settings: Settings) -> None:
    """One generation of topics after the other, until cancelled.

    What fails before any lane was ours ends the worker, and says what to do. From then on broker and database may be away for as
    long as it takes: it is tried again, since nobody may be there to start an ended worker.
    """
    assigned = asyncio.Event()
    ready = asyncio.create_task(_say_ready(assigned))
    try:
        await generations.first(store, settings.lanes)
        while True:
            try:
                await _generation(store, worlds, thread, settings, assigned)
            except (CordonError, *FAILURES) as error:
                if not assigned.is_set():
                    raise
                # Our own sentences say what to do and hold no one's data; others' may.
                reason = str(error) if isinstance(error, CordonError) else type(error).__name__
                log.warning("lanes cannot be had; it is tried again", reason=reason)
                await asyncio.sleep(RETRY_S)
    finally:
        ready.cancel()


async def _generation(
    store: Store, worlds: Worlds, thread: ThreadPoolExecutor, settings: Settings, assigned: asyncio.Event
) -> None:
    """Judge by the topics that are consumed now, until lanes have moved to others."""
    generation = await generations.consumed(store)
    assert generation is not None
    topics = Topics(settings.kafka_prefix, generation.number, generation.lanes)
    await kafka.ensure(settings.kafka, topics, settings.kafka_replication)
    log.info("consuming", generation=topics.generation, lanes=topics.lanes)
    await _until_moved(Lanes(store, worlds, thread, topics, settings, assigned), store)


async def _until_moved(lanes: Lanes, store: Store) -> None:
    """Be a member of the group until lanes have moved to another generation; joins again where the group was lost."""
    moved = asyncio.create_task(_moved(store, lanes.topics.generation))
    try:
        while not moved.done():
            async with lanes.member() as group:
                doing = [asyncio.create_task(job) for job in (lanes.feed(group), lanes.note(group))]
                try:
                    await asyncio.wait([moved, *doing], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in doing:
                        task.cancel()
                    ended = await asyncio.gather(*doing, return_exceptions=True)
            for failed in ended:
                if isinstance(failed, CordonError):
                    log.warning("the group is joined again", reason=str(failed))
                elif isinstance(failed, Exception):
                    # A fault, of the client's or ours. A worker that ended by it would leave its lanes to nobody.
                    log.error("the group is joined again", error=type(failed).__name__, exc_info=failed)
                    await asyncio.sleep(RETRY_S)
    finally:
        moved.cancel()


async def _say_ready(assigned: asyncio.Event) -> None:
    await assigned.wait()
    child.say_ready()


async def _moved(store: Store, generation: int) -> None:
    """Return when lanes have moved to another generation."""
    while True:
        with contextlib.suppress(*FAILURES):
            found = await generations.consumed(store)
            if found is not None and found.number != generation:
                return
        await asyncio.sleep(LOOK_S)
