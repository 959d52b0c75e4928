"""Workers of one group on a real broker: whatever becomes of one, each fix is stored once and each alert raised once."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from ingest.frame import Frame, encode
from ingest.kafka import Group, KafkaSink
from model.event import empty_events
from model.fix import empty_fixes
from model.instant import HOUR_US
from store import evidence, generations, receipts
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


async def test_what_is_no_frame_is_a_dead_letter_and_stops_nobody(up: tuple[Workers, KafkaSink]) -> None:
    made, sink = up
    async with AIOKafkaProducer(bootstrap_servers=made.address) as stranger:
        strange = [b"not a frame", encode(Frame("gw", 1, 0, "", 0, empty_fixes(1), empty_events()))]
        sent = [await stranger.send_and_wait(sink.topics.live, body, partition=lane) for lane, body in enumerate(strange)]
    made.start()
    await send(made, sink, batch(1, TAGS))
    await made.caught_up()
    letters = await made.store.pool.fetch("SELECT protocol, reason, body FROM dead_letter ORDER BY id")
    for lane, (record, body) in enumerate(zip(sent, strange, strict=True)):
        (letter,) = [one for one in letters if one["body"] == body]
        assert letter["protocol"] == "frame"
        assert f"lane {lane}, live record {record.offset}" in letter["reason"]


async def test_live_does_not_wait_for_the_backlog(up: tuple[Workers, KafkaSink]) -> None:
    made, sink = up
    tag, old_us = TAGS[0], 3 * HOUR_US
    backlog = []
    for frame in range(60):
        frame_of = batch(0, [tag] * 500, age_us=old_us)
        frame_of.fixes["seq"] = np.arange(500) + 500 * frame
        frame_of.fixes["fix_at_us"] += 1000 * frame_of.fixes["seq"]
        backlog.append(await send(made, sink, frame_of))
    waiting = await send(made, sink, batch(100_000, [tag]))
    made.start()
    await until(_begun(made, backlog), "the backlog is begun")
    came = await send(made, sink, batch(100_001, [tag]))
    await made.caught_up()
    at = {row["id"]: row["at"] for row in await made.store.pool.fetch("SELECT id, at FROM receipt")}
    assert at[waiting] < min(at[one] for one in backlog), "live is first"
    assert at[came] < max(at[one] for one in backlog), "and comes between slices"


def _begun(made: Workers, receipts: list[str]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return bool(await made.store.pool.fetchval("SELECT count(*) FROM receipt WHERE id = ANY($1::text[])", receipts))

    return look


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


async def test_a_storm_of_rebalances_loses_nothing(up: tuple[Workers, KafkaSink]) -> None:
    made, sink = up
    await world(made.store, TAGS)
    one = made.start()
    await made.shared(one)
    sending = asyncio.create_task(_fleet(made, sink, rounds=100_000))
    topics = sink.topics
    for round_ in range(3):  # members that join, are given lanes, and leave
        given = asyncio.Event()

        async def revoked() -> None:
            pass

        group = Group(made.address, topics, session_ms=1000, revoked=revoked, assigned=lambda _, given=given: given.set())
        async with group:
            await asyncio.wait_for(given.wait(), 60)
            await until(_stored(made, 24 * round_), "it goes on")
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await made.shared(one)
    await made.caught_up()
    await _alerts(made)


async def test_another_number_of_lanes_while_everything_runs(up: tuple[Workers, KafkaSink]) -> None:
    made, sink = up
    await world(made.store, TAGS)
    one, other = made.start(), made.start()
    await made.shared(one, other)
    following = asyncio.create_task(_follow(made, sink))
    sending = asyncio.create_task(_fleet(made, sink, rounds=100_000, every_s=0.1))
    await until(_stored(made, 100), "some are stored")
    before = len(made.acknowledged)
    moving = await asyncio.to_thread(made.run, "lanes", str(LANES + 2))
    assert moving.returncode == 0, moving.stderr
    await made.shared(one, other, lanes=LANES + 2)
    await until(_stored(made, before + 100), "more are stored")
    assert sink.topics.lanes == LANES + 2

    # The next is killed while old topics are closed and not consumed: nobody does, and something is there.
    for worker in (one, other):
        worker.send(signal.SIGSTOP)
    count = len(made.acknowledged)
    await until(_acknowledged(made, count + len(TAGS)), "something waits in the old topics")
    with made.begin("lanes", "2") as killed:
        await until(_waits(made), "the command waits for workers")
        killed.kill()
    for worker in (one, other):
        worker.send(signal.SIGCONT)
    before = len(made.acknowledged)
    again = await asyncio.to_thread(made.run, "lanes", "3")
    assert (again.returncode, "finish it first" in again.stderr) == (1, True), again.stderr
    moving = await asyncio.to_thread(made.run, "lanes", "2")
    assert f"{LANES + 2} lanes have become 2" in " ".join(moving.stdout.split()), moving.stderr
    await made.shared(one, other, lanes=2)
    await until(_stored(made, before + 100), "more are stored")
    assert sink.topics.lanes == 2

    assert "there are 2 lanes" in (await asyncio.to_thread(made.run, "lanes", "2")).stdout
    for task in (sending, following):
        task.cancel()
    await asyncio.gather(sending, following, return_exceptions=True)
    await made.caught_up()
    await _alerts(made)
    verified = await asyncio.to_thread(made.run, "verify")  # also what lanes have committed that there are no longer
    assert verified.returncode == 0, verified.stderr
    assert f" {len(await made.stored())} fixes, " in " ".join(verified.stdout.split())
    number = await made.store.pool.fetchval("SELECT min(id) FROM alert")
    bundle = await evidence.bundle(made.store, number)
    assert all(row["position"] in bundle.places for row in bundle.detail.history)


def _acknowledged(made: Workers, count: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return len(made.acknowledged) >= count

    return look


def _waits(made: Workers) -> Callable[[], Awaitable[bool]]:
    """Whether `cordon lanes` has closed the old topics and looks whether workers have consumed them."""

    async def look() -> bool:
        asked = "SELECT partition, live_offset, backlog_offset FROM lane WHERE%"
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE $1"
        return bool(await made.store.pool.fetchval(query, asked))

    return look


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


async def _fleet(made: Workers, sink: KafkaSink, rounds: int, every_s: float = 0.01) -> None:
    """Every tag goes in and out of the zone, five fixes each way."""
    for seq in range(1, rounds + 1):
        inside = seq % 10 < 5
        await send(made, sink, batch(seq, TAGS, north_m=0.0 if inside else 2000.0))
        await asyncio.sleep(every_s)


async def _alerts(made: Workers) -> None:
    """One alert a wearer, with all its times in and out."""
    rows = await made.store.pool.fetch("SELECT wearer, count(*) AS n FROM alert GROUP BY wearer")
    assert {row["n"] for row in rows} == {1}
    assert len(rows) == len(TAGS)
