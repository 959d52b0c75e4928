"""The feed numbers changes in commit order, and nobody who follows it misses one."""

import asyncio

import pytest

from store import feed
from store.pool import Store


async def append(store: Store, ref: int, hold_s: float = 0.0) -> int:
    async with feed.edit(store) as change:
        change.entry("control", ref, "zone")
        await asyncio.sleep(hold_s)
    return change.position


async def test_positions_are_dense_and_in_order(store: Store) -> None:
    assert [await append(store, ref) for ref in (7, 8, 9)] == [1, 2, 3]
    found = await feed.entries(store, 1)
    assert [(entry.position, entry.kind, entry.ref, entry.what) for entry in found] == [
        (2, "control", 8, "zone"),
        (3, "control", 9, "zone"),
    ]


async def test_an_edit_that_fails_leaves_no_number_behind(store: Store) -> None:
    async def fail() -> None:
        async with feed.edit(store) as change:
            change.entry("control", 1, "zone")
            raise RuntimeError("the body failed")

    with pytest.raises(RuntimeError):
        await fail()
    assert await feed.position(store) == 0
    assert await append(store, 1) == 1


async def test_each_waiting_statement_gets_the_position_of_its_entry(store: Store) -> None:
    await append(store, 1)
    insert = "INSERT INTO audit (position, action, subject) VALUES ($1, $2, '')"
    async with feed.edit(store) as change:
        first = change.entry("control", 1, "zone")
        change.entry("control", 2, "zone")
        change.numbered(insert, "first", entry=first)
        change.numbered(insert, "last")
    rows = await store.pool.fetch("SELECT action, position FROM audit")
    assert {row["action"]: row["position"] for row in rows} == {"first": 2, "last": 3}


async def test_a_reading_is_audited_at_the_position_as_it_stands(store: Store) -> None:
    await append(store, 1)
    async with feed.edit(store) as change:
        change.numbered("INSERT INTO audit (position, action, subject) VALUES ($1, 'read', '')")
    assert (change.position, await feed.position(store)) == (1, 1)


async def test_a_follower_sees_every_entry_of_concurrent_writers_once_and_in_order(store: Store) -> None:
    seen: list[int] = []

    async def follow() -> None:
        after = 0
        async for now in feed.watch(store, 0):
            seen.extend(entry.position for entry in await feed.entries(store, after))
            after = seen[-1]
            assert after >= now
            if after == 60:
                return

    following = asyncio.create_task(follow())
    await asyncio.gather(*(append(store, ref, hold_s=(ref % 3) / 1000) for ref in range(60)))
    await asyncio.wait_for(following, 30)
    assert seen == list(range(1, 61))


async def test_watch_begins_with_what_it_missed(store: Store) -> None:
    await append(store, 1)
    stream = feed.watch(store, 0)
    assert await anext(stream) == 1
    await stream.aclose()


async def test_watch_survives_a_cut_connection(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "RETRY_S", 0.01)
    stream = feed.watch(store, 0)
    waiting = asyncio.ensure_future(anext(stream))
    listeners = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT position%'"
    while await store.pool.fetchval(f"{listeners} AND pid <> pg_backend_pid()") == 0:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await store.pool.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await append(store, 1)
    assert await asyncio.wait_for(waiting, 30) == 1
    await stream.aclose()
