"""The HTTP door answers each record by its place, after the sink has it, and every refusal says what to do."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

import ingest.http
from ingest.decoded import WHOLE_BYTES, Limits
from ingest.gateway import Gateway
from ingest.http import BODY_MAX_BYTES, DECODE_HERE_BYTES, create_door
from ingest.records import decode
from model.batch import Batch, Receipt
from model.errors import BusyError, CordonError
from model.synthetic import FIRST_TAG, GATEWAY
from tests.serving import serving

KEY = {"Authorization": "Bearer good"}
FIX = {"tag": 5, "fix_at": "2026-11-22T08:00:00Z", "lon": 1.0, "lat": 51.0}


@dataclass
class Ledger:
    """A sink that keeps what it was given and answers what it was told to."""

    batches: list[Batch] = field(default_factory=list)
    error: CordonError | None = None
    conflicting: tuple[int, ...] = ()
    conflicting_events: tuple[int, ...] = ()
    gate: asyncio.Event | None = None  # answers wait for it

    async def accept(self, batch: Batch) -> Receipt:
        if self.error is not None:
            raise self.error
        self.batches.append(batch)
        if self.gate is not None:
            await self.gate.wait()
        refused = len(self.conflicting) + len(self.conflicting_events)
        stored = len(batch.fixes) + len(batch.events) - refused
        return Receipt("r-1", stored, 0, self.conflicting, self.conflicting_events)


@dataclass
class Bench:
    url: str
    sink: Ledger
    session: aiohttp.ClientSession

    async def post(
        self, body: Any, headers: dict[str, str] = KEY, path: str = "/fixes"
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(self.url + "/gateway/v1" + path, data=data, headers=headers) as response:
            return response.status, await response.json(content_type=None), dict(response.headers)


async def authenticate(key: str) -> Gateway | None:
    return {"good": Gateway("gw-1"), "our own": Gateway(GATEWAY)}.get(key)


async def find_receipt(id_: str) -> Receipt | None:
    return Receipt("r-1", 3, 1) if id_ == "r-1" else None


def limits(trace_clock: bool = False) -> Limits:
    return Limits(oldest_us=10**17, trace_clock=trace_clock)


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    sink = Ledger()
    async with serving(create_door(sink, authenticate, find_receipt, limits())) as url, aiohttp.ClientSession() as session:
        yield Bench(url, sink, session)


async def test_good_and_bad_records_are_answered_by_place(bench: Bench) -> None:
    bad = FIX | {"lat": 151.0}
    event = {"tag": 5, "kind": "strap_tamper", "at": "2026-11-22T08:00:05Z"}
    status, answer, _ = await bench.post({"gateway": "gw-1", "fixes": [bad, FIX, bad], "events": [event, {"tag": 5}]})
    assert status == 200
    assert (answer["accepted"], answer["stored"], answer["duplicate"], answer["receipt"]) == (2, 2, 0, "r-1")
    assert [(one["in"], one["index"]) for one in answer["rejected"]] == [("fixes", 0), ("fixes", 2), ("events", 0 + 1)]
    (batch,) = bench.sink.batches
    assert len(batch.dead) == 3


async def test_synthetic_wearers_come_from_our_own_gateway_alone(bench: Bench) -> None:
    frame = {"gateway": GATEWAY, "fixes": [FIX | {"tag": FIRST_TAG - 1}, FIX | {"tag": FIRST_TAG}]}
    status, answer, _ = await bench.post(frame)
    assert (status, [refused["index"] for refused in answer["rejected"]]) == (200, [1])
    status, answer, _ = await bench.post(frame, {"Authorization": "Bearer our own"})
    assert (status, answer["rejected"]) == (200, [])
    assert [len(batch.fixes) for batch in bench.sink.batches] == [1, 2]


async def test_a_conflict_found_at_the_commit_is_named_by_its_place_in_the_frame(bench: Bench) -> None:
    bench.sink.conflicting = (1,)
    bench.sink.conflicting_events = (0,)
    event = {"tag": 5, "kind": "strap_tamper", "at": "2026-11-22T08:00:05Z"}
    body = {"gateway": "g", "fixes": [FIX | {"lat": "x"}, FIX, FIX | {"seq": 9}], "events": [{}, event]}
    _, answer, _ = await bench.post(body)
    assert answer["accepted"] == 1
    assert [(one["in"], one["index"]) for one in answer["rejected"]] == [("fixes", 0), ("fixes", 2), ("events", 0), ("events", 1)]
    assert "seq 9" in answer["rejected"][1]["reason"]
    assert "other content" in answer["rejected"][3]["reason"]


async def test_a_wrong_or_missing_key_is_refused_and_nothing_is_taken(bench: Bench) -> None:
    for headers in ({}, {"Authorization": "Bearer bad"}, {"Authorization": "good"}, {"Authorization": "Basic good"}):
        status, problem, answered = await bench.post({"gateway": "g", "fixes": [FIX]}, headers)
        assert status == 401
        assert "cordon keys" in problem["detail"]
        assert answered["WWW-Authenticate"] == "Bearer"
        assert answered["Content-Type"] == "application/problem+json"
    assert bench.sink.batches == []


async def test_what_the_door_does_not_have_is_refused_in_its_own_words(bench: Bench) -> None:
    for path, status, said in (
        ("/fixes", 405, "/gateway/v1/fixes takes POST, not GET"),
        ("/fix", 404, "/gateway/v1/openapi.json"),
    ):
        async with bench.session.get(bench.url + "/gateway/v1" + path) as response:
            assert (response.status, response.content_type) == (status, "application/problem+json")
            problem = await response.json(content_type=None)
            assert problem["status"] == status
            assert said in problem["detail"]
            assert response.headers.get("Allow") == ("POST" if status == 405 else None)


async def test_a_body_that_cannot_be_read_is_refused_and_buried(bench: Bench) -> None:
    status, problem, _ = await bench.post(b'{"gateway": "g", "fixes": [')
    assert status == 400
    assert "not JSON" in problem["detail"]
    (batch,) = bench.sink.batches
    assert len(batch.fixes) == 0
    (letter,) = batch.dead
    assert letter.body == b'{"gateway": "g", "fixes": ['


async def test_an_enormous_body_is_cut_short(bench: Bench) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(BODY_MAX_BYTES // 2**20 + 1):
            yield b"x" * 2**20

    async with bench.session.post(bench.url + "/gateway/v1/fixes", data=endless(), headers=KEY) as response:
        assert response.status == 413
        assert "send fewer records" in (await response.json(content_type=None))["detail"]
    (letter,) = bench.sink.batches[0].dead
    assert len(letter.body) == WHOLE_BYTES


async def test_a_full_pipeline_says_when_to_come_again(bench: Bench) -> None:
    bench.sink.error = BusyError(7.0)
    status, problem, headers = await bench.post({"gateway": "g", "fixes": [FIX]})
    assert status == 503
    assert headers["Retry-After"] == "7"
    assert "send the same again" in problem["detail"]


async def test_a_failure_of_ours_is_not_an_acknowledgement(bench: Bench) -> None:
    bench.sink.error = CordonError("the disk is full")
    status, problem, headers = await bench.post({"gateway": "g", "fixes": [FIX]})
    assert status == 503
    assert "Retry-After" in headers
    assert "disk" not in problem["detail"], "a gateway learns nothing of our insides"


async def test_receipts_can_be_asked_for(bench: Bench) -> None:
    async with bench.session.get(bench.url + "/gateway/v1/receipts/r-1", headers=KEY) as response:
        assert await response.json() == {"receipt": "r-1", "stored": 3, "duplicate": 1}
    async with bench.session.get(bench.url + "/gateway/v1/receipts/r-2", headers=KEY) as response:
        assert response.status == 404
    async with bench.session.get(bench.url + "/gateway/v1/receipts/r-1") as response:
        assert response.status == 401


async def test_the_clock_is_a_door_only_where_the_instance_was_made_for_it(bench: Bench) -> None:
    status, _, _ = await bench.post({}, path="/clock/1790000000000000")
    assert status == 404
    async with serving(create_door(bench.sink, authenticate, find_receipt, limits(trace_clock=True))) as url:
        traced = Bench(url, bench.sink, bench.session)
        status, answer, _ = await traced.post({}, path="/clock/1790000000000000")
        assert (status, answer["now"]) == (200, "2026-09-21T14:13:20Z")
        assert bench.sink.batches[-1].received_us == 1790000000000000
        for outside in (0, -5, 253402351199000000, 10**30):
            status, problem, _ = await traced.post({}, path=f"/clock/{outside}")
            assert (status, problem["type"]) == (400, "urn:cordon:gateway:clock")
        assert len(bench.sink.batches) == 1


KIB = 1024


def padded(size: int) -> bytes:
    """A good frame of so many bytes."""
    frame = json.dumps({"gateway": "g", "fixes": [FIX]}).encode()
    return frame + b" " * (size - len(frame))


@pytest_asyncio.fixture
async def narrow() -> AsyncIterator[Bench]:
    """A door that holds a mebibyte of bodies at once."""
    sink = Ledger()
    door = create_door(sink, authenticate, find_receipt, limits()._replace(hand_bytes=1024 * KIB))
    async with serving(door) as url, aiohttp.ClientSession() as session:
        yield Bench(url, sink, session)


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not look():  # noqa: ASYNC110 - what is looked at has no event
            await asyncio.sleep(0.005)


async def test_bodies_beyond_what_can_be_held_are_told_to_come_again(narrow: Bench) -> None:
    narrow.sink.gate = asyncio.Event()
    first = asyncio.create_task(narrow.post(padded(700 * KIB)))
    await until(lambda: narrow.sink.batches)
    status, problem, headers = await narrow.post(padded(700 * KIB))
    assert (status, headers["Retry-After"]) == (503, "5")
    assert "send the same again" in problem["detail"]
    small = asyncio.create_task(narrow.post(padded(100 * KIB)))
    await until(lambda: len(narrow.sink.batches) == 2)
    narrow.sink.gate.set()
    assert ((await first)[0], (await small)[0]) == (200, 200)
    assert (await narrow.post(padded(700 * KIB)))[0] == 200, "what was answered is in hand no more"


async def test_a_body_of_no_declared_length_is_counted_as_it_comes(narrow: Bench) -> None:
    going_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        body = padded(900 * KIB)
        yield body[: 700 * KIB]
        await going_on.wait()
        yield body[700 * KIB :]

    async def post_slowly() -> int:
        async with narrow.session.post(narrow.url + "/gateway/v1/fixes", data=slow(), headers=KEY) as response:
            return response.status

    async def quick() -> AsyncIterator[bytes]:
        yield padded(400 * KIB)

    first = asyncio.create_task(post_slowly())
    statuses = []
    async with asyncio.timeout(20):
        while 503 not in statuses:  # until the slow one's bytes have come
            if first.done():  # a quick one was in hand just then
                first = asyncio.create_task(post_slowly())
            async with narrow.session.post(narrow.url + "/gateway/v1/fixes", data=quick(), headers=KEY) as response:
                statuses.append(response.status)
    going_on.set()
    assert await first == 200
    assert (await narrow.post(padded(900 * KIB)))[0] == 200


async def test_a_failed_or_abandoned_body_is_in_hand_no_more(narrow: Bench) -> None:
    narrow.sink.error = BusyError(1.0)
    for _ in range(3):
        assert (await narrow.post(padded(700 * KIB)))[2]["Retry-After"] == "1", "refused by the sink, not by the door"
    narrow.sink.error = None
    assert (await narrow.post(b"x" * 700 * KIB))[0] == 400

    async def broken() -> AsyncIterator[bytes]:
        yield b" " * 700 * KIB
        await asyncio.sleep(0.1)
        raise ConnectionAbortedError

    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        async with narrow.session.post(narrow.url + "/gateway/v1/fixes", data=broken(), headers=KEY):
            pass
    async with asyncio.timeout(20):
        while (await narrow.post(padded(700 * KIB)))[0] != 200:  # noqa: ASYNC110 - the door hears of it in its own time
            await asyncio.sleep(0.02)


async def test_large_bodies_are_decoded_beside_the_loop(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    def watched(*given: Any) -> Any:
        threads.append(threading.get_ident())
        return decode(*given)

    monkeypatch.setattr(ingest.http, "decode", watched)
    assert (await bench.post(padded(DECODE_HERE_BYTES)))[0] == 200
    assert (await bench.post(padded(DECODE_HERE_BYTES + 1)))[0] == 200
    here = threading.get_ident()
    assert [thread == here for thread in threads] == [True, False]
