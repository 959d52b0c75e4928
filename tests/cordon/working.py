"""A lane of the tests at work: what is put into its inbox is judged by what the database says, and committed."""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from alerts.rules import Rules
from cordon.inbox import Inbox
from cordon.lane import Lane
from cordon.worlds import Worlds
from geofence.warm import warm
from store.pool import Store


@asynccontextmanager
async def working(store: Store) -> AsyncIterator[Inbox]:
    warm()  # compiling would outlast a transaction
    worlds = Worlds(store, Rules(), lambda: time.time_ns() // 1000)
    await worlds.load()
    with ThreadPoolExecutor(1) as thread:
        inbox = Inbox(worlds, commit_records=1000, clock=lambda: time.time_ns() // 1000)
        lane = Lane(0, store, worlds, thread, inbox, owner="test")
        await lane.start()
        tasks = [asyncio.create_task(job) for job in (lane.run(), worlds.follow())]
        yield inbox
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
