"""Topics, sink and group on a real broker: what is acknowledged is there, in its lane, by its age; closed is closed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaTimeoutError, OffsetOutOfRangeError

from cordon.broker import Broker
from ingest import kafka as log
from ingest.age import is_old
from ingest.frame import Frame, decode
from ingest.kafka import Group, KafkaSink, Record, Topics
from model.batch import Batch, DeadLetter, Position, receipt_us
from model.errors import BusyError, CordonError
from model.event import empty_events
from model.fix import empty_fixes
from model.instant import MINUTE_US, SECOND_US
from model.lane import lane_of
from tests.conftest import server_folder
from tests.integration.system import remove

pytestmark = pytest.mark.xdist_group("kafka")

LANES = 3
NOW_US = 1_790_000_000 * SECOND_US
SESSION_MS = 2000


def batch(tags: list[int], age_us: int = 0, *, events: int = 0, dead: int = 0) -> Batch:
    """One fix a tag, and so many events of the first one."""
    fixes, told = empty_fixes(len(tags)), empty_events(events)
    fixes["tag"], fixes["fix_at_us"], fixes["received_us"] = tags, NOW_US - age_us, NOW_US
    told["tag"], told["at_us"], told["kind"] = tags[:1] or 1, NOW_US - age_us, 140
    letters = tuple(DeadLetter(f"reason {i}", b"x" * 100, "frame", "gw-1") for i in range(dead))
    return Batch(fixes, told, "gw-1", NOW_US, letters)


@pytest_asyncio.fixture
async def topics(kafka: str, prefix: str) -> Topics:
    made = Topics(prefix, 1, LANES)
    await log.ensure(kafka, made)
    return made


@pytest_asyncio.fixture
async def sink(kafka: str, topics: Topics) -> AsyncIterator[KafkaSink]:
    async with KafkaSink(kafka, topics) as made:
        yield made


async def held(kafka: str, topics: Topics) -> dict[tuple[str, int], list[Record]]:
    """Every record but heartbeats."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    partitions = [TopicPartition(name, lane) for name in (topics.live, topics.backlog) for lane in range(topics.lanes)]
    consumer.assign(partitions)
    found: dict[tuple[str, int], list[Record]] = {}
    for partition, end in (await consumer.end_offsets(partitions)).items():
        consumer.seek(partition, 0)
        while await consumer.position(partition) < end:
            for record in (await consumer.getmany(partition, timeout_ms=1000)).get(partition, []):
                if record.value:
                    kept = found.setdefault((partition.topic.split(".")[1], partition.partition), [])
                    kept.append(Record(record.offset, record.timestamp * 1000, record.value))
                assert record.timestamp_type == 1, "the broker's own time"
    await consumer.stop()
    return found


def frame(record: Record) -> Frame:
    found = decode(record.value)
    assert isinstance(found, Frame)
    return found


async def taken(sink: KafkaSink, given: Batch) -> str:
    """Send as a gateway does: again while it is busy."""
    async with asyncio.timeout(60):
        while True:
            try:
                return (await sink.accept(given)).id
            except BusyError:
                await asyncio.sleep(0.1)


async def test_each_lane_has_its_share_in_order(kafka: str, topics: Topics, sink: KafkaSink) -> None:
    tags = [*range(1, 40), *range(1, 40)]
    receipt = await taken(sink, batch(tags, events=2, dead=3))
    found = await held(kafka, topics)
    assert {name for name, _ in found} == {"live"}
    frames = [(lane, frame(record)) for (_, lane), records in found.items() for record in records]
    for lane, one in frames:
        assert set(lane_of(one.fixes["tag"], LANES).tolist()) <= {lane}
        assert (one.receipt, one.parts, one.received_us, one.gateway) == (receipt, LANES + 1, NOW_US, "gw-1")
    assert sorted(np.concatenate([one.fixes["tag"] for _, one in frames]).tolist()) == sorted(tags)
    lanes = lane_of(np.array(tags), LANES).tolist()
    first = next(one for lane, one in frames if lane == lanes[0] and len(one.fixes))
    assert first.fixes["tag"].tolist() == [tag for tag, lane in zip(tags, lanes, strict=True) if lane == lanes[0]]
    assert [letter.reason for _, one in frames for letter in one.dead] == ["reason 0", "reason 1", "reason 2"]
    assert {lane for lane, one in frames if one.dead} == {0}
    assert sum(len(one.events) for _, one in frames) == 2
    made_us = receipt_us(receipt)
    assert made_us is not None
    assert receipt_us("no receipt of ours") is None


@pytest.mark.parametrize(
    ("age_us", "kwargs", "topic"),
    [(MINUTE_US, {}, "live"), (MINUTE_US + 1, {}, "backlog"), (10 * MINUTE_US, {"events": 1}, "backlog")],
)
async def test_a_frame_goes_by_its_newest_fix(
    kafka: str, topics: Topics, sink: KafkaSink, age_us: int, kwargs: dict[str, int], topic: str
) -> None:
    await taken(sink, batch([1], age_us, **kwargs))
    assert {name for name, _ in await held(kafka, topics)} == {topic}


def test_old_fixes_beside_a_new_one_and_events_alone_are_live() -> None:
    mixed = batch([1, 2], 10 * MINUTE_US)
    mixed.fixes["fix_at_us"][1] = NOW_US
    assert not is_old(mixed)
    assert not is_old(batch([], 10 * MINUTE_US, events=1))


def test_a_large_share_becomes_several_frames() -> None:
    frames = log.split(batch([7] * (2 * log.FRAME_RECORDS + 1)), "0" * 32, LANES)
    parts = [decode(body) for _, body in frames]
    assert [(len(part.fixes), part.parts) for part in parts if isinstance(part, Frame)] == [
        (log.FRAME_RECORDS, 3),
        (log.FRAME_RECORDS, 3),
        (1, 3),
    ]


async def test_our_topics_lose_nothing_for_want_of_a_setting_and_others_are_told_of(kafka: str, topics: Topics) -> None:
    async with log._admin(kafka) as admin:
        assert await log._differences(admin, topics.live, 1) == []
        assert await log._differences(admin, topics.live, 3) == [("min.insync.replicas", "1", "2")]
    await log.close(kafka, topics)
    async with log._admin(kafka) as admin:
        closed = ("max.message.bytes", str(log.CLOSED_BYTES), str(log.RECORD_MAX_BYTES))
        assert await log._differences(admin, topics.live, 1) == [closed], "and a closed one keeps the others"


async def test_another_number_of_partitions_is_refused(kafka: str, topics: Topics) -> None:
    await log.ensure(kafka, topics)  # again is no harm
    with pytest.raises(CordonError, match=r"has 3 partitions and this instance 4 lanes"):
        await log.ensure(kafka, topics._replace(lanes=4))


class Hearing:
    """An admin client of a broker that hears of a new topic when it is asked the third time."""

    asked = 0

    async def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        self.asked += 1
        return [{"topic": name, "partitions": [{}] * LANES if self.asked > 2 else []} for name in names]


async def test_a_topic_that_was_made_just_now_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "RETRY_S", 0.0)
    found = await log._described(Hearing(), ["live", "backlog"])  # type: ignore[arg-type]
    assert [len(topic["partitions"]) for topic in found] == [LANES, LANES]


async def test_a_closed_topic_takes_no_more_and_the_next_generation_does(kafka: str, topics: Topics, sink: KafkaSink) -> None:
    await taken(sink, batch([1, 2, 3]))
    ends = await log.close(kafka, topics)
    assert await log.close(kafka, topics) == ends, "the ends stay"
    with pytest.raises(BusyError):
        await sink.accept(batch([1]))
    following = topics._replace(generation=2, lanes=LANES + 1)
    await log.ensure(kafka, following)
    sink.use(following)
    receipt = await taken(sink, batch([4]))
    ((_, records),) = (await held(kafka, following)).items()
    assert frame(records[0]).receipt == receipt


class Member:
    """One member of the group that keeps what it gets."""

    def __init__(self, kafka: str, topics: Topics) -> None:
        self.lanes: frozenset[int] = frozenset()
        self.rounds = 0
        self.found: list[tuple[int, bool, Record]] = []
        self.group = Group(kafka, topics, session_ms=SESSION_MS, revoked=self._revoked, assigned=self._assigned)

    async def _revoked(self) -> None:
        self.lanes = frozenset()

    def _assigned(self, lanes: frozenset[int]) -> None:
        self.lanes, self.rounds = lanes, self.rounds + 1

    async def until(self, *, lanes: int) -> None:
        """Go on until it has so many lanes."""
        async with asyncio.timeout(60):
            while len(self.lanes) != lanes:
                await self.turn()

    async def turn(self) -> None:
        with_timeout = asyncio.wait_for(self.group.records(0.05), 0.5)
        try:
            for (lane, backlog), records in (await with_timeout).items():
                self.found += [(lane, backlog, record) for record in records]
        except TimeoutError:  # between two assignments
            pass


async def test_a_lane_is_silent_until_it_is_told_where_to_begin(kafka: str, topics: Topics, sink: KafkaSink) -> None:
    for tag in range(1, 10):
        await taken(sink, batch([tag]))
        await taken(sink, batch([tag], 2 * MINUTE_US))
    member = Member(kafka, topics)
    async with member.group:
        await member.until(lanes=LANES)
        for _ in range(5):
            await member.turn()
        assert member.found == []
        stored = await held(kafka, topics)
        second = stored["live", 0][1].offset
        member.group.begin(0, Position(second, 0))
        wanted = len(stored["live", 0] + stored["backlog", 0]) - 1
        async with asyncio.timeout(30):
            while len([record for *_, record in member.found if record.value]) < wanted:
                await member.turn()
        assert {lane for lane, *_ in member.found} == {0}
        assert [record for _, backlog, record in member.found if record.value and backlog] == stored["backlog", 0]
        assert [record for _, backlog, record in member.found if record.value and not backlog] == stored["live", 0][1:]


async def test_an_idle_lane_hears_the_time_while_an_edge_runs(kafka: str, topics: Topics) -> None:
    member = Member(kafka, topics)
    async with member.group:
        await member.until(lanes=LANES)
        for lane in range(LANES):
            member.group.begin(lane, Position(0, 0))
        async with KafkaSink(kafka, topics):
            async with asyncio.timeout(30):
                while len(member.found) < 3 * LANES:
                    await member.turn()
    assert {(backlog, record.value) for _, backlog, record in member.found} == {(False, b"")}
    assert {lane for lane, *_ in member.found} == set(range(LANES))
    times = [record.at_us for lane, _, record in member.found if lane == 0]
    assert times == sorted(set(times)), "later each time"


async def test_both_topics_of_a_lane_have_one_owner_and_move_together(kafka: str, topics: Topics) -> None:
    one, other = Member(kafka, topics), Member(kafka, topics)
    async with one.group:
        await one.until(lanes=LANES)
        async with other.group:
            async with asyncio.timeout(60):
                while not (one.lanes and other.lanes and one.lanes | other.lanes == set(range(LANES))):
                    await one.turn()
                    await other.turn()
            assert not one.lanes & other.lanes
        await one.until(lanes=LANES)  # the other left in order: no session has to run out


async def test_a_member_that_has_no_lane_tells_lag_tools_nothing(kafka: str, topics: Topics) -> None:
    member = Member(kafka, topics)
    async with member.group:
        await member.until(lanes=LANES)
        await member.group.note({})  # as who comes when every lane has a worker, or has claimed none yet
        await member.group.note({0: Position(0, 0)})
        assert await member.group._open.committed(TopicPartition(topics.live, 0)) == 0


async def test_a_member_to_whom_nothing_is_fetched_any_more_is_told_to_join_again(kafka: str, topics: Topics) -> None:
    member = Member(kafka, topics)
    async with member.group:
        await member.until(lanes=LANES)
        member.group._open._fetcher.error_future.cancel()
        await asyncio.sleep(0)
        with pytest.raises(CordonError, match="nothing is fetched any more"):
            await member.turn()


class Stopping:
    """A client that stops in its own way."""

    def __init__(self, ends: asyncio.Future[None]) -> None:
        self.ends = ends

    async def stop(self) -> None:
        await self.ends


async def test_a_client_that_does_not_stop_in_order_does_not_end_or_halt_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "ENDED_S", 0.01)
    loop = asyncio.get_running_loop()
    hangs, cancelled, failed, wrong = (loop.create_future() for _ in range(4))
    cancelled.cancel()
    failed.set_exception(KafkaTimeoutError())
    wrong.set_exception(RuntimeError("ours"))
    for ends in (hangs, cancelled, failed):
        await log._ended(Stopping(ends))  # type: ignore[arg-type]
    assert hangs.cancelled()
    with pytest.raises(RuntimeError, match="ours"):
        await log._ended(Stopping(wrong))  # type: ignore[arg-type]


async def test_records_that_the_broker_no_longer_has_are_told_of(
    kafka: str, topics: Topics, sink: KafkaSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[Record] = []
    while not stored or stored[0].at_us == stored[-1].at_us:
        await taken(sink, batch(list(range(1, 20))))
        stored = (await held(kafka, topics))["live", 1]
    member = Member(kafka, topics)
    async with member.group:
        await member.until(lanes=LANES)
        member.group.begin(1, Position(1_000_000, 0))
        async with asyncio.timeout(30):
            while not member.found:
                await member.turn()
        lane, backlog, record = member.found[0]
        assert (lane, backlog, record.offset, record.value) == (1, False, -1, b"")
        assert "it ends before record 1000000" in record.lost
        # Where it is known when the last record before was appended, nothing much older is handed out again.
        monkeypatch.setattr(log, "BACK_US", 0)
        member.found.clear()
        member.group.begin(1, Position(1_000_000, 0), stored[-1].at_us)
        async with asyncio.timeout(30):
            while not any(record.lost for *_, record in member.found):
                await member.turn()
        again = next(record for *_, record in member.found if record.lost)
        assert stored[0].offset < again.offset + 1 <= stored[-1].offset


class Without:
    """A consumer of a partition that does not have record 7; it fails to say what there is as often as it is told to."""

    def __init__(self, partition: TopicPartition, *failures: Exception) -> None:
        self.partition, self.failures, self.at = partition, list(failures), 7
        self._fetcher = SimpleNamespace(error_future=asyncio.get_running_loop().create_future())

    async def getmany(self, **_: object) -> object:
        raise OffsetOutOfRangeError({self.partition: self.at})

    async def beginning_offsets(self, asked: list[TopicPartition]) -> dict[TopicPartition, int]:
        if self.failures and not isinstance(self.failures[0], IllegalStateError):
            raise self.failures.pop(0)
        return dict.fromkeys(asked, 9)

    def seek(self, _: TopicPartition, offset: int) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.at = offset


async def test_a_broker_that_cannot_say_which_records_it_has_is_asked_again() -> None:
    topics = Topics("test", 1, 1)
    group = Member("", topics).group
    without = Without(TopicPartition(topics.backlog, 0), KafkaTimeoutError(), IllegalStateError())
    group._consumer = without  # type: ignore[assignment]
    assert [await group.records(0.0), await group.records(0.0), without.at] == [{}, {}, 7]
    ((lane, (record,)),) = (await group.records(0.0)).items()
    assert (lane, record.offset, without.at) == ((0, True), 8, 9)
    assert record.lost.endswith("records 7 to 8 were dropped by the broker before they were judged")


class Stuck:
    """A producer to a partition that takes no writes until it is told to."""

    def __init__(self, writable: asyncio.Event) -> None:
        self.writable = writable
        self.held: list[tuple[int, asyncio.Future[None]]] = []

    async def start(self) -> None: ...

    async def send(self, _: str, value: bytes, *, partition: int) -> asyncio.Future[None]:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.held.append((len(value), answer))
        if self.writable.is_set():
            self.flush()
        return answer

    def flush(self) -> None:
        for _, answer in self.held:
            answer.set_result(None)
        self.held.clear()

    async def stop(self) -> None:
        await self.writable.wait()
        self.flush()


async def test_an_edge_holds_so_much_and_no_more_of_what_a_partition_does_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(log.split(batch([1]), "0" * 32, 1)[0][1])
    monkeypatch.setattr(log, "GIVE_UP_S", 0.01)
    monkeypatch.setattr(log, "HAND_BYTES", 5 * size)
    writable, producers = asyncio.Event(), list[Stuck]()

    def make() -> Stuck:
        producers.append(Stuck(writable))
        return producers[-1]

    sink = KafkaSink("", Topics("test", 1, 1), heartbeats=False)
    monkeypatch.setattr(sink, "_make", make)
    async with sink:
        for _ in range(20):
            with pytest.raises(BusyError):
                await sink.accept(batch([1]))
            await asyncio.sleep(0)
        assert [len(producer.held) for producer in producers] == [1, 4], "five frames are held, whoever gave them up"
        writable.set()
        producers[1].flush()
        await taken(sink, batch([1]))
        async with asyncio.timeout(30):
            while sink._bytes:  # noqa: ASYNC110 - what is held is nobody's business but the sink's
                await asyncio.sleep(0)


@pytest.fixture
def broker() -> Iterator[Broker]:
    folder: Path = server_folder()
    made = Broker(folder)
    made.start()
    yield made
    made.stop()
    remove(folder)


async def test_while_the_broker_is_away_gateways_are_told_to_come_back(
    broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "GIVE_UP_S", 0.5)
    topics = Topics(prefix, 1, 1)
    await log.ensure(broker.address, topics)
    async with KafkaSink(broker.address, topics) as sink:
        before = await taken(sink, batch([1]))
        os.kill(broker.pid, signal.SIGSTOP)
        for _ in range(3):
            with pytest.raises(BusyError):
                await sink.accept(batch([2]))
        assert sink._bytes > 0, "it is held until the broker has it"
        os.kill(broker.pid, signal.SIGCONT)
        await taken(sink, batch([2]))
        async with asyncio.timeout(60):
            while sink._bytes:  # noqa: ASYNC110 - what is held is nobody's business but the sink's
                await asyncio.sleep(0.01)
        os.kill(broker.pid, signal.SIGKILL)
        broker.wait()
        with pytest.raises(BusyError):
            await sink.accept(batch([2]))
        await asyncio.to_thread(broker.again)
        after = await taken(sink, batch([2]))
        found = await held(broker.address, topics)
        receipts = [frame(record).receipt for record in found["live", 0]]
        assert receipts[0] == before
        assert after in receipts
