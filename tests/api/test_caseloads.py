"""Caseloads: cover between two dates, and transfers that hold with the sender until they are accepted."""

from typing import Any

import pytest

from model.instant import HOUR_US, show
from store import controls
from tests.api import given
from tests.api.client import Api


@pytest.fixture
async def who(api: Api) -> dict[str, Any]:
    """A wearer whose order is the officer's."""
    made = await given.wearer(api)
    await api.patch(f"/orders/{made['order']}", {"officer": api.accounts["officer"]}, 1)
    return made


async def caseload(api: Api, role: str) -> list[int]:
    return [item["order"] for item in (await api.get(f"/caseload?officer={api.accounts[role]}", "operator")).json["items"]]


def cover(api: Api, at_us: int, **more: Any) -> dict[str, Any]:
    people = {"officer": api.accounts["officer"], "covered_by": api.accounts["supervisor"]}
    return people | {"from": show(at_us - HOUR_US), "until": show(at_us + HOUR_US), "reason": "On leave."} | more


async def now(api: Api) -> int:
    us: int = await api.store.pool.fetchval("SELECT clock_timestamp()")
    return us


async def test_cover_answers_between_its_dates_and_the_order_stays(api: Api, who: dict[str, Any]) -> None:
    alert = await given.alert(api.store, who, 1)
    assert await caseload(api, "officer") == [who["order"]]
    at = await now(api)
    made = (await api.post("/covers", cover(api, at), "officer")).json
    assert (made["officer"]["name"], made["covered_by"]["name"], made["in_force"]) == ("officer", "supervisor", True)
    assert (await caseload(api, "officer"), await caseload(api, "supervisor")) == ([], [who["order"]])
    [held] = (await api.get("/caseload", "supervisor")).json["items"]
    assert (held["covered"], held["officer"]["name"], held["wearer_name"]) == (True, "officer", "Test Wearer")
    assert (await api.get(f"/alerts/{alert}")).json["officer"]["name"] == "supervisor"
    path = f"/alerts?officer={api.accounts['supervisor']}"
    assert [item["id"] for item in (await api.get(path)).json["items"]] == [alert]
    assert (await api.get(f"/alerts?officer={api.accounts['officer']}")).json["items"] == []
    ended = await api.patch(f"/covers/{made['id']}", {"until": show(at - HOUR_US + 1)}, 1, "officer")
    assert (ended.status, ended.headers["ETag"], ended.json["in_force"]) == (200, '"2"', False)
    assert await caseload(api, "officer") == [who["order"]]
    assert (await api.get(f"/alerts/{alert}")).json["officer"]["name"] == "officer"


async def test_one_covers_at_a_time(api: Api) -> None:
    at = await now(api)
    made = (await api.post("/covers", cover(api, at))).json
    assert (await api.post("/covers", cover(api, at, covered_by=api.accounts["admin"]))).status == 409
    after = cover(api, at, **{"from": made["until"], "until": show(at + 2 * HOUR_US)})
    second = (await api.post("/covers", after)).json
    assert (await api.patch(f"/covers/{second['id']}", {"from": show(at)}, 1)).status == 409


async def test_what_cannot_be_a_cover_is_refused(api: Api) -> None:
    at = await now(api)
    for more, role, status in (
        ({"covered_by": api.accounts["operator"]}, "officer", 409),
        ({"covered_by": 10**6}, "officer", 422),
        ({"covered_by": api.accounts["officer"]}, "officer", 409),
        ({"until": show(at - 2 * HOUR_US)}, "officer", 409),
        ({"officer": api.accounts["admin"]}, "officer", 403),
        ({"officer": 10**6}, "supervisor", 422),
        ({"officer": api.accounts["admin"], "covered_by": api.accounts["admin"]}, "supervisor", 409),
    ):
        assert (await api.post("/covers", cover(api, at, **more), role)).status == status, more
    made = (await api.post("/covers", cover(api, at), "officer", headers={"Idempotency-Key": "k"})).json
    again = await api.post("/covers", cover(api, at), "officer", headers={"Idempotency-Key": "k"})
    assert again.json == made
    path = f"/covers/{made['id']}"
    assert (await api.call("PATCH", path, "officer", {"reason": None})).status == 428
    assert (await api.patch(path, {"until": None}, 1)).status == 422
    assert (await api.patch(path, {"reason": None}, 2)).status == 412
    assert (await api.get(path)).headers["ETag"] == '"1"'
    assert (await api.get("/covers/999")).status == 404
    assert [item["id"] for item in (await api.get(f"/covers?officer={api.accounts['supervisor']}")).json["items"]] == [made["id"]]


async def test_a_transfer_holds_with_the_sender_until_it_is_accepted(api: Api, who: dict[str, Any]) -> None:
    seq = await controls.seq(api.store)
    body = {"orders": [who["order"]], "to": api.accounts["supervisor"], "note": "Moved to the coast."}
    made = await api.post("/transfers", body, "officer", headers={"Idempotency-Key": "k"})
    assert (made.status, made.json["state"], made.json["from"]["name"]) == (201, "offered", "officer")
    assert (await api.post("/transfers", body, "officer", headers={"Idempotency-Key": "k"})).body == made.body
    [held] = (await api.get("/caseload", "officer")).json["items"]
    assert (held["order"], held["transfer"]) == (who["order"], made.json["id"])
    assert (await api.post("/transfers", body, "officer")).status == 409  # on its way already
    path = f"/transfers/{made.json['id']}"
    for role in ("officer", "admin"):
        assert (await api.post(f"{path}/accept", role=role)).status == 403
    assert (await api.get(f"/orders/{who['order']}")).json["officer"] == api.accounts["officer"]
    done = (await api.post(f"{path}/accept", role="supervisor")).json
    assert done["state"] == "accepted"
    order = await api.get(f"/orders/{who['order']}")
    assert (order.json["officer"], order.headers["ETag"]) == (api.accounts["supervisor"], '"3"')
    assert (await caseload(api, "officer"), await caseload(api, "supervisor")) == ([], [who["order"]])
    assert (await api.post(f"{path}/accept", role="supervisor")).status == 409
    assert await controls.seq(api.store) == seq  # no worker reads its world anew for it
    [noted, *_] = (await api.get(f"/audit?subject=order/{who['order']}")).json["items"]
    assert (noted["action"], noted["actor"]["name"]) == ("transferred", "supervisor")


async def test_a_transfer_may_be_declined_and_an_order_that_moved_meanwhile_stops_it(api: Api, who: dict[str, Any]) -> None:
    body = {"orders": [who["order"]], "to": api.accounts["supervisor"]}
    first = (await api.post("/transfers", body, "officer")).json
    assert (await api.post(f"/transfers/{first['id']}/withdraw", role="supervisor")).json["state"] == "withdrawn"
    second = (await api.post("/transfers", body, "officer")).json
    assert [item["id"] for item in (await api.get("/transfers?offered=true")).json["items"]] == [second["id"]]
    await api.patch(f"/orders/{who['order']}", {"officer": api.accounts["admin"]}, 2)
    gone = await api.post(f"/transfers/{second['id']}/accept", role="supervisor")
    assert gone.status == 409
    assert f"order {who['order']} has another officer" in gone.json["detail"]
    assert (await api.get(f"/transfers/{second['id']}")).json["state"] == "offered"
    assert (await api.post(f"/transfers/{second['id']}/withdraw", role="officer")).status == 200


async def test_what_cannot_be_transferred_is_refused(api: Api, who: dict[str, Any]) -> None:
    good = {"orders": [who["order"]], "to": api.accounts["supervisor"]}
    for more, role, status in (
        ({"orders": [999]}, "officer", 422),
        ({"orders": []}, "officer", 422),
        ({"to": api.accounts["operator"]}, "officer", 409),
        ({"to": 10**6}, "officer", 422),
        ({"to": api.accounts["officer"]}, "officer", 409),
        ({}, "admin", 409),  # not the admin's own
        ({"from": api.accounts["supervisor"]}, "officer", 403),
    ):
        answer = await api.post("/transfers", good | more, role)
        assert answer.status == status, (more, answer.body)
    assert (await api.post("/transfers", good | {"from": api.accounts["officer"]}, "supervisor")).status == 201
