"""Turns batches into records of a lane's two topics, and those records back into what the lane's owner consumes.

A record's partition is the lane of its tags, its value a frame (ingest/frame.py), its timestamp the broker's own time of
appending it. A record without a value is a heartbeat: it says only that the lane's time goes on.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Final, NamedTuple, Self, TypeVar

import numpy as np
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAlreadyExistsError,
    for_code,
)

from ingest.age import is_old
from ingest.frame import Frame, encode
from model.arrays import Array, taken
from model.batch import Batch, DeadLetter, Position, Receipt, new_receipt
from model.errors import BusyError, CordonError
from model.instant import MINUTE_US
from model.lane import of_lanes

HEARTBEAT_S: Final = 0.5  # a live partition this edge sent nothing to for so long gets a heartbeat
# A request not acknowledged within this fails, and its gateway sends again; seconds. The client itself would try for ever: with
# idempotence on, a record once numbered cannot be left out.
GIVE_UP_S: Final = 10.0
RETRY_AFTER_S: Final = 2.0
HAND_BYTES: Final = 64 * 1024 * 1024  # of frames not acknowledged yet; beyond, gateways are told to come back
FRAME_RECORDS: Final = 8000  # about 600 KB: a larger share of a request becomes several frames
LETTERS_BYTES: Final = 1024 * 1024  # likewise of dead letters
RECORD_MAX_BYTES: Final = 16 * 1024 * 1024  # with dead letters a frame may be longer
CLOSED_BYTES: Final = 1  # a topic whose records may not be longer than this takes none
KEPT_MS: Final = 14 * 86_400_000  # unconsumed or not, the broker keeps a record for two weeks
FETCH_BYTES: Final = 8 * 1024 * 1024  # of one partition at once
FETCH_WAIT_MS: Final = 100  # a partition that is resumed waits this long at most for the fetch that left it out
BACK_US: Final = 5 * MINUTE_US  # gone back where the broker lost records that were consumed
CONNECT_S: Final = 90.0  # a broker that is starting is waited for
# Who leads a group assigns the partitions it knows of. What it could not learn just then it asks for again within this; with the
# client's own five minutes a group of workers would do nothing for so long.
METADATA_MS: Final = 5000
ENDED_S: Final = 60.0  # a client that is told to end waits for answers that are under way: of a broker that is frozen, 40 s
MADE_S: Final = 30.0  # all brokers have heard of a new topic within
RETRY_S: Final = 0.25

log = structlog.get_logger()

Client = TypeVar("Client", AIOKafkaAdminClient, AIOKafkaConsumer, AIOKafkaProducer)


class Topics(NamedTuple):
    """One generation of the two topics."""

    prefix: str
    generation: int
    lanes: int

    @property
    def live(self) -> str:
        return f"{self.prefix}.live.{self.generation}"

    @property
    def backlog(self) -> str:
        return f"{self.prefix}.backlog.{self.generation}"

    @property
    def group(self) -> str:
        """The workers' consumer group."""
        return f"{self.prefix}.workers.{self.generation}"


async def ensure(address: str, topics: Topics, replication: int = 1) -> None:
    """Have both topics, made with a lane a partition where they are missing.

    Raises
    ------
    CordonError
        If the broker cannot be reached, refuses, or has a topic with another number of partitions.
    """
    async with _admin(address) as admin:
        missing = [
            NewTopic(name, topics.lanes, replication, topic_configs=_settings(replication))
            for name in (topics.live, topics.backlog)
        ]
        answer = await admin.create_topics(missing)
        for name, code, *why in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                reason = why[0] if why and why[0] else error.__name__
                raise CordonError(f"the broker refuses topic {name} ({reason}): make it by hand, or let this user make it")
        for found in await _described(admin, [topics.live, topics.backlog]):
            count = len(found["partitions"])
            if count != topics.lanes:
                raise CordonError(
                    f"topic {found['topic']} has {count} partitions and this instance {topics.lanes} lanes: "
                    "a topic's partitions must never change; take another CORDON_KAFKA_PREFIX, or `cordon lanes` to have others"
                )
        for name in (topics.live, topics.backlog):
            for setting, is_, ought in await _differences(admin, name, replication):
                log.warning("a topic is not set as ours are", topic=name, setting=setting, value=is_, ought=ought)


async def _described(admin: AIOKafkaAdminClient, names: list[str]) -> list[dict[str, Any]]:
    """What there is of topics; one that was made just now is waited for, until the broker that is asked has heard of it."""
    deadline = time.monotonic() + MADE_S
    while True:
        found: list[dict[str, Any]] = await admin.describe_topics(names)
        if all(topic["partitions"] for topic in found) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(RETRY_S)


async def close(address: str, topics: Topics) -> dict[int, tuple[int, int]]:
    """Have both topics refuse records from now on, and say where each lane's two partitions end for ever.

    Each partition's leader is asked with a record of its own whether it refuses yet, so no other record can follow its end.

    Raises
    ------
    CordonError
        If the broker cannot be reached, or a partition goes on taking records.
    """
    names = (topics.live, topics.backlog)
    async with _admin(address) as admin:
        (partition, *_), *_ = [found["partitions"] for found in await _described(admin, list(names))]
        settings = _settings(len(partition["replicas"])) | {"max.message.bytes": str(CLOSED_BYTES)}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, settings) for name in names])
    partitions = [TopicPartition(name, lane) for name in names for lane in range(topics.lanes)]
    deadline = time.monotonic() + CONNECT_S
    producer = await _started(lambda: AIOKafkaProducer(bootstrap_servers=address, acks="all", request_timeout_ms=5000), address)
    try:
        for partition in partitions:
            while await _taken(producer, partition):
                if time.monotonic() > deadline:
                    raise CordonError(f"{partition.topic} goes on taking records: see the broker's log, and try again")
                await asyncio.sleep(RETRY_S)
    finally:
        await _ended(producer)
    consumer = await _started(lambda: AIOKafkaConsumer(bootstrap_servers=address), address)
    try:
        ends = await consumer.end_offsets(partitions)
    finally:
        await _ended(consumer)
    return {
        lane: (ends[TopicPartition(topics.live, lane)], ends[TopicPartition(topics.backlog, lane)])
        for lane in range(topics.lanes)
    }


async def _taken(producer: AIOKafkaProducer, partition: TopicPartition) -> bool:
    """Whether a heartbeat is still taken there."""
    try:
        await producer.send_and_wait(partition.topic, b"", partition=partition.partition)
    except MessageSizeTooLargeError:
        return False
    except KafkaError:  # its leader is away just now, or moving
        return True
    return True


async def _differences(admin: AIOKafkaAdminClient, name: str, replication: int) -> list[tuple[str, str, str]]:
    """Settings of a topic that are not ours, each with what they are and ought to be."""
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    ((_, _, _, _, entries),) = answer.resources
    found = {entry[0]: entry[1] for entry in entries}
    return [(key, found.get(key, ""), ought) for key, ought in _settings(replication).items() if found.get(key) != ought]


def _settings(replication: int) -> dict[str, str]:
    return {
        # What is acknowledged outlives any one broker, and no broker that lacks some of it may lead.
        "min.insync.replicas": str(min(2, replication)),
        "unclean.leader.election.enable": "false",
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(RECORD_MAX_BYTES),
        "retention.ms": str(KEPT_MS),
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
    }


@contextlib.asynccontextmanager
async def _admin(address: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = await _started(lambda: AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=15_000), address)
    try:
        yield admin
    except KafkaError as error:
        raise CordonError(f"the broker at {address} does not do what it is asked ({_reason(error)}): see its log") from error
    finally:
        await admin.close()


async def _started(make: Callable[[], Client], address: str, wait_s: float = CONNECT_S) -> Client:
    """A client that is connected; a broker that is away or starting is waited for.

    Raises
    ------
    CordonError
        If it cannot be reached for so long.
    """
    deadline = time.monotonic() + wait_s
    waiting = False
    while True:
        client = make()
        try:
            await client.start()
        except (KafkaError, OSError) as error:
            await _ended(client)
            if time.monotonic() > deadline:
                raise CordonError(f"no broker can be reached at {address}: check CORDON_KAFKA, and that it runs") from error
            if not waiting:
                log.warning("the broker is waited for", address=address, reason=_reason(error))
            waiting = True
            await asyncio.sleep(RETRY_S)
        except BaseException:
            await _ended(client)
            raise
        else:
            return client


async def _ended(client: AIOKafkaAdminClient | AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop a client, whatever state it is in.

    As a task of its own: a client cancels tasks of its own when it stops, and where one of them passes that on, it must not seem
    that we were told to end.
    """
    stopping = asyncio.ensure_future(client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())
    try:
        await asyncio.wait([stopping], timeout=ENDED_S)
    finally:
        late = stopping.cancel()
    if late or stopping.cancelled():
        log.warning("a client of the broker did not end in order", client=type(client).__name__, late=late)
    elif (error := stopping.exception()) is not None and not isinstance(error, KafkaError | OSError):
        raise error


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


class KafkaSink:
    """A door's end: a ``Sink`` that splits batches by lane and returns when the broker has every part on all its replicas.

    What became of the records is known once a worker has committed them, so receipts have no numbers yet. While it is open, each
    partition that this edge leaves alone gets heartbeats, so that lanes know the time while nobody moves; with no edge running
    they do not, and nothing is judged to be missing. What is no door opens it without ``heartbeats``.
    """

    def __init__(self, address: str, topics: Topics, *, heartbeats: bool = True) -> None:
        self._address = address
        self._topics = topics
        self._heartbeats = heartbeats
        self._producer: AIOKafkaProducer | None = None
        self._bytes = 0  # of frames that some producer may still hold
        self._held: dict[AIOKafkaProducer, set[asyncio.Future[list[object]]]] = {}  # what each has not answered yet
        self._ending: set[AIOKafkaProducer] = set()  # replaced; they deliver what they hold
        self._told = np.zeros(topics.lanes)  # when each live partition was last sent anything, seconds of the monotonic clock
        self._beats: dict[int, asyncio.Task[None]] = {}
        self._broken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._spawn(self._keep())
        if self._heartbeats:
            self._spawn(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        producer, self._producer = self._producer, None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if producer is not None:
            await _ended(producer)

    @property
    def topics(self) -> Topics:
        """What is produced to."""
        return self._topics

    def use(self, topics: Topics) -> None:
        """Produce to another generation from now on."""
        self._topics = topics
        self._told = np.zeros(topics.lanes)
        self._beats.clear()

    async def accept(self, batch: Batch) -> Receipt:
        """Return once every part of the batch is on the broker.

        Raises
        ------
        BusyError
            If the broker is away or behind: how much of the batch it has is then unknown, and it is safe to send all of it again.
        """
        receipt = new_receipt(time.time_ns() // 1000)
        topic, frames = self._topics.live, split(batch, receipt, self._topics.lanes)
        if is_old(batch):
            topic = self._topics.backlog
        size = sum(len(frame) for _, frame in frames)
        if self._bytes and self._bytes + size > HAND_BYTES:
            raise BusyError(RETRY_AFTER_S)
        producer = self._producer
        if producer is None:
            raise BusyError(RETRY_AFTER_S)
        self._bytes += size
        sent: list[asyncio.Future[object]] = []
        try:
            async with asyncio.timeout(GIVE_UP_S):
                for lane, frame in frames:
                    sent.append(await producer.send(topic, frame, partition=lane))
                for one in (await asyncio.wait(sent, return_when=asyncio.FIRST_EXCEPTION))[0] if sent else ():
                    one.result()
        except (KafkaError, TimeoutError) as error:
            self._replace(producer, error)
            raise BusyError(RETRY_AFTER_S) from error
        finally:
            self._release(producer, size, sent)
        if topic == self._topics.live:
            self._told[[lane for lane, _ in frames]] = time.monotonic()
        return Receipt(receipt, None, None)

    def _release(self, producer: AIOKafkaProducer, size: int, sent: list[asyncio.Future[object]]) -> None:
        """Count a request no more once its producer is done with it, however long after it was given up that is."""
        held = self._held.setdefault(producer, set())
        rest = asyncio.gather(*sent, return_exceptions=True)
        held.add(rest)

        def done(_: asyncio.Future[list[object]]) -> None:
            held.discard(rest)
            self._bytes -= size

        rest.add_done_callback(done)

    def _replace(self, producer: AIOKafkaProducer, error: BaseException) -> None:
        """Take another producer, once the broker is there: one that failed a record refuses all that follow, by their numbers.

        What the old one holds it delivers when it can: to the worker these are repeats. Where a record only takes too long, and
        another producer is ending already, nothing would be gained: the partition takes no writes now.
        """
        if self._producer is not producer or (self._ending and isinstance(error, TimeoutError | KafkaTimeoutError)):
            return
        self._producer = None
        self._beats.clear()
        self._broken.set()
        log.warning("the broker did not take a record; gateways send again", reason=_reason(error))
        self._ending.add(producer)
        self._spawn(self._end(producer))

    async def _end(self, producer: AIOKafkaProducer) -> None:
        await _ended(producer)
        self._ending.discard(producer)
        for rest in list(self._held.pop(producer, ())):  # it has gone without an answer to these
            rest.cancel()

    async def _keep(self) -> None:
        """Have a producer, also after one broke."""
        while True:
            self._broken.clear()
            with contextlib.suppress(CordonError):
                self._producer = await _started(self._make, self._address)
                await self._broken.wait()

    def _make(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._address,
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=10_000,
            metadata_max_age_ms=METADATA_MS,
            max_batch_size=1024 * 1024,
            max_request_size=RECORD_MAX_BYTES,
            linger_ms=0,  # what comes while a request is under way goes with the next one
        )

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S / 2)
            producer, now = self._producer, time.monotonic()
            for lane in np.flatnonzero(now - self._told > HEARTBEAT_S).tolist() if producer is not None else ():
                before = self._beats.get(lane)
                if before is None or before.done():
                    self._told[lane] = now
                    self._beats[lane] = asyncio.create_task(self._send_beat(producer, self._topics.live, lane))

    async def _send_beat(self, producer: AIOKafkaProducer, topic: str, lane: int) -> None:
        try:
            await producer.send_and_wait(topic, b"", partition=lane)
        except KafkaError as error:
            self._replace(producer, error)

    def _spawn(self, job: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def split(batch: Batch, receipt: str, lanes: int) -> list[tuple[int, bytes]]:
    """A batch as frames with their lanes, records in their order; dead letters go with lane 0."""
    shares: list[tuple[int, Array, Array, tuple[DeadLetter, ...]]] = []
    every = zip(of_lanes(batch.fixes["tag"], lanes), of_lanes(batch.events["tag"], lanes), strict=True)
    for lane, (of_fixes, of_events) in enumerate(every):
        fixes, events = taken(batch.fixes, of_fixes), taken(batch.events, of_events)
        for at in range(0, max(len(fixes), len(events)), FRAME_RECORDS):
            until = at + FRAME_RECORDS
            shares.append((lane, fixes[at:until], events[at:until], ()))
    shares += [(0, batch.fixes[:0], batch.events[:0], letters) for letters in _bundles(batch.dead)]
    return [
        (lane, encode(Frame(batch.gateway, 0, batch.received_us, receipt, len(shares), fixes, events, letters)))
        for lane, fixes, events, letters in shares
    ]


def _bundles(dead: Iterable[DeadLetter]) -> list[tuple[DeadLetter, ...]]:
    """Dead letters in bundles of about ``LETTERS_BYTES``."""
    bundles: list[tuple[DeadLetter, ...]] = []
    bundle: list[DeadLetter] = []
    size = 0
    for letter in dead:
        bundle.append(letter)
        size += len(letter.body) + len(letter.reason)
        if size > LETTERS_BYTES:
            bundles.append(tuple(bundle))
            bundle, size = [], 0
    return [*bundles, tuple(bundle)] if bundle else bundles


class Record(NamedTuple):
    """What one offset of a lane's partition holds."""

    offset: int
    at_us: int  # when the broker appended it, microseconds since 1970 UTC
    value: bytes  # a frame, or nothing: a heartbeat
    lost: str = ""  # no record: why those before ``offset`` + 1 cannot be had any more


class Group(ConsumerRebalanceListener):  # type: ignore[misc]
    """A worker's end: one member of the workers' group, with manual offsets.

    A lane that is assigned is silent until ``begin``. Kafka's own committed offsets are for lag tools only.

    Parameters
    ----------
    revoked : called before every rebalance; when it returns, others may own what was ours
    assigned : called after it with the lanes that are ours now; must not wait
    session_ms : a member not heard of for so long loses its lanes
    """

    def __init__(
        self,
        address: str,
        topics: Topics,
        *,
        session_ms: int,
        revoked: Callable[[], Awaitable[None]],
        assigned: Callable[[frozenset[int]], None],
    ) -> None:
        self._address, self._topics, self._session_ms = address, topics, session_ms
        self._revoked, self._assigned = revoked, assigned
        self._consumer: AIOKafkaConsumer | None = None
        self._heard_us: dict[TopicPartition, int] = {}  # when the newest record that was handed out had been appended

    async def __aenter__(self) -> Self:
        self._consumer = await _started(self._make, self._address)
        self._consumer.subscribe([self._topics.live, self._topics.backlog], listener=self)
        return self

    async def __aexit__(self, *_: object) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _ended(consumer)  # leaves the group in order: others have our lanes at once

    def _make(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._address,
            group_id=self._topics.group,
            enable_auto_commit=False,
            auto_offset_reset="none",  # offsets are the lane row's; anything else would skip or repeat quietly
            partition_assignment_strategy=[RangePartitionAssignor],  # the same partitions of both topics
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=max(100, self._session_ms // 6),
            rebalance_timeout_ms=30_000,
            metadata_max_age_ms=METADATA_MS,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=FETCH_BYTES,
        )

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Called by the client."""
        await self._revoked()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Called by the client; of no use to who is leaving."""
        if self._consumer is None:
            return
        for partition in assigned:
            self._consumer.pause(partition)
            self._consumer.seek(partition, 0)  # anywhere: ``begin`` says where
        self._assigned(frozenset(partition.partition for partition in assigned))

    def begin(self, lane: int, position: Position, watermark_us: int = 0) -> None:
        """Have a lane's records from these offsets on; the live ones before are of up to ``watermark_us``, where it is not 0."""
        if watermark_us:
            live, backlog = self._partitions(lane)
            self._heard_us[live] = watermark_us
            self._heard_us.pop(backlog, None)
        for partition, offset in zip(self._partitions(lane), position, strict=True):
            with contextlib.suppress(IllegalStateError):  # revoked just now
                self._open.seek(partition, offset)
                self._open.resume(partition)

    def pause(self, lane: int, backlog: bool) -> None:
        """Have no more of its records until ``resume``."""
        with contextlib.suppress(IllegalStateError):
            self._open.pause(self._partitions(lane)[backlog])

    def resume(self, lane: int, backlog: bool) -> None:
        """Go on after ``pause``."""
        with contextlib.suppress(IllegalStateError):
            self._open.resume(self._partitions(lane)[backlog])

    def end(self, lane: int, backlog: bool) -> int | None:
        """The offset after the last record, as the last answer had it; None before the first."""
        try:
            found: int | None = self._open.highwater(self._partitions(lane)[backlog])
        except IllegalStateError:
            return None
        return found

    async def records(self, wait_s: float) -> Mapping[tuple[int, bool], list[Record]]:
        """What has come, by lane and whether it is backlog.

        Raises
        ------
        CordonError
            If the group cannot be kept up: enter a new one.
        """
        # The client fetches by a task of its own, and nobody hears of its end: we would go on as a member to whom nothing comes.
        if self._open._fetcher.error_future.done():
            raise CordonError("the workers' group was lost (nothing is fetched any more); it is joined again")
        try:
            found = await self._open.getmany(timeout_ms=int(wait_s * 1000))
        except NoOffsetForPartitionError:  # looked for before we could say where to begin
            return {}
        except OffsetOutOfRangeError as error:
            return await self._gone(error.args[0])
        except KafkaError as error:
            raise CordonError(f"the workers' group was lost ({_reason(error)}); it is joined again") from error
        self._heard_us |= {partition: records[-1].timestamp * 1000 for partition, records in found.items()}
        return {
            (partition.partition, partition.topic == self._topics.backlog): [
                Record(record.offset, record.timestamp * 1000, record.value or b"") for record in records
            ]
            for partition, records in found.items()
        }

    async def _gone(self, offsets: Mapping[TopicPartition, int]) -> Mapping[tuple[int, bool], list[Record]]:
        """What is said of offsets that the broker does not have; nothing where it cannot be asked just now: it comes up again."""
        found = {}
        for partition, offset in offsets.items():
            try:
                lost = await self._lost(partition, offset)
            except KafkaError as error:  # the broker is away, or the partition was revoked just now
                log.warning("the broker is asked again which records it has", topic=partition.topic, reason=_reason(error))
            else:
                found[partition.partition, partition.topic == self._topics.backlog] = [lost]
        return found

    async def _lost(self, partition: TopicPartition, offset: int) -> Record:
        """Go on from the first record there is, and say what was missed.

        Where the partition ends before ``offset``, some broker that became its leader never had what was consumed last, and its
        own records go on where those were. They are younger than what was consumed, so it is enough to go back to that moment and
        ``BACK_US`` more, by as much as two brokers' clocks may differ; what was judged already is found to be.
        """
        first = (await self._open.beginning_offsets([partition]))[partition]
        where = f"{partition.topic}, partition {partition.partition}"
        lost = f"{where}: records {offset} to {first - 1} were dropped by the broker before they were judged"
        if first <= offset:
            lost = f"{where}: it ends before record {offset}, which was to be judged next: the broker lost records"
            heard_us = self._heard_us.get(partition, 0)
            if heard_us:
                since = {partition: max(0, heard_us - BACK_US) // 1000}
                found = (await self._open.offsets_for_times(since))[partition]
                first = found.offset if found else (await self._open.end_offsets([partition]))[partition]
        log.error("records were lost by the broker", topic=partition.topic, lane=partition.partition, next=offset, first=first)
        self._open.seek(partition, first)
        return Record(first - 1, 0, b"", lost)

    async def note(self, positions: Mapping[int, Position]) -> None:
        """Tell lag tools how far lanes are; nothing where there are none."""
        offsets = {
            partition: offset
            for lane, position in positions.items()
            for partition, offset in zip(self._partitions(lane), position, strict=True)
        }
        if not offsets:  # which the client refuses
            return
        with contextlib.suppress(KafkaError):
            await self._open.commit(offsets)

    @property
    def _open(self) -> AIOKafkaConsumer:
        assert self._consumer is not None
        return self._consumer

    def _partitions(self, lane: int) -> tuple[TopicPartition, TopicPartition]:
        return TopicPartition(self._topics.live, lane), TopicPartition(self._topics.backlog, lane)
