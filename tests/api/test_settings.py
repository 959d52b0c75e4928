"""Numbers that alerts go by: set in one place, a version a save, stricter at once and looser by two people."""

from typing import Any

import pytest

from model.instant import SECOND_US, parse
from store import controls
from tests.api import given
from tests.api.client import Answer, Api


@pytest.fixture
async def who(api: Api) -> dict[str, Any]:
    found = await given.wearer(api)
    return found | {"zone": await given.zone(api, found["wearer"], buffer_m=100)}


async def put(api: Api, path: str, numbers: Any, version: int = 0, role: str = "officer") -> Answer:
    return await api.call("PUT", f"/settings{path}", role, {"numbers": numbers}, headers={"If-Match": f'"{version}"'})


async def test_what_asks_more_is_saved_at_once_and_read_by_workers(api: Api, who: dict[str, Any]) -> None:
    path = f"?order={who['order']}"
    nothing = await api.get(f"/settings{path}")
    assert (nothing.status, nothing.json["version"], nothing.json["numbers"], nothing.headers["ETag"]) == (200, 0, {}, '"0"')
    before = await controls.seq(api.store)
    saved = await put(api, path, {"no_contact": {"standard_min": 45}, "battery_low": {"percent": 20}})
    assert (saved.status, saved.json["version"], saved.headers["ETag"]) == (200, 1, '"1"'), saved.body
    assert saved.json["numbers"] == {"battery_low": {"percent": 20}, "no_contact": {"standard_min": 45}}
    in_force_us, recorded_us = parse(saved.json["in_force_from"]), parse(saved.json["recorded_at"])
    assert SECOND_US - 100_000 <= in_force_us - recorded_us <= SECOND_US
    read = await controls.load(api.store)
    assert read.control_seq > before
    (one,) = read.settings
    assert (one.scope, one.subject, one.version, one.in_force_from_us) == ("order", who["order"], 1, in_force_us)
    assert dict(one.values) == {"battery_low.percent": 20, "no_contact.standard_min": 45}
    audit = (await api.get("/audit?limit=1", "auditor")).json["items"][0]
    assert audit["subject"].startswith("settings/"), audit


async def test_what_asks_less_waits_for_a_second_person(api: Api, who: dict[str, Any]) -> None:
    path = f"?order={who['order']}"
    asked = await put(api, path, {"no_contact": {"standard_min": 90, "victim_min": 5}})
    assert (asked.status, asked.json["kind"]) == (202, "settings"), asked.body
    assert asked.json["relaxes"] == "No contact, without any message: would be 90 min, no longer 60 min."
    assert asked.json["change"] == {"no_contact": {"standard_min": 90, "victim_min": 5}}
    assert asked.json["name"] == f"order {who['order']}"
    assert (await api.get("/changes?waiting=true")).json["items"] == [asked.json]
    assert (await api.get(f"/settings{path}")).json["version"] == 0
    approve = f"/changes/{asked.json['id']}/approve"
    assert (await api.post(approve, role="officer")).status == 403
    done = await api.post(approve, role="supervisor")
    assert (done.status, done.json["state"]) == (200, "approved"), done.body
    now = (await api.get(f"/settings{path}")).json
    assert (now["version"], now["numbers"]) == (1, {"no_contact": {"standard_min": 90, "victim_min": 5}})
    again = await put(api, path, {"no_contact": {"standard_min": 50, "victim_min": 5}}, 1)
    assert again.status == 200
    back = await put(api, path, {}, 2)
    assert (back.status, "without any message: would be 60 min, no longer 50 min" in back.json["relaxes"]) == (202, True)
    assert "where a victim is to be protected: would be 10 min" in back.json["relaxes"], (
        "what is left out is what stands above it"
    )
    found = [one["version"] for one in (await api.get(f"/settings/versions{path}")).json["items"]]
    assert found == [2, 1]


async def test_nobody_is_their_own_second_person(api: Api) -> None:
    asked = await put(api, "", {"no_contact": {"standard_min": 90}}, role="supervisor")
    assert asked.status == 202, asked.body
    assert (await api.post(f"/changes/{asked.json['id']}/approve", role="supervisor")).status == 409


async def test_a_change_that_another_overtook_is_asked_for_again(api: Api) -> None:
    asked = await put(api, "", {"no_contact": {"standard_min": 90}}, role="supervisor")
    assert (await put(api, "", {"no_contact": {"standard_min": 30}}, role="supervisor")).status == 200
    late = await api.post(f"/changes/{asked.json['id']}/approve", role="admin")
    assert (late.status, "ask again" in late.json["detail"]) == (409, True)
    assert (await api.get("/changes")).json["items"][0]["state"] == "overtaken"


async def test_an_edit_names_what_it_read(api: Api, who: dict[str, Any]) -> None:
    path = f"/settings?zone={who['zone']}"
    body = {"numbers": {"approach": {"dwell_min": 2}}}
    assert (await api.call("PUT", path, "officer", body)).status == 428
    assert (await api.call("PUT", path, "officer", body, headers={"If-Match": '"0"'})).status == 200
    assert (await api.call("PUT", path, "officer", body, headers={"If-Match": '"0"'})).status == 412


async def test_what_holds_says_where_it_is_from(api: Api, who: dict[str, Any]) -> None:
    await given.settings(api, {"approach": {"dwell_min": 4}, "no_contact": {"standard_min": 50}})
    await given.settings(api, {"no_contact": {"standard_min": 40}}, type="bail")
    await given.settings(api, {"approach": {"dwell_min": 3}}, order=who["order"])
    await given.settings(api, {"approach": {"dwell_min": 2}}, zone=who["zone"])
    answer = await api.get(f"/settings/holding?order={who['order']}&zone={who['zone']}", "operator")
    found = {(one["kind"], one["name"]): (one["value"], one["said_by"]) for one in answer.json["items"]}
    assert found["approach", "dwell_min"] == (2, f"zone/{who['zone']}")
    assert found["no_contact", "standard_min"] == (40, "type/bail")
    assert found["no_contact", "victim_min"] == (10, "default")
    everyone = {(one["kind"], one["name"]): one["value"] for one in (await api.get("/settings/holding")).json["items"]}
    assert everyone["approach", "dwell_min"] == 4
    assert everyone["no_contact", "standard_min"] == 50


async def test_a_zone_may_not_quietly_ask_less_than_an_order_does(api: Api, who: dict[str, Any]) -> None:
    await given.settings(api, {"approach": {"dwell_min": 2}}, order=who["order"])
    asked = await put(api, f"?zone={who['zone']}", {"approach": {"dwell_min": 4}})
    assert (asked.status, "would be 4 min, no longer 2 min" in asked.json["relaxes"]) == (202, True), asked.body


async def test_a_zone_that_says_nothing_any_more_is_compared_with_the_least_that_may_hold(api: Api, who: dict[str, Any]) -> None:
    await given.settings(api, {"approach": {"dwell_min": 2}}, zone=who["zone"])
    await given.settings(api, {"approach": {"dwell_min": 1}}, order=who["order"])
    asked = await put(api, f"?zone={who['zone']}", {}, version=1)
    assert (asked.status, "would be 5 min, no longer 2 min" in asked.json["relaxes"]) == (202, True), asked.body
    again = await put(api, f"?zone={who['zone']}", {"approach": {"dwell_min": 2}, "exclusion": {"late_min": 40}}, version=1)
    assert again.status == 200, "what stays as it is gives nothing up"


@pytest.mark.parametrize(
    ("path", "numbers", "status", "words"),
    [
        ("", {"no_contact": {"standard_min": 4}}, 422, "numbers.no_contact.standard_min: no_contact.standard_min is 4"),
        ("", {"silence": {}}, 422, "nothing of the kind 'silence' can be set"),
        ("?zone=1", {"no_contact": {"standard_min": 45}}, 422, "not for a zone"),
        ("?order=1&zone=1", {}, 422, "name one place"),
        ("?order=999999", {}, 404, "there is no order 999999"),
        ("?zone=999999", {}, 404, "there is no zone 999999"),
        ("?typ=bail", {}, 422, "is no parameter"),
    ],
)
async def test_what_cannot_be_set_is_refused(api: Api, path: str, numbers: Any, status: int, words: str) -> None:
    answer = await put(api, path, numbers, role="admin")
    assert (answer.status, words in answer.json["detail"]) == (status, True), answer.json


async def test_an_officer_sets_numbers_of_an_order_and_not_of_everyone(api: Api, who: dict[str, Any]) -> None:
    for path in ("", "?type=bail"):
        refused = await put(api, path, {"no_contact": {"standard_min": 45}})
        assert (refused.status, refused.json["permission"]) == (403, "edit_all_settings")
    assert (await put(api, "?type=bail", {"no_contact": {"standard_min": 45}}, role="supervisor")).status == 200
    (one,) = (await controls.load(api.store)).settings
    assert (one.order_type, one.orders) == ("bail", {who["order"]})


async def test_the_names_say_all_there_is_to_know(api: Api) -> None:
    names = (await api.get("/settings/names", "operator")).json["items"]
    assert len(names) > 40
    assert {"kind": "no_contact", "name": "standard_min", "default": 60, "unit": "min"}.items() <= names[0].items()
