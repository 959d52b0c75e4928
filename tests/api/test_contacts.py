"""The contact log: what a call does to an alert's clocks, which calls are owed, and what may be put right."""

import asyncio
from typing import Any

import pytest

from model.instant import MINUTE_US, show
from store import contacts, erasure
from store.feed import edit
from tests.api import given
from tests.api.client import Api
from tests.api.test_alerts import act, raised
from tests.store.waits import waiting

BEFORE = show(given.AT_US + 3 * MINUTE_US)
CALLED = {"person": "wearer", "outcome": "no_answer", "at": BEFORE}
LATER = "2026-11-22T08:20:00Z"


@pytest.fixture
async def who(api: Api) -> dict[str, Any]:
    return await given.wearer(api)


async def log(api: Api, role: str = "operator", **body: Any) -> Any:
    answer = await api.post("/contacts", CALLED | body, role)
    assert answer.status == 201, answer.body
    return answer.json


async def owed(api: Api) -> list[int]:
    return [item["id"] for item in (await api.get("/contacts?owed=true", "operator")).json["items"]]


async def test_a_call_stops_the_clock_of_the_first_contact(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    alert = (await act(api, number, "acknowledge")).json
    assert (alert["running"], alert["next_due"]) == (["contact", "decision"], alert["due"]["contact"])
    called = await log(api, alert=number, words="Rang out twice.", number="+44 7700 900123", callback_at=LATER)
    assert (called["wearer"], called["wearer_name"], called["by"]["name"]) == (who["wearer"], "Test Wearer", "operator")
    alert = (await api.get(f"/alerts/{number}")).json
    assert (alert["handling"], alert["running"], alert["next_due"]) == ("in_progress", ["decision"], alert["due"]["decision"])
    assert alert["callback_at"] == LATER
    entry = alert["history"][-1]
    assert (entry["what"], entry["text"]) == ("contact", "Called the wearer: no answer. Rang out twice.")
    assert entry["details"] == {
        "contact": called["id"], "way": "call", "direction": "out", "person": "wearer", "outcome": "no_answer", "callback": LATER,
    }  # fmt: skip
    assert "7700" not in str(alert)  # numbers are in the log, for those who may see it
    feed = await api.store.pool.fetchrow("SELECT kind, ref, what FROM feed_entry ORDER BY position DESC LIMIT 1")
    assert tuple(feed or ()) == ("alert", number, "contact")


async def test_a_step_that_calls_nobody_stops_no_clock_but_the_first(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    for step, running in (
        ("instruct", ["contact", "decision"]),
        ("send_visit", ["contact", "decision"]),
        ("call_victim", ["decision"]),
        ("decide", []),
    ):
        alert = (await act(api, number, "steps", {"step": step, "text": "No police: he is on the bus."})).json
        assert alert["running"] == running, step
    assert alert["next_due"] is None
    await given.occurs_again(api.store, number)  # and all three run anew
    assert (await api.get(f"/alerts/{number}")).json["running"] == ["acknowledge", "contact", "decision"]
    bare = await act(api, number, "steps", {"step": "decide"})
    assert (bare.status, bare.json["errors"][0]["field"]) == (422, "text")


async def test_calling_the_police_is_the_decision(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    await log(api, alert=number, person="police", outcome="spoke", police_reference="MER-0412")
    alert = (await api.get(f"/alerts/{number}")).json
    assert (alert["running"], alert["next_due"]) == ([], None)
    [found] = (await api.get(f"/contacts?alert={number}")).json["items"]
    assert found["police_reference"] == "MER-0412"


@pytest.mark.parametrize(
    ("call", "running"),
    [
        ({"person": "police"}, ["decision"]),
        ({"person": "police", "outcome": "refused"}, ["decision"]),
        ({"person": "police", "outcome": "dead_number"}, ["contact", "decision"]),
        ({"outcome": "dead_number"}, ["contact", "decision"]),
        ({"direction": "in", "way": "message"}, ["contact", "decision"]),
        ({"direction": "in", "way": "message", "outcome": "spoke"}, ["decision"]),
    ],
)
async def test_a_call_that_nobody_answered_decides_nothing(
    api: Api, who: dict[str, Any], call: dict[str, Any], running: list[str]
) -> None:
    number = await raised(api, who)
    await log(api, alert=number, **call)
    assert (await api.get(f"/alerts/{number}")).json["running"] == running
    if call.get("direction") != "in":
        stepped = await raised(api, await given.wearer(api, "Other", 42))
        step = {"step": f"call_{call.get('person', 'wearer')}", "result": call.get("outcome", "no_answer")}
        assert (await act(api, stepped, "steps", step)).json["running"] == running


async def test_closing_stops_every_clock_and_reopening_starts_none(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who, purpose="area")
    await act(api, number, "close", {"outcome": "explained", "note": "x"})
    assert (await api.get(f"/alerts/{number}")).json["running"] == []
    assert (await act(api, number, "reopen", {"note": "x"})).json["running"] == []


async def test_a_contact_on_a_closed_alert_is_only_written_down(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who, purpose="area")
    await act(api, number, "close", {"outcome": "explained", "note": "x"})
    await log(api, alert=number, person="victim", outcome="spoke")
    alert = (await api.get(f"/alerts/{number}")).json
    assert (alert["handling"], alert["history"][-1]["what"]) == ("closed", "contact")


async def test_a_call_is_owed_until_the_same_person_was_spoken_to(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    first = await log(api, alert=number, callback_at=LATER)
    mother = await log(api, wearer=who["wearer"], person="other", name="Mother", callback_at="2026-11-22T08:10:00Z")
    assert await owed(api) == [mother["id"], first["id"]]  # due first on top
    await log(api, alert=number)  # nobody answered, and no other time was set: still owed
    assert await owed(api) == [mother["id"], first["id"]]
    again = await log(api, wearer=who["wearer"], callback_at="2026-11-22T08:40:00Z")  # another time instead
    assert await owed(api) == [mother["id"], again["id"]]
    settled = (await api.get(f"/contacts/{first['id']}")).json
    assert (settled["owed"], settled["settled_by"]) == (False, again["id"])
    alert = (await api.get(f"/alerts/{number}")).json
    assert (alert["callback_at"], alert["history"][-1]["what"]) == (None, "callback_settled")
    await log(api, wearer=who["wearer"], direction="in", outcome="spoke")
    assert await owed(api) == [mother["id"]]
    other = await given.wearer(api, "Other", 42)
    await log(api, wearer=other["wearer"], person="other", outcome="spoke")
    assert await owed(api) == [mother["id"]]  # somebody else's mother


async def test_what_was_written_may_be_put_right(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    made = await log(api, alert=number, callback_at=LATER)
    right = await api.patch(f"/contacts/{made['id']}", {"words": "Rang out.", "callback_at": None}, 1, "operator")
    assert (right.status, right.headers["ETag"]) == (200, '"2"')
    assert right.json == made | {"words": "Rang out.", "callback_at": None, "owed": False, "owed_by": None, "version": 2}
    assert await owed(api) == []
    assert (await api.get(f"/alerts/{number}")).json["callback_at"] is None
    assert (await api.patch(f"/contacts/{made['id']}", {"words": "x"}, 1)).status == 412
    assert (await api.call("PATCH", f"/contacts/{made['id']}", "operator", {"words": "x"})).status == 428
    assert (await api.patch(f"/contacts/{made['id']}", {"person": "victim"}, 2)).status == 422
    assert (await api.patch(f"/contacts/{made['id']}", {"outcome": None}, 2)).status == 422
    assert (await api.patch("/contacts/999", {"words": "x"}, 1)).status == 404


async def test_a_callback_made_good_is_not_moved(api: Api, who: dict[str, Any]) -> None:
    made = await log(api, wearer=who["wearer"], callback_at=LATER)
    good = await log(api, wearer=who["wearer"], outcome="spoke")
    refused = await api.patch(f"/contacts/{made['id']}", {"callback_at": None}, 2)
    assert refused.status == 409
    assert f"contact {good['id']}" in refused.json["detail"]


async def correct(api: Api, contact: Any, **fields: Any) -> Any:
    version = (await api.get(f"/contacts/{contact['id']}")).json["version"]
    answer = await api.patch(f"/contacts/{contact['id']}", fields, version, "operator")
    assert answer.status == 200, answer.body
    return answer.json


async def test_who_was_not_spoken_to_after_all_is_owed_the_call_again(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    first = await log(api, alert=number, callback_at=LATER)
    good = await log(api, wearer=who["wearer"], outcome="spoke")
    assert await owed(api) == []
    await correct(api, good, outcome="no_answer")
    assert await owed(api) == [first["id"]]
    alert = (await api.get(f"/alerts/{number}")).json
    assert (alert["callback_at"], alert["history"][-1]["what"]) == (LATER, "callback_owed")
    assert alert["history"][-1]["details"] == {"contact": good["id"]}
    await correct(api, good, outcome="refused")
    assert (await owed(api), (await api.get(f"/contacts/{first['id']}")).json["settled_by"]) == ([], good["id"])
    assert (await api.get(f"/alerts/{number}")).json["history"][-1]["what"] == "callback_settled"
    later = await log(api, wearer=who["wearer"], outcome="spoke")
    await correct(api, good, outcome="dead_number")
    assert (await owed(api), (await api.get(f"/contacts/{first['id']}")).json["settled_by"]) == ([], later["id"])
    again = await log(api, wearer=who["wearer"], callback_at=LATER)
    await correct(api, later, outcome="no_answer")
    assert (await owed(api), (await api.get(f"/contacts/{first['id']}")).json["settled_by"]) == ([again["id"]], again["id"])
    await correct(api, again, callback_at=None)
    assert await owed(api) == [first["id"]], "another time was not set after all"


async def test_a_call_owed_since_is_not_made_good_by_a_correction(api: Api, who: dict[str, Any]) -> None:
    early = await log(api, wearer=who["wearer"])
    since = await log(api, wearer=who["wearer"], callback_at=LATER)
    await correct(api, early, outcome="spoke")
    assert await owed(api) == [since["id"]]


async def test_a_clock_that_a_corrected_contact_had_stopped_runs_on_from_when_it_began(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    due = (await api.get(f"/alerts/{number}")).json["due"]
    police = await log(api, alert=number, person="police", outcome="spoke")
    assert (await api.get(f"/alerts/{number}")).json["running"] == []
    await correct(api, police, outcome="no_answer")
    alert = (await api.get(f"/alerts/{number}")).json
    assert (alert["running"], alert["due"], alert["next_due"]) == (["decision"], due, due["decision"])
    entry = alert["history"][-1]
    assert (entry["what"], entry["text"]) == ("contact_corrected", "The clock of the decision runs again.")
    assert entry["details"] == {"contact": police["id"], "fields": ["outcome"], "outcome": "no_answer", "before": "spoke"}
    await correct(api, police, outcome="dead_number")
    assert (await api.get(f"/alerts/{number}")).json["running"] == ["contact", "decision"]
    await correct(api, police, outcome="spoke")
    alert = (await api.get(f"/alerts/{number}")).json
    assert (alert["running"], alert["handling"]) == ([], "in_progress")
    said = "The clock of the first contact is stopped. The clock of the decision is stopped."
    assert alert["history"][-1]["text"] == said
    # What else was done since keeps it stopped, what was done before a new occurrence does not.
    await act(api, number, "steps", {"step": "decide", "text": "x"})
    await correct(api, police, outcome="no_answer")
    assert (await api.get(f"/alerts/{number}")).json["running"] == []
    await given.occurs_again(api.store, number)
    await correct(api, police, outcome="spoke")
    assert (await api.get(f"/alerts/{number}")).json["running"] == ["acknowledge", "contact", "decision"]


async def test_a_correction_on_a_closed_alert_starts_no_clock(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who, purpose="area")
    police = await log(api, alert=number, person="police", outcome="spoke")
    await act(api, number, "close", {"outcome": "explained", "note": "x"})
    await correct(api, police, outcome="no_answer")
    assert (await act(api, number, "reopen", {"note": "x"})).json["running"] == []


async def test_the_figures_go_by_the_corrected_contact(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    due = {f"due_{name}_us": given.AT_US + n * MINUTE_US for n, name in enumerate(("acknowledge", "contact", "decision"), 2)}
    await api.store.pool.execute("UPDATE alert_history SET details = details || $2 WHERE alert = $1", number, due)
    police = await log(api, alert=number, person="police", outcome="spoke")

    async def answered() -> int:
        items = (await api.get("/sla?from=2026-11-01T00:00:00Z&to=2026-12-31T00:00:00Z", "supervisor")).json["items"]
        return next(
            int(one["answered"]) for one in items if (one["clock"], one["kind"], one["shift"]) == ("decision", None, None)
        )

    assert await answered() == 1
    await correct(api, police, outcome="no_answer")
    assert await answered() == 0


async def test_a_correction_waits_for_the_alert_before_it_holds_the_contact(api: Api, who: dict[str, Any]) -> None:
    """As logging another contact does: else each would hold what the other waits for."""
    number = await raised(api, who)
    made = await log(api, alert=number, callback_at=LATER)
    async with edit(api.store) as change:
        await contacts.lock(change, number, None, "wearer")
        correcting = asyncio.create_task(correct(api, made, words="Rang out."))
        await waiting(api.store)
        await change.connection.execute("SELECT 1 FROM contact WHERE id = $1 FOR UPDATE", made["id"])
    assert (await correcting)["words"] == "Rang out."


async def test_a_contact_is_logged_once_with_its_key(api: Api, who: dict[str, Any]) -> None:
    body = CALLED | {"wearer": who["wearer"]}
    first, again = [await api.post("/contacts", body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status, again.body, again.headers["Idempotency-Replayed"]) == (201, first.body, "true")
    assert first.headers["Location"] == f"/api/v1/contacts/{first.json['id']}"
    assert len((await api.get("/contacts")).json["items"]) == 1


async def test_refusals_name_what_is_wrong(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    other = await given.wearer(api, "Other", 42)
    for more, status, field in (
        ({}, 422, ""),
        ({"wearer": 999}, 422, "wearer"),
        ({"alert": 999}, 404, None),
        ({"alert": number, "wearer": other["wearer"]}, 409, None),
        ({"wearer": who["wearer"], "person": "dog"}, 422, "person"),
        ({"wearer": who["wearer"], "outcome": "hung_up"}, 422, "outcome"),
        ({"wearer": who["wearer"], "at": "2100-01-01T00:00:00Z"}, 422, "at"),
        ({"wearer": who["wearer"], "callback_at": BEFORE}, 422, "callback_at"),
    ):
        answer = await api.post("/contacts", CALLED | more)
        assert answer.status == status, (more, answer.body)
        if field is not None:
            assert answer.json["errors"][0]["field"] == field, more
    assert (await api.get("/contacts")).json["items"] == []


async def test_lists_come_in_pages(api: Api, who: dict[str, Any]) -> None:
    made = [(await log(api, wearer=who["wearer"], person=p, callback_at=LATER))["id"] for p in ("wearer", "victim", "officer")]
    for query in ("", "&owed=true"):
        first = (await api.get(f"/contacts?limit=2{query}")).json
        rest = (await api.get(f"/contacts?limit=2{query}&cursor={first['next']}")).json
        assert [item["id"] for item in first["items"] + rest["items"]] == made
        assert rest["next"] is None


async def test_what_was_said_goes_with_an_erased_wearer(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    await log(api, alert=number, name="Jane Doe", number="+44 7700 900123", words="Jane says no.")
    await api.store.pool.execute("UPDATE monitoring_order SET status = 'completed', ends = now()")
    async with edit(api.store) as change:
        await erasure.erase(change, who["wearer"], "data protection officer", "request 7")
    [found] = (await api.get("/contacts")).json["items"]
    assert (found["name"], found["number"], found["words"], found["police_reference"]) == (*["redacted"] * 3, None)
    assert "Jane" not in str((await api.get(f"/alerts/{number}")).json)
