"""The worker process: batches from the doors' socket, split by lane, judged, committed, answered; or a consumer of Kafka's."""

import asyncio
import os
import socket
import sys
import time
import uuid
from collections import Counter
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import structlog

from alerts.rules import Rules
from cordon import child, doom, doors, logs
from cordon.hearing import Hearing
from cordon.inbox import Inbox
from cordon.keeping import Keeping
from cordon.lane import RETRY_AFTER_S, Lane
from cordon.pieces import Piece, added, cut
from cordon.scrape import expose
from cordon.settings import Settings, read
from cordon.slices import LEAST_RECORDS, Slices
from cordon.work import Work
from cordon.worlds import Worlds
from duties import outages
from geofence.warm import warm
from ingest.age import is_old
from ingest.link import listen
from model.arrays import I64, copied, taken
from model.batch import Batch, Part, Receipt
from model.errors import BusyError
from model.lane import of_lanes
from model.outage import Group
from store import gateways
from store.feed import edit
from store.pool import FAILURES, Store

log = structlog.get_logger()


class Worker:
    """All lanes of this machine, and what waits for them."""

    def __init__(
        self, store: Store, inboxes: list[Inbox], worlds: Worlds, settings: Settings, lanes: Sequence[Lane], slices: Slices
    ) -> None:
        self._inboxes, self._lanes, self._slices = inboxes, lanes, slices
        self._worlds = worlds
        self._store = store
        self._queue_records = settings.queue_records
        self._trace_clock = settings.trace_clock
        self._waiting = [0, 0]  # records in hand: news, backlog
        self._out = False  # whether an outage goes on, as far as a trace's clock has come
        self._naming = asyncio.Lock()

    async def accept(self, batch: Batch) -> Receipt:
        """Give each lane its share, and return when every one is committed.

        Raises
        ------
        BusyError
            If too much waits already, or a commit failed; the whole batch may then be sent again: what was stored is found.
        """
        records, old = len(batch.fixes) + len(batch.events), self._old(batch)
        waiting = self._waiting
        full = bool(sum(waiting)) and sum(waiting) + records > self._queue_records
        # What is old leaves half of it to what is news, which is never told to come back for the other's sake.
        most = min(self._queue_records // 2, self._slices.waiting_records)
        full |= old and bool(waiting[old]) and waiting[old] + records > most
        if full:
            raise BusyError(1.0)
        waiting[old] += records
        try:
            receipt = Receipt(uuid.uuid4().hex, 0, 0)
            for piece in await self._pieces(batch):
                own = await self._through(piece.batch, receipt.id)
                receipt = added(receipt, own, piece.fixes, piece.events)
        finally:
            waiting[old] -= records
        return receipt

    def _old(self, batch: Batch) -> bool:
        return not self._trace_clock and is_old(batch)

    async def _pieces(self, batch: Batch) -> list[Piece]:
        if not self._trace_clock:
            return cut(batch, ())
        instants = (await self._worlds.current()).instants
        first_us = min(
            (int(rows["received_us"].min()) for rows in (batch.fixes, batch.events) if len(rows)), default=batch.received_us
        )
        return cut(batch, instants.between(first_us, batch.received_us))

    async def _through(self, batch: Batch, receipt: str) -> Receipt:
        try:
            async with self._naming:  # in the order they came: a tag's fixes must not overtake each other
                named = [await gateways.number(self._store, name) for name in batch.gateways or (batch.gateway,)]
        except FAILURES as error:
            raise BusyError(RETRY_AFTER_S) from error
        fixes, events = copied(batch.fixes), copied(batch.events)
        for rows in (fixes, events):
            rows["gateway"] = np.array(named)[rows["gateway"]] if batch.gateways else named[0]
        lanes = len(self._inboxes)
        dead = tuple(letter._replace(gateway=batch.gateway) for letter in batch.dead)
        old = self._old(batch)
        shares = []
        for lane, (inbox, of_fixes, of_events) in enumerate(
            zip(self._inboxes, of_lanes(fixes["tag"], lanes), of_lanes(events["tag"], lanes), strict=True)
        ):
            letters = dead if lane == 0 else ()
            # On a trace's clock every lane hears every batch: time passes for all of them.
            if len(of_fixes) or len(of_events) or letters or self._trace_clock:
                for rows, others in _slices(of_fixes, of_events) if old else [(of_fixes, of_events)]:
                    done: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
                    part = Part(receipt, len(rows), len(others))
                    share = taken(fixes, rows), taken(events, others)
                    inbox.put(Work(*share, letters, batch.gateway, batch.received_us, part, done, old=old))
                    letters = ()
                    shares.append((rows, others, done))
        receipts = await asyncio.gather(*(done for *_, done in shares), return_exceptions=True)
        total = Receipt(receipt, 0, 0)
        for (of_fixes, of_events, _), own in zip(shares, receipts, strict=True):
            if isinstance(own, BaseException):
                raise own
            total = added(total, own, of_fixes, of_events)
        if self._trace_clock:
            await self._watch(batch.received_us)
        return total

    async def _watch(self, now_us: int) -> None:
        """On a trace's clock nobody else looks at all lanes: outages, each at its own instant."""
        looks = [await lane.silent() for lane in self._lanes]
        overdue = [one for look in looks for one in look.overdue]
        if not overdue and not self._out:
            return
        worn: Counter[Group] = Counter()
        for look in looks:
            worn.update({Group("gateway", str(count.gateway)): count.worn for count in look.counts})
            worn.update(look.worn)
        async with edit(self._store) as change:
            await outages.look(change, worn, overdue, now_us, most=None)
        async with edit(self._store) as change:
            await outages.release(change, now_us)
        self._out = bool(overdue)


def _slices(fixes: I64, events: I64) -> list[tuple[I64, I64]]:
    """A backlog share's rows in pieces that live records can stand beside; events, of which it has few, with the first."""
    pieces = [fixes[at : at + LEAST_RECORDS] for at in range(0, len(fixes), LEAST_RECORDS)] or [fixes]
    return [(rows, events if not number else events[:0]) for number, rows in enumerate(pieces)]


def wall_us() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1000


async def work(settings: Settings) -> None:
    """Own every lane until told to stop."""
    assert settings.worker_socket is not None
    clock = None if settings.trace_clock else wall_us
    owner = f"{socket.gethostname()}:{os.getpid()}"
    warming = asyncio.ensure_future(asyncio.to_thread(warm))  # while the world is read
    async with child.database(settings.dsn, settings.lanes + 4) as store:
        store.snapshot_entries = settings.snapshot_entries
        doom.bind(store, settings)
        worlds = Worlds(store, Rules(), clock or (lambda: settings.trace_from_us), Keeping(settings.data_dir))
        with ThreadPoolExecutor(1, "judge") as thread:
            hearing = Hearing(wall_us)
            slices = Slices()
            inboxes = [
                Inbox(worlds, commit_records=settings.commit_records, clock=clock, hearing=hearing, slices=slices)
                for _ in range(settings.lanes)
            ]
            lanes = [Lane(n, store, worlds, thread, inbox, owner=owner) for n, inbox in enumerate(inboxes)]
            async with asyncio.TaskGroup() as group:
                loading = group.create_task(worlds.load())
                for lane in lanes:  # while the server brings the control tables
                    await lane.start()
                await loading
                await warming
                follow = group.create_task(worlds.follow())
                running = [group.create_task(lane.run()) for lane in lanes]
                worker = Worker(store, inboxes, worlds, settings, lanes, slices)
                async with (
                    listen(settings.worker_socket, worker.accept, hearing.beat),
                    doors.tcp(settings, store, worker, doors.handed(settings.tcp_listen_fd)),
                ):
                    child.say_ready()
                    stop = group.create_task(child.until_told(settings.parent_pipe))
                    await asyncio.wait([stop, *running], return_when=asyncio.FIRST_COMPLETED)
                stop.cancel()
                for task in (*running, follow):
                    task.cancel()


def main() -> int:
    """Run as ``python -m cordon.worker``, settings in the environment."""
    settings = read()
    logs.configure(settings.log_level, settings.log_file, "worker")
    expose(settings.metrics_port)
    return child.run(_job(settings), "worker", watch_parent=settings.parent_pipe)


def _job(settings: Settings) -> Coroutine[Any, Any, None]:
    if not settings.kafka:
        return work(settings)
    from cordon.consumer import consume  # not what a worker without a log would have to wait for

    return consume(settings)


if __name__ == "__main__":
    sys.exit(main())
