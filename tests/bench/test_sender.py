"""The sender against a real HTTP server that is busy, breaks off, forgets to answer, and refuses."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from aiohttp import web

from bench import relay
from bench.clock import read as instant
from bench.ledger import Ledger, read
from bench.receiver import SOURCES
from bench.sender import LINES, QUEUE_MAX, Course, Sender, SenderError, body, report_each_minute, retry_after_s
from bench.upload import Town, reports, town
from bench.violations import SECOND_US
from tests.bench.conftest import FRIDAY_US

NOON_US = FRIDAY_US + 12 * 3600 * SECOND_US
KEY = "gw_test_key"
Identity = tuple[int, int, int, int]


class Door:
    """A gateway door: keeps what it takes by identity, and first plays a script of misfortunes, one a request."""

    def __init__(self) -> None:
        self.script: list[str] = []
        self.always = "take"
        self.held: dict[Identity, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.requests: list[int] = []  # records in each
        self.order: dict[int, list[int]] = {}  # fix times of each tag, as they first came
        self.through: dict[int, set[str]] = {}  # gateways by tag
        self.tolerance = 10**9  # records in one request
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"detail": "no"}, status=401)
        frame = json.loads(await request.read())
        assert frame["gateway"] in {"gw-test", "gw-test-2"}
        for fix in frame["fixes"]:
            self.through.setdefault(fix["tag"], set()).add(frame["gateway"])
        self.requests.append(len(frame["fixes"]) + len(frame["events"]))
        if self.requests[-1] > self.tolerance:
            return web.json_response({"detail": "large"}, status=413)
        misfortune = self.script.pop(0) if self.script else self.always
        if misfortune == "429":
            return web.Response(status=429, headers={"Retry-After": "0"})
        if misfortune == "503":
            return web.Response(status=503, headers={"Retry-After": "0"})
        if misfortune == "500":
            return web.Response(status=500)
        if misfortune == "400":
            return web.json_response({"detail": "the body is not a frame"}, status=400)
        if misfortune == "break":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if misfortune == "html":
            return web.Response(text="<html>hello</html>")
        answer = self.take(frame, reject_first=misfortune == "reject")
        if misfortune == "take and break":
            assert request.transport is not None
            request.transport.close()
        return web.json_response(answer)

    def take(self, frame: dict[str, Any], reject_first: bool) -> dict[str, Any]:
        rejected = [{"index": 0, "in": "fixes", "reason": "lat 151.0 is not between -90 and 90"}] if reject_first else []
        stored = duplicate = 0
        for fix in frame["fixes"][len(rejected) :]:
            identity = fix["tag"], instant(fix["fix_at"]), fix["seq"], SOURCES.index(fix["source"])
            if identity in self.held:
                assert self.held[identity] == fix, "the same fix again has the same content"
                duplicate += 1
            else:
                self.held[identity] = fix
                self.order.setdefault(fix["tag"], []).append(identity[1])
                stored += 1
        self.events += frame["events"]
        stored += len(frame["events"])
        return {"accepted": stored + duplicate, "receipt": "r", "stored": stored, "duplicate": duplicate, "rejected": rejected}


@pytest_asyncio.fixture
async def door() -> AsyncIterator[Door]:
    made = Door()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/gateway/v1/fixes", made.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture(scope="module")
def small() -> Town:
    return town(7, 60, demo=True)


def course(**changed: Any) -> Course:
    """Ten minutes of history, then five simulated minutes in one second."""
    return Course(NOON_US, 600 * SECOND_US, 300.0, 1.0)._replace(**changed)


def due(whole: Town, until_us: int) -> set[Identity]:
    """What must have been sent by then, worked out without the sender."""
    every = reports(whole, NOON_US - 3600 * SECOND_US, until_us)
    recent = every["fix_at_us"] >= NOON_US - 600 * SECOND_US
    wanted = every[(every["event"] == 0) & (every["upload_us"] <= until_us) & (recent | (every["upload_us"] >= NOON_US))]
    return {tuple(one) for one in wanted[["tag", "fix_at_us", "seq", "source"]].tolist()}  # type: ignore[misc]


async def send(whole: Town, door: Door, ledger: Ledger, **changed: Any) -> Sender:
    sender = Sender(whole, door.url, KEY, "gw-test", course(**changed), ledger)
    await asyncio.wait_for(sender.run(), 60)
    return sender


def listed(path: Path) -> list[Identity]:
    return [tuple(one) for one in read(path).tolist()]  # type: ignore[misc]


async def test_all_that_is_due_arrives_once_and_in_each_tags_order(small: Town, door: Door, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    sender = await send(small, door, ledger)
    ledger.close()
    assert set(door.held) == due(small, sender.now_us)
    assert Counter(listed(tmp_path / "ledger")) == Counter(list(door.held)), "the ledger lists each acknowledged fix once"
    assert ledger.acknowledged == ledger.stored == len(door.held) + len(door.events)
    assert ledger.duplicate == ledger.busy == ledger.broken == ledger.rejected == 0
    for times in door.order.values():
        assert times == sorted(times)
    assert max(door.requests) <= 500


async def test_misfortunes_lose_nothing_and_double_nothing(small: Town, door: Door, tmp_path: Path) -> None:
    door.script = ["429", "503", "break", "take", "take and break", "500", "429", "take and break", "take", "503"]
    ledger = Ledger(tmp_path / "ledger")
    sender = await send(small, door, ledger)
    ledger.close()
    assert set(door.held) == due(small, sender.now_us)
    assert sorted(listed(tmp_path / "ledger")) == sorted(door.held)
    assert ledger.busy == 4
    assert ledger.broken == 4
    assert ledger.duplicate > 0, "what was taken before the line broke is answered as a duplicate"
    different = {json.dumps(event, sort_keys=True) for event in door.events}  # this door keeps an event each time it comes
    assert ledger.stored + ledger.duplicate == ledger.acknowledged == len(door.held) + len(different)
    for times in door.order.values():
        assert times == sorted(times)


async def test_a_refused_record_is_no_entry(small: Town, door: Door, tmp_path: Path) -> None:
    door.script = ["reject"]
    ledger = Ledger(tmp_path / "ledger")
    sender = await send(small, door, ledger)
    ledger.close()
    assert ledger.rejected == 1
    assert ledger.reasons == ["lat 151.0 is not between -90 and 90"]
    assert set(listed(tmp_path / "ledger")) == set(door.held)
    assert len(due(small, sender.now_us) - set(door.held)) == 1


async def test_too_large_a_body_is_sent_in_halves(small: Town, door: Door, tmp_path: Path) -> None:
    door.tolerance = 20
    ledger = Ledger()
    sender = await send(small, door, ledger)
    assert set(door.held) == due(small, sender.now_us)
    assert max(door.requests) > 20


async def test_what_lies_behind_the_second_gateway_waits_while_that_stands_still(door: Door) -> None:
    whole = town(7, 200, demo=True)
    ledger = Ledger()
    sender = await send(whole, door, ledger)  # five minutes, of which three and a half are still
    behind = set(whole.fleet.tag[whole.relayed].tolist())
    assert len(behind) == relay.TAGS
    assert {tag for tag, names in door.through.items() if names == {"gw-test-2"}} == behind
    assert all(names == {"gw-test"} for tag, names in door.through.items() if tag not in behind)
    missing = due(whole, sender.now_us) - set(door.held)
    assert {tag for tag, *_ in missing} == behind
    assert min(at_us for _, at_us, *_ in missing) >= NOON_US + (relay.AFTER_S - 2) * SECOND_US
    assert max(door.order[tag][-1] for tag in behind) < NOON_US + relay.AFTER_S * SECOND_US


async def test_a_second_run_goes_on_where_the_first_left(small: Town, door: Door, tmp_path: Path) -> None:
    """Killed and started again: the overlap is duplicates with the same content, and nothing is missing."""
    first = await send(small, door, Ledger())
    before = len(door.held)
    again = Ledger()
    second = await send(small, door, again, from_us=first.now_us + 60 * SECOND_US)
    assert again.duplicate > 0
    assert len(door.held) > before
    assert set(door.held) == due(small, second.now_us)


@pytest.mark.parametrize(("change", "says"), [("key", "cordon keys"), ("html", "Cordon's address"), ("400", "not a frame")])
async def test_what_can_never_work_ends_at_once(small: Town, door: Door, change: str, says: str) -> None:
    door.always = change
    key = "wrong" if change == "key" else KEY
    sender = Sender(small, door.url, key, "gw-test", course(until_s=None), Ledger())
    with pytest.raises(SenderError, match=says):
        await asyncio.wait_for(sender.run(), 30)


async def test_a_server_that_is_away_is_waited_for(small: Town, door: Door) -> None:
    url, door.url = door.url, "http://127.0.0.1:9"
    ledger = Ledger()
    sender = Sender(small, door.url, KEY, "gw-test", course(until_s=None), ledger)
    running = asyncio.create_task(sender.run())
    await until(lambda: ledger.broken >= 2 * LINES)
    assert "sending again" in sender.trouble
    assert not running.done()
    sender._url = f"{url}/gateway/v1/fixes"
    await until(lambda: ledger.acknowledged > 0)
    sender.stop()
    await asyncio.wait_for(running, 30)


async def test_a_door_that_stays_busy_is_waited_for_in_bounded_memory_and_a_stop_ends_it(small: Town, door: Door) -> None:
    door.always = "503"
    ledger = Ledger()
    sender = Sender(small, door.url, KEY, "gw-test", course(until_s=None, speed=2000.0), ledger)
    running = asyncio.create_task(sender.run())
    await until(lambda: ledger.busy >= 50)
    assert sender.waiting <= LINES * QUEUE_MAX
    assert not running.done()
    sender.stop()
    await asyncio.wait_for(running, 30)
    assert ledger.acknowledged == 0


async def test_a_rate_is_kept(small: Town, door: Door) -> None:
    """However fast the door: never more let go than the time since the start allows."""
    ledger = Ledger()
    sender = Sender(small, door.url, KEY, "gw-test", course(until_s=None, rate_per_s=150.0), ledger)
    loop = asyncio.get_running_loop()
    began = loop.time()
    running = asyncio.create_task(sender.run())
    await until(lambda: ledger.acknowledged >= 450)
    # The last portion was let go when all before it had had their time; a portion has at most 500.
    assert loop.time() - began >= (ledger.acknowledged - 500) / 150.0
    sender.stop()
    await asyncio.wait_for(running, 30)


async def test_totals_are_said_without_names_or_places(small: Town, door: Door) -> None:
    said: list[str] = []
    sender = Sender(small, door.url, KEY, "gw-test", course(until_s=None), Ledger())
    speaking = asyncio.create_task(report_each_minute(sender, said.append, 0.01))
    await until(lambda: len(said) > 2)
    speaking.cancel()
    assert said[0].startswith("2026-03-20T12:00:00Z fleet: acknowledged 0")
    assert str(small.fleet.tag[0]) not in "".join(said)


async def until(happened: Callable[[], bool], wait: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    for _ in range(6000):
        if happened():
            return
        await wait(0.005)
    raise AssertionError("it never happened")


def test_a_body_is_the_contracts_json(small: Town) -> None:
    some = reports(small, FRIDAY_US + 19 * 3600 * SECOND_US, FRIDAY_US + 21 * 3600 * SECOND_US)
    frame = json.loads(body(some, "gw-test"))
    assert set(frame) == {"gateway", "fixes", "events"}
    assert len(frame["fixes"]) + len(frame["events"]) == len(some)
    for fix in frame["fixes"]:
        assert {"tag", "seq", "fix_at", "lon", "lat", "accuracy_m", "source", "battery_pct"} <= set(fix)
        assert all(value == value for value in fix.values()), "JSON has no NaN"
        assert ("hdop" in fix) == (fix["source"] == "gnss")
    assert {event["kind"] for event in frame["events"]} >= {"charging"}
    assert np.isclose(frame["fixes"][0]["accuracy_m"], round(frame["fixes"][0]["accuracy_m"], 1))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 1.0), ("3", 3.0), ("0", 0.05), ("-5", 0.05), ("1e9", 60.0), ("soon", 1.0), ("nan", 1.0)],
)
def test_retry_after(header: str | None, seconds: float) -> None:
    assert retry_after_s(header) == seconds


def test_retry_after_as_a_date() -> None:
    assert 20 < retry_after_s(format_datetime(datetime.now(UTC) + timedelta(seconds=30))) <= 30
    assert retry_after_s(format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)) == 0.05
