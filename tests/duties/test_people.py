"""People are watched over: what was acknowledged and left alone is anybody's again, a clock that runs out is told; each once."""

import asyncio
import io
import os
import re
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from rich.console import Console

from cordon.admin import run_users_active, run_users_add, run_users_password, run_users_role
from duties.people import watch_over
from model.errors import CordonError
from model.instant import MINUTE_US, parse, show
from store import accounts, deliveries, escalations, handovers
from store.feed import edit
from store.pool import Store
from tests.api import given
from tests.api.client import MISSING_CONSOLE, Api, serving
from tests.duties.paged import channel
from tests.integration.system import COMMAND, ROOT, START_S, until
from tests.store.waits import waiting

NEVER = 10_000  # minutes ahead
LONG_AGO = -20_000_000


@pytest_asyncio.fixture
async def api(database: str, store: Store) -> AsyncIterator[Api]:
    async with serving(database, store, console=MISSING_CONSOLE) as running:
        yield running


async def raised(api: Api, *due_min: int | None, severity: int = 1, kind: str = "exclusion", **order: Any) -> int:
    """An alert of a new wearer whose three clocks run out so many minutes from now; None: there is no such clock."""
    number = await api.store.pool.fetchval("SELECT count(*) FROM wearer")
    who = await given.wearer(api, f"Wearer {number}", given.TAG + number)
    alert = await given.alert(api.store, who, 1, severity=severity, kind=kind)
    for name, minutes in zip(("acknowledge", "contact", "decision"), due_min, strict=True):
        await api.store.pool.execute(
            f"UPDATE alert SET due_{name} = now() + make_interval(mins => $2) WHERE id = $1", alert, minutes
        )
    if order:
        await api.make("/escalations", {"order": who["order"]} | order)
    return alert


async def passes(api: Api, alert: int, minutes: int) -> None:
    """So many minutes go by for an alert."""
    await api.store.pool.execute(
        """UPDATE alert SET handled_at = handled_at - d, escalated_at = escalated_at - d, due_acknowledge = due_acknowledge - d,
               due_contact = due_contact - d, due_decision = due_decision - d
           FROM (SELECT make_interval(mins => $2) AS d) AS gone WHERE id = $1""",
        alert,
        minutes,
    )


async def look(api: Api, alert: int) -> Any:
    return (await api.get(f"/alerts/{alert}")).json


async def said(api: Api, alert: int) -> list[str]:
    return [
        entry["text"] for entry in (await look(api, alert))["history"] if entry["actor"] is None and entry["what"] != "opened"
    ]


async def test_what_is_acknowledged_and_left_alone_goes_back_to_the_queue(api: Api) -> None:
    alert = await raised(api, NEVER, NEVER, NEVER)
    seen = (await api.post(f"/alerts/{alert}/acknowledge", role="operator")).json
    assert seen["returns_at"] > seen["history"][-1]["at"]
    await passes(api, alert, 4)
    assert await watch_over(api.store) is None
    await passes(api, alert, 1)
    assert await watch_over(api.store) == {"returned": [alert]}
    back = await look(api, alert)
    assert (back["handling"], back["owner"], back["returns_at"]) == ("new", None, None)
    assert back["running"] == ["acknowledge", "contact", "decision"]
    entry = back["history"][-1]
    assert (entry["what"], entry["actor"]) == ("returned", None)
    assert entry["text"] == "Acknowledged by operator, and nothing logged in 5 minutes: back to the queue."
    assert (await api.get("/status")).json["counts"]["new_alerts"] == 1
    assert await watch_over(api.store) is None  # once for each acknowledgement
    await api.post(f"/alerts/{alert}/acknowledge", role="officer")
    await passes(api, alert, 5)
    assert await watch_over(api.store) == {"returned": [alert]}


async def test_less_than_p1_has_ten_minutes_and_so_has_each_step_or_contact(api: Api) -> None:
    alone, stepped, called = [await raised(api, NEVER, None, None, severity=2) for _ in range(3)]
    for alert in (alone, stepped, called):
        await api.post(f"/alerts/{alert}/acknowledge", role="operator")
        await passes(api, alert, 9)
    assert await watch_over(api.store) is None
    await api.post(f"/alerts/{stepped}/steps", {"step": "instruct"}, "operator")
    await api.post("/contacts", {"alert": called, "person": "wearer", "outcome": "no_answer"}, "operator")
    await api.post(f"/alerts/{alone}/notes", {"text": "I am looking."}, "operator")  # words are no step
    for alert in (alone, stepped, called):
        await passes(api, alert, 9)
    assert await watch_over(api.store) == {"returned": [alone]}
    assert (await look(api, stepped))["handling"] == "in_progress"
    await api.post(f"/alerts/{called}/steps", {"step": "instruct"}, "officer")
    for alert in (stepped, called):
        await passes(api, alert, 1)
    assert await watch_over(api.store) == {"returned": [stepped]}
    back = await look(api, stepped)
    assert (back["handling"], back["owner"], back["returns_at"]) == ("new", None, None)
    assert back["history"][-1]["text"] == "Worked on by operator, and nothing logged in 10 minutes: back to the queue."
    sent = await api.store.pool.fetch("SELECT body FROM outbox WHERE topic = 'alert' ORDER BY id")
    assert [row["body"]["alert"] for row in sent] == [alone, stepped]
    assert await watch_over(api.store) is None, "once, until somebody takes it again"
    await passes(api, called, 9)
    assert await watch_over(api.store) == {"returned": [called]}


async def test_p1_at_which_nobody_does_anything_comes_back_after_five_minutes(api: Api) -> None:
    alert = await raised(api, NEVER, NEVER, NEVER)
    stepped = (await api.post(f"/alerts/{alert}/steps", {"step": "instruct"}, "operator")).json
    handled_at = await api.store.pool.fetchval("SELECT handled_at FROM alert WHERE id = $1", alert)
    assert parse(stepped["returns_at"]) == handled_at + 5 * MINUTE_US
    await passes(api, alert, 4)
    assert await watch_over(api.store) is None
    await passes(api, alert, 1)
    assert await watch_over(api.store) == {"returned": [alert]}


async def test_an_owed_call_that_is_made_from_elsewhere_is_a_step(api: Api) -> None:
    alert = await raised(api, NEVER, NEVER, NEVER, severity=2)
    at = show(await api.store.pool.fetchval("SELECT clock_timestamp()") + 60 * MINUTE_US)
    await api.post("/contacts", {"alert": alert, "person": "wearer", "outcome": "no_answer", "callback_at": at}, "operator")
    await passes(api, alert, 50)
    wearer = (await look(api, alert))["wearer_id"]
    assert (await api.post("/contacts", {"wearer": wearer, "person": "wearer", "outcome": "spoke"}, "operator")).status == 201
    assert await watch_over(api.store) is None
    await passes(api, alert, 10)
    assert await watch_over(api.store) == {"returned": [alert]}


async def test_a_call_that_is_owed_and_not_made_brings_it_back(api: Api) -> None:
    alert = await raised(api, NEVER, NEVER, NEVER, severity=2)
    at = show(await api.store.pool.fetchval("SELECT clock_timestamp()") + 20 * MINUTE_US)
    await api.post(f"/alerts/{alert}/steps", {"step": "instruct"}, "operator")
    contact = {"alert": alert, "person": "wearer", "outcome": "no_answer", "callback_at": at}
    assert (await api.post("/contacts", contact, "operator")).status == 201
    assert parse((await look(api, alert))["returns_at"]) == parse(at) + 10 * MINUTE_US
    sooner = "UPDATE contact SET callback_at = callback_at - interval '21 minutes' WHERE id = (SELECT max(id) FROM contact)"
    await api.store.pool.execute(sooner)
    await passes(api, alert, 9)
    assert await watch_over(api.store) is None, "a minute late, and it is nine minutes since anything was logged"
    await api.store.pool.execute(sooner)
    await passes(api, alert, 1)
    assert await watch_over(api.store) == {"returned": [alert]}
    back = await look(api, alert)
    assert (back["handling"], back["owner"], back["returns_at"]) == ("new", None, None)
    assert re.fullmatch(
        r"A call was owed at \d\d:\d\d UTC, and 10 minutes later nobody has made it: back to the queue.",
        back["history"][-1]["text"],
    )
    await api.post(f"/alerts/{alert}/acknowledge", role="officer")
    await passes(api, alert, 9)
    assert await watch_over(api.store) is None, "whoever takes it has the time once more"
    await api.post("/contacts", {"alert": alert, "person": "wearer", "outcome": "spoke"}, "officer")
    assert await watch_over(api.store) is None, "made good"
    await passes(api, alert, 10)
    assert await watch_over(api.store) == {"returned": [alert]}, "and nothing since"


async def test_an_escalation_that_no_channel_took_says_that_nobody_was_told(api: Api) -> None:
    alert = await raised(api, 2, 5, 10)
    assert (await look(api, alert))["escalation_told"] is None
    await passes(api, alert, 2)
    await watch_over(api.store)
    assert (await look(api, alert))["escalation_told"] == "waiting"  # its message has not been looked at yet
    await deliveries.address(api.store)
    assert (await look(api, alert))["escalation_told"] == "nobody"
    await channel(api.store, "https://desk.example/")
    await passes(api, alert, 3)
    await watch_over(api.store)
    await deliveries.address(api.store)
    assert (await look(api, alert))["escalation_told"] == "waiting"
    await api.store.pool.execute("UPDATE delivery SET state = 'delivered', due_at = NULL")
    assert (await look(api, alert))["escalation_told"] == "delivered"


async def test_each_clock_that_runs_out_raises_one_level(api: Api) -> None:
    alert = await raised(api, 2, 5, 10)
    assert await watch_over(api.store) is None
    await passes(api, alert, 2)
    assert await watch_over(api.store) == {"escalated": {alert: 1}}
    assert await watch_over(api.store) is None
    await passes(api, alert, 3)
    assert await watch_over(api.store) == {"escalated": {alert: 2}}
    await passes(api, alert, 5)
    assert await watch_over(api.store) == {"escalated": {alert: 3}}
    await passes(api, alert, 600)
    assert await watch_over(api.store) is None  # the chain has no more
    found = await look(api, alert)
    assert (found["level"], found["escalated_to"], found["handling"]) == (3, "police", "new")
    assert [text.partition(":")[0] for text in await said(api, alert)] == [
        "No acknowledgement in time", "No first contact in time", "No decision in time",
    ]  # fmt: skip
    sent = await api.store.pool.fetch(
        """SELECT o.body, o.position = h.position AS fits FROM outbox o JOIN alert_history h USING (alert)
           WHERE topic = 'escalation' AND h.what = 'escalated' AND h.details->'level' = o.body->'level' ORDER BY o.id"""
    )
    assert [(row["body"]["level"], row["fits"]) for row in sent] == [(1, True), (2, True), (3, True)]
    assert sent[2]["body"] == {"alert": alert, "kind": "exclusion", "severity": 1, "level": 3, "to": "police"}
    assert await api.store.pool.fetchval("SELECT count(*) FROM feed_entry WHERE kind = 'alert' AND what = 'escalated'") == 3


async def test_a_clock_that_was_stopped_raises_nothing(api: Api) -> None:
    alert = await raised(api, 2, 5, 10)
    await api.post("/contacts", {"alert": alert, "person": "police", "outcome": "spoke"}, "operator")
    for _ in range(4):
        await passes(api, alert, 4)
        assert await watch_over(api.store) is None
        await api.post(f"/alerts/{alert}/steps", {"step": "instruct"}, "operator")
    closed = await raised(api, -5, -5, -5, severity=2)
    await api.post(f"/alerts/{closed}/close", {"outcome": "other", "note": "x", "victim": {"notified": True}}, "operator")
    assert await watch_over(api.store) is None


async def test_what_was_withdrawn_raises_nothing(api: Api) -> None:
    alert = await raised(api, -1, -1, -1)
    await api.store.pool.execute("UPDATE alert SET condition = 'withdrawn' WHERE id = $1", alert)
    assert await watch_over(api.store) is None


async def test_what_somebody_owns_who_is_shut_out_is_back_in_the_queue(api: Api, database: str) -> None:
    alert = await raised(api, NEVER, NEVER, NEVER)
    await api.post(f"/alerts/{alert}/steps", {"step": "instruct"}, "operator")
    for person in ("wearer", "victim"):
        await owes(api, "operator", person, wearer=1)
    out = Console(file=io.StringIO(), width=200)
    await run_users_active("operator", False, None, database, out)
    back = await look(api, alert)
    assert (back["handling"], back["owner"], back["history"][-1]["what"]) == ("new", None, "released")
    assert back["history"][-1]["text"] == "Taken from operator, back to the queue: they were shut out"
    assert out.file.getvalue() == (  # type: ignore[attr-defined]
        "operator is shut out; 1 alert is back in the queue; 2 calls are nobody's\n"
    )
    sent = await api.store.pool.fetch("SELECT topic FROM outbox ORDER BY id")
    assert [row["topic"] for row in sent] == ["alert"], "and paged"


async def test_whatever_a_command_does_to_an_account_is_audited(api: Api, database: str) -> None:
    out, err = Console(file=io.StringIO(), width=200), Console(file=io.StringIO())
    await run_users_add("ann", "operator", "correct horse battery", None, database, out, err)
    await run_users_password("ann", "another horse battery", None, database, out)
    await run_users_role("ann", "engineer", None, database, out)
    await run_users_active("ann", False, None, database, out)
    await run_users_active("ann", True, None, database, out)
    ann = await accounts.named(api.store, "ann")
    assert ann is not None
    rows = (await api.get(f"/audit?subject=account/{ann.id}", "auditor")).json["items"]
    assert [(row["action"], row["details"]) for row in reversed(rows)] == [
        ("created", {"name": "ann", "role": "operator"}),
        ("password set", {}),
        ("role set", {"role": "engineer"}),
        ("shut out", {}),
        ("let in", {}),
    ], "and of what she had none was taken, as she had nothing"
    assert {row["actor"] for row in rows} == {None}


async def owes(api: Api, role: str, person: str, **about: Any) -> int:
    """A call to somebody that is to be made in a minute, logged by a role."""
    at = show(await api.store.pool.fetchval("SELECT clock_timestamp()") + MINUTE_US)
    call = {"person": person, "outcome": "no_answer", "callback_at": at} | about
    answer = await api.post("/contacts", call, role)
    assert answer.status == 201, answer.body
    return int(answer.json["id"])


async def becomes(database: str, name: str, role: str) -> str:
    """What the command says that gives somebody another role."""
    out = Console(file=io.StringIO(), width=200)
    await run_users_role(name, role, None, database, out)
    return out.file.getvalue()  # type: ignore[attr-defined, no-any-return]


async def owners(api: Api, *alerts: int) -> list[int | None]:
    return [await api.store.pool.fetchval("SELECT owner FROM alert WHERE id = $1", alert) for alert in alerts]


async def test_what_a_new_role_cannot_work_is_back_in_the_queue(api: Api, database: str) -> None:
    """An engineer sees no wearer and logs no contact; the outage, which they work, stays theirs, and no call does."""
    alert, outage = await raised(api, NEVER, NEVER, NEVER), await raised(api, NEVER, NEVER, NEVER)
    await api.store.pool.execute(
        "UPDATE alert SET wearer = NULL, kind = 'fleet_outage', monitoring_order = 0 WHERE id = $1", outage
    )
    for one in (alert, outage):
        assert (await api.post(f"/alerts/{one}/steps", {"step": "instruct"}, "operator")).status == 200
    calls = [
        await owes(api, "operator", "wearer", alert=alert),
        await owes(api, "operator", "other", alert=outage),
        await owes(api, "operator", "victim", wearer=1),
    ]
    said = await becomes(database, "operator", "engineer")
    assert said == (
        "operator is engineer from the next sign-in on; their sessions have ended; 1 alert is back in the queue; "
        "3 calls are nobody's\n"
    )
    assert await owners(api, alert, outage) == [None, api.accounts["operator"]]
    back = await look(api, alert)
    assert (back["handling"], back["history"][-1]["what"]) == ("new", "released")
    assert back["history"][-1]["text"] == (
        "Taken from operator, back to the queue: their role is engineer now, which cannot work it"
    )
    sent = await api.store.pool.fetch("SELECT alert, topic FROM outbox")
    assert [tuple(row) for row in sent] == [(alert, "alert")], "and paged"
    owed = (await api.get("/handover")).json["calls_owed"]
    assert sorted((call["id"], call["owed_by"]) for call in owed) == [(call, None) for call in calls], "in everybody's list"
    token = (await api.sign_in("operator")).json["refresh_token"]
    refused = await api.call("DELETE", "/token", None, {"refresh_token": token})
    assert ([one["id"] for one in refused.json["owned"]], refused.json["calls"]) == ([outage], [])


async def test_what_a_new_role_can_work_stays(api: Api, database: str) -> None:
    """Of a supervisor who is an officer from now on only what is the system's own goes, with the call about it."""
    alert, ours = await raised(api, NEVER, NEVER, NEVER), await raised(api, NEVER, NEVER, NEVER)
    await api.store.pool.execute(
        "UPDATE alert SET wearer = NULL, kind = 'monitoring_down', monitoring_order = 0 WHERE id = $1", ours
    )
    for one in (alert, ours):
        assert (await api.post(f"/alerts/{one}/acknowledge", role="supervisor")).status == 200
    kept = [await owes(api, "supervisor", "wearer", alert=alert), await owes(api, "supervisor", "victim", wearer=1)]
    gone = await owes(api, "supervisor", "other", alert=ours)
    said = await becomes(database, "supervisor", "officer")
    assert said.endswith("have ended; 1 alert is back in the queue; 1 call is nobody's\n")
    assert await owners(api, alert, ours) == [api.accounts["supervisor"], None]
    owed = await api.store.pool.fetch("SELECT id, owed_by FROM contact ORDER BY id")
    assert [tuple(row) for row in owed] == [(call, api.accounts["supervisor"]) for call in kept] + [(gone, None)]
    assert (await becomes(database, "supervisor", "admin")).endswith("their sessions have ended\n"), "which can do all"
    assert await owners(api, alert) == [api.accounts["supervisor"]]


async def test_orders_that_name_whoever_cannot_answer_any_more_are_said(api: Api, database: str) -> None:
    """What is over, and what is another's, is not counted; nor where the new role can answer."""
    begins = {"type": "bail", "timezone": "Europe/London", "starts": "2026-01-01T00:00:00Z"}
    for name, more in (("officer", {}), ("officer", {}), ("officer", {"ends": "2026-01-02T00:00:00Z"}), ("supervisor", {})):
        person = await api.make("/wearers", {"name": "Test Wearer"})
        await api.make("/orders", begins | more | {"wearer": person["id"], "officer": api.accounts[name]})
    assert (await becomes(database, "officer", "supervisor")).endswith("their sessions have ended\n")
    assert (await becomes(database, "officer", "engineer")).endswith(
        "; 2 orders name them as responsible officer still: within a day name another, or have a supervisor transfer them\n"
    )
    out = Console(file=io.StringIO(), width=200)
    await run_users_active("supervisor", False, None, database, out)
    assert out.file.getvalue() == (  # type: ignore[attr-defined]
        "supervisor is shut out; 1 order names them as responsible officer still: within a day name another, or have a "
        "supervisor transfer it\n"
    )


@pytest.mark.parametrize(
    ("role", "left"), [("supervisor", (True, True)), ("operator", (True, False)), ("engineer", (False, False))]
)
async def test_an_offer_to_whoever_cannot_take_it_any_more_is_withdrawn(
    api: Api, database: str, role: str, left: tuple[bool, bool]
) -> None:
    """An operator works the alerts and answers for no order, an engineer does neither; shut out, nobody does."""
    alert = await raised(api, NEVER, NEVER, NEVER)
    await api.post(f"/alerts/{alert}/acknowledge", role="operator")
    order = await api.store.pool.fetchval("UPDATE monitoring_order SET officer = $1 RETURNING id", api.accounts["supervisor"])
    handed = await api.post("/handover", {"to": api.accounts["officer"]}, "operator")
    sent = await api.post("/transfers", {"orders": [order], "to": api.accounts["officer"]}, "supervisor")
    offers = [f"/handover/{handed.json['id']}", f"/transfers/{sent.json['id']}"]

    async def stand() -> tuple[bool, ...]:
        return tuple([(await api.get(path)).json["state"] == "offered" for path in offers])

    said = await becomes(database, "officer", role)
    assert await stand() == left
    gone = {0: "", 1: "; 1 offer to them is withdrawn", 2: "; 2 offers to them are withdrawn"}
    assert said.endswith(f"their sessions have ended{gone[left.count(False)]}\n")
    await run_users_active("officer", False, None, database, Console(file=io.StringIO()))
    assert await stand() == (False, False)
    why = [f"their role is {role} now, which cannot take it"] * left.count(False) + ["they were shut out"] * left.count(True)
    audited = await api.store.pool.fetch("SELECT details FROM audit WHERE action = 'withdrawn' ORDER BY position, subject")
    assert [row["details"]["reason"] for row in audited] == why


async def test_nothing_is_offered_to_somebody_whose_role_is_just_being_changed(api: Api) -> None:
    """It waits for the change, which would not find an offer that is not there yet, and is refused."""
    alert = await raised(api, NEVER, NEVER, NEVER)
    await api.post(f"/alerts/{alert}/acknowledge", role="operator")
    order = await api.store.pool.fetchval("UPDATE monitoring_order SET officer = $1 RETURNING id", api.accounts["supervisor"])
    to = api.accounts["officer"]
    for path, body, by, role in (
        ("/handover", {"to": to}, "operator", "engineer"),
        ("/transfers", {"to": to, "orders": [order]}, "supervisor", "auditor"),
    ):
        async with edit(api.store) as change:
            await accounts.set_role(change.connection, "officer", role)
            offering = asyncio.create_task(api.post(path, body, by))
            await waiting(api.store)
        refused = await offering
        assert refused.status == 409, refused.body
        assert f"officer is {role} and cannot" in refused.json["detail"]
        async with edit(api.store) as change:
            await accounts.set_role(change.connection, "officer", "officer")


async def test_nobody_is_given_another_role_and_left_with_what_they_had(
    api: Api, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either both is done or neither: also where somebody is shut out."""

    async def fails(*_: Any, **__: Any) -> None:
        raise CordonError("the database went away")

    monkeypatch.setattr(handovers, "release", fails)
    out = Console(file=io.StringIO())
    with pytest.raises(CordonError, match="went away"):
        await run_users_role("operator", "engineer", None, database, out)
    with pytest.raises(CordonError, match="went away"):
        await run_users_active("operator", False, None, database, out)
    account = await accounts.get(api.store.pool, api.accounts["operator"])
    assert account is not None
    assert (account.role, account.active) == ("operator", True)


async def test_a_token_from_before_does_nothing_that_the_new_role_cannot(api: Api, database: str) -> None:
    alert = await raised(api, NEVER, NEVER, NEVER)
    before = {"Authorization": f"Bearer {(await api.sign_in()).json['access_token']}"}
    await becomes(database, "operator", "engineer")
    assert (await api.sign_in()).json["account"]["role"] == "engineer"
    for path, body in (
        (f"/alerts/{alert}/acknowledge", None),
        ("/contacts", {"wearer": 1, "person": "wearer", "outcome": "no_answer", "callback_at": "2100-01-01T00:00:00Z"}),
    ):
        refused = await api.call("POST", path, None, body, headers=before)
        assert (refused.status, refused.json.get("detail")) == (401, "your role is engineer now: sign in again"), path


@pytest.mark.parametrize("handled", [False, True])
async def test_what_somebody_was_assigned_who_is_not_signed_in_runs_out_as_if_nobody_had_it(api: Api, handled: bool) -> None:
    """New or acknowledged: it is told up the chain, comes back to the queue and is paged when the other one is."""
    both = [await raised(api, 1, None, None, severity=2) for _ in range(2)]
    for alert, owner in zip(both, (None, api.accounts["officer"]), strict=True):
        if handled:
            await api.post(f"/alerts/{alert}/acknowledge", role="operator")
        assert (await api.post(f"/alerts/{alert}/assign", {"owner": owner}, "operator")).status == 200
        await passes(api, alert, 10)
    told = {"escalated": dict.fromkeys(both, 1)}
    assert await watch_over(api.store) == ({"returned": both} | told if handled else told)
    histories = [[entry["what"] for entry in (await look(api, alert))["history"]] for alert in both]
    assert histories[0] == histories[1]
    sent = "SELECT array_agg(topic ORDER BY id) FROM outbox WHERE alert = $1"
    assert await api.store.pool.fetchval(sent, both[0]) == await api.store.pool.fetchval(sent, both[1])


async def test_while_nobody_does_anything_it_climbs(api: Api) -> None:
    alert = await raised(api, -1, None, None, severity=2)
    assert await watch_over(api.store) == {"escalated": {alert: 1}}
    await passes(api, alert, 9)
    assert await watch_over(api.store) is None
    await passes(api, alert, 1)
    assert await watch_over(api.store) == {"escalated": {alert: 2}}
    assert (await said(api, alert))[-1] == "Nobody has done anything since level 1: escalated to level 2, duty manager."
    await passes(api, alert, 10)
    assert await watch_over(api.store) == {"escalated": {alert: 3}}
    assert (await look(api, alert))["escalated_to"] == "duty_manager"  # the police are told of P1 alone
    await api.post(f"/alerts/{alert}/acknowledge", role="operator")
    assert (await look(api, alert))["level"] == 3


async def test_who_is_at_work_is_not_climbed_over(api: Api) -> None:
    alert = await raised(api, -5, -3, NEVER, severity=2)
    assert await watch_over(api.store) == {"escalated": {alert: 2}}
    await api.post(f"/alerts/{alert}/steps", {"step": "instruct"}, "operator")  # calls nobody: the contact is still out
    await passes(api, alert, 9)
    assert (await look(api, alert))["running"] == ["contact", "decision"]
    assert await watch_over(api.store) is None
    await passes(api, alert, 1)
    assert await watch_over(api.store) == {"returned": [alert], "escalated": {alert: 3}}  # and did nothing more


async def test_what_was_escalated_acknowledged_and_left_alone_is_paged_and_climbs(api: Api) -> None:
    alert = await raised(api, -1, NEVER, NEVER)
    for level in (1, 2, 3):
        assert await watch_over(api.store) == {"escalated": {alert: level}} | ({"returned": [alert]} if level > 1 else {})
        await api.post(f"/alerts/{alert}/acknowledge", role="operator")
        await passes(api, alert, 5)
    assert await watch_over(api.store) == {"returned": [alert]}  # the chain has no more: the page of its return is what tells
    sent = await api.store.pool.fetch("SELECT topic, body FROM outbox ORDER BY id")
    assert [row["topic"] for row in sent] == ["escalation", "alert", "escalation", "alert", "escalation", "alert"]
    assert sent[-1]["body"] == {"alert": alert, "kind": "exclusion", "severity": 1}


async def test_what_a_supervisor_releases_is_paged_and_climbs(api: Api) -> None:
    alert = await raised(api, -1, NEVER, NEVER)
    await watch_over(api.store)
    await api.post(f"/alerts/{alert}/steps", {"step": "instruct"}, "operator")
    await api.post("/handover/release", {"account": api.accounts["operator"], "reason": "Ill."}, "supervisor")
    assert await watch_over(api.store) == {"escalated": {alert: 2}}
    sent = await api.store.pool.fetch("SELECT topic FROM outbox ORDER BY id")
    assert [row["topic"] for row in sent] == ["escalation", "alert", "escalation"]


async def test_a_handover_puts_the_climb_off_and_does_not_end_it(api: Api) -> None:
    alert = await raised(api, NEVER, -1, NEVER, severity=2)
    await api.post(f"/alerts/{alert}/steps", {"step": "instruct"}, "operator")
    assert await watch_over(api.store) == {"escalated": {alert: 1}}
    made = (await api.post("/handover", {"to": api.accounts["officer"]}, "operator")).json
    await passes(api, alert, 9)
    assert (await api.post(f"/handover/{made['id']}/accept", role="officer")).status == 200
    await passes(api, alert, 9)
    assert await watch_over(api.store) is None
    await passes(api, alert, 1)
    assert await watch_over(api.store) == {"returned": [alert], "escalated": {alert: 2}}


async def test_what_ran_out_while_nobody_watched_is_told_once(api: Api) -> None:
    alert = await raised(api, -10, -7, -2)
    assert await watch_over(api.store) == {"escalated": {alert: 3}}
    assert len(await said(api, alert)) == 1


async def test_a_new_occurrence_of_what_was_handled_begins_at_the_bottom(api: Api) -> None:
    alert = await raised(api, -1, NEVER, NEVER)
    await watch_over(api.store)
    await given.occurs_again(api.store, alert)
    assert (await look(api, alert))["level"] == 1  # nobody has handled the first
    await api.post(f"/alerts/{alert}/steps", {"step": "instruct"}, "operator")
    assert (await look(api, alert))["level"] == 0
    await given.occurs_again(api.store, alert)
    assert (await look(api, alert))["level"] == 0
    assert await watch_over(api.store) == {"escalated": {alert: 1}}


async def test_who_is_told_goes_by_the_order_and_the_hour(api: Api) -> None:
    chain = {
        "timezone": "Europe/London",
        "office": {
            "windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}],
            "exceptions": [{"date": "2026-12-25", "windows": []}],
        },
        "levels": [{"office": "duty_officer", "otherwise": "police"}],
    }
    for at, to in (
        ("2026-11-27T09:00:00Z", "duty_officer"),  # a Friday
        ("2026-11-27T16:59:59Z", "duty_officer"),
        ("2026-11-27T17:00:00Z", "police"),
        ("2026-11-28T12:00:00Z", "police"),
        ("2026-12-25T12:00:00Z", "police"),
        ("2027-06-04T08:00:00Z", "duty_officer"),  # 09:00 in summer
    ):
        alert = await raised(api, LONG_AGO, None, None, **chain)
        async with edit(api.store) as change:
            assert await escalations.due(change, parse(at)) == [(alert, 1, to)], at
        await api.post(f"/alerts/{alert}/close", {"outcome": "other", "note": "x", "victim": {"notified": True}})


async def test_nobody_sends_the_police_unreviewed_for_what_was_only_inferred(api: Api) -> None:
    chain = {"timezone": "UTC", "office": {"windows": []}, "levels": [{"office": "police", "otherwise": "police"}]}
    alert = await raised(api, -1, 60, None, kind="crossed", **chain)
    async with edit(api.store) as change:
        assert await escalations.due(change) == [(alert, 1, "duty_manager")]
    reviewed = await raised(api, None, -1, None, kind="crossed", **chain)
    await api.post(f"/alerts/{reviewed}/steps", {"step": "instruct"})
    async with edit(api.store) as change:
        assert await escalations.due(change) == [(reviewed, 1, "police")]


async def test_what_is_wrong_with_the_system_goes_to_engineers(api: Api) -> None:
    alert = await raised(api, -1, None, None)
    await api.store.pool.execute(
        "UPDATE alert SET wearer = NULL, kind = 'monitoring_down', monitoring_order = 0 WHERE id = $1", alert
    )
    async with edit(api.store) as change:
        assert await escalations.due(change) == [(alert, 1, "engineer")]


async def test_synthetic_wearers_alerts_are_nobody_s(api: Api) -> None:
    alert = await raised(api, -1, None, None)
    await api.store.pool.execute("INSERT INTO wearer (id, name) OVERRIDING SYSTEM VALUE VALUES (-1, 's')")
    await api.store.pool.execute("UPDATE alert SET wearer = -1 WHERE id = $1", alert)
    assert await watch_over(api.store) is None


async def test_many_who_watch_at_once_do_each_thing_once(api: Api) -> None:
    late = [await raised(api, -1, NEVER, NEVER) for _ in range(8)]
    left = [await raised(api, NEVER, NEVER, NEVER) for _ in range(8)]
    for alert in left:
        await api.post(f"/alerts/{alert}/acknowledge", role="operator")
        await passes(api, alert, 5)
    did = await asyncio.gather(*(watch_over(api.store) for _ in range(8)))
    assert sorted(alert for one in did for alert in (one or {}).get("returned", [])) == left  # type: ignore[attr-defined]
    assert sorted(alert for one in did for alert in (one or {}).get("escalated", {})) == late  # type: ignore[attr-defined]
    told = await api.store.pool.fetch("SELECT what, count(*) AS n FROM alert_history WHERE actor IS NULL GROUP BY what")
    assert {row["what"]: row["n"] for row in told} == {"opened": 16, "returned": 8, "escalated": 8}


async def test_an_alert_in_hand_is_left_for_the_next_round(api: Api) -> None:
    alert = await raised(api, -1, NEVER, NEVER)
    async with edit(api.store) as change:
        await change.connection.execute("SELECT 1 FROM alert WHERE id = $1 FOR UPDATE", alert)
        assert await watch_over(api.store) is None  # neither waits nor acts
    assert await watch_over(api.store) == {"escalated": {alert: 1}}


async def test_several_processes_one_of_them_killed_tell_each_level_once(api: Api, database: str) -> None:
    """Real `cordon duties`, three at once; one dies by -9 in the middle and is started again."""
    alerts = [await raised(api, -1, None, None, severity=2) for _ in range(20)]
    environment = os.environ | {"CORDON_DSN": database}

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*COMMAND, "duties"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def levels(level: int) -> int:
        with psycopg.connect(database) as connection:
            found = connection.execute("SELECT count(*) FROM alert WHERE level >= %s", (level,)).fetchone()
        return int(found[0]) if found else 0

    running = [start() for _ in range(3)]
    try:
        await asyncio.to_thread(until, lambda: levels(1) > 0, "some are raised", START_S)
        running[0].kill()
        running[0].wait()
        running.append(start())
        await asyncio.to_thread(until, lambda: levels(1) == len(alerts), "all are raised", START_S)
        for alert in alerts:
            await passes(api, alert, 10)
        await asyncio.to_thread(until, lambda: levels(2) == len(alerts), "all are raised again", START_S)
    finally:
        for process in running:
            process.kill()
            process.wait()
    told = await api.store.pool.fetch(
        "SELECT alert, details->>'level' AS level FROM alert_history WHERE what = 'escalated' ORDER BY alert, position"
    )
    assert [tuple(row) for row in told] == [(alert, level) for alert in alerts for level in ("1", "2")]
    assert await api.store.pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'escalation'") == 2 * len(alerts)
