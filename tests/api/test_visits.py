"""Visits over the API: planned, signed in to, signed out of; what is done at the door changes who wears what."""

from typing import Any

import pytest

from model.event import EventKind, empty_events
from model.instant import FOREVER_US, parse
from model.visit import Visit
from model.zone import Monitored
from store import controls
from tests.api import given
from tests.api.client import Answer, Api
from tests.store import fake, told
from tests.store.lane import Lane

IN, OUT = "2026-11-22T10:00:00Z", "2026-11-22T10:30:00Z"
WINDOW = {"from": "2026-11-22T09:00:00Z", "to": "2026-11-22T12:00:00Z"}
DONE = {"signed_out": OUT, "outcome": "done", "strap_proven": True, "range_test": "passed", "remark": "Strap replaced."}


async def planned(api: Api, wearer: int, kind: str = "inspect", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = await api.make("/visits", {"wearer": wearer, "kind": kind, **WINDOW, **more})
    return made


async def at(api: Api, visit: dict[str, Any], body: dict[str, Any], role: str = "field") -> Answer:
    return await api.patch(f"/visits/{visit['id']}", body, visit["version"], role)


async def known(api: Api) -> list[Visit]:
    return list((await told.load(api.store, parse(OUT))).visits)


async def test_a_field_officer_signs_in_and_out_and_the_judge_knows(api: Api) -> None:
    who = await given.wearer(api)
    visit = await planned(api, who["wearer"], tag=given.TAG, note="Strap alert 12.", officer=api.accounts["field"])
    assert (visit["status"], visit["attempts"], visit["joined"]) == ("planned", [], [])
    assert visit["officer"] == {"id": api.accounts["field"], "name": "field"}
    seq = await controls.seq(api.store)
    arrived = await at(api, visit, {"signed_in": IN})
    assert arrived.status == 200, arrived.body
    assert arrived.json["status"] == "at_door"
    assert await controls.seq(api.store) > seq
    span = (visit["id"], who["wearer"], (given.TAG,), parse(IN))
    assert await known(api) == [Visit(*span, FOREVER_US, False, "field")]
    left = await at(api, arrived.json, DONE)
    assert left.json["status"] == "done"
    assert left.headers["ETag"] == '"3"'
    (attempt,) = left.json["attempts"]
    assert {name: attempt[name] for name in DONE} == DONE
    assert attempt["by"] == {"id": api.accounts["field"], "name": "field"}
    assert await known(api) == [Visit(*span, parse(OUT), True, "field")]
    assert (await api.get(f"/visits/{visit['id']}", "operator")).json == left.json
    done = (await api.get(f"/audit?subject=visit/{visit['id']}")).json["items"]
    assert [entry["details"]["status"] for entry in done] == ["done", "at_door", "planned"]


async def test_a_visit_that_only_was_planned_wakes_no_lane(api: Api) -> None:
    who = await given.wearer(api)
    seq = await controls.seq(api.store)
    await planned(api, who["wearer"])
    assert await controls.seq(api.store) == seq


async def test_nobody_at_home_leaves_the_visit_to_be_done(api: Api) -> None:
    who = await given.wearer(api)
    visit = await planned(api, who["wearer"])
    none = await at(api, visit, {"signed_in": IN, "signed_out": "2026-11-22T10:10:00Z", "outcome": "no_access"})
    assert none.json["status"] == "planned"
    early = await at(api, none.json, {"signed_in": "2026-11-22T10:05:00Z"})
    assert early.status == 409
    again = await at(api, none.json, {"signed_in": "2026-11-22T11:00:00Z"})
    assert [one["outcome"] for one in again.json["attempts"]] == ["no_access", None]
    assert [item["id"] for item in (await api.get("/visits?status=at_door")).json["items"]] == [visit["id"]]


async def test_a_fit_that_is_done_begins_an_activation_at_sign_out(api: Api) -> None:
    wearer = (await api.make("/wearers", {"name": "Test Wearer"}))["id"]
    order = {"wearer": wearer, "type": "bail", "timezone": "Europe/London", "starts": "2026-01-01T00:00:00Z"}
    number = (await api.make("/orders", order))["id"]
    visit = await planned(api, wearer, "fit")
    unnamed = await at(api, visit, {"signed_in": IN, **DONE})
    assert unnamed.status == 409
    assert "which tag" in unnamed.json["detail"]
    assert (await at(api, visit, {"tag": given.TAG, "signed_in": IN, **DONE})).status == 200
    assert (await told.load(api.store)).monitored == [Monitored(given.TAG, wearer, number, parse(OUT), FOREVER_US, parse(OUT))]


async def test_a_removal_ends_it_and_a_swap_does_both(api: Api) -> None:
    who = await given.wearer(api)
    swap = await planned(api, who["wearer"], "swap", new_tag=7)
    swapped = await at(api, swap, {"signed_in": IN, **DONE})
    assert swapped.json["tag"] == given.TAG, "the one tag worn was the one taken off"
    worn = [(item["tag"], item["to"]) for item in (await api.get(f"/activations?wearer={who['wearer']}")).json["items"]]
    assert worn == [(given.TAG, OUT), (7, None)]
    remove = await planned(api, who["wearer"], "remove")
    body = {"signed_in": "2026-11-22T11:00:00Z", "signed_out": "2026-11-22T11:10:00Z", "outcome": "done"}
    assert (await at(api, remove, body)).status == 200
    worn = [(item["tag"], item["to"]) for item in (await api.get(f"/activations?wearer={who['wearer']}")).json["items"]]
    assert worn == [(given.TAG, OUT), (7, "2026-11-22T11:10:00Z")]
    assert (await at(api, await planned(api, who["wearer"], "remove"), body)).status == 409, "nothing is worn any more"


async def test_of_two_tags_the_one_taken_off_is_named(api: Api) -> None:
    who = await given.wearer(api)
    await api.make("/activations", {"wearer": who["wearer"], "tag": 8, "from": "2026-01-01T00:00:00Z"})
    visit = await planned(api, who["wearer"], "remove")
    body = {"signed_in": IN, "signed_out": OUT, "outcome": "done"}
    assert "several tags" in (await at(api, visit, body)).json["detail"]
    assert (await at(api, visit, {"tag": 8, **body})).status == 200
    assert (await api.get(f"/tags/{given.TAG}")).json["activation"] is not None
    assert (await api.get("/tags/8")).json["activation"] is None


async def test_what_the_strap_said_at_the_door_is_shown_on_the_visit(api: Api) -> None:
    who = await given.wearer(api)
    visit = await planned(api, who["wearer"], tag=given.TAG)
    arrived = (await at(api, visit, {"signed_in": IN})).json
    events = empty_events(4)
    events["tag"] = given.TAG
    events["kind"] = [EventKind.STRAP_TAMPER, EventKind.STRAP_TAMPER, EventKind.MOTION, EventKind.CASE_TAMPER]
    events["at_us"] = [parse(f"2026-11-22T{clock}Z") for clock in ("09:59:59", "10:05:00", "10:06:00", "10:30:00")]
    events["received_us"] = events["at_us"]
    async with Lane(api.store) as lane:
        await lane.put(fake.batch_of()._replace(events=events))
    left = (await at(api, arrived, DONE)).json
    assert [(one["kind"], one["at"]) for one in left["joined"]] == [("strap_tamper", "2026-11-22T10:05:00Z")]


async def test_a_visit_is_called_off_but_not_under_somebody_s_hands(api: Api) -> None:
    who = await given.wearer(api)
    visit = await planned(api, who["wearer"])
    arrived = (await at(api, visit, {"signed_in": IN})).json
    assert (await at(api, arrived, {"cancelled": True})).status == 409
    other = await planned(api, who["wearer"])
    off = await at(api, other, {"cancelled": True}, "operator")
    assert off.json["status"] == "cancelled"
    assert (await at(api, off.json, {"note": "after all"})).status == 409


async def test_operators_plan_and_do_not_sign_in(api: Api) -> None:
    who = await given.wearer(api)
    visit = await planned(api, who["wearer"])
    moved = await at(api, visit, {"to": "2026-11-22T13:00:00Z"}, "operator")
    assert moved.json["to"] == "2026-11-22T13:00:00Z"
    refused = await at(api, moved.json, {"signed_in": IN}, "operator")
    assert refused.status == 403
    assert refused.json["permission"] == "fit_tags"


async def test_every_refusal_says_what_to_do(api: Api) -> None:
    who = await given.wearer(api)
    base = {"wearer": who["wearer"], "kind": "inspect", **WINDOW}
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({**base, "wearer": 999}, 422, "there is no wearer 999"),
        ({**base, "officer": 999}, 422, "there is no account 999"),
        ({**base, "to": WINDOW["from"]}, 422, "window would end before it begins"),
        ({**base, "new_tag": 7}, 422, "new_tag is what a swap fits"),
        ({**base, "signed_in": "2090-01-01T00:00:00Z"}, 422, "lies in the future"),
        ({**base, "signed_out": OUT}, 422, "go together"),
        ({**base, **DONE}, 422, "nobody has signed in"),
        ({**base, "signed_in": OUT, **DONE, "signed_out": IN}, 422, "before signed_in"),
        ({**base, "signed_in": IN, "signed_out": OUT, "outcome": "done"}, 422, "say whether the strap"),
        ({**base, "signed_in": IN, **DONE, "outcome": "refused"}, 422, "only a visit that was done"),
        ({**base, "signed_in": IN, "remark": "x"}, 422, "said at sign-out"),
    ]
    for body, status, words in wrong:
        answer = await api.post("/visits", body)
        assert answer.status == status, (body, answer.body)
        assert words in answer.json["detail"], body
    assert (await api.get("/visits")).json["items"] == [], "what was refused left nothing"


@pytest.mark.parametrize("header", [{}, {"If-Match": '"7"'}])
async def test_a_change_names_what_was_read(api: Api, header: dict[str, str]) -> None:
    who = await given.wearer(api)
    visit = await planned(api, who["wearer"])
    answer = await api.call("PATCH", f"/visits/{visit['id']}", "field", {"signed_in": IN}, headers=header)
    assert answer.status == (412 if header else 428)


async def test_a_visit_sent_twice_with_one_key_is_planned_once(api: Api) -> None:
    who = await given.wearer(api)
    body = {"wearer": who["wearer"], "kind": "inspect", **WINDOW}
    first, second = [await api.post("/visits", body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert first.json == second.json
    assert len((await api.get("/visits")).json["items"]) == 1


async def test_visits_come_in_pages(api: Api) -> None:
    who = await given.wearer(api)
    made = [(await planned(api, who["wearer"]))["id"] for _ in range(3)]
    page = (await api.get("/visits?limit=2")).json
    rest = (await api.get(f"/visits?limit=2&cursor={page['next']}")).json
    assert [item["id"] for item in page["items"] + rest["items"]] == made
    assert rest["next"] is None
