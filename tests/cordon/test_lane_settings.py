"""A lane at work takes what is set from the database, at the instant at which it is in force, and is the same after a restart."""

import asyncio
import time
from collections.abc import AsyncIterator

import numpy as np
import pytest_asyncio

from cordon.inbox import Inbox
from cordon.work import Work
from model.batch import Part, Receipt
from model.event import EventKind, empty_events
from model.fix import empty_fixes
from model.instant import SECOND_US
from store import settings, world
from store.feed import edit
from store.lanes import claim, recover
from store.pool import Store
from store.settings import Place
from tests.cordon.working import working

TAG = 7
WAIT_S = 20


@pytest_asyncio.fixture
async def inbox(store: Store) -> AsyncIterator[Inbox]:
    """Somebody with a strap that counts as cut after a minute, and a lane at work."""
    made = await world.create(
        store,
        [world.NewWearer("Test Wearer")],
        [world.NewOrder(0, 0)],
        [world.NewActivation(0, TAG, 0)],
        settings=[world.NewSettings({"strap.open_s": 60}, order=0)],
    )
    assert made.orders
    async with working(store) as at_work:
        yield at_work


async def opened(inbox: Inbox, seconds_ago: int) -> None:
    """The strap is said to have been open for so long already."""
    now_us = time.time_ns() // 1000
    told = empty_events(1)
    told["tag"], told["kind"], told["at_us"], told["received_us"] = (
        TAG,
        EventKind.STRAP_TAMPER,
        now_us - seconds_ago * SECOND_US,
        now_us,
    )
    done: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
    inbox.put(Work(empty_fixes(0), told, (), "gw-1", now_us, Part("r", 0, 1), done))
    await done


async def test_a_number_made_stricter_is_told_at_the_instant_it_is_in_force(store: Store, inbox: Inbox) -> None:
    await opened(inbox, 20)
    assert await store.pool.fetchval("SELECT count(*) FROM alert") == 0, "sixty seconds are set"
    async with edit(store) as change:
        place = Place("order", order=1)
        known = await settings.newest(change.connection, place)
        assert known is not None
        row = await settings.replace(change, known["place"], known["version"], {"strap.open_s": 5})
    async with asyncio.timeout(WAIT_S):
        while await store.pool.fetchval("SELECT count(*) FROM alert WHERE kind = 'strap'") == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    alert = await store.pool.fetchrow("SELECT detected_at, event_at FROM alert")
    assert alert is not None
    assert alert["detected_at"] == row["in_force_from"]
    # A worker that takes the lane over has the same state, bit for bit, whatever is set by then.
    held = await claim(store, 0, "another")
    again = await recover(store, held)
    assert again.watermark_us >= row["in_force_from"]
    assert again.signals.tags == {TAG}
    assert np.array_equal(again.tags["tag"][: again.count], [TAG])
