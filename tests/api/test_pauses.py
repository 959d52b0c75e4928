"""Pauses: two people, a cap, an expiry; nobody is paged meanwhile, and every alert stays where it is."""

import asyncio
from typing import Any

import pytest

from duties.people import watch_over
from model.instant import HOUR_US, MINUTE_US, show
from store import pauses
from store.feed import edit
from tests.api import given
from tests.api.client import Api


@pytest.fixture
async def who(api: Api) -> dict[str, Any]:
    return await given.wearer(api)


async def now(api: Api) -> int:
    us: int = await api.store.pool.fetchval("SELECT clock_timestamp()")
    return us


async def asked(api: Api, who: dict[str, Any], role: str = "operator", **more: Any) -> Any:
    until = show(await now(api) + 2 * HOUR_US)
    return await api.post("/pauses", {"wearer": who["wearer"], "reason": "In hospital.", "until": until} | more, role)


async def paused(api: Api, who: dict[str, Any], **more: Any) -> Any:
    made = await asked(api, who, **more)
    assert made.status == 201, made.body
    answer = await api.patch(f"/pauses/{made.json['id']}", {"approved": True}, 1, "supervisor")
    assert answer.status == 200, answer.body
    return answer.json


async def page(api: Api, alert: int, kind: str = "case", severity: int = 2, topic: str = "alert") -> bool:
    """Write a page as a worker does; whether there is one to send."""
    async with edit(api.store) as change:
        change.entry("alert", alert, "opened")
        body = {"alert": alert, "kind": kind, "severity": severity}
        change.numbered("INSERT INTO outbox (position, alert, topic, body) VALUES ($1, $2, $3, $4)", alert, topic, body)
    found: bool = await api.store.pool.fetchval("SELECT position = $1 FROM outbox ORDER BY id DESC LIMIT 1", change.position)
    return bool(found)


async def test_a_pause_mutes_from_a_second_person_s_yes_to_its_end(api: Api, who: dict[str, Any]) -> None:
    alert = await given.alert(api.store, who, 0, kind="case", severity=2)
    made = (await asked(api, who)).json
    assert (made["state"], made["requested_by"]["name"], made["approved_by"], made["kind"]) == ("waiting", "operator", None, None)
    assert await page(api, alert)  # nobody has said yes
    yes = (await api.patch(f"/pauses/{made['id']}", {"approved": True}, 1, "supervisor")).json
    assert (yes["state"], yes["approved_by"]["name"]) == ("in_force", "supervisor")
    assert not await page(api, alert)
    assert not await page(api, alert, topic="escalation")
    assert await page(api, alert, severity=1)  # a P1 pages all the same
    shown = (await api.get(f"/alerts/{alert}", "operator")).json
    assert shown["paused"] == {"id": made["id"], "until": made["until"], "reason": "In hospital."}
    assert (shown["history"][-1]["what"], shown["history"][-1]["text"]) == ("paused", "In hospital.")
    assert [item["id"] for item in (await api.get("/alerts", "operator")).json["items"]] == [alert]  # and is not hidden
    assert shown["running"] == ["acknowledge", "contact", "decision"]
    over = (await api.patch(f"/pauses/{made['id']}", {"ended": True}, 2, "operator")).json
    assert (over["state"], over["ended_by"]["name"], over["muted"]) == ("ended", "operator", 2)
    assert await page(api, alert)
    assert (await api.get(f"/alerts/{alert}")).json["paused"] is None
    kept = await api.store.pool.fetch("SELECT alert, topic FROM muted_page ORDER BY at")
    assert [tuple(row) for row in kept] == [(alert, "alert"), (alert, "escalation")]


@pytest.mark.parametrize("kind", ["exclusion", "exclusion_possible", "crossed", "approach"])
async def test_an_entry_into_a_victim_s_zone_pages_at_any_severity(api: Api, who: dict[str, Any], kind: str) -> None:
    victims = await given.zone(api, who["wearer"], name="V")
    area = await given.zone(api, who["wearer"], name="A", purpose="area")
    into = {zone: await given.alert(api.store, who, zone, severity=2, kind=kind) for zone in (victims, area, 999)}
    made = await paused(api, who)
    assert {zone: await page(api, alert, kind) for zone, alert in into.items()} == {victims: True, area: False, 999: True}
    shown = {zone: (await api.get(f"/alerts/{alert}")).json["paused"] for zone, alert in into.items()}
    assert [zone for zone, pause in shown.items() if pause and pause["id"] == made["id"]] == [area]
    said = {zone: (await api.get(f"/alerts/{alert}")).json["history"][-1] for zone, alert in into.items()}
    assert {zone: (entry["what"], entry["details"]["pages"]) for zone, entry in said.items()} == {
        victims: ("paused", True),
        area: ("paused", False),
        999: ("paused", True),
    }


@pytest.mark.parametrize("including_p1", [False, True])
async def test_a_p1_s_history_says_whether_the_pause_mutes_it(api: Api, who: dict[str, Any], including_p1: bool) -> None:
    alert = await given.alert(api.store, who, 0, kind="strap", severity=1)
    await paused(api, who, kind="strap", including_p1=including_p1)
    shown = (await api.get(f"/alerts/{alert}")).json
    assert shown["history"][-1]["details"]["pages"] is not including_p1
    assert (shown["paused"] is None) is not including_p1


async def test_p1_is_not_muted_while_a_victim_s_zone_applies(api: Api, who: dict[str, Any]) -> None:
    waiting = (await asked(api, who, kind="strap", including_p1=True)).json
    await given.zone(api, who["wearer"])
    for answer in (
        await asked(api, who, kind="strap", including_p1=True),
        await api.patch(f"/pauses/{waiting['id']}", {"approved": True}, 1, "supervisor"),
    ):
        assert (answer.status, "protects a victim" in answer.json["detail"]) == (409, True), answer.body
    assert (await asked(api, who, kind="strap")).status == 201


@pytest.mark.parametrize("how", ["ended", "ran out"])
async def test_when_it_is_over_what_nobody_has_taken_is_paged_once(api: Api, who: dict[str, Any], how: str) -> None:
    held, taken, closed, spared, over = [
        await given.alert(api.store, who, 0, kind=kind, severity=2, due_s=10**9)
        for kind in ("case", "strap", "jamming", "no_contact", "battery_dead")
    ]
    made = await paused(api, who)
    for alert, kind in ((held, "case"), (held, "case"), (taken, "strap"), (closed, "jamming"), (over, "battery_dead")):
        assert not await page(api, alert, kind)
    await api.post(f"/alerts/{taken}/acknowledge", role="operator")
    await api.post(f"/alerts/{closed}/close", {"outcome": "other", "note": "x"}, "operator")
    await api.store.pool.execute(
        "UPDATE alert SET condition = 'ended', ended_at = now() WHERE id = $1", over
    )  # it stays in the queue
    assert await watch_over(api.store) is None
    if how == "ended":
        await api.patch(f"/pauses/{made['id']}", {"ended": True}, 2, "operator")
    else:
        await api.store.pool.execute("UPDATE pause SET starts = now() - interval '1 h', until = now() - interval '1 s'")
    many = await asyncio.gather(*(watch_over(api.store) for _ in range(4)))
    assert [one["paged"] for one in many if one and "paged" in one] == [[held]]
    sent = await api.store.pool.fetch("SELECT body FROM outbox WHERE alert IS NOT NULL AND topic = 'alert'")
    assert [row["body"] for row in sent] == [{"alert": held, "kind": "case", "severity": 2}]
    assert (await api.get(f"/alerts/{held}")).json["history"][-1]["what"] == "pause_over"
    assert spared not in {row["body"]["alert"] for row in sent}


async def test_a_commit_that_mutes_a_page_does_not_wait_for_whoever_ends_the_pause(api: Api, who: dict[str, Any]) -> None:
    alert = await given.alert(api.store, who, 0, kind="case", severity=2)
    made = await paused(api, who)
    async with edit(api.store, api.accounts["operator"]) as ending:
        await pauses.locked(ending, made["id"], made["version"])
        async with asyncio.timeout(10):  # it has the feed's row, for which the other will wait
            assert not await page(api, alert)


async def test_it_is_of_one_wearer_and_may_be_of_one_kind(api: Api, who: dict[str, Any]) -> None:
    other = await given.wearer(api, "Other", 42)
    mine = await given.alert(api.store, who, 0, kind="strap", severity=1)
    theirs = await given.alert(api.store, other, 0, kind="strap", severity=1)
    await paused(api, who, kind="strap", including_p1=True)
    assert not await page(api, mine, "strap", 1)
    assert not await page(api, mine, "strap", 2)
    assert await page(api, mine, "case", 2)
    assert await page(api, theirs, "strap", 1)
    assert (await api.get(f"/alerts/{mine}")).json["paused"] is not None
    assert (await api.get(f"/alerts/{theirs}")).json["paused"] is None


async def test_it_ends_by_itself_and_begins_when_it_says(api: Api, who: dict[str, Any]) -> None:
    alert = await given.alert(api.store, who, 0, kind="case", severity=2)
    later = show(await now(api) + HOUR_US)
    planned = await paused(api, who, **{"from": later})
    assert planned["state"] == "planned"
    assert await page(api, alert)
    await api.store.pool.execute("UPDATE pause SET starts = now() - interval '1 h'")
    assert not await page(api, alert)
    await api.store.pool.execute("UPDATE pause SET until = now() - interval '1 s'")
    assert await page(api, alert)
    found = (await api.get(f"/pauses/{planned['id']}")).json
    assert found["state"] == "over"
    assert (await api.patch(f"/pauses/{planned['id']}", {"ended": True}, found["version"])).status == 409
    assert (await api.get("/pauses?standing=true")).json["items"] == []
    assert len((await api.get(f"/pauses?wearer={who['wearer']}")).json["items"]) == 1


async def test_nobody_approves_their_own_nor_without_the_right(api: Api, who: dict[str, Any]) -> None:
    own = (await asked(api, who, "supervisor")).json
    refused = await api.patch(f"/pauses/{own['id']}", {"approved": True}, 1, "supervisor")
    assert refused.status == 409
    assert "somebody else" in refused.json["detail"]
    lacking = await api.patch(f"/pauses/{own['id']}", {"approved": True}, 1, "operator")
    assert (lacking.status, lacking.json["permission"]) == (403, "approve_pauses")
    assert (await api.patch(f"/pauses/{own['id']}", {"approved": True}, 1, "officer")).status == 200
    assert (await api.patch(f"/pauses/{own['id']}", {"approved": True}, 2)).status == 409


async def test_a_later_end_waits_for_a_second_person_and_what_is_approved_goes_on(api: Api, who: dict[str, Any]) -> None:
    alert = await given.alert(api.store, who, 0, kind="case", severity=2)
    made = await paused(api, who)
    path = f"/pauses/{made['id']}"
    at = await now(api)
    one, three = show(at + HOUR_US), show(at + 3 * HOUR_US)
    sooner = (await api.patch(path, {"until": one}, 2, "operator")).json
    assert (sooner["state"], sooner["approved_by"]["name"], sooner["longer"]) == ("in_force", "supervisor", None)
    later = (await api.patch(path, {"until": three}, 3, "supervisor")).json
    assert (later["state"], later["until"], later["approved_by"]["name"]) == ("in_force", one, "supervisor")
    assert later["longer"] == {"until": three, "requested_by": {"id": api.accounts["supervisor"], "name": "supervisor"}}
    assert not await page(api, alert), "the approved pause goes on while the longer one waits"
    own = await api.patch(path, {"approved": True}, 4, "supervisor")
    assert (own.status, "later end" in own.json["detail"]) == (409, True), own.body
    yes = (await api.patch(path, {"approved": True}, 4, "admin")).json
    assert (yes["until"], yes["longer"]) == (three, None)
    assert (yes["requested_by"]["name"], yes["approved_by"]["name"]) == ("supervisor", "admin")
    assert not await page(api, alert)
    told = [entry["what"] for entry in (await api.get(f"/alerts/{alert}")).json["history"] if entry["what"].startswith("pause")]
    assert told == ["paused", "pause_shortened", "pause_extended"], "the longer one when it was approved"
    assert (await api.patch(path, {"until": show(at + 25 * HOUR_US)}, 5)).status == 409
    assert (await api.patch(path, {"approved": True}, 5, "operator")).status == 403


async def test_a_later_end_that_nobody_approved_lapses_with_the_approved_one(api: Api, who: dict[str, Any]) -> None:
    alert = await given.alert(api.store, who, 0, kind="case", severity=2)
    made = await paused(api, who)
    path = f"/pauses/{made['id']}"
    later = show(await now(api) + 3 * HOUR_US)
    await api.patch(path, {"until": later}, 2, "operator")
    withdrawn = (await api.patch(path, {"until": made["until"]}, 3, "operator")).json
    assert (withdrawn["longer"], withdrawn["state"]) == (None, "in_force")
    await api.patch(path, {"until": later}, 4, "operator")
    await api.store.pool.execute("UPDATE pause SET starts = now() - interval '1 h', until = now() - interval '1 s'")
    assert await page(api, alert)
    over = (await api.get(path)).json
    assert (over["state"], over["longer"]) == ("over", None)
    assert (await api.patch(path, {"approved": True}, 5, "supervisor")).status == 409


async def test_a_later_end_that_nobody_approved_lapses_where_the_pause_is_ended(api: Api, who: dict[str, Any]) -> None:
    made = await paused(api, who)
    path = f"/pauses/{made['id']}"
    later = (await api.patch(path, {"until": show(await now(api) + 3 * HOUR_US)}, 2, "operator")).json
    assert later["longer"] is not None
    ended = (await api.patch(path, {"ended": True}, 3, "operator")).json
    assert (ended["state"], ended["longer"]) == ("ended", None)
    assert [one["longer"] for one in (await api.get(f"/pauses?wearer={who['wearer']}")).json["items"]] == [None]


async def test_a_later_end_that_is_withdrawn_is_audited_as_that_and_alerts_do_not_tell_of_it(
    api: Api, who: dict[str, Any]
) -> None:
    alert = await given.alert(api.store, who, 0, kind="case", severity=2)
    made = await paused(api, who)
    path = f"/pauses/{made['id']}"
    history = (await api.get(f"/alerts/{alert}")).json["history"]
    later = show(await now(api) + 3 * HOUR_US)
    await api.patch(path, {"until": later}, 2, "operator")
    withdrawn = (await api.patch(path, {"until": made["until"]}, 3, "operator")).json
    assert (withdrawn["until"], withdrawn["longer"], withdrawn["version"]) == (made["until"], None, 4)
    assert (await api.get(f"/alerts/{alert}")).json["history"] == history, "its end is what it was"
    same = await api.patch(path, {"until": made["until"]}, 4, "operator")
    assert (same.status, same.json) == (200, withdrawn), "where none waits there is nothing to withdraw"
    done = (await api.get(f"/audit?subject=pause/{made['id']}")).json["items"]
    assert [item["action"] for item in done] == ["longer_withdrawn", "longer_requested", "paused", "requested"]
    assert [item["details"]["until"] for item in done[:2]] == [later, later], "which end it was"


async def test_the_later_end_of_a_pause_that_nobody_approved_is_its_end(api: Api, who: dict[str, Any]) -> None:
    made = (await asked(api, who)).json
    later = show(await now(api) + 3 * HOUR_US)
    moved = (await api.patch(f"/pauses/{made['id']}", {"until": later}, 1, "supervisor")).json
    assert (moved["state"], moved["until"], moved["longer"]) == ("waiting", later, None)
    assert (await api.patch(f"/pauses/{made['id']}", {"approved": True}, 2, "supervisor")).status == 409
    assert (await api.patch(f"/pauses/{made['id']}", {"approved": True}, 2, "admin")).json["state"] == "in_force"


async def test_what_may_not_be_paused_is_refused_in_words(api: Api, who: dict[str, Any]) -> None:
    at = await now(api)
    for more, status, word in (
        ({"until": show(at + 24 * HOUR_US + 10 * MINUTE_US)}, 409, "24 hours at most: ask for another when it is over"),
        ({"until": show(at - MINUTE_US)}, 409, "before it starts"),
        ({"from": show(at - HOUR_US)}, 422, "past"),
        ({"including_p1": True}, 409, "name the one kind"),
        ({"including_p1": True, "kind": "exclusion"}, 409, "victim's only warning"),
        ({"kind": "nonsense"}, 422, ""),
        ({"wearer": 999}, 422, "no wearer 999"),
        ({"reason": " "}, 422, ""),
    ):
        answer = await asked(api, who, **more)
        assert answer.status == status, (more, answer.body)
        assert word in answer.json["detail"]
    made = (await asked(api, who)).json
    path = f"/pauses/{made['id']}"
    assert (await api.patch(path, {}, 1)).status == 422
    assert (await api.patch(path, {"approved": True, "ended": True}, 1)).status == 422
    assert (await api.patch(path, {"ended": True}, 7)).status == 412
    assert (await api.call("PATCH", path, "operator", {"ended": True})).status == 428
    assert (await api.patch("/pauses/999", {"ended": True}, 1)).status == 404
    assert (await api.get("/pauses/999")).status == 404


async def test_a_pause_is_asked_for_once_with_its_key(api: Api, who: dict[str, Any]) -> None:
    until = show(await now(api) + HOUR_US)
    body = {"wearer": who["wearer"], "reason": "x", "until": until}
    first, again = [await api.post("/pauses", body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status, first.body) == (201, again.body)
    assert (await api.get("/pauses")).json == {"items": [first.json], "next": None}
