"""Alerts that concern no wearer: an engineer's whole queue, and of ourselves nobody else's; synthetic wearers' are nobody's."""

import asyncio
from typing import Any

import pytest

from model.alert import Kind
from model.outage import Group, Hardware
from store import controls, crossings, gateways, incidents, outages
from store.feed import edit
from store.outages import Tag
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


async def test_an_outage_lists_its_tags_and_names_nobody_to_who_may_not_see_wearers(api: Api) -> None:
    who = await given.wearer(api)
    async with edit(api.store) as change:
        gateway = await gateways.number(api.store, "gw-1")
        tags = [Tag(given.TAG, given.AT_US, str(gateway), "", "", True), Tag(99, given.AT_US - 1, str(gateway), "", "", False)]
        _, alert = await outages.begin(change, Group("gateway", str(gateway)), 30, tags, given.AT_US)
        await outages.back(change, [(99, given.AT_US + 1_000_000)])
    first, second = (await api.get(f"/alerts/{alert}", "operator")).json["listed"]
    assert (first["tag"], first["wearer_id"], first["wearer"], first["check_first"]) == (
        given.TAG,
        who["wearer"],
        "Test Wearer",
        True,
    )
    assert (second["tag"], second["wearer"], second["back_at"]) == (99, None, "2026-11-22T08:00:01Z")
    silent = await given.alert(api.store, who, await given.zone(api, who["wearer"]))
    await api.store.pool.execute(
        """INSERT INTO outage_hold (outage, alert, calls, held_at, muted, noted)
           SELECT id, $1, 1, now(), false, true FROM outage""",
        silent,
    )
    seen = await api.get(f"/alerts/{alert}", "engineer")
    of_a_person = ("wearer_id", "wearer", "check_first", "silence")
    assert [(one["tag"], *(one[name] for name in of_a_person)) for one in seen.json["listed"]] == [
        (given.TAG, None, None, None, None),
        (99, None, None, None, None),
    ], "nor whose silence is an alert, or who is a danger to somebody"
    assert (await api.get(f"/alerts/{alert}", "operator")).json["listed"][0]["silence"] == silent
    read = await api.store.pool.fetch(
        "SELECT details FROM audit WHERE subject = $1 AND action = 'read' ORDER BY part, at", f"alert/{alert}"
    )
    assert [row["details"].get("listed") for row in read] == [[who["wearer"]], None, [who["wearer"]]], "whose names were read"
    assert b"Test Wearer" not in seen.body
    assert (await api.get(f"/alerts/{await raised(api)}")).json["listed"] == []


async def test_what_a_tag_is_is_said_once_and_read_by_workers(api: Api) -> None:
    made = await api.post("/tags", {"tag": 7, "model": "Anklet 3", "network": "EE"}, "engineer")
    assert (made.status, made.headers["ETag"], made.json["model"]) == (201, '"1"', "Anklet 3"), made.body
    assert (await api.post("/tags", {"tag": 7}, "engineer")).status == 409
    assert (await controls.load(api.store)).hardware == [Hardware(7, "Anklet 3", "EE")]
    changed = await api.patch("/tags/7", {"network": None}, 1, "engineer")
    assert (changed.status, changed.json["network"], changed.json["model"], changed.json["version"]) == (200, None, "Anklet 3", 2)
    assert (await api.patch("/tags/7", {"network": "O2"}, 1, "engineer")).status == 412
    assert (await api.patch("/tags/8", {"network": "O2"}, 0, "engineer")).status == 404
    await given.wearer(api)
    fitted = await api.patch(f"/tags/{given.TAG}", {"model": "Anklet 4"}, 0, "officer")
    assert (fitted.status, fitted.json["model"], fitted.json["version"]) == (200, "Anklet 4", 1), fitted.body
    assert [one.tag for one in (await controls.load(api.store)).hardware] == sorted([7, given.TAG])


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
