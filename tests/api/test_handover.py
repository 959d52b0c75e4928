"""The shift handover: what the next shift must know, what moves and when, and who may not leave yet."""

import asyncio
from typing import Any

import pytest

from api.roles import PERMISSIONS, May
from api.routes import handover
from model.instant import HOUR_US, MINUTE_US, show
from store import accounts, alerts
from store.feed import edit
from tests.api import given
from tests.api.client import Api
from tests.store.waits import waiting

TOLD = {"outcome": "other", "note": "x", "victim": {"notified": True}}


@pytest.fixture
async def who(api: Api) -> dict[str, Any]:
    return await given.wearer(api)


async def taken(api: Api, who: dict[str, Any], zone: int = 1, role: str = "operator", **more: Any) -> int:
    """An alert that somebody has acknowledged."""
    alert = await given.alert(api.store, who, zone, **more)
    assert (await api.post(f"/alerts/{alert}/acknowledge", role=role)).status == 200
    return alert


async def owner(api: Api, alert: int) -> str | None:
    found = (await api.get(f"/alerts/{alert}")).json["owner"]
    return found and str(found["name"])


async def leave(api: Api, token: str, **more: Any) -> Any:
    return await api.call("DELETE", "/token", None, {"refresh_token": token} | more)


async def offered(api: Api, to: str = "officer", role: str = "operator") -> Any:
    answer = await api.post("/handover", {"to": api.accounts[to], "note": "Mother calls back at six."}, role)
    assert answer.status == 201, answer.body
    return answer.json


async def test_ownership_moves_when_the_other_accepts_and_not_before(api: Api, who: dict[str, Any]) -> None:
    first, second = await taken(api, who), await taken(api, who, 2)
    made = await offered(api)
    assert (made["state"], made["from"]["name"], made["to"]["name"], made["alerts"]) == (
        "offered", "operator", "officer", [first, second],
    )  # fmt: skip
    assert await owner(api, first) == "operator"
    third = await taken(api, who, 3)  # comes in meanwhile
    await api.post(f"/alerts/{second}/close", TOLD, "operator")
    for role in ("supervisor", "operator"):
        assert (await api.post(f"/handover/{made['id']}/accept", role=role)).status == 403
    assert [offer["id"] for offer in (await api.get("/handover", "officer")).json["offers"]] == [made["id"]]
    done = (await api.post(f"/handover/{made['id']}/accept", role="officer")).json
    assert (done["state"], done["alerts"]) == ("accepted", [first, third])
    assert [await owner(api, alert) for alert in (first, second, third)] == ["officer", "operator", "officer"]
    entry = (await api.get(f"/alerts/{first}")).json["history"][-1]
    assert (entry["what"], entry["text"], entry["actor"]["name"]) == (
        "handed_over", "Handed over by operator to officer.", "officer",
    )  # fmt: skip
    assert (await api.post(f"/handover/{made['id']}/accept", role="officer")).status == 409
    assert (await api.get("/handover", "officer")).json["offers"] == []
    told = await api.store.pool.fetch("SELECT ref FROM feed_entry WHERE what = 'handed_over' ORDER BY position")
    assert [row["ref"] for row in told] == [first, third]


async def test_who_takes_over_has_the_whole_time_to_do_something(api: Api, who: dict[str, Any]) -> None:
    alert = await taken(api, who)
    await api.store.pool.execute("UPDATE alert SET handled_at = now() - interval '4 min 50 s'")
    made = await offered(api)
    before = (await api.get(f"/alerts/{alert}")).json["returns_at"]
    await api.post(f"/handover/{made['id']}/accept", role="officer")
    assert (await api.get(f"/alerts/{alert}")).json["returns_at"] > before


async def test_an_offer_may_be_withdrawn_declined_or_made_to_another(api: Api, who: dict[str, Any]) -> None:
    alert = await taken(api, who)
    first = await offered(api)
    second = await offered(api, "supervisor")
    assert (await api.get(f"/handover/{first['id']}")).json["state"] == "withdrawn"
    assert (await api.post(f"/handover/{second['id']}/withdraw", role="officer")).status == 403
    assert (await api.post(f"/handover/{second['id']}/withdraw", role="supervisor")).json["state"] == "withdrawn"
    third = await offered(api)
    assert (await api.post(f"/handover/{third['id']}/withdraw", role="operator")).json["state"] == "withdrawn"
    assert await owner(api, alert) == "operator"


async def test_nobody_signs_out_owning_an_active_alert(api: Api, who: dict[str, Any]) -> None:
    alert = await taken(api, who)
    token = (await api.sign_in()).json["refresh_token"]
    refused = await leave(api, token)
    assert refused.status == 409
    assert refused.json["owned"] == [{"id": alert, "kind": "exclusion", "severity": "P1", "condition": "active"}]
    assert refused.json["calls"] == []
    assert "hand over to a colleague" in refused.json["detail"]
    assert "Test Wearer" not in refused.body.decode()
    assert (await leave(api, token, reason="I want to go home")).status == 409  # an operator's reason is none
    form = {"grant_type": "refresh_token", "refresh_token": token}
    newer = (await api.call("POST", "/token", None, data=form)).json["refresh_token"]
    assert (await leave(api, token)).status == 409  # one that is used up stands for the same sign-in
    token = newer
    made = await offered(api)
    assert (await leave(api, token)).status == 409  # offered is not accepted
    await api.post(f"/handover/{made['id']}/accept", role="officer")
    assert (await leave(api, token)).status == 204
    assert (await leave(api, token)).status == 204  # is gone already


async def test_who_has_signed_out_comes_to_own_and_owe_nothing(api: Api, who: dict[str, Any]) -> None:
    alert, theirs = await given.alert(api.store, who, 1), await taken(api, who, 2, role="officer")
    made = (await api.post("/handover", {"to": api.accounts["operator"]}, "officer")).json
    signed = (await api.sign_in()).json
    left = {"Authorization": f"Bearer {signed['access_token']}"}
    other = (await api.sign_in()).json["refresh_token"]
    at = show(await api.store.pool.fetchval("SELECT clock_timestamp()") + 30 * MINUTE_US)
    call = {"alert": alert, "person": "wearer", "outcome": "no_answer", "callback_at": at}
    logged = await api.make("/contacts", {"wearer": who["wearer"], "person": "other", "outcome": "no_answer"})
    late: list[tuple[str, str, Any]] = [
        ("POST", f"/alerts/{alert}/acknowledge", None),
        ("POST", f"/alerts/{alert}/steps", {"step": "other"}),
        ("POST", "/contacts", call),
        ("PATCH", f"/contacts/{logged['id']}", {"callback_at": at}),
        ("POST", f"/handover/{made['id']}/accept", None),
    ]
    assert (await leave(api, signed["refresh_token"])).status == 204
    assert (await api.call("POST", f"/alerts/{alert}/notes", None, {"text": "x"}, headers=left)).status == 200  # in elsewhere
    assert (await leave(api, other)).status == 204
    for method, path, body in late:
        refused = await api.call(method, path, None, body, headers=left | {"If-Match": '"1"'} if method == "PATCH" else left)
        said = (refused.status, refused.json.get("detail"))
        assert said == (401, "you have signed out: sign in again"), f"{method} {path}"
    assert (await owner(api, alert), await owner(api, theirs)) == (None, "officer")
    assert (await api.get("/handover")).json["calls_owed"] == []
    again = {"Authorization": f"Bearer {(await api.sign_in()).json['access_token']}"}
    assert (await api.call("POST", late[0][1], None, headers=again)).status == 200


@pytest.mark.parametrize("condition", ["ended", "withdrawn"])
async def test_nobody_signs_out_owning_an_alert_that_is_over_and_not_closed(
    api: Api, who: dict[str, Any], condition: str
) -> None:
    active, over = await taken(api, who), await taken(api, who, 2)
    await given.condition(api.store, over, condition)
    token = (await api.sign_in()).json["refresh_token"]
    both = await leave(api, token)
    assert both.json["detail"].startswith("you own 1 active alert and 1 that is over and not closed: hand over")
    await api.post(f"/alerts/{active}/close", TOLD, "operator")
    refused = await leave(api, token)
    assert refused.status == 409
    assert refused.json["detail"].startswith("you own 1 alert that is over and not closed: hand over to a colleague")
    assert [(one["id"], one["condition"]) for one in refused.json["owned"]] == [(over, condition)]
    assert "close what is done" in refused.json["detail"]
    await api.post(f"/alerts/{over}/close", TOLD, "operator")
    assert (await leave(api, token)).status == 204


async def test_what_is_over_and_waits_for_a_call_next_week_keeps_nobody_at_the_desk(api: Api, who: dict[str, Any]) -> None:
    over = await taken(api, who)
    await owes(api, who, 72 * 60, alert=over)
    token = (await api.sign_in()).json["refresh_token"]
    assert (await leave(api, token)).status == 409, "it goes on"
    await given.condition(api.store, over, "ended")
    assert (await leave(api, token)).status == 204
    assert await owner(api, over) == "operator"


async def owes(api: Api, who: dict[str, Any], minutes: int, role: str = "operator", **more: Any) -> Any:
    """A call to the victim that is to be made in so many minutes."""
    at = show(await api.store.pool.fetchval("SELECT clock_timestamp()") + minutes * MINUTE_US)
    call = {"person": "victim", "outcome": "no_answer", "callback_at": at} | (more or {"wearer": who["wearer"]})
    answer = await api.post("/contacts", call, role)
    assert answer.status == 201, answer.body
    return answer.json


async def owed_by(api: Api, call: Any) -> str | None:
    found = (await api.get(f"/contacts/{call['id']}")).json["owed_by"]
    return found and str(found["name"])


async def test_nobody_signs_out_owing_a_call_that_is_due_before_they_are_back(api: Api, who: dict[str, Any]) -> None:
    call = await owes(api, who, 11 * 60)
    await owes(api, who, 13 * 60, person="wearer", wearer=who["wearer"])  # the next shift's, on its list
    assert call["owed_by"]["name"] == "operator"
    token = (await api.sign_in()).json["refresh_token"]
    refused = await leave(api, token)
    assert refused.status == 409
    assert refused.json["owned"] == []
    assert refused.json["calls"] == [{"id": call["id"], "alert": None, "person": "victim", "callback_at": call["callback_at"]}]
    assert "you owe 1 call due within 12 h: hand over" in refused.json["detail"]
    assert "Test Wearer" not in refused.body.decode()
    made = await offered(api)
    assert (made["alerts"], made["calls"][0]) == ([], call["id"])
    assert (await leave(api, token)).status == 409
    done = (await api.post(f"/handover/{made['id']}/accept", role="officer")).json
    assert (done["calls"], await owed_by(api, call)) == (made["calls"], "officer")
    assert (await leave(api, token)).status == 204
    theirs = (await api.sign_in("officer")).json["refresh_token"]
    assert (await leave(api, theirs)).status == 409
    await api.make("/contacts", {"wearer": who["wearer"], "person": "victim", "outcome": "spoke"})
    assert (await api.get(f"/contacts/{call['id']}")).json["owed_by"] is None
    assert (await leave(api, theirs)).status == 204


async def test_a_call_that_is_owed_about_an_alert_goes_where_the_alert_goes(api: Api, who: dict[str, Any]) -> None:
    alert = await taken(api, who)
    call = await owes(api, who, 5, "supervisor", alert=alert)
    assert await owed_by(api, call) == "operator", "whoever has the alert, not whoever logged it"
    await api.post(f"/alerts/{alert}/assign", {"owner": api.accounts["officer"]}, "supervisor")
    assert await owed_by(api, call) == "officer"
    body = {"account": api.accounts["officer"], "reason": "Taken ill."}
    assert (await api.post("/handover/release", body, "supervisor")).json == {"alerts": [alert], "calls": [call["id"]]}
    assert await owed_by(api, call) is None
    await api.post(f"/alerts/{alert}/acknowledge", role="operator")
    assert await owed_by(api, call) == "operator"
    await api.post(f"/alerts/{alert}/close", TOLD, "operator")
    token = (await api.sign_in()).json["refresh_token"]
    assert [one["id"] for one in (await leave(api, token)).json["calls"]] == [call["id"]], "closing makes no call"


async def test_who_reopens_an_alert_has_its_calls(api: Api, who: dict[str, Any]) -> None:
    """Whoever had it before, too: they may have handed its calls over meanwhile, or others logged some."""
    alert = await taken(api, who)
    call = await owes(api, who, 5, alert=alert)
    await api.post(f"/alerts/{alert}/close", TOLD, "operator")
    assert (await api.post(f"/handover/{(await offered(api))['id']}/accept", role="officer")).json["calls"] == [call["id"]]
    other = await owes(api, who, 5, "supervisor", alert=alert, person="wearer")
    assert [await owed_by(api, one) for one in (call, other)] == ["officer", "supervisor"]
    assert (await api.post(f"/alerts/{alert}/reopen", {"note": "Too soon."}, "operator")).json["owner"]["name"] == "operator"
    assert [await owed_by(api, one) for one in (call, other)] == ["operator", "operator"]


async def test_calls_are_locked_in_one_order_also_where_an_alert_is_reopened(api: Api, who: dict[str, Any]) -> None:
    """Whoever releases or hands over locks them by id, and the table may have them in another order: no circle."""
    alert = await taken(api, who)
    first, second = [await owes(api, who, 5, alert=alert, person=person) for person in ("other", "wearer")]
    await api.post(f"/alerts/{alert}/close", TOLD, "operator")
    await api.store.pool.execute("UPDATE contact SET callback_at = callback_at + interval '1 s' WHERE id = $1", first["id"])
    one = "SELECT id FROM contact WHERE id = $1 FOR UPDATE"
    async with api.store.pool.acquire() as connection, connection.transaction():
        await connection.fetch(one, first["id"])
        reopening = asyncio.create_task(api.post(f"/alerts/{alert}/reopen", {"note": "Too soon."}, "officer"))
        await waiting(api.store)
        await connection.fetch(one, second["id"])
    assert (await reopening).status == 200
    assert [await owed_by(api, call) for call in (first, second)] == ["officer", "officer"]


async def test_a_call_stays_whose_it_is_where_an_engineer_reopens(api: Api, who: dict[str, Any]) -> None:
    alert = await given.alert(api.store, who, 1)
    await api.store.pool.execute(
        "UPDATE alert SET wearer = NULL, kind = 'fleet_outage', monitoring_order = 0 WHERE id = $1", alert
    )
    await api.post(f"/alerts/{alert}/acknowledge", role="engineer")
    call = await owes(api, who, 5, "supervisor", alert=alert)
    for what, body in (("close", TOLD), ("reopen", {"note": "Not yet."}), ("steps", {"step": "other"})):
        assert (await api.post(f"/alerts/{alert}/{what}", body, "engineer")).status == 200
        assert await owed_by(api, call) == "supervisor", what


async def test_who_is_not_signed_in_may_be_assigned_an_alert_and_its_history_says_so(api: Api, who: dict[str, Any]) -> None:
    """They can be rung up; but nobody is at it, and no time that runs is put off by it."""
    alert = await taken(api, who)
    before = (await api.get(f"/alerts/{alert}")).json
    away = (await api.post(f"/alerts/{alert}/assign", {"owner": api.accounts["officer"]}, "operator")).json
    assert (away["owner"]["name"], away["history"][-1]["text"]) == (
        "officer", "Assigned to officer, who is not signed in: nobody is at it until they are.",
    )  # fmt: skip
    for times in ("running", "returns_at", "level", "handling"):
        assert away[times] == before[times], times
    await api.sign_in("officer")
    there = (await api.post(f"/alerts/{alert}/assign", {"owner": api.accounts["officer"]}, "operator")).json
    assert there["history"][-1]["text"] == "Assigned to officer."


async def test_a_release_leaves_the_calls_to_whoever_is_there(api: Api, who: dict[str, Any]) -> None:
    call = await owes(api, who, 5)
    token = (await api.sign_in()).json["refresh_token"]
    people = {person["name"]: (person["owns"], person["calls"]) for person in (await api.get("/handover")).json["people"]}
    assert people["operator"] == (0, 1)
    body = {"account": api.accounts["operator"], "reason": "Taken ill."}
    assert (await api.post("/handover/release", body, "supervisor")).json == {"alerts": [], "calls": [call["id"]]}
    assert await owed_by(api, call) is None
    assert (await leave(api, token)).status == 204
    assert [one["id"] for one in (await api.get("/handover")).json["calls_owed"]] == [call["id"]]


async def test_a_call_that_a_correction_owes_is_whoever_s_who_set_its_time(api: Api, who: dict[str, Any]) -> None:
    logged = await api.make("/contacts", {"wearer": who["wearer"], "person": "wearer", "outcome": "no_answer"})
    at = show(await api.store.pool.fetchval("SELECT clock_timestamp()") + HOUR_US)
    right = (await api.patch(f"/contacts/{logged['id']}", {"callback_at": at}, 1, "operator")).json
    assert right["owed_by"]["name"] == "operator"
    moved = (await api.patch(f"/contacts/{logged['id']}", {"words": "Rang out."}, 2, "officer")).json
    assert moved["owed_by"]["name"] == "operator"


async def test_a_call_that_is_owed_again_is_whoever_s_who_has_the_alert_by_then(api: Api, who: dict[str, Any]) -> None:
    alert = await taken(api, who)
    calls = [await owes(api, who, 5, alert=alert), await owes(api, who, 5, person="wearer", wearer=who["wearer"])]
    good = [
        await api.make("/contacts", {"wearer": who["wearer"], "person": person, "outcome": "spoke"})
        for person in ("victim", "wearer")
    ]
    await api.post(f"/alerts/{alert}/assign", {"owner": api.accounts["officer"]}, "supervisor")
    for one in good:
        assert (await api.patch(f"/contacts/{one['id']}", {"outcome": "no_answer"}, 1, "supervisor")).status == 200
    assert [await owed_by(api, call) for call in calls] == ["officer", "supervisor"], "else whoever's who corrects it"


async def test_no_call_comes_to_somebody_who_could_not_make_it(api: Api, who: dict[str, Any]) -> None:
    known = await api.store.pool.fetch("SELECT role FROM account WHERE can_call(id)")
    assert {row["role"] for row in known} == {role for role, may in PERMISSIONS.items() if May.LOG_CONTACTS in may}
    alert = await given.alert(api.store, who, 1)
    await api.store.pool.execute(
        "UPDATE alert SET wearer = NULL, kind = 'fleet_outage', monitoring_order = 0 WHERE id = $1", alert
    )
    assert (await api.post(f"/alerts/{alert}/acknowledge", role="engineer")).status == 200
    call = await owes(api, who, 5, "supervisor", alert=alert)
    assert await owed_by(api, call) == "supervisor", "the engineer has the alert, and logs no contacts"
    for person, whose in (("operator", "operator"), ("engineer", None)):
        await api.post(f"/alerts/{alert}/assign", {"owner": api.accounts[person]}, "supervisor")
        assert await owed_by(api, call) == whose
    token = (await api.sign_in("engineer")).json["refresh_token"]
    assert (await leave(api, token)).json["calls"] == []


async def test_no_call_comes_to_somebody_while_they_sign_out(api: Api, who: dict[str, Any]) -> None:
    alert = await taken(api, who)
    call = await owes(api, who, 5, alert=alert)
    good = await api.make("/contacts", {"wearer": who["wearer"], "person": "victim", "outcome": "spoke"})
    later = {"alert": alert, "person": "police", "outcome": "no_answer", "callback_at": call["callback_at"]}
    for act in (
        lambda: api.post("/contacts", later, "supervisor"),
        lambda: api.patch(f"/contacts/{good['id']}", {"outcome": "no_answer"}, 1, "supervisor"),
    ):
        async with edit(api.store) as change:
            await accounts.lock(change.connection, api.accounts["operator"])
            acting = asyncio.create_task(act())
            await waiting(api.store)
        assert (await acting).status in {200, 201}


async def test_calls_are_handed_over_to_whoever_can_make_them(api: Api, who: dict[str, Any]) -> None:
    await owes(api, who, 5)
    answer = await api.post("/handover", {"to": api.accounts["engineer"]}, "operator")
    assert (answer.status, answer.json["detail"]) == (
        409, "engineer is engineer and cannot make these calls: choose somebody who can",
    )  # fmt: skip


async def test_who_cannot_work_an_alert_is_told_which(api: Api, who: dict[str, Any]) -> None:
    alert, outage = await taken(api, who), await taken(api, who, 2)
    await api.store.pool.execute(
        "UPDATE alert SET wearer = NULL, kind = 'fleet_outage', monitoring_order = 0 WHERE id = $1", outage
    )
    answer = await api.post("/handover", {"to": api.accounts["engineer"]}, "operator")
    assert (answer.status, answer.json["detail"]) == (
        409, f"engineer is engineer and cannot work alert {alert}: choose somebody who can",
    )  # fmt: skip


async def barred(api: Api, role: str) -> dict[str, str]:
    """Who is named to somebody as not to be offered what they have to do, and why."""
    people = (await api.get("/handover", role)).json["people"]
    return {person["name"]: person["barred"] for person in people if person["barred"] is not None}


async def test_who_would_be_refused_is_named_before_it_is_offered(api: Api, who: dict[str, Any]) -> None:
    assert await barred(api, "operator") == {}
    await owes(api, who, 5)
    assert await barred(api, "operator") == {"engineer": "cannot make these calls"}
    alert = await taken(api, who)
    assert await barred(api, "operator") == {"engineer": f"cannot work alert {alert}"}
    ours = await taken(api, who, 2, "supervisor")
    await api.store.pool.execute(
        "UPDATE alert SET wearer = NULL, kind = 'monitoring_down', monitoring_order = 0 WHERE id = $1", ours
    )
    assert await barred(api, "supervisor") == dict.fromkeys(("officer", "operator"), f"cannot work alert {ours}")
    assert await barred(api, "auditor") == {}


async def test_who_leaves_while_an_alert_comes_to_them_owns_it_and_stays(api: Api, who: dict[str, Any]) -> None:
    alert = await given.alert(api.store, who, 1)
    token = (await api.sign_in()).json["refresh_token"]
    async with edit(api.store, api.accounts["supervisor"]) as change:
        await accounts.lock(change.connection, api.accounts["operator"])
        await alerts.assign(change, await alerts.locked(change, alert), api.accounts["operator"], ["operator"])
        leaving = asyncio.create_task(leave(api, token))
        await waiting(api.store)
    assert (await leaving).status == 409
    assert (await api.call("POST", "/token", None, data={"grant_type": "refresh_token", "refresh_token": token})).status == 200


async def test_what_comes_to_somebody_while_their_role_changes_goes_by_the_new_one(api: Api, who: dict[str, Any]) -> None:
    """By a colleague, or by themselves with the access token that they had."""
    alert = await given.alert(api.store, who, 1)
    assigned = {"owner": api.accounts["operator"]}
    for path, body, by, said in (
        (
            f"/alerts/{alert}/assign",
            assigned,
            "supervisor",
            (409, "operator is engineer and cannot work this alert: choose somebody who can"),
        ),
        (f"/alerts/{alert}/acknowledge", None, "operator", (401, "your role is engineer now: sign in again")),
    ):
        async with edit(api.store) as change:
            await accounts.set_role(change.connection, "operator", "engineer")
            acting = asyncio.create_task(api.post(path, body, by))
            async with asyncio.timeout(60):
                await waiting(api.store)
        refused = await acting
        assert (refused.status, refused.json.get("detail")) == said, path
        assert await owner(api, alert) is None
        async with edit(api.store) as change:
            await accounts.set_role(change.connection, "operator", "operator")


async def test_whatever_makes_somebody_an_owner_waits_for_who_is_leaving(api: Api, who: dict[str, Any]) -> None:
    alert = await given.alert(api.store, who, 1)
    offer = await offered(api, "operator", "officer")
    for path, body, role in (
        (f"/alerts/{alert}/assign", {"owner": api.accounts["operator"]}, "supervisor"),
        (f"/handover/{offer['id']}/accept", None, "operator"),
        (f"/alerts/{alert}/acknowledge", None, "operator"),
        (f"/alerts/{alert}/steps", {"step": "instruct"}, "operator"),
        ("/contacts", {"alert": alert, "person": "wearer", "outcome": "spoke"}, "operator"),
    ):
        async with edit(api.store) as change:
            await accounts.lock(change.connection, api.accounts["operator"])
            acting = asyncio.create_task(api.post(path, body, role))
            await waiting(api.store)
        assert (await acting).status in {200, 201}, path


async def test_an_offer_is_cheap_to_ask_for(api: Api, who: dict[str, Any]) -> None:
    await taken(api, who)
    made = await offered(api)
    for role, ids in (("operator", [made["id"]]), ("officer", [made["id"]]), ("supervisor", [])):
        answer = (await api.get("/handover/offers", role)).json
        assert ([offer["id"] for offer in answer["items"]], answer["next"]) == (ids, None)
    again = await offered(api)
    assert again == made, "the same offer is the one that stands"
    await api.post(f"/handover/{made['id']}/accept", role="officer")
    assert (await api.get("/handover/offers", "officer")).json["items"] == []


async def test_a_supervisor_releases_whoever_must_leave(api: Api, who: dict[str, Any]) -> None:
    alert = await taken(api, who)
    await api.post(f"/alerts/{alert}/steps", {"step": "instruct"}, "operator")
    token = (await api.sign_in()).json["refresh_token"]
    body = {"account": api.accounts["operator"], "reason": "Taken ill."}
    assert (await api.post("/handover/release", body, "operator")).status == 403
    assert (await api.post("/handover/release", body, "supervisor")).json == {"alerts": [alert], "calls": []}
    back = (await api.get(f"/alerts/{alert}")).json
    assert (back["handling"], back["owner"]) == ("new", None)
    entry = back["history"][-1]
    assert (entry["what"], entry["actor"]["name"]) == ("released", "supervisor")
    assert entry["text"] == "Taken from operator, back to the queue: Taken ill."
    assert (await leave(api, token)).status == 204
    assert (await api.post("/handover/release", body | {"account": 10**6}, "supervisor")).status == 422
    [noted] = (await api.get(f"/audit?subject=account/{api.accounts['operator']}&action=released")).json["items"]
    assert noted["details"] == {"reason": "Taken ill.", "alerts": [alert], "calls": []}


async def test_a_supervisor_leaves_with_a_reason(api: Api, who: dict[str, Any]) -> None:
    alert = await taken(api, who, role="supervisor")
    token = (await api.sign_in("supervisor")).json["refresh_token"]
    assert (await leave(api, token)).status == 409
    assert (await leave(api, token, reason="Fire alarm.")).status == 204
    assert await owner(api, alert) is None
    assert (await api.get(f"/alerts/{alert}")).json["history"][-1]["text"].endswith("Fire alarm.")


async def test_the_next_shift_is_told(api: Api, who: dict[str, Any]) -> None:
    p1 = await taken(api, who)
    p2 = await given.alert(api.store, who, 2, severity=2)
    await given.alert(api.store, who, 3, severity=3)
    now = await api.store.pool.fetchval("SELECT clock_timestamp()")
    later = show(now + HOUR_US)
    call = {"wearer": who["wearer"], "person": "other", "outcome": "no_answer", "callback_at": later}
    owed = await api.make("/contacts", call)
    pause = await api.make("/pauses", {"wearer": who["wearer"], "reason": "x", "until": later})
    plan = {"wearer": who["wearer"], "kind": "inspect"}
    soon = await api.make("/visits", plan | {"from": later, "to": show(now + 2 * HOUR_US)})
    missed = await api.make("/visits", plan | {"from": show(now - 3 * HOUR_US), "to": show(now - 2 * HOUR_US)})
    await api.make("/visits", plan | {"from": show(now + 30 * HOUR_US), "to": show(now + 31 * HOUR_US)})
    called_off = await api.make("/visits", plan | {"from": later, "to": show(now + 2 * HOUR_US)})
    assert (await api.patch(f"/visits/{called_off['id']}", {"cancelled": True}, 1)).status == 200
    await api.store.pool.execute(
        "INSERT INTO lane (partition, owner, claimed_at, watermark) VALUES (0, 'w', now(), now() - interval '5 min'), (1, 'w', now(), now())"  # noqa: E501
    )
    await api.store.pool.execute("INSERT INTO gateway (id, name) OVERRIDING SYSTEM VALUE VALUES (7, 'north'), (8, 'south')")
    await api.store.pool.execute(
        "INSERT INTO lane_count (lane, gateway, worn, silent, as_of) VALUES (1, 7, 20, 9, now()), (1, 8, 30, 0, now())"
    )
    await api.sign_in()
    shift = (await api.get("/handover", "operator")).json
    assert [(item["id"], item["owner"] and item["owner"]["name"]) for item in shift["alerts"]] == [(p1, "operator"), (p2, None)]
    assert shift["calls_owed"] == [owed]
    assert shift["pauses"] == [pause]
    assert [(item["id"], item["status"], item["wearer_name"]) for item in shift["visits"]] == [
        (missed["id"], "planned", "Test Wearer"),
        (soon["id"], "planned", "Test Wearer"),
    ]
    blind = shift["blind"]
    assert [(one["partition"], one["state"]) for one in blind["lanes"]] == [(0, "behind")]
    assert blind["gateways"] == [{"name": "north", "worn": 20, "silent": 9, "unknown": 0}]
    assert {check["name"] for check in blind["failing"]} >= {"lanes", "watch"}
    people = {person["name"]: (person["signed_in"], person["owns"]) for person in shift["people"]}
    assert people == {
        "operator": (True, 1), "officer": (False, 0), "supervisor": (False, 0), "engineer": (False, 0), "admin": (False, 0),
    }  # fmt: skip


async def test_no_list_of_the_handover_is_longer_than_a_shift_can_read(
    api: Api, who: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "MOST", 2)
    now = await api.store.pool.fetchval("SELECT clock_timestamp()")
    ahead = [show(now + n * HOUR_US) for n in range(1, 5)]
    for person, at in zip(("other", "victim", "wearer"), ahead, strict=False):
        await api.make("/contacts", {"wearer": who["wearer"], "person": person, "outcome": "no_answer", "callback_at": at})
    plan = {"wearer": who["wearer"], "kind": "inspect"}
    door = {"from": show(now - 50 * HOUR_US), "to": show(now + HOUR_US), "signed_in": show(now - 49 * HOUR_US)}
    at_door = await api.make("/visits", plan | door)
    missed, soon = [
        await api.make("/visits", plan | {"from": show(now + since * HOUR_US), "to": show(now + (since + 1) * HOUR_US)})
        for since in (-40, 1)
    ]
    done = await api.make("/visits", plan | {"from": show(now - 30 * HOUR_US), "to": show(now)} | {
        "signed_in": show(now - 2 * HOUR_US), "signed_out": show(now - HOUR_US), "outcome": "done", "strap_proven": True
    })  # fmt: skip
    assert done["status"] == "done"
    shift = (await api.get("/handover", "operator")).json
    assert [call["person"] for call in shift["calls_owed"]] == ["other", "victim"], "those that are due first"
    shown = [visit["id"] for visit in shift["visits"]]
    assert shown == [at_door["id"], soon["id"]], "who is at the door, then the newest"
    assert missed["id"] not in shown


async def test_an_engineer_is_told_of_no_person(api: Api, who: dict[str, Any]) -> None:
    await taken(api, who)
    await api.make("/contacts", {"wearer": who["wearer"], "person": "wearer", "outcome": "no_answer", "callback_at": "2100-01-01T00:00:00Z"})  # fmt: skip  # noqa: E501
    answer = await api.get("/handover", "engineer")
    assert [answer.json[name] for name in ("alerts", "calls_owed", "pauses", "visits")] == [[], [], [], []]
    assert "Test Wearer" not in answer.body.decode()


async def test_a_note_is_for_the_two_and_for_supervisors(api: Api, who: dict[str, Any]) -> None:
    made = await offered(api)
    path = f"/handover/{made['id']}"
    seen = {role: (await api.get(path, role)).status for role in ("operator", "officer", "supervisor", "engineer", "auditor")}
    assert seen == {"operator": 200, "officer": 200, "supervisor": 200, "engineer": 403, "auditor": 403}


async def test_who_cannot_see_them_cannot_take_them(api: Api, who: dict[str, Any]) -> None:
    await taken(api, who)
    for to, status in (("engineer", 409), ("field", 409), ("operator", 409)):
        answer = await api.post("/handover", {"to": api.accounts[to]}, "operator")
        assert answer.status == status, to
    assert (await api.post("/handover", {"to": 10**6}, "operator")).status == 422
    assert (await api.get("/handover", "operator")).json["offers"] == []
    assert (await api.get("/handover/999")).status == 404


async def test_an_offer_is_made_once_with_its_key(api: Api, who: dict[str, Any]) -> None:
    body = {"to": api.accounts["officer"]}
    first, again = [await api.post("/handover", body, "operator", headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status, first.body) == (201, again.body)
    assert first.headers["Location"] == f"/api/v1/handover/{first.json['id']}"
