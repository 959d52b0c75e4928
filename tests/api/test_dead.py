"""Dead letters: listed for engineers, shown to who may see positions, replayed or discarded once, each noted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from model.batch import DeadLetter, Receipt, Rejected
from store import dead
from store.pool import Store
from tests.api.client import MISSING_CONSOLE, Api, serving

MENDED = b'{"tag":7}'


class Door:
    """What the gateways' door is to the API: it takes one body, refuses others, and counts."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.asked, self.open = asyncio.Event(), asyncio.Event()
        self.open.set()

    async def replay(self, letter: DeadLetter) -> tuple[Receipt, tuple[Rejected, ...]] | Rejected:
        self.asked.set()
        await self.open.wait()
        if letter.body != MENDED:
            return Rejected("lat 151.0 is not between -90 and 90")
        self.taken.append(letter.body)
        return Receipt("r1", 1, 0), (Rejected("lon 200.5 is not between -180 and 180"),)


@pytest_asyncio.fixture
async def door() -> Door:
    return Door()


@pytest_asyncio.fixture
async def api(database: str, store: Store, door: Door) -> AsyncIterator[Api]:
    async with serving(database, store, console=MISSING_CONSOLE, replay=door.replay) as running:
        await dead.add(
            store,
            [
                DeadLetter("fixes[0]: no", MENDED, "http-json", "gw-1"),
                DeadLetter("fixes[1]: lat", b'{"tag":7,"lat":151}', "http-json", "gw-1"),
                DeadLetter("not a frame", b"\xff\x00", "frame", "gw-1"),
            ],
        )
        yield running


async def audited(store: Store) -> list[tuple[Any, ...]]:
    rows = await store.pool.fetch("SELECT action, subject, details FROM audit WHERE subject LIKE 'dead/%' ORDER BY part")
    return [tuple(row) for row in rows]


async def test_its_bytes_are_for_who_may_see_positions(api: Api) -> None:
    engineer, auditor = [(await api.get("/dead/1", role)).json for role in ("engineer", "auditor")]
    assert (engineer["reason"], engineer["bytes"], engineer["body"]) == ("fixes[0]: no", 9, None)
    assert auditor == engineer | {"body": '{"tag":7}'}
    binary = (await api.get("/dead/3", "supervisor")).json
    assert (binary["body"], binary["hex"]) == ("ff00", True)
    assert (await api.get("/dead/3", "engineer")).json["hex"] is False
    assert (await api.get("/dead/99")).status == 404
    assert await audited(api.store) == [
        ("read", "dead/1", {"bytes": False}),
        ("read", "dead/1", {"bytes": True}),
        ("read", "dead/3", {"bytes": True}),
        ("read", "dead/3", {"bytes": False}),
    ]


SWAPPED = "lat 151.25 is not between -90 and 90; are lon and lat swapped?"


async def test_a_reason_tells_engineers_no_coordinate(api: Api) -> None:
    hidden = "lat … is not between -90 and 90; are lon and lat swapped?"
    others = {
        "lon -180.5 is not between -180 and 180": "lon … is not between -180 and 180",
        "lon is nan, not a number of degrees": "lon is nan, not a number of degrees",
        "source 12 is not one of 0 to 3": "source 12 is not one of 0 to 3",
    }
    await dead.add(api.store, [DeadLetter(f"fixes[0]: {why}", b"x", "http-json", "gw-1") for why in (SWAPPED, *others)])
    for role, wanted in (("engineer", [hidden, *others.values()]), ("auditor", [SWAPPED, *others])):
        items = (await api.get("/dead", role)).json["items"]
        assert [item["reason"] for item in items[3::-1]] == [f"fixes[0]: {why}" for why in wanted]
        assert (await api.get("/dead/4", role)).json["reason"] == f"fixes[0]: {wanted[0]}"
    for path, body in (("/dead/4/replay", None), ("/dead/5/discard", {"reason": "noise"})):
        answer = str((await api.post(path, body, "engineer")).json)
        assert "…" in answer
        assert "151.0" not in answer
        assert "-180.5" not in answer


async def test_replayed_it_is_settled_and_counted_no_more(api: Api, door: Door) -> None:
    answer = await api.post("/dead/1/replay", role="engineer")
    assert answer.json == {"id": 1, "stored": 1, "duplicate": 0, "rejected": ["lon … is not between -180 and 180"]}
    listed = (await api.get("/dead", "engineer")).json["items"]
    assert [item["settled_as"] for item in listed] == [None, None, "replayed"]
    assert listed[2]["replayed_at"] is not None
    assert (await api.get("/status")).json["counts"]["dead_letters"] == 2
    assert await audited(api.store) == [("replayed", "dead/1", {"receipt": "r1"})]
    for path, body in (("/dead/1/replay", None), ("/dead/1/discard", {"reason": "twice"})):
        again = await api.post(path, body)
        assert (again.status, again.json["detail"]) == (409, "dead letter 1 was replayed before")
    assert door.taken == [MENDED]


async def test_still_refused_it_stays_as_it_was(api: Api) -> None:
    answer = await api.post("/dead/2/replay")
    assert (answer.status, answer.json["detail"]) == (409, "it is still refused: lat 151.0 is not between -90 and 90")
    assert (await dead.get(api.store, 2)).settled_as is None
    assert await dead.count(api.store) == 3
    assert await audited(api.store) == []


async def test_two_at_once_replay_it_once(api: Api, door: Door) -> None:
    door.open.clear()
    asked = [asyncio.create_task(api.post("/dead/1/replay")) for _ in range(2)]
    await door.asked.wait()
    door.open.set()
    assert sorted([(await answer).status for answer in asked]) == [200, 409]
    assert door.taken == [MENDED]


async def test_discarded_with_a_reason(api: Api) -> None:
    answer = await api.post("/dead/2/discard", {"reason": "the vendor's test tag"}, "supervisor")
    assert answer.json["settled_as"] == "discarded"
    assert answer.json["body"] == '{"tag":7,"lat":151}'
    assert (await api.post("/dead/3/discard", {"reason": "noise"}, "engineer")).json["body"] is None
    assert (await audited(api.store))[0] == ("discarded", "dead/2", {"reason": "the vendor's test tag"})
    assert (await api.post("/dead/1/discard", {"reason": ""})).status == 422
    assert (await api.post("/dead/99/discard", {"reason": "gone"})).status == 404
    assert await dead.count(api.store) == 1


async def test_without_a_door_it_says_what_to_do(api: Api) -> None:
    async with serving(api.store.dsn, api.store, console=MISSING_CONSOLE) as other:
        answer = await other.post("/dead/1/replay")
    assert (answer.status, "cordon dead replay" in answer.json["detail"]) == (409, True)
