"""Nobody relaxes alone: zones, who is in a group, a wearer's risk and long absences wait for a second person."""

import copy
import time
from typing import Any

import pytest

from model.instant import HOUR_US, show
from tests.api import given
from tests.api.client import Answer, Api
from tests.api.test_curfews import curfew
from tests.store import told


@pytest.fixture
async def who(api: Api) -> dict[str, Any]:
    found = await given.wearer(api)
    home = await given.zone(api, found["wearer"], kind="home", radius_m=75)
    return found | {"home": home, "zone": await given.zone(api, found["wearer"], buffer_m=100)}


async def put(api: Api, zone: int, **properties: Any) -> Answer:
    known = (await api.get(f"/zones/{zone}")).json
    body = copy.deepcopy(known)
    body["properties"] |= properties
    return await api.call("PUT", f"/zones/{zone}", "officer", body, headers={"If-Match": f'"{known["version"]}"'})


async def ended(api: Api, zone: int) -> Answer:
    return await api.call("DELETE", f"/zones/{zone}", "officer", headers={"If-Match": '"1"'})


async def decided(api: Api, asked: Answer, how: str = "approve", role: str = "supervisor") -> Answer:
    return await api.post(f"/changes/{asked.json['id']}/{how}", role=role)


async def test_an_exclusion_zone_ends_once_a_second_person_has_approved_it(api: Api, who: dict[str, Any]) -> None:
    asked = await ended(api, who["zone"])
    assert asked.status == 202, asked.body
    said = asked.json
    assert (said["kind"], said["subject"], said["state"], said["change"]) == ("zone", who["zone"], "waiting", None)
    assert (said["relaxes"], said["requested_by"]["name"]) == ("The zone would end.", "officer")
    assert asked.headers["Location"] == f"/api/v1/changes/{said['id']}"
    assert (await api.get(f"/zones/{who['zone']}")).json["in_force_to"] is None, "nothing is done yet"
    assert (await api.get("/changes?waiting=true")).json["items"] == [said]
    assert (await decided(api, asked, role="officer")).status == 403
    done = await decided(api, asked)
    assert (done.status, done.json["state"], done.json["decided_by"]["name"]) == (200, "approved", "supervisor")
    assert (await api.get(f"/zones/{who['zone']}")).json["in_force_to"] is not None
    assert (await decided(api, asked)).status == 409
    assert (await api.get("/changes?waiting=true")).json["items"] == []


async def test_nobody_is_their_own_second_person(api: Api, who: dict[str, Any]) -> None:
    asked = await api.call("DELETE", f"/zones/{who['zone']}", "supervisor", headers={"If-Match": '"1"'})
    own = await decided(api, asked)
    assert (own.status, "somebody else" in own.json["detail"]) == (409, True)
    assert (await decided(api, asked, "refuse")).json["state"] == "refused"
    assert (await api.get(f"/zones/{who['zone']}")).json["in_force_to"] is None


async def test_a_zone_is_tightened_at_once_and_relaxed_by_two(api: Api, who: dict[str, Any]) -> None:
    tightened = await put(api, who["zone"], radius_m=500)
    assert (tightened.status, tightened.json["version"]) == (200, 2)
    smaller = await put(api, who["zone"], radius_m=100, name="Smaller")
    assert (smaller.status, smaller.json["change"]["properties"]["radius_m"]) == (202, 100)
    assert (await put(api, who["home"], radius_m=80)).status == 200, "no curfew asks for it yet"
    await api.make("/curfews", curfew(who))
    assert (await put(api, who["home"], radius_m=20_000)).status == 202
    assert (await put(api, who["home"], radius_m=70)).status == 200
    assert (await decided(api, smaller)).status == 200
    now = (await api.get(f"/zones/{who['zone']}")).json
    assert (now["version"], now["properties"]["radius_m"], now["properties"]["name"]) == (3, 100, "Smaller")
    [read] = [zone for zone in (await told.load(api.store)).zones if zone.id == who["zone"] and zone.version == 3]
    assert read.radius_m == 100


async def test_a_zone_that_changed_meanwhile_is_asked_for_again(api: Api, who: dict[str, Any]) -> None:
    asked = await ended(api, who["zone"])
    assert (await put(api, who["zone"], name="Another")).status == 200
    late = await decided(api, asked)
    assert (late.status, "ask again" in late.json["detail"]) == (409, True)
    assert (await api.get("/changes")).json["items"][0]["state"] == "overtaken"


async def test_what_could_not_be_saved_is_refused_at_once(api: Api, who: dict[str, Any]) -> None:
    """A home that a curfew asks for cannot be ended, by however many people."""
    await api.make("/curfews", curfew(who))
    assert (await ended(api, who["home"])).status == 409
    assert (await api.get("/changes")).json["items"] == []


async def test_a_zone_of_no_order_and_one_whose_type_says_so_need_one_person(api: Api, who: dict[str, Any]) -> None:
    nobody = await api.make("/wearers", {"name": "No Order"})
    assert (await ended(api, await given.zone(api, nobody["id"]))).status == 200
    await given.settings(api, {"second_person": {"zones": False}}, type="bail")
    assert (await ended(api, who["zone"])).status == 200


async def test_a_lower_risk_waits_and_a_higher_one_does_not(api: Api, who: dict[str, Any]) -> None:
    path = f"/wearers/{who['wearer']}"
    assert (await api.patch(path, {"risk": "high"}, 1, "officer")).status == 200
    asked = await api.patch(path, {"risk": "standard", "interpreter": "Welsh"}, 2, "officer")
    assert (asked.status, (await api.get(path)).json["risk"]) == (202, "high")
    assert (await decided(api, asked)).status == 200
    now = (await api.get(path)).json
    assert (now["risk"], now["interpreter"]) == ("standard", "Welsh")


async def test_who_leaves_a_group_leaves_its_zones_by_two_people(api: Api, who: dict[str, Any]) -> None:
    group = await api.make("/groups", {"name": "Gang", "wearers": [who["wearer"]]})
    path = f"/groups/{group['id']}"
    zone = await api.make("/zones", given.circle({"group": group["id"]}))
    assert (await api.patch(path, {"name": "Band"}, 1, "officer")).status == 200
    asked = await api.patch(path, {"wearers": []}, 2, "officer")
    assert (asked.status, f"its zones ({zone['id']})" in asked.json["relaxes"]) == (202, True), asked.body
    assert (await api.get(path)).json["wearers"] == [who["wearer"]]
    assert (await decided(api, asked)).status == 200
    assert (await api.get(path)).json["wearers"] == []


async def test_a_group_keeps_whose_home_it_gives(api: Api, who: dict[str, Any]) -> None:
    group = await api.make("/groups", {"name": "Hostel", "wearers": [who["wearer"]]})
    home = await api.make("/zones", given.circle({"group": group["id"]}, kind="home", radius_m=75))
    kept = await api.make("/curfews", curfew(who | {"home": home["id"]}))
    refused = await api.patch(f"/groups/{group['id']}", {"wearers": []}, 1, "officer")
    assert (refused.status, f"curfew {kept['id']}" in refused.json["detail"]) == (409, True), refused.body
    assert (await api.get(f"/groups/{group['id']}")).json["wearers"] == [who["wearer"]]


async def test_a_long_absence_waits_and_a_night_does_not(api: Api, who: dict[str, Any]) -> None:
    kept = await api.make("/curfews", curfew(who))
    now = time.time_ns() // 1000

    async def away(from_h: float, to_h: float) -> Answer:
        span = {"from": show(now + int(from_h * HOUR_US)), "to": show(now + int(to_h * HOUR_US))}
        return await api.post("/absences", {"curfew": kept["id"], **span, "authoriser": "me", "reason": "x"}, "officer")

    assert (await away(-1000, 12)).status == 201, "what is over lifts nothing"
    assert (await away(100, 124)).status == 201
    asked = await away(50, 75)
    assert (asked.status, asked.json["kind"], asked.json["subject"]) == (202, "absence", kept["id"])
    assert asked.json["relaxes"] == "The curfew would be lifted for 25 hours on end, more than 24."
    pieces = await away(124, 130)
    assert pieces.status == 202, "in pieces that touch it is as long"
    assert len((await api.get("/absences")).json["items"]) == 2
    assert (await decided(api, asked)).status == 200
    assert (await api.get("/absences")).json["items"][-1]["from"] == show(now + 50 * HOUR_US)
    await given.settings(api, {"second_person": {"absence_h": None}}, type="bail")
    assert (await away(200, 10_000)).status == 201


async def test_what_waits_says_whose_it_is_and_in_times_people_read(api: Api, who: dict[str, Any]) -> None:
    kept = await api.make("/curfews", curfew(who))
    school = await given.zone(api, who["wearer"], purpose="victim")
    span = {"from": "2026-12-01T00:00:00Z", "to": "2099-01-01T00:00:00Z", "authoriser": "me", "reason": "x"}
    await api.post("/absences", {"curfew": kept["id"]} | span, "officer")
    await api.patch(f"/curfews/{kept['id']}", {"grace_min": 30}, 1, "officer")
    await api.call("DELETE", f"/zones/{school}", "officer", headers={"If-Match": '"1"'})
    listed = (await api.get("/changes?waiting=true", "supervisor")).json["items"]
    assert [(one["kind"], one["name"], one["change"]) for one in listed] == [
        ("absence", "Test Wearer", span),
        ("curfew", "Test Wearer", {"grace_min": 30}),
        ("zone", "School", None),
    ]
    assert (await api.get("/changes?kind=zone")).json["items"] == listed[2:]
    assert (await api.get(f"/changes?kind=curfew&subject={kept['id']}")).json["items"] == [listed[1]]
    assert (await api.get(f"/changes/{listed[0]['id']}")).json == listed[0]
    assert (await api.get("/changes/999")).status == 404


async def test_an_absence_that_waits_is_asked_for_once(api: Api, who: dict[str, Any]) -> None:
    kept = await api.make("/curfews", curfew(who))
    body = {"curfew": kept["id"], "from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z", "authoriser": "me", "reason": "x"}
    first, second = [await api.call("POST", "/absences", "officer", body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status, second.status, first.json["id"]) == (202, 202, second.json["id"])
