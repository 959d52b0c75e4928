"""Days have their tables before their first fix, and every day only once."""

import asyncio

import asyncpg
import pytest

from duties import partitions as duty
from model.instant import DAY_US
from store import partitions
from store.pool import Store
from tests.store.fake import START_US

TODAY = START_US // DAY_US


async def test_the_days_around_now_are_made_once(store: Store) -> None:
    assert await duty.keep(store, START_US) == duty.BEHIND + 1 + duty.AHEAD
    assert await partitions.held(store) == list(range(TODAY - 1, TODAY + 8))
    assert await duty.keep(store, START_US) == 0
    async with Store(store.dsn) as another:  # which knows of none yet
        assert await duty.keep(another, START_US + DAY_US) == 1
    assert (await partitions.held(store))[-1] == TODAY + 8


async def test_two_who_make_them_at_once_do_not_collide(store: Store, database: str) -> None:
    async with Store(database) as another:
        made = await asyncio.gather(partitions.ensure(store, [TODAY]), partitions.ensure(another, [TODAY]))
    assert sorted(made) == [0, 1]


async def test_a_day_takes_its_own_instants_and_no_others(store: Store) -> None:
    await partitions.ensure(store, [TODAY])
    row = "INSERT INTO event (tag, at, received_at, seq, gateway, kind, value) VALUES (1, $1, $1, 0, 0, 10, -1)"
    for us in (TODAY * DAY_US, (TODAY + 1) * DAY_US - 1):
        await store.pool.execute(row, us)
    assert await store.pool.fetchval("SELECT count(*) FROM event_20260320") == 2
    for us in (TODAY * DAY_US - 1, (TODAY + 1) * DAY_US):
        with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
            await store.pool.execute(row, us)


async def test_a_day_is_keyed_as_its_parent_is(store: Store) -> None:
    await partitions.ensure(store, [TODAY])
    row = "INSERT INTO event (tag, at, received_at, seq, gateway, kind, value) VALUES (1, $1, $1, 0, 0, 10, -1)"
    await store.pool.execute(row, START_US)
    with pytest.raises(asyncpg.UniqueViolationError):
        await store.pool.execute(row, START_US)


async def test_making_a_day_does_not_wait_for_a_commit_under_way(store: Store) -> None:
    await partitions.ensure(store, [TODAY])
    async with store.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO event (tag, at, received_at, seq, gateway, kind, value) VALUES (1, $1, $1, 0, 0, 10, -1)", START_US
        )
        assert await asyncio.wait_for(partitions.ensure(store, [TODAY + 1]), 20) == 1
