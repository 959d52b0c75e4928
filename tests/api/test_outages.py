"""Alerts that concern no wearer: an engineer's whole queue, and of ourselves nobody else's; synthetic wearers' are nobody's."""

import asyncio
from typing import Any

import pytest

from model.alert import Kind
from store import crossings, incidents
from store.feed import edit
from tests.api import given
from tests.api.client import Api
from tests.api.events import alerts, streaming

WAIT_S = 30


async def raised(api: Api, kind: Kind = Kind.MONITORING_DOWN, subject: str = "") -> int:
    async with edit(api.store) as change:
        return await incidents.raise_(change, kind, subject, "It is down.", given.AT_US)


async def ids(api: Api, role: str) -> list[int]:
    return [item["id"] for item in (await api.get("/alerts?state=all", role)).json["items"]]


@pytest.fixture
async def personal(api: Api) -> int:
    who = await given.wearer(api)
    return await given.alert(api.store, who, await given.zone(api, who["wearer"]))


async def test_an_engineer_sees_and_works_what_concerns_no_wearer(api: Api, personal: int) -> None:
    ours = await raised(api)
    fleet = await raised(api, Kind.FLEET_OUTAGE, "gw-1")
    assert sorted(await ids(api, "engineer")) == [ours, fleet]
    assert sorted(await ids(api, "operator")) == [personal, fleet]
    assert sorted(await ids(api, "supervisor")) == [personal, ours, fleet]
    shown = (await api.get(f"/alerts/{ours}", "engineer")).json
    assert (shown["wearer_id"], shown["wearer"], shown["tag"], shown["order_id"], shown["zone_id"]) == (None,) * 5
    assert (shown["severity"], shown["condition"], shown["history"][0]["text"]) == ("P1", "active", "It is down.")
    assert (await api.get(f"/alerts/{fleet}")).json["subject"] == "gw-1"
    for number, role in ((personal, "engineer"), (ours, "operator")):
        assert (await api.get(f"/alerts/{number}", role)).status == 404
        assert (await api.post(f"/alerts/{number}/acknowledge", role=role)).status == 404
    assert (await api.post(f"/alerts/{ours}/acknowledge", role="engineer")).json["handling"] == "acknowledged"
    assign = {"owner": api.accounts["operator"]}
    assert (await api.post(f"/alerts/{ours}/assign", assign, "engineer")).status == 409
    assert (await api.post(f"/alerts/{fleet}/assign", assign, "engineer")).status == 200


async def test_each_stream_carries_what_its_reader_may_see(api: Api, personal: int) -> None:
    async with asyncio.timeout(WAIT_S), streaming(api, role="engineer") as engineer, streaming(api) as operator:
        await anext(engineer)
        await anext(operator)
        ours = await raised(api)
        await api.post(f"/alerts/{personal}/acknowledge", role="operator")
        fleet = await raised(api, Kind.FLEET_OUTAGE, "gw-1")
        assert [event.data["id"] for event in await alerts(engineer, 2)] == [ours, fleet]
        assert [event.data["id"] for event in await alerts(operator, 2)] == [personal, fleet]


async def test_a_cause_has_one_open_row_and_a_closed_one_rests(api: Api) -> None:
    first = await raised(api)
    await api.post(f"/alerts/{first}/acknowledge", role="engineer")
    assert await raised(api) == first
    again = (await api.get(f"/alerts/{first}", "engineer")).json
    assert (again["handling"], again["occurrences"]) == ("new", 2)
    await api.post(f"/alerts/{first}/close", {"outcome": "other", "note": "Repaired."}, "engineer")
    second = await raised(api)
    assert second != first
    reopened = await api.post(f"/alerts/{first}/reopen", {"note": "No."}, "engineer")
    assert (reopened.status, reopened.json["detail"]) == (409, f"alert {second} is open for the same cause: add a note there")


async def test_a_synthetic_wearer_is_nowhere(api: Api, personal: int) -> None:
    before = (await api.get("/status")).json["counts"]
    assert await crossings.ensure(api.store, 4)
    assert not await crossings.ensure(api.store, 4)
    person: dict[str, Any] = {"wearer": -1, "order": -1, "tag": 1 << 62}
    await given.fixes(api.store, given.fix(tag=1 << 62))
    async with asyncio.timeout(WAIT_S), streaming(api, role="admin") as stream:
        await anext(stream)
        hidden = await given.alert(api.store, person, -1)
        await api.post(f"/alerts/{personal}/acknowledge", role="operator")
        assert [event.data["id"] for event in await alerts(stream, 1)] == [personal]
    assert await ids(api, "admin") == [personal]
    assert (await api.get(f"/alerts/{hidden}")).status == 404
    after = (await api.get("/status")).json["counts"]
    assert after == before | {"new_alerts": 0}
    for path in ("/wearers", "/orders", "/activations", "/zones", "/tags"):
        assert len((await api.get(path)).json["items"]) == 1, path
    for path in ("/wearers/-1", f"/tags/{1 << 62}", "/zones/-1", f"/fixes?tag={1 << 62}&from=2026-11-22T00:00:00Z"):
        assert (await api.get(path)).status in {404, 422}, path
