"""Synthetic wearers: sent in time by whoever is there, late from the first not seen; their key is made anew when it is lost."""

import asyncio
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, Request, Response

from duties import synthetic
from duties.synthetic import KEY_S, Crosser
from model.lane import lane_of
from model.synthetic import FIRST_TAG, GATEWAY, tags_of
from store import crossings, generations, keys
from store.pool import Store
from tests.serving import serving

LANES = 3


class Door:
    """A gateways' door that keeps what it is sent, and knows keys by the database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.frames: list[Any] = []
        self.refused = 0
        self.app = FastAPI()
        self.app.post("/gateway/v1/fixes")(self._fixes)

    async def _fixes(self, request: Request) -> Response:
        if await keys.authenticate(self._store, request.headers["Authorization"].removeprefix("Bearer ")) != GATEWAY:
            self.refused += 1
            return Response(status_code=401)
        self.frames.append(await request.json())
        return Response()


def test_each_lane_has_a_tag_of_its_own_beyond_all_hardware() -> None:
    for lanes in (1, 4, 256):
        tags = tags_of(lanes)
        assert lane_of(np.array(tags), lanes).tolist() == list(range(lanes))
        assert min(tags) >= FIRST_TAG


async def test_a_crossing_is_sent_again_with_another_key_and_late_counts_from_the_first_unseen(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthetic, "AGAIN_S", 0.05)
    door = Door(store)
    async with serving(door.app) as url, asyncio.timeout(60):
        crosser = Crosser(url, LANES, every_s=3600, late_s=3)
        await crosser.cross(store)
        assert door.frames == [], "their zones come into force first"
        await crosser.cross(store)  # nothing judges here, so nothing is seen
        [first] = door.frames
        assert first["gateway"] == GATEWAY
        assert [fix["tag"] for fix in first["fixes"]] == [tag for tag in tags_of(LANES) for _ in range(2)]
        before = await crossings.listed(store.pool)  # type: ignore[arg-type]
        assert all(one.waiting_us == one.sent_us and one.seen_us is None for one in before)
        await store.pool.execute("UPDATE gateway_key SET created_at = created_at - interval '2 hours'")
        await keys.expire(store, GATEWAY, KEY_S)
        await crosser.cross(store)  # not an hour later, but somebody waits
        assert (door.refused, len(door.frames)) == (1, 2)
    after = await crossings.listed(store.pool)  # type: ignore[arg-type]
    assert [one.waiting_us for one in after] == [one.waiting_us for one in before]
    assert all(one.sent_us > one.waiting_us for one in after if one.waiting_us)
    assert await crossings.due(store, 3600)
    await crossings.seen(store, range(LANES))
    assert not await crossings.due(store, 3600)
    assert await crossings.due(store, 0)


async def test_a_door_that_is_away_is_said(store: Store) -> None:
    crosser = Crosser("http://127.0.0.1:9", LANES, every_s=3600, late_s=0.5)
    await crosser.cross(store)
    await crosser.cross(store)
    assert {one.error for one in await crossings.listed(store.pool)} == {  # type: ignore[arg-type]
        "the door cannot be reached: ClientConnectorError"
    }


async def test_another_number_of_lanes_moves_the_tags(store: Store) -> None:
    assert await crossings.ensure(store, 4)
    await crossings.begin(store, 4)
    assert await crossings.ensure(store, 2)
    worn = await store.pool.fetch("SELECT id, tag FROM activation ORDER BY id DESC")
    assert [tuple(row) for row in worn] == [(-1 - lane, tag) for lane, tag in enumerate(tags_of(2))]
    assert [one.lane for one in await crossings.listed(store.pool)] == [0, 1]  # type: ignore[arg-type]


async def test_lanes_are_as_many_as_are_consumed(store: Store) -> None:
    crosser = Crosser("http://127.0.0.1:9", LANES, every_s=3600, late_s=0.2)
    await generations.first(store, 2)
    await generations.begin(store, 2, 5)
    for lanes in (2, 5):  # a move that is under way changes nothing yet
        await crosser.cross(store)
        await crosser.cross(store)
        assert [one.lane for one in await crossings.listed(store.pool)] == list(range(lanes))  # type: ignore[arg-type]
        await generations.moved(store.pool, 2)  # type: ignore[arg-type]
