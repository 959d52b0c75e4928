"""The TCP door answers each frame by its sequence once it is durable, slows whom it cannot serve, and outlives what comes in."""

import asyncio
import contextlib
import random
import socket
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import structlog

from ingest import tcp
from ingest.decoded import WHOLE_BYTES, Limits
from ingest.dialogue import LISTED_MAX, Refusal
from ingest.frame import Frame, encode
from ingest.gateway import Gateway
from ingest.tcp import MESSAGE_MAX_BYTES, Patience, listen
from model.batch import Batch, Receipt
from model.errors import BusyError, CordonError
from model.event import empty_events
from model.synthetic import FIRST_TAG, GATEWAY
from tests.ingest.gateway import Answer, Refused, connected, message
from tests.ingest.test_frame import event, fix

LIMITS = Limits(oldest_us=10**17)


@dataclass
class Pipeline:
    """A sink that keeps what it was given and answers what it was told to."""

    batches: list[Batch] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)  # raised first, one an offer
    gate: asyncio.Event | None = None  # answers wait for it
    given: asyncio.Event = field(default_factory=asyncio.Event)
    receipt: Receipt | None = None

    async def until(self, count: int) -> None:
        """Return when so many batches were given."""
        while len(self.batches) < count:
            self.given.clear()
            await self.given.wait()

    async def accept(self, batch: Batch) -> Receipt:
        if self.errors:
            raise self.errors.pop(0)
        self.batches.append(batch)
        self.given.set()
        if self.gate is not None:
            await self.gate.wait()
        return self.receipt or Receipt(uuid.uuid4().hex, len(batch.fixes) + len(batch.events), 0)


class Keys:
    """Whether the one key is good now."""

    good: bool | None = True  # None: nobody can say
    name: str = "gw-1"

    async def authenticate(self, key: str) -> Gateway | None:
        if self.good is None:
            raise BusyError(2)
        return Gateway(self.name) if self.good and key == "good" else None


@dataclass
class Door:
    port: int
    sink: Pipeline
    keys: Keys


@contextlib.asynccontextmanager
async def door(limits: Limits = LIMITS, sink: Pipeline | None = None, **patience: Any) -> AsyncIterator[Door]:
    listener = socket.create_server(("127.0.0.1", 0))
    sink, keys = sink or Pipeline(), Keys()
    async with listen(listener, sink, keys.authenticate, limits, Patience(**patience)):
        yield Door(listener.getsockname()[1], sink, keys)
        if sink.gate is not None:
            sink.gate.set()


def frame(sequence: int, fixes: Any = None, events: Any = None, gateway: str = "gw-7") -> bytes:
    return encode(
        Frame(gateway, sequence, 0, "", 0, fix() if fixes is None else fixes, empty_events() if events is None else events)
    )


def sequences(*answers: Any) -> list[int]:
    assert all(isinstance(answer, Answer) for answer in answers), answers
    return [answer.sequence for answer in answers]


async def a_later_one_is_heard(at: Door) -> None:
    """Another gateway comes and is answered: by now the door has read all it would of what was sent before."""
    async with connected(at.port):
        pass


async def test_a_frame_is_answered_by_its_sequence_once_the_sink_has_it() -> None:
    async with door() as at, connected(at.port, key=None) as gateway:
        assert await gateway.hello() == (64, MESSAGE_MAX_BYTES, LIMITS.frame_records)
        at.sink.gate = asyncio.Event()
        at.sink.receipt = Receipt("0a" * 16, 2, 1)
        bad = fix(lat=151.0)
        await gateway.send(frame(2**63, np.concatenate([bad, fix(), fix(seq=1)]), event()))
        await at.sink.given.wait()
        at.sink.gate.set()
        reason = "lat 151.0 is not between -90 and 90; are lon and lat swapped?"
        assert await gateway.hear() == Answer(2**63, "0a" * 16, 3, 1, 2, 1, ((0, 0, reason),))
    (batch,) = at.sink.batches
    assert (batch.gateway, len(batch.fixes), len(batch.events)) == ("gw-7", 2, 1)
    assert batch.received_us == batch.fixes["received_us"][0] > 0
    (letter,) = batch.dead
    assert letter.reason == f"fixes[0]: {reason}"


async def test_synthetic_wearers_come_from_our_own_gateway_alone() -> None:
    async with door() as at:
        for number, name in enumerate(("gw-1", GATEWAY)):
            at.keys.name = name
            async with connected(at.port) as gateway:
                await gateway.send(frame(1, fix(tag=FIRST_TAG)))
                answer = await gateway.hear()
                assert (answer.accepted, answer.rejected) == (number, 1 - number)


async def test_a_receipt_without_counts_says_so_and_conflicts_are_named_by_place() -> None:
    async with door() as at, connected(at.port) as gateway:
        at.sink.receipt = Receipt("0a" * 16, None, None, (1,), (0,))
        await gateway.send(frame(1, np.concatenate([fix(lat=91), fix(), fix(seq=9)]), event()))
        answer = await gateway.hear()
    assert (answer.accepted, answer.rejected, answer.stored, answer.duplicate) == (1, 3, -1, -1)
    assert [(row, place) for row, place, _ in answer.listed] == [(0, 0), (2, 0), (0, 1)]
    assert "seq 9" in answer.listed[1][2]


async def test_of_many_bad_records_the_first_are_named_and_all_are_kept() -> None:
    async with door() as at, connected(at.port) as gateway:
        await gateway.send(frame(1, np.repeat(fix(lat=91), LISTED_MAX + 50)))
        answer = await gateway.hear()
    assert (answer.accepted, answer.rejected, len(answer.listed)) == (0, LISTED_MAX + 50, LISTED_MAX)
    assert len(at.sink.batches[0].dead) == LISTED_MAX + 50


async def test_a_wrong_key_is_refused_and_nothing_is_taken() -> None:
    async with door() as at:
        for key in ("bad", "", "x" * 201, "\ud800"):
            async with connected(at.port, key=None) as gateway:
                gateway.writer.write(message(1, key.encode(errors="surrogatepass")))
                gateway.writer.write(frame(1))
                assert (await gateway.hear()).code == Refusal.KEY
                assert await gateway.hear() is None
    assert at.sink.batches == []


async def test_who_does_not_begin_with_a_key_is_refused() -> None:
    async with door() as at:
        for first in (
            frame(1),
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            message(2, b"good"),
            b"\x16\x03\x01\x02\x00\x01\x00" + bytes(600),
        ):
            async with connected(at.port, key=None) as gateway:
                gateway.writer.write(first)
                assert (await gateway.hear()).code == Refusal.BROKEN
                assert await gateway.hear() is None
    assert at.sink.batches == [], "a stranger's bytes are not kept"


async def test_who_never_says_a_key_is_sent_away() -> None:
    async with door(hello_s=0.05) as at, connected(at.port, key=None) as silent:
        assert (await silent.hear()).code == Refusal.LATE
        assert await silent.hear() is None


async def test_who_is_silent_for_long_is_sent_away() -> None:
    async with door(idle_s=0.1) as at, connected(at.port) as idle:
        refused = await idle.hear()
        assert (refused.code, refused.reason) == (Refusal.LATE, "nothing came for 0.1 s; come again")
        assert await idle.hear() is None


async def test_who_does_not_end_a_frame_is_sent_away() -> None:
    async with door(message_s=0.1) as at, connected(at.port) as slow:
        await slow.send(frame(1)[:-1])
        assert "did not end" in (await slow.hear()).reason
    assert at.sink.batches == []


async def test_who_waits_for_an_answer_is_not_idle() -> None:
    async with door(idle_s=0.2) as at, connected(at.port, key=None) as gateway:
        at.sink.errors = [BusyError(0.6)]
        await gateway.send(message(1, b"good"), frame(1))  # in one: on a busy machine time may pass between two
        await gateway.hear()
        assert sequences(await gateway.hear()) == [1]


async def test_a_frame_that_came_whole_and_cannot_be_read_is_buried_and_the_next_one_is_taken() -> None:
    count = bytearray(frame(7))
    count[16] = 9
    wrong = [message(3, bytes(count[8:-4])), message(5, b"?"), _of_the_edge()]
    async with door() as at, connected(at.port) as gateway:
        for body in wrong:
            await gateway.send(body)
            assert isinstance(await gateway.hear(), Refused)
        await gateway.send(wrong[0], frame(8))
        refused, answer = await gateway.hear(), await gateway.hear()
        assert (refused.sequence, refused.code) == (7, Refusal.UNREADABLE)
        assert "it counts 9 fixes" in refused.reason
        assert sequences(answer) == [8]
    assert [batch.dead[0].body for batch in at.sink.batches[:3]] == wrong
    assert at.sink.batches[0].gateway == "gw-1", "whose key it was"


def _of_the_edge() -> bytes:
    return encode(Frame("gw-7", 1, 5, "0a" * 16, 1, fix(), empty_events()))


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (frame(1)[:-1] + bytes([frame(1)[-1] ^ 1]), frame(1)[:-1] + bytes([frame(1)[-1] ^ 1])),
        (b"\xff" * 100, b"\xff" * 100),
        (bytes(100), bytes(100)),
        ((MESSAGE_MAX_BYTES - 3).to_bytes(4, "little") + bytes(2 * WHOLE_BYTES), None),
    ],
    ids=["checksum", "too long", "too short", "a little too long"],
)
async def test_a_stream_that_cannot_be_read_on_is_buried_and_closed(body: bytes, kept: bytes | None) -> None:
    async with door() as at, connected(at.port) as gateway:
        await gateway.send(body)
        assert (await gateway.hear()).code == Refusal.BROKEN
        with contextlib.suppress(ConnectionResetError):  # what we sent beyond was not read
            assert await gateway.hear() is None
    (batch,) = at.sink.batches
    (letter,) = batch.dead
    assert letter.body == kept or (kept is None and 4 < len(letter.body) <= WHOLE_BYTES)


async def test_only_a_window_of_frames_is_under_way() -> None:
    async with door(window=2) as at, connected(at.port) as gateway:
        at.sink.gate = asyncio.Event()
        await gateway.send(*(frame(number) for number in range(5)))
        await at.sink.until(2)
        await a_later_one_is_heard(at)
        assert len(at.sink.batches) == 2
        at.sink.gate.set()
        assert sequences(*[await gateway.hear() for _ in range(5)]) == list(range(5))


async def test_a_busy_sink_withholds_the_answer_and_nothing_is_dropped() -> None:
    async with door() as at, connected(at.port) as gateway:
        at.sink.errors = [BusyError(0.01), BusyError(0.01), CordonError("no"), BusyError(0.01)]
        tcp_wait, tcp.WAIT_S = tcp.WAIT_S, 0.01  # type: ignore[misc]
        try:
            await gateway.send(frame(1), frame(2))
            assert sorted(sequences(await gateway.hear(), await gateway.hear())) == [1, 2]
        finally:
            tcp.WAIT_S = tcp_wait  # type: ignore[misc]
    assert len(at.sink.batches) == 2


async def test_frames_that_do_not_fit_beside_the_others_are_not_read_yet() -> None:
    async with door(limits=LIMITS._replace(hand_bytes=150)) as at, connected(at.port) as one, connected(at.port) as two:
        at.sink.gate = asyncio.Event()
        await one.send(frame(1))
        await at.sink.given.wait()
        await two.send(frame(2))
        await a_later_one_is_heard(at)
        assert len(at.sink.batches) == 1
        at.sink.gate.set()
        assert sequences(await one.hear(), await two.hear()) == [1, 2]
        await one.send(frame(3))
        await two.send(frame(4))
        assert sequences(await one.hear(), await two.hear()) == [3, 4]


async def test_backlog_leaves_room_for_live_frames() -> None:
    old, new = fix(), fix()
    old["fix_at_us"], new["fix_at_us"] = 1_700_000_000_000_000, time.time_ns() // 1000
    size = len(frame(1, old))
    async with door(LIMITS._replace(hand_bytes=6 * size)) as at, connected(at.port) as late, connected(at.port) as early:
        at.sink.gate = asyncio.Event()
        await late.send(*(frame(number, old) for number in range(8)))
        await at.sink.until(4)
        await a_later_one_is_heard(at)
        assert len(at.sink.batches) == 4, "three are half of the room; the fourth took it over"
        await early.send(frame(1, new), frame(2, new))
        await at.sink.until(6)
        assert [int(batch.fixes["fix_at_us"][0]) for batch in at.sink.batches[4:]] == [int(new["fix_at_us"][0])] * 2
        at.sink.gate.set()
        assert sequences(*[await early.hear() for _ in range(2)]) == [1, 2]
        assert sorted(sequences(*[await late.hear() for _ in range(8)])) == list(range(8))


async def test_who_has_no_backlog_in_hand_any_more_does_not_wait_for_that_of_others() -> None:
    old, new = fix(), fix()
    old["fix_at_us"], new["fix_at_us"] = 1_700_000_000_000_000, time.time_ns() // 1000
    size = len(frame(1, old))

    class Slow(Pipeline):
        async def accept(self, batch: Batch) -> Receipt:
            gate, self.gate = self.gate, self.gate if batch.gateway == "late" else None
            try:
                return await super().accept(batch)
            finally:
                self.gate = gate

    async with (
        door(LIMITS._replace(hand_bytes=8 * size), Slow()) as at,
        connected(at.port) as late,
        connected(at.port) as mixed,
        asyncio.timeout(10),
    ):
        at.sink.gate = asyncio.Event()
        await late.send(*(frame(number, old, gateway="late") for number in range(8)))
        await at.sink.until(5)
        await mixed.send(frame(1, old))
        assert sequences(await mixed.hear()) == [1]
        await mixed.send(frame(2, new), frame(3, new))
        assert sorted(sequences(*[await mixed.hear() for _ in range(2)])) == [2, 3]
        at.sink.gate.set()


async def test_no_frame_overtakes_one_that_was_told_to_wait_and_news_does_not_wait_behind_backlog() -> None:
    old, new = fix(), fix()
    old["fix_at_us"], new["fix_at_us"] = 1_700_000_000_000_000, time.time_ns() // 1000
    olds = [old.copy() for _ in range(12)]
    for seq, one in enumerate(olds):
        one["seq"] = seq

    class Full(Pipeline):
        full = True
        refused = 0

        async def accept(self, batch: Batch) -> Receipt:
            if self.full and batch.fixes["fix_at_us"][0] == old["fix_at_us"][0]:
                self.refused += 1
                self.given.set()
                raise BusyError(0.01)
            return await super().accept(batch)

    async with door(sink=Full()) as at, connected(at.port) as gateway:
        await gateway.send(*(frame(1 + seq, one) for seq, one in enumerate(olds)), frame(99, new))
        assert sequences(await gateway.hear()) == [99]
        assert isinstance(at.sink, Full)
        assert at.sink.refused > 0
        at.sink.full = False
        assert sorted(sequences(*[await gateway.hear() for _ in olds])) == list(range(1, 13))
    assert [int(batch.fixes["seq"][0]) for batch in at.sink.batches[1:]] == list(range(12))


async def test_a_length_that_nobody_can_mean_stands_in_nobodys_way() -> None:
    """Four gigabytes, claimed by one gateway while another's frame is under way, and a third has a frame of a hundred bytes."""
    async with (
        door(limits=LIMITS._replace(hand_bytes=2 * WHOLE_BYTES)) as at,
        connected(at.port) as one,
        connected(at.port) as broken,
        connected(at.port) as three,
        asyncio.timeout(10),
    ):
        at.sink.gate = asyncio.Event()
        await one.send(frame(1))
        await at.sink.until(1)
        await broken.send(b"\xff" * 100)
        await at.sink.until(2)
        await three.send(frame(3))
        await at.sink.until(3)
        at.sink.gate.set()
        assert sequences(await one.hear(), await three.hear()) == [1, 3]
        assert (await broken.hear()).code == Refusal.BROKEN
    assert [len(batch.dead) for batch in at.sink.batches] == [0, 1, 0]


async def test_what_nobody_foresaw_cuts_the_connection_and_the_frame_is_sent_again() -> None:
    with structlog.testing.capture_logs() as said:
        await _fail_twice()
    assert [line["gateway"] for line in said] == ["gw-1", "gw-1"]


async def _fail_twice() -> None:
    async with door() as at, asyncio.timeout(10):
        at.sink.errors = [MemoryError("not foreseen"), MemoryError("nor this")]
        for bad in (frame(1), b"\xff" * 100):  # taken by a task of its own; buried by the connection itself
            async with connected(at.port) as gateway:
                await gateway.send(bad)
                with contextlib.suppress(ConnectionError):
                    assert await gateway.hear() is None
        async with connected(at.port) as gateway:
            await gateway.send(frame(1))
            assert sequences(await gateway.hear()) == [1]


async def test_room_is_given_in_order_and_back_by_who_leaves() -> None:
    room = tcp.Room(10)
    await room.take(8)
    large, small = asyncio.create_task(room.take(9)), asyncio.create_task(room.take(1))
    await asyncio.sleep(0)
    assert not small.done(), "it would overtake"
    large.cancel()
    await asyncio.wait([large])
    room.give(8)
    await small
    await room.take(9)
    beyond = asyncio.create_task(room.take(100))
    await asyncio.sleep(0)
    room.give(9)
    room.give(1)
    await beyond
    leaving = asyncio.create_task(room.take(1))
    await asyncio.sleep(0)
    room.give(100)
    leaving.cancel()
    await asyncio.wait([leaving])
    await asyncio.wait_for(room.take(10), 1)


async def test_who_has_said_all_still_hears_the_answers() -> None:
    async with door() as at, connected(at.port) as gateway:
        at.sink.gate = asyncio.Event()
        await gateway.send(frame(1), frame(2))
        gateway.writer.write_eof()
        await at.sink.given.wait()
        at.sink.gate.set()
        assert sorted(sequences(await gateway.hear(), await gateway.hear())) == [1, 2]
        assert await gateway.hear() is None


async def test_who_leaves_within_a_frame_takes_nothing_along() -> None:
    async with door() as at:
        async with connected(at.port) as gateway:
            await gateway.send(frame(1) + frame(2)[:50])
            await at.sink.given.wait()
        async with connected(at.port) as another:
            await another.send(frame(3))
            assert sequences(await another.hear()) == [3]
    assert [len(batch.fixes) for batch in at.sink.batches] == [1, 1]
    assert not any(batch.dead for batch in at.sink.batches)


async def test_who_does_not_take_answers_is_not_read_and_then_cut_off() -> None:
    many = frame(1, np.repeat(fix(lat=91), LISTED_MAX))
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    async def send_for_ever(gateway: Any) -> None:
        while True:
            await gateway.send(many)

    async with door(message_s=0.3) as at:
        small.connect(("127.0.0.1", at.port))
        async with connected(None, sock=small) as gateway, asyncio.timeout(30):
            gateway.writer.transport.pause_reading()
            with pytest.raises(ConnectionError):
                await send_for_ever(gateway)
    assert len(at.sink.batches) < 3000, "it was not read all the while"


async def test_the_door_that_closes_answers_what_is_under_way() -> None:
    opened = door()
    at = await opened.__aenter__()
    at.sink.gate = asyncio.Event()
    async with connected(at.port) as gateway:
        await gateway.send(frame(1))
        await at.sink.given.wait()
        closing = asyncio.create_task(opened.__aexit__(None, None, None))
        assert sequences(await gateway.hear()) == [1]
        assert (await gateway.hear()).code == Refusal.ENDING
        assert await gateway.hear() is None
        await closing
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", at.port)


async def test_the_door_that_closes_does_not_wait_for_ever() -> None:
    opened = door(drain_s=0.05)
    at = await opened.__aenter__()
    at.sink.gate = asyncio.Event()
    async with connected(at.port) as gateway:
        await gateway.send(frame(1))
        await at.sink.given.wait()
        at.sink.gate = None  # nobody opens the one that is waited for
        await opened.__aexit__(None, None, None)
        assert (await gateway.hear()).code == Refusal.ENDING, "and no answer: it is to be sent again"
        assert await gateway.hear() is None


async def test_a_revoked_key_ends_its_connection_and_one_that_nobody_can_look_up_does_not() -> None:
    async with door(check_s=0) as at, connected(at.port) as gateway:
        at.keys.good = None
        await gateway.send(frame(1))
        assert sequences(await gateway.hear()) == [1]
        async with connected(at.port, key=None) as stranger:
            refused = await stranger.hello()
            assert (refused.code, refused.wait_s) == (Refusal.BUSY, 2)
        at.keys.good = False
        await gateway.send(frame(2))
        assert (await gateway.hear()).code == Refusal.KEY
        assert await gateway.hear() is None
    assert len(at.sink.batches) == 1


async def test_too_many_connections_are_told_to_come_again() -> None:
    async with door(connections=1) as at, connected(at.port) as first:
        async with connected(at.port, key=None) as second:
            assert (await second.hear()).code == Refusal.BUSY
        await first.send(frame(1))
        assert sequences(await first.hear()) == [1]


async def test_a_long_frame_is_decoded_beside_the_loop() -> None:
    async with door() as at, connected(at.port) as gateway:
        await gateway.send(frame(1, np.repeat(fix(), 20_000)), frame(2))
        assert sorted(sequences(await gateway.hear(), await gateway.hear())) == [1, 2]
    assert [len(batch.fixes) for batch in at.sink.batches] == [20_000, 1]


async def test_the_door_outlives_garbage() -> None:
    chance = random.Random(7)
    async with door() as at:
        for _ in range(60):
            async with connected(at.port) as gateway:
                whole = bytearray(frame(1) + frame(2))
                for _ in range(chance.randrange(1, 4)):
                    whole[chance.randrange(len(whole))] = chance.randrange(256)
                with contextlib.suppress(ConnectionError):
                    await gateway.send(bytes(whole[: chance.randrange(1, len(whole) + 1)]))
                    gateway.writer.write_eof()
                    while await gateway.hear() is not None:
                        pass
        async with connected(at.port) as gateway:
            await gateway.send(frame(3))
            assert sequences(await gateway.hear()) == [3]
