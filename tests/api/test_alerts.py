"""Working the queue: order, pages, filters, actions and every refusal."""

from typing import Any

import pytest

from model.instant import MINUTE_US
from tests.api import given
from tests.api.client import Api

FIELDS = {
    "id", "kind", "severity", "condition", "handling", "level", "owner", "wearer_id", "tag", "zone_id", "zone_version",
    "event_at", "detected_at", "ended_at", "late", "confidence", "occurrences", "due",
}  # fmt: skip


@pytest.fixture
async def who(api: Api) -> dict[str, Any]:
    return await given.wearer(api)


async def raised(api: Api, who: dict[str, Any], **more: Any) -> int:
    zone_more = {"purpose": more.pop("purpose")} if "purpose" in more else {}
    return await given.alert(api.store, who, await given.zone(api, who["wearer"], **zone_more), **more)


async def act(api: Api, alert: int, what: str, body: Any = None, role: str = "operator", **more: Any) -> Any:
    return await api.post(f"/alerts/{alert}/{what}", body, role, **more)


VICTIM_TOLD = {"outcome": "apparent_non_compliance", "note": "Escorted out.", "victim": {"notified": True}}


async def test_it_says_since_when_it_is_so_now_and_when_it_first_was(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    first = (await api.get(f"/alerts/{number}", "operator")).json
    assert (first["event_at"], first["since"]) == ("2026-11-22T08:00:00Z", "2026-11-22T08:00:00Z")
    await given.occurs_again(api.store, number)
    for minutes, withdrawn in ((0, False), (90, False), (120, True)):
        await api.store.pool.execute(
            """INSERT INTO alert_occurrence SELECT id, tag, event_at + d, kind, severity, confidence, late, event_at + d,
                   detected_at + d, NULL, $3, 1, monitoring_order
               FROM alert, make_interval(mins => $2) AS d WHERE id = $1""",
            *(number, minutes, withdrawn),
        )
    again = (await api.get(f"/alerts/{number}", "operator")).json
    assert (again["event_at"], again["since"]) == ("2026-11-22T08:00:00Z", "2026-11-22T09:30:00Z")
    [listed] = (await api.get("/alerts", "operator")).json["items"]
    assert listed["since"] == again["since"]


async def test_an_alert_has_the_fields_of_the_contract(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    answer = await api.get(f"/alerts/{number}", "operator")
    assert answer.status == 200
    alert = answer.json
    assert set(alert) >= FIELDS | {"evidence", "history"}
    assert alert["severity"] == "P1"
    assert alert["handling"] == "new"
    assert alert["wearer"] == "Test Wearer"
    assert alert["zone_name"] == "School"
    assert alert["event_at"] == "2026-11-22T08:00:00Z"
    assert alert["due"] == {
        "acknowledge": "2026-11-22T08:02:00Z",
        "contact": "2026-11-22T08:04:00Z",
        "decision": "2026-11-22T08:06:00Z",
    }
    assert answer.headers["ETag"] == '"c1-h1"'
    [evidence] = alert["evidence"]
    assert evidence["distance_m"] == -35.2
    [fix] = evidence["fixes"]
    assert (fix["lon"], fix["lat"], fix["accuracy_m"], fix["speed_mps"], fix["battery_pct"]) == (-2.98, 53.4, 6.0, None, None)
    [entry] = alert["history"]
    assert (entry["what"], entry["actor"]) == ("opened", None)
    assert entry["details"] == {"late": False, "ended": None, "event_at": "2026-11-22T08:00:00Z"}
    [listed] = (await api.get("/alerts", "operator")).json["items"]
    assert listed == {
        name: value for name, value in alert.items() if name not in {"evidence", "history", "listed", "escalation_told"}
    }


async def test_looking_at_an_alert_is_noted(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    await api.get(f"/alerts/{number}", "auditor")
    [seen] = (await api.get(f"/audit?subject=alert/{number}", "auditor")).json["items"]
    assert (seen["actor"]["name"], seen["action"]) == ("auditor", "read")


async def test_the_worst_and_most_overdue_are_on_top(api: Api, who: dict[str, Any]) -> None:
    late_p2 = await raised(api, who, severity=2, event_us=given.AT_US)
    young_p1 = await raised(api, who, severity=1, event_us=given.AT_US + 10 * MINUTE_US)
    old_p1 = await raised(api, who, severity=1, event_us=given.AT_US)
    no_clock_p4 = await raised(api, who, severity=4)
    await api.store.pool.execute(
        "UPDATE alert SET due_acknowledge = NULL, due_contact = NULL, due_decision = NULL WHERE id = $1", no_clock_p4
    )
    ids = [item["id"] for item in (await api.get("/alerts", "operator")).json["items"]]
    assert ids == [old_p1, young_p1, late_p2, no_clock_p4]
    await act(api, old_p1, "acknowledge")  # its first clock is stopped: the next one is due at 08:04, still the earlier
    await act(api, old_p1, "steps", {"step": "call_wearer"})  # now only the decision, 08:06
    items = (await api.get("/alerts", "operator")).json["items"]
    assert items[0]["id"] == old_p1
    assert items[0]["next_due"] == "2026-11-22T08:06:00Z"


async def test_pages_hold_each_alert_once(api: Api, who: dict[str, Any]) -> None:
    zone = await given.zone(api, who["wearer"])
    numbers = [
        await given.alert(api.store, who, zone + i, severity=1 + i % 3, event_us=given.AT_US + (i % 4) * MINUTE_US)
        for i in range(11)
    ]
    whole = [item["id"] for item in (await api.get("/alerts?state=all")).json["items"]]
    assert sorted(whole) == numbers
    paged: list[int] = []
    cursor = ""
    while True:
        page = (await api.get(f"/alerts?state=all&limit=3{cursor}")).json
        assert len(page["items"]) <= 3
        paged += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert paged == whole


async def test_filters(api: Api, who: dict[str, Any]) -> None:
    other = await given.wearer(api, "Other", 42)
    mine = await raised(api, who, severity=1)
    theirs = await raised(api, other, severity=3, kind="crossed", event_us=given.AT_US + MINUTE_US)
    await act(api, mine, "close", VICTIM_TOLD)

    async def ids(query: str) -> set[int]:
        return {item["id"] for item in (await api.get(f"/alerts?{query}")).json["items"]}

    assert await ids("") == {theirs}
    assert await ids("state=closed") == {mine}
    assert await ids("state=all") == {mine, theirs}
    assert await ids("state=all&severity=P1") == {mine}
    assert await ids("state=all&severity=P1&severity=P3") == {mine, theirs}
    assert await ids("state=all&kind=crossed") == {theirs}
    assert await ids(f"state=all&wearer={who['wearer']}") == {mine}
    assert await ids("state=all&tag=42") == {theirs}
    assert await ids("state=all&from=2026-11-22T08:00:30Z") == {theirs}
    assert await ids("state=all&to=2026-11-22T08:01:00Z") == {mine}
    assert await ids(f"state=all&owner={api.accounts['operator']}") == {mine}


async def test_wrong_filters_are_named(api: Api) -> None:
    for query in (
        "state=new",
        "severity=1",
        "kind=nonsense",
        "from=yesterday",
        "from=2026-11-22T08:00:00",
        "limit=0",
        "limit=501",
        "tag=0",
        f"tag={2**63}",
        "cursor=nonsense",
        "cursor=WzFd",
        "cursor=Wzk5OTk5LDEsMSwxXQ",
    ):
        answer = await api.get(f"/alerts?{query}")
        assert answer.status == 422, query
        [wrong] = answer.json["errors"]
        assert wrong["in"] == "query"
        assert wrong["field"].startswith(query.partition("=")[0])


async def test_acknowledging_stops_the_first_clock_and_is_written_down(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    alert = (await act(api, number, "acknowledge", {"note": "On it."})).json
    assert (alert["handling"], alert["unanswered_since"]) == ("acknowledged", None)
    assert alert["owner"] == {"id": api.accounts["operator"], "name": "operator"}
    assert alert["next_due"] == alert["due"]["contact"]
    entry = alert["history"][-1]
    assert (entry["what"], entry["text"], entry["actor"]["name"]) == ("acknowledged", "On it.", "operator")
    feed = await api.store.pool.fetchrow("SELECT position, kind, ref, what FROM feed_entry ORDER BY position DESC LIMIT 1")
    assert tuple(feed or ()) == (entry["position"], "alert", number, "acknowledged")
    [noted] = (await api.get(f"/audit?subject=alert/{number}")).json["items"]
    assert (noted["action"], noted["position"]) == ("acknowledged", entry["position"])


async def test_the_machine_s_columns_are_never_touched(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    columns = (
        "kind, severity, condition, confidence, late, tag, zone_version, event_at, detected_at, ended_at, occurrences, "
        "condition_version"
    )
    before = await api.store.pool.fetchrow(f"SELECT {columns} FROM alert WHERE id = $1", number)
    for what, body in (
        ("acknowledge", None),
        ("assign", {"owner": api.accounts["officer"]}),
        ("notes", {"text": "x"}),
        ("steps", {"step": "call_wearer"}),
        ("close", VICTIM_TOLD),
        ("reopen", {"note": "x"}),
    ):
        assert (await act(api, number, what, body)).status == 200, what
    assert await api.store.pool.fetchrow(f"SELECT {columns} FROM alert WHERE id = $1", number) == before


async def test_a_second_acknowledgement_says_who_has_it(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    await act(api, number, "acknowledge")
    answer = await act(api, number, "acknowledge", role="officer")
    assert answer.status == 409
    assert "by operator" in answer.json["detail"]


async def test_a_new_occurrence_makes_it_new_again(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    await act(api, number, "acknowledge")
    await given.occurs_again(api.store, number)
    alert = (await api.get(f"/alerts/{number}")).json
    assert (alert["handling"], alert["occurrences"], alert["next_due"]) == ("new", 2, alert["due"]["acknowledge"])
    assert alert["unanswered_since"] is not None
    assert (await act(api, number, "acknowledge", role="officer")).json["handling"] == "acknowledged"


async def test_nobody_acknowledges_what_they_have_not_seen(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    seen = (await api.get(f"/alerts/{number}")).headers["ETag"]
    await given.occurs_again(api.store, number)
    answer = await act(api, number, "acknowledge", headers={"If-Match": seen})
    assert answer.status == 412
    problem = answer.json
    assert problem["changed"] == ["condition"]
    assert problem["current"]["occurrences"] == 2
    assert "Inside School again." in problem["detail"]
    again = await act(api, number, "acknowledge", headers={"If-Match": f'"{problem["current"]["version"]}"'})
    assert again.status == 200
    stale = await act(api, number, "notes", {"text": "x"}, headers={"If-Match": seen})
    assert stale.json["changed"] == ["condition", "handling"]


async def test_assigning_changes_the_owner_only(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    alert = (await act(api, number, "assign", {"owner": api.accounts["officer"]})).json
    assert (alert["handling"], alert["owner"]["name"]) == ("new", "officer")
    assert (await act(api, number, "assign", {"owner": None})).json["owner"] is None
    unable = await act(api, number, "assign", {"owner": api.accounts["engineer"]})
    assert unable.status == 409
    assert "engineer" in unable.json["detail"]
    nobody = await act(api, number, "assign", {"owner": 10**6})
    assert nobody.status == 422
    assert nobody.json["errors"][0]["field"] == "owner"


async def test_a_step_puts_it_in_progress(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    alert = (await act(api, number, "steps", {"step": "call_wearer", "result": "no_answer", "text": "Rang out."})).json
    assert (alert["handling"], alert["owner"]["name"], alert["next_due"]) == ("in_progress", "operator", alert["due"]["decision"])
    assert alert["history"][-1]["details"] == {"step": "call_wearer", "result": "no_answer"}
    await act(api, number, "steps", {"step": "call_police"}, role="officer")
    assert (await api.get(f"/alerts/{number}")).json["owner"]["name"] == "operator"  # a colleague's step takes nothing away


async def test_a_victim_s_zone_closes_only_with_the_victim_told_or_why_not(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    bare = {"outcome": "explained", "note": "He left."}
    refused = await act(api, number, "close", bare)
    assert refused.status == 422
    assert refused.json["errors"][0]["field"] == "victim"
    refused = await act(api, number, "close", bare | {"victim": {"notified": False}})
    assert refused.json["errors"][0]["field"] == "victim.reason"
    assert (await api.get(f"/alerts/{number}")).json["handling"] == "new"
    closed = (await act(api, number, "close", bare | {"victim": {"notified": False, "reason": "Abroad, by her own wish."}})).json
    assert (closed["handling"], closed["outcome"], closed["next_due"]) == ("closed", "explained", None)
    assert closed["closed_at"] is not None
    assert closed["history"][-1]["details"]["victim"] == {"notified": False, "reason": "Abroad, by her own wish."}


@pytest.mark.parametrize("case", ["area", "crossed", "withdrawn"])
async def test_other_alerts_close_without_a_word_of_victims(api: Api, who: dict[str, Any], case: str) -> None:
    number = await raised(
        api, who, purpose="area" if case == "area" else "victim", kind="crossed" if case == "crossed" else "exclusion"
    )
    if case == "withdrawn":
        await given.condition(api.store, number, "withdrawn")
    assert (await act(api, number, "close", {"outcome": "false_alarm", "note": "x"})).status == 200


async def test_an_ended_alert_stays_in_the_queue_until_it_is_closed(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    await given.condition(api.store, number, "ended")
    [item] = (await api.get("/alerts")).json["items"]
    assert (item["id"], item["condition"], item["handling"]) == (number, "ended", "new")
    await act(api, number, "close", VICTIM_TOLD)
    assert (await api.get("/alerts")).json["items"] == []


async def test_what_is_closed_takes_notes_and_can_be_reopened(api: Api, who: dict[str, Any]) -> None:
    number = await raised(api, who)
    await act(api, number, "close", VICTIM_TOLD)
    for what, body in (
        ("acknowledge", None),
        ("assign", {"owner": None}),
        ("steps", {"step": "instruct"}),
        ("close", VICTIM_TOLD),
    ):
        answer = await act(api, number, what, body)
        assert answer.status == 409, what
    assert (await act(api, number, "notes", {"text": "Her sister called."})).json["handling"] == "closed"
    alert = (await act(api, number, "reopen", {"note": "Too early."}, role="officer")).json
    assert (alert["handling"], alert["outcome"], alert["closed_at"], alert["owner"]["name"]) == (
        "in_progress",
        None,
        None,
        "officer",
    )
    assert (await act(api, number, "reopen", {"note": "Again."})).status == 409


async def test_reopening_is_refused_beside_a_newer_alert(api: Api, who: dict[str, Any]) -> None:
    zone = await given.zone(api, who["wearer"])
    first = await given.alert(api.store, who, zone)
    await act(api, first, "close", VICTIM_TOLD)
    second = await given.alert(api.store, who, zone, event_us=given.AT_US + MINUTE_US)
    answer = await act(api, first, "reopen", {"note": "x"})
    assert answer.status == 409
    assert f"alert {second} is open" in answer.json["detail"]


WRONG: list[tuple[str, Any, str]] = [
    ("acknowledge", {"notes": "x"}, "notes"),
    ("assign", {}, "owner"),
    ("assign", {"owner": "me"}, "owner"),
    ("notes", {"text": " "}, "text"),
    ("notes", {"text": "x" * 4001}, "text"),
    ("notes", {"text": "nul \0"}, "text"),
    ("notes", {"text": "half \ud83d"}, "text"),
    ("steps", {"step": "dance"}, "step"),
    ("close", {"note": "x"}, "outcome"),
    ("close", {"outcome": "explained"}, "note"),
    ("reopen", {}, "note"),
]


async def test_wrong_bodies_are_named(api: Api) -> None:
    for what, body, field in WRONG:
        answer = await act(api, 1, what, body)
        assert answer.status == 422, (what, body)
        assert [wrong["field"] for wrong in answer.json["errors"]] == [field]


async def test_an_alert_that_is_not_there_is_missing(api: Api) -> None:
    bodies = {"acknowledge": None, "assign": {"owner": None}, "notes": {"text": "x"}, "steps": {"step": "other"}}
    for what, body in (bodies | {"close": VICTIM_TOLD, "reopen": {"note": "x"}}).items():
        assert (await act(api, 999, what, body)).status == 404, what
    assert (await api.get("/alerts/999")).status == 404
