"""While the process with the gateways' HTTP door is gone nobody is silent; once it is back, silence counts from then."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alerts.rules import Rules
from cordon import serve
from cordon.hearing import DEAF_S, Hearing
from cordon.inbox import Inbox
from cordon.lane import Lane
from cordon.settings import Settings
from cordon.worlds import Worlds
from geofence.warm import warm
from ingest.link import listen
from model.batch import Batch, Receipt
from model.instant import SECOND_US
from store.pool import Store

BEGAN_US = 1_780_000_000_000_000
WITHIN_S = 20.0


class Clock:
    """Two clocks that go together, where nobody sets the one on the wall."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def wall_us(self) -> int:
        return BEGAN_US + round(self.elapsed_s * SECOND_US)


def test_silence_counts_from_when_the_door_is_back() -> None:
    clock = Clock()
    hearing = Hearing(clock.wall_us, lambda: clock.elapsed_s)
    assert hearing.since_us() == 0
    clock.elapsed_s = DEAF_S
    assert hearing.since_us() == 0, "a door that is started again"
    hearing.beat()
    clock.elapsed_s = 2 * DEAF_S + 1
    assert hearing.since_us() == clock.wall_us(), "now, while it is shut"
    clock.elapsed_s += 600
    assert hearing.since_us() == clock.wall_us()
    clock.elapsed_s += 3
    hearing.beat()
    back_us = clock.wall_us()
    clock.elapsed_s += DEAF_S
    assert hearing.since_us() == back_us, "though nobody asked just then"
    hearing.beat()
    assert hearing.since_us() == back_us


async def test_a_lane_keeps_since_when_it_listens_in_its_row(store: Store) -> None:
    clock = Clock()
    hearing = Hearing(clock.wall_us, lambda: clock.elapsed_s)
    warm()  # compiling would outlast a transaction
    worlds = Worlds(store, Rules(), lambda: time.time_ns() // 1000)
    await worlds.load()

    async def listening_us() -> int:
        """Of a lane that has looked at the clock once."""
        inbox = Inbox(worlds, commit_records=1000, clock=clock.wall_us, hearing=hearing)
        with ThreadPoolExecutor(1) as thread:
            lane = Lane(0, store, worlds, thread, inbox, owner="test")
            await lane.start()
            tasks = [asyncio.create_task(job) for job in (lane.run(), worlds.follow())]
            async with asyncio.timeout(WITHIN_S):
                while await store.pool.fetchval("SELECT watermark FROM lane") != clock.wall_us():  # noqa: ASYNC110 - a server has no event
                    await asyncio.sleep(0.01)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        found: int = await store.pool.fetchval("SELECT listening FROM lane")
        return found

    assert await listening_us() == 0
    for _ in range(4):  # its own time goes on without a jump, so that alone says nothing
        clock.elapsed_s += DEAF_S / 2
        last_us = await listening_us()
    assert last_us == clock.wall_us()
    clock.elapsed_s += 1
    hearing.beat()
    back_us = clock.wall_us()
    clock.elapsed_s += 1
    assert await listening_us() == back_us


async def test_the_api_process_says_that_it_is_there() -> None:
    heard = asyncio.Event()

    async def accept(_: Batch) -> Receipt:
        raise AssertionError("a beat is no batch")

    with TemporaryDirectory(prefix="cordon-") as folder:  # pytest's own paths are too long for a socket
        settings = Settings(worker_socket=Path(folder) / "worker")
        assert settings.worker_socket is not None
        nothing: Any = None
        async with asyncio.timeout(WITHIN_S), listen(settings.worker_socket, accept, heard.set), serve._sink(settings, nothing):
            await heard.wait()
