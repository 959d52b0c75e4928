"""The HTTP door answers each record by its place, after the sink has it, and every refusal says what to do."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest_asyncio

from ingest.http import BODY_MAX_BYTES, Gateway, create_door
from ingest.records import WHOLE_BYTES, Limits
from model.batch import Batch, Receipt
from model.errors import BusyError, CordonError
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

    async def accept(self, batch: Batch) -> Receipt:
        if self.error is not None:
            raise self.error
        self.batches.append(batch)
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
    return Gateway("gw-1") if key == "good" else None


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
