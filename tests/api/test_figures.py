"""How soon people answered, and how much was noise: figures held against what was done, minute by minute."""

from typing import Any

import pytest

from model.instant import DAY_US, HOUR_US, MINUTE_US, parse, show
from model.outage import Group
from store import figures as figures_
from store import gateways, outages
from store.feed import edit
from tests.api import given
from tests.api.client import Api

AT_US = parse("2026-11-02T02:00:00Z")  # a Monday's night shift
SPAN = f"from={show(AT_US - DAY_US)}&to={show(AT_US + DAY_US)}"


@pytest.fixture
async def who(api: Api) -> dict[str, Any]:
    return await given.wearer(api)


async def called(api: Api, who: dict[str, Any], at_us: int = AT_US, *, zone: int = 1, **more: Any) -> int:
    """An alert whose clocks of 2, 4 and 6 minutes began at a time, as a worker's history says it."""
    alert = await given.alert(api.store, who, zone, event_us=at_us, **more)
    due = {f"due_{name}_us": at_us + n * MINUTE_US for name, n in (("acknowledge", 2), ("contact", 4), ("decision", 6))}
    await api.store.pool.execute("UPDATE alert_history SET details = $2 WHERE alert = $1", alert, due)
    return alert


async def did(api: Api, alert: int, minutes: float, what: str, at_us: int = AT_US, **details: Any) -> None:
    """Somebody did something so many minutes after the call."""
    await api.store.pool.execute(
        """INSERT INTO alert_history (alert, position, part, at, actor, what, text, details)
           SELECT $1, max(position) + 1, 0, $2, $3, $4, '', $5 FROM alert_history""",
        *(alert, at_us + int(minutes * MINUTE_US), api.accounts["operator"], what, details),
    )


async def figures(api: Api, query: str = SPAN) -> dict[tuple[str, str | None, str | None], Any]:
    answer = await api.get(f"/sla?{query}", "supervisor")
    assert answer.status == 200, answer.body
    assert answer.json["next"] is None
    return {(item["clock"], item["kind"], item["shift"]): item for item in answer.json["items"]}


async def test_each_clock_has_its_median_its_ninetieth_and_its_misses(api: Api, who: dict[str, Any]) -> None:
    for n, (seen, called_at, decided) in enumerate(((0.5, 1, 3), (1, 3, 5), (1.5, 5, 9), (4, 5, 9))):
        alert = await called(api, who, zone=n + 1)
        await did(api, alert, seen, "acknowledged")
        await did(api, alert, called_at, "contact", person="wearer", outcome="spoke")
        await did(api, alert, decided, "step", step="decide")
    found = await figures(api)
    seen_ = found["acknowledge", "exclusion", "night"]
    assert (seen_["calls"], seen_["answered"], seen_["missed"], seen_["running"]) == (4, 4, 1, 0)
    assert (seen_["p50_s"], seen_["p90_s"]) == (75.0, 195.0)  # of 30, 60, 90 and 240 s, between neighbours in proportion
    assert (found["contact", "exclusion", "night"]["missed"], found["contact", "exclusion", "night"]["p50_s"]) == (2, 240.0)
    assert (found["decision", "exclusion", "night"]["missed"], found["decision", "exclusion", "night"]["p50_s"]) == (2, 420.0)
    assert found["acknowledge", None, None] == seen_ | {"kind": None, "shift": None}
    assert found["acknowledge", None, "night"] == seen_ | {"kind": None}


async def test_what_stops_which_clock_is_as_on_the_alert(api: Api, who: dict[str, Any]) -> None:
    for n, (what, details, stopped) in enumerate(
        (
            ("note", {}, set()),
            ("assigned", {}, set()),
            ("acknowledged", {}, {"acknowledge"}),
            ("step", {"step": "instruct"}, {"acknowledge"}),
            ("step", {"step": "call_wearer"}, {"acknowledge", "contact"}),
            ("contact", {"person": "victim"}, {"acknowledge", "contact"}),
            ("contact", {"person": "police", "outcome": "spoke"}, {"acknowledge", "contact", "decision"}),
            ("contact", {"person": "police", "outcome": "no_answer"}, {"acknowledge", "contact"}),
            ("contact", {"person": "wearer", "outcome": "dead_number"}, {"acknowledge"}),
            ("contact", {"person": "wearer", "outcome": "no_answer", "direction": "in"}, {"acknowledge"}),
            ("step", {"step": "call_police", "result": "spoke"}, {"acknowledge", "contact", "decision"}),
            ("step", {"step": "call_police", "result": "done"}, {"acknowledge", "contact"}),
            ("step", {"step": "call_wearer", "result": "dead_number"}, {"acknowledge"}),
            ("step", {"step": "decide"}, {"acknowledge", "decision"}),
            ("closed", {}, {"acknowledge", "contact", "decision"}),
        )
    ):
        kind = f"kind {n}"
        alert = await called(api, who, zone=n + 1, kind=kind)
        await did(api, alert, 1, what, **details)
        found = await figures(api)
        names = {clock for clock in ("acknowledge", "contact", "decision") if found[clock, kind, None]["answered"]}
        assert names == stopped, (what, details)
        assert all(found[clock, kind, None]["missed"] for clock in {"acknowledge", "contact", "decision"} - stopped)


async def test_a_second_call_is_timed_from_itself(api: Api, who: dict[str, Any]) -> None:
    alert = await called(api, who)
    await did(api, alert, 1, "acknowledged")
    later = AT_US + HOUR_US
    await api.store.pool.execute(
        """INSERT INTO alert_history (alert, position, part, at, what, text, details)
           SELECT $1, max(position) + 1, 0, $2, 'opened', '', $3 FROM alert_history""",
        *(alert, later, {"due_acknowledge_us": later + 2 * MINUTE_US, "due_contact_us": None, "due_decision_us": None}),
    )
    await did(api, alert, 62, "acknowledged")
    found = (await figures(api))["acknowledge", "exclusion", None]
    assert (found["calls"], found["answered"], found["missed"], found["p50_s"]) == (2, 2, 0, 90.0)


async def test_shifts_go_by_local_time(api: Api, who: dict[str, Any]) -> None:
    for n, (at, shift) in enumerate(
        (
            ("2026-11-02T05:59:59Z", "night"),
            ("2026-11-02T06:00:00Z", "early"),
            ("2026-11-02T14:00:00Z", "late"),
            ("2026-11-02T22:00:00Z", "night"),
            ("2026-07-06T05:00:00Z", "early"),  # 06:00 in summer
        )
    ):
        await called(api, who, parse(at), zone=n + 1, kind=f"kind {n}")
        found = await figures(api, "from=2026-07-01T00:00:00Z&to=2026-12-01T00:00:00Z")
        assert ("acknowledge", f"kind {n}", shift) in found, at


async def test_a_clock_that_still_runs_is_no_miss(api: Api, who: dict[str, Any]) -> None:
    now = await api.store.pool.fetchval("SELECT clock_timestamp()")
    await called(api, who, now - MINUTE_US)
    found = (await figures(api, ""))["acknowledge", "exclusion", None]
    assert (found["calls"], found["answered"], found["missed"], found["running"], found["p50_s"]) == (1, 0, 0, 1, None)


@pytest.mark.parametrize(
    ("released_min", "severity", "said"), [(30, 2, (1, 1, 0, 60.0)), (None, 2, None), (30, 1, (1, 1, 1, 1860.0))]
)
async def test_what_an_outage_held_is_timed_from_its_release(
    api: Api, who: dict[str, Any], released_min: int | None, severity: int, said: tuple[int, int, int, float] | None
) -> None:
    """Called at 02:00, held at once, answered at 02:31; nobody was told of it before it was released. A P1 is not held."""
    alert = await called(api, who, kind="no_contact")
    await api.store.pool.execute(
        "UPDATE alert_history SET details = details || jsonb_build_object('severity', $2::integer) WHERE alert = $1",
        alert,
        severity,
    )
    async with edit(api.store) as change:
        gateway = await gateways.number(api.store, "gw-1")
        await outages.begin(change, Group("gateway", str(gateway)), 30, [], AT_US)
    await api.store.pool.execute(
        """INSERT INTO outage_hold (outage, alert, calls, held_at, released_at, muted, noted)
           SELECT id, $1, 1, $2, $3, true, true FROM outage""",
        *(alert, AT_US, None if released_min is None else AT_US + released_min * MINUTE_US),
    )
    await did(api, alert, 31, "acknowledged")
    found = (await figures(api)).get(("acknowledge", "no_contact", None))
    assert (found and (found["calls"], found["answered"], found["missed"], found["p50_s"])) == said


async def test_what_concerns_no_wearer_is_timed_by_the_watch_s_clock(api: Api, who: dict[str, Any]) -> None:
    alert = await given.alert(api.store, who, 1, event_us=AT_US, kind="monitoring_down")
    await api.store.pool.execute("UPDATE alert SET wearer = NULL WHERE id = $1", alert)
    await did(api, alert, 6, "acknowledged")
    found = await figures(api)
    assert {key for key in found if key[1]} == {
        ("acknowledge", "monitoring_down", None),
        ("acknowledge", "monitoring_down", "night"),
    }
    assert found["acknowledge", "monitoring_down", None]["missed"] == 1  # five minutes


async def ledger(api: Api, by: str, role: str = "supervisor", more: str = "") -> Any:
    answer = await api.get(f"/noise?by={by}&{SPAN}{more}", role)
    assert answer.status == 200, answer.body
    return answer.json


async def test_the_ledger_counts_what_people_called_false(api: Api, who: dict[str, Any]) -> None:
    zone = await given.zone(api, who["wearer"])
    other = await given.wearer(api, "Other", 42)
    for tag_of, outcome, more in (
        (who, "false_alarm", {"zone": zone}),
        (who, "equipment_fault", {"zone": 0, "kind": "strap"}),
        (who, "apparent_non_compliance", {"zone": 0, "kind": "no_contact", "severity": 2}),
        (other, "explained", {"zone": 0, "kind": "strap"}),
        (other, None, {"zone": 0, "kind": "case"}),
    ):
        alert = await called(api, tag_of, **more)
        await api.store.pool.execute("UPDATE alert SET outcome = $2 WHERE id = $1", alert, outcome)
    rules = {item["key"]: item for item in (await ledger(api, "rule"))["items"]}
    assert (rules["strap"]["alerts"], rules["strap"]["judged"], rules["strap"]["false"], rules["strap"]["false_rate"]) == (
        2,
        2,
        1,
        0.5,
    )
    assert (rules["case"]["judged"], rules["case"]["false_rate"]) == (0, None)
    tags = (await ledger(api, "tag"))["items"]
    assert [(item["key"], item["false"], item["false_p1"]) for item in tags] == [(str(given.TAG), 2, 2), ("42", 0, 0)]
    assert [item["key"] for item in (await ledger(api, "model"))["items"]] == ["35630704", "unknown"]
    [place] = (await ledger(api, "zone"))["items"]
    assert (place["key"], place["name"], place["false_rate"]) == (str(zone), "School", 1.0)
    [place] = (await ledger(api, "zone", "engineer"))["items"]
    assert place["name"] is None  # a victim's address may be in it
    [whole] = (await ledger(api, "all"))["items"]
    assert (whole["alerts"], whole["p1"], whole["false"]) == (5, 4, 2)
    first = await ledger(api, "rule", more="&limit=2")
    rest = await ledger(api, "rule", more=f"&limit=2&cursor={first['next']}")
    assert [item["key"] for item in first["items"] + rest["items"]] == list(rules)
    assert rest["next"] is None


async def test_person_days_are_of_people_really_monitored(api: Api, who: dict[str, Any]) -> None:
    await called(api, who)
    found = await ledger(api, "all")
    assert (found["person_days"], found["alerts_per_person_day"], found["alerts_target"]) == (2.0, 0.5, 0.05)
    assert (found["false_p1_per_person_day"], found["false_p1_target"]) == (0.0, 0.002)
    # A second order and a second tag at once: the same person still, and the same days.
    await api.make("/orders", {"wearer": who["wearer"], "type": "licence", "timezone": "UTC", "starts": "2026-01-01T00:00:00Z"})
    await api.make("/activations", {"wearer": who["wearer"], "tag": 42, "from": "2026-01-01T00:00:00Z"})
    assert (await ledger(api, "all"))["person_days"] == 2.0
    await api.patch(f"/activations/{who['activation']}", {"to": show(AT_US - 12 * HOUR_US)}, 1)
    await api.store.pool.execute("DELETE FROM activation WHERE tag = 42")
    assert (await ledger(api, "all"))["person_days"] == 0.5
    # From then on by status: a quarter of a day in custody, though the order was made active.
    await api.store.pool.execute("UPDATE monitoring_order SET ends = starts + interval '1 s' WHERE id <> $1", who["order"])
    await api.store.pool.execute(
        "INSERT INTO order_status (monitoring_order, number, status, in_force_from) VALUES ($1, 9, 'in_custody', $2)",
        *(who["order"], AT_US - 18 * HOUR_US),
    )
    assert (await ledger(api, "all"))["person_days"] == 0.25
    await api.store.pool.execute("DELETE FROM order_status WHERE number = 9")
    await api.make("/wearers", {"name": "Nobody monitors them"})
    assert (await ledger(api, "all"))["person_days"] == 0.5


async def test_wrong_spans_are_refused(api: Api) -> None:
    for query in ("from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", "from=2020-01-01T00:00:00Z&to=2026-11-01T00:00:00Z"):
        for path in ("/sla", "/noise"):
            answer = await api.get(f"{path}?{query}")
            assert (answer.status, answer.json["errors"][0]["field"]) == (422, "from")
    assert (await api.get("/noise?by=wearer")).status == 422
    assert (await api.get("/noise")).json["alerts_per_person_day"] is None


@pytest.mark.parametrize("path", ["/sla", "/noise"])
async def test_a_span_that_takes_too_long_is_refused_with_what_to_do(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(figures_, "MOST_S", 0.2)
    async with api.store.pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE alert IN ACCESS EXCLUSIVE MODE")  # as slow as can be
        refused = await api.get(path, "supervisor")
    assert refused.status == 422
    assert refused.json["errors"] == [
        {"in": "query", "field": "from", "reason": "this span holds more than can be counted in 0.2 s: ask for a shorter one"}
    ]
    assert (await api.get(path, "supervisor")).status == 200
