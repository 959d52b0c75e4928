"""Workers of one group on a real broker: whatever becomes of one, each fix is stored once and each alert raised once."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from ingest.kafka import KafkaSink
from store import generations, receipts
from store.pool import Store
from tests.integration.workers import FIRST, LANES, Workers, batch, send, system, until, world

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("kafka")]

TAGS = [FIRST + i for i in range(24)]


@pytest_asyncio.fixture
async def up(tmp_path: Path, store: Store, kafka: str, prefix: str) -> AsyncIterator[tuple[Workers, KafkaSink]]:
    async with system(tmp_path, store, kafka, prefix) as made:
        yield made


async def test_a_fix_through_the_log_raises_one_alert(up: tuple[Workers, KafkaSink]) -> None:
    made, sink = up
    await world(made.store, TAGS[:2])
    made.start()
    sent = batch(1, TAGS)
    receipt, again = [await send(made, sink, sent) for _ in range(2)]

    async def whole() -> bool:
        found = [await receipts.get(made.store, one) for one in (receipt, again)]
        return [one and (one.stored, one.duplicate) for one in found] == [(len(TAGS), 0), (0, len(TAGS))]

    await until(whole, "both receipts are whole")
    rows = await made.store.pool.fetch("SELECT tag, kind, condition, occurrences FROM alert ORDER BY tag")
    assert [tuple(row) for row in rows] == [(tag, "exclusion", "active", 1) for tag in TAGS[:2]]


async def test_two_workers_share_the_lanes_and_one_takes_over_when_the_other_dies(up: tuple[Workers, KafkaSink]) -> None:
    made, sink = up
    await world(made.store, TAGS)
    one, other = made.start(), made.start()
    await made.shared(one, other)
    sending = asyncio.create_task(_fleet(made, sink, rounds=60))
    await until(_stored(made, 200), "some are stored")
    one.kill()
    await made.shared(other)
    await sending
    await made.caught_up()
    assert set(await made.stored()) == made.acknowledged, "nothing that nobody sent"
    await _alerts(made)


async def test_a_worker_that_is_told_to_end_hands_over_at_once(up: tuple[Workers, KafkaSink]) -> None:
    made, sink = up
    one = made.start(CORDON_KAFKA_SESSION_MS="60000")
    await made.shared(one)
    other = made.start(CORDON_KAFKA_SESSION_MS="60000")  # with a session this long, only an orderly leave is quick enough
    await made.shared(one, other)
    sending = asyncio.create_task(_fleet(made, sink, rounds=30))
    await until(_stored(made, 100), "some are stored")
    assert one.end() == 0
    await made.shared(other)
    third = made.start(CORDON_KAFKA_SESSION_MS="60000")  # rolling on
    await made.shared(other, third)
    assert other.end() == 0
    await sending
    await made.caught_up()
    assert set(await made.stored()) == made.acknowledged
    assert "commit failed" not in made.said()


async def test_a_frozen_worker_that_wakes_up_is_fenced(up: tuple[Workers, KafkaSink]) -> None:
    made, sink = up
    await world(made.store, TAGS)
    one = made.start()
    await made.shared(one)
    other = made.start()
    await made.shared(one, other)
    sending = asyncio.create_task(_fleet(made, sink, rounds=60))
    await until(_stored(made, 200), "some are stored")
    one.send(signal.SIGSTOP)
    await made.shared(other)
    one.send(signal.SIGCONT)
    await made.shared(one, other)  # it comes back as one of two, with what the other committed meanwhile
    await sending
    await made.caught_up()
    assert set(await made.stored()) == made.acknowledged
    await _alerts(made)


async def test_another_number_of_lanes_while_everything_runs(up: tuple[Workers, KafkaSink]) -> None:
    made, sink = up
    await world(made.store, TAGS)
    one, other = made.start(), made.start()
    await made.shared(one, other)
    following = asyncio.create_task(_follow(made, sink))
    sending = asyncio.create_task(_fleet(made, sink, rounds=100_000))
    await until(_stored(made, 100), "some are stored")
    for lanes in (LANES + 2, 2):
        before = len(made.acknowledged)
        moving = await asyncio.to_thread(made.run, "lanes", str(lanes))
        assert moving.returncode == 0, moving.stderr
        await made.shared(one, other, lanes=lanes)
        await until(_stored(made, before + 100), "more are stored")
        assert sink.topics.lanes == lanes
    assert "there are 2 lanes" in (await asyncio.to_thread(made.run, "lanes", "2")).stdout
    for task in (sending, following):
        task.cancel()
    await asyncio.gather(sending, following, return_exceptions=True)
    await made.caught_up()
    await _alerts(made)


async def _follow(made: Workers, sink: KafkaSink) -> None:
    """What an edge does: produce to the newest generation."""
    while True:
        await asyncio.sleep(0.2)
        newest = await generations.produced(made.store)
        if newest is not None and newest.number != sink.topics.generation:
            sink.use(sink.topics._replace(generation=newest.number, lanes=newest.lanes))


def _stored(made: Workers, count: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return len(await made.stored()) >= count

    return look


async def _fleet(made: Workers, sink: KafkaSink, rounds: int) -> None:
    """Every tag goes in and out of the zone, five fixes each way."""
    for seq in range(1, rounds + 1):
        inside = seq % 10 < 5
        await send(made, sink, batch(seq, TAGS, north_m=0.0 if inside else 2000.0))
        await asyncio.sleep(0.01)


async def _alerts(made: Workers) -> None:
    """One alert a wearer, with all its times in and out."""
    rows = await made.store.pool.fetch("SELECT wearer, count(*) AS n FROM alert GROUP BY wearer")
    assert {row["n"] for row in rows} == {1}
    assert len(rows) == len(TAGS)
