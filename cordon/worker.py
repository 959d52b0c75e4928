"""The embedded worker process: batches from the doors' socket, split by lane, judged, committed, answered."""

import asyncio
import os
import socket
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import structlog

from alerts.rules import Rules
from cordon import child, logs
from cordon.lane import Lane, Work
from cordon.settings import Settings
from cordon.worlds import Worlds
from geofence.warm import warm
from ingest.link import listen
from model.batch import Batch, Receipt
from model.errors import BusyError, CordonError, FencedError
from model.lane import lane_of
from store.commit import CONFLICTING, DUPLICATE, Outcome
from store.gateways import Gateways
from store.pool import Store

log = structlog.get_logger()


class Worker:
    """All lanes of this machine, and what waits for them."""

    def __init__(self, store: Store, lanes: list[Lane], settings: Settings) -> None:
        self._lanes = lanes
        self._gateways = Gateways(store)
        self._queue_records = settings.queue_records
        self._trace_clock = settings.trace_clock
        self._waiting = 0

    async def accept(self, batch: Batch) -> Receipt:
        """Give each lane its share, and return when every one is committed.

        Raises
        ------
        BusyError
            If too much waits already, or a commit failed; the whole batch may then be sent again: what was stored is found.
        """
        records = len(batch.fixes) + len(batch.events)
        if self._waiting and self._waiting + records > self._queue_records:
            raise BusyError(1.0)
        self._waiting += records
        try:
            return await self._through(batch)
        finally:
            self._waiting -= records

    async def _through(self, batch: Batch) -> Receipt:
        gateway = await self._gateways.id(batch.gateway)
        fixes, events = batch.fixes.copy(), batch.events.copy()
        fixes["gateway"] = gateway
        events["gateway"] = gateway
        fix_lanes, event_lanes = lane_of(fixes["tag"], len(self._lanes)), lane_of(events["tag"], len(self._lanes))
        receipt = str(uuid.uuid4())
        dead = tuple(letter._replace(gateway=batch.gateway) for letter in batch.dead)
        shares = []
        for lane in self._lanes:
            of_fixes, of_events = np.flatnonzero(fix_lanes == lane.partition), np.flatnonzero(event_lanes == lane.partition)
            letters = dead if lane.partition == 0 else ()
            # On a trace's clock every lane hears every batch: time passes for all of them.
            if len(of_fixes) or len(of_events) or letters or self._trace_clock:
                done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
                lane.put(Work(fixes[of_fixes], events[of_events], letters, receipt, batch.received_us, done))
                shares.append((of_fixes, done))
        outcomes = await asyncio.gather(*(done for _, done in shares), return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failures:
            raise failures[0]
        stored = duplicate = 0
        conflicting: list[int] = []
        for (rows, _), outcome in zip(shares, outcomes, strict=True):
            assert isinstance(outcome, Outcome)
            told = np.concatenate([outcome.fixes, outcome.events])
            duplicate += int((told == DUPLICATE).sum())
            conflicts = rows[outcome.fixes == CONFLICTING].tolist()
            conflicting += conflicts
            stored += len(told) - int((told != 0).sum())
        return Receipt(receipt, stored, duplicate, tuple(sorted(conflicting)))


async def work(settings: Settings) -> None:
    """Own every lane until told to stop."""
    assert settings.worker_socket is not None
    warm()
    owner = f"{socket.gethostname()}:{os.getpid()}"
    clock = None if settings.trace_clock else (lambda: time.time_ns() // 1000)
    async with Store(settings.dsn, size=settings.lanes + 4) as store:
        worlds = Worlds(store, Rules())
        await worlds.load()
        with ThreadPoolExecutor(1, "judge") as thread:
            lanes = [
                Lane(n, store, worlds, thread, owner=owner, commit_records=settings.commit_records, clock=clock)
                for n in range(settings.lanes)
            ]
            async with asyncio.TaskGroup() as group:
                follow = group.create_task(worlds.follow())
                for lane in lanes:
                    await lane.start()
                running = [group.create_task(lane.run()) for lane in lanes]
                async with listen(settings.worker_socket, Worker(store, lanes, settings).accept):
                    child.say_ready()
                    stop = group.create_task(child.until_told(settings.parent_pipe))
                    await asyncio.wait([stop, *running], return_when=asyncio.FIRST_COMPLETED)
                stop.cancel()
                for task in (*running, follow):
                    task.cancel()


def main() -> int:
    """Run as ``python -m cordon.worker``, settings in the environment."""
    settings = Settings()
    logs.configure(settings.log_level, settings.log_file, "worker")
    try:
        import uvloop

        uvloop.run(work(settings))
    except* FencedError as group:
        log.warning("another owner has this instance's lanes; this worker ends", error=str(group.exceptions[0]))
        return 1
    except* (CordonError, OSError) as group:
        log.exception("worker ended", error=str(group.exceptions[0]))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
