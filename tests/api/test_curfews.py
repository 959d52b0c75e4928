"""Curfews: saved, versioned, ended, previewed; what contradicts itself, order, home or law is refused in plain words."""

import asyncio
from typing import Any

import pytest

from model.instant import HOUR_US, MINUTE_US, SECOND_US, parse
from store import controls, curfews
from store.feed import edit
from tests.api import given
from tests.api.client import Api
from tests.store import told

NIGHTS = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "19:00", "to": "07:00"}]
START_US = parse("2026-03-20T12:00:00Z")


@pytest.fixture
async def who(api: Api) -> dict[str, Any]:
    """A monitored wearer with a home."""
    found = await given.wearer(api)
    return found | {"home": await given.zone(api, found["wearer"], kind="home", radius_m=75)}


def curfew(who: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"order": who["order"], "home": who["home"], "windows": NIGHTS, **fields}


async def refused(api: Api, sent: Any, field: str, said: str, path: str = "/curfews", status: int = 422) -> None:
    answer = await api.post(path, sent, "officer")
    assert answer.status == status, answer.json
    assert said in answer.json["detail"], answer.json["detail"]
    if status == 422:
        assert field in [error["field"] for error in answer.json["errors"]]


async def test_a_curfew_comes_back_as_it_was_sent_and_says_when_it_is_in_force(api: Api, who: dict[str, Any]) -> None:
    sent = curfew(who, grace_min=10, exceptions=[{"date": "2026-03-29", "windows": []}])
    answer = await api.post("/curfews", sent, "officer")
    assert answer.status == 201, answer.json
    saved = answer.json
    assert answer.headers["Location"] == f"/api/v1/curfews/{saved['id']}"
    assert {name: saved[name] for name in sent} == sent
    assert (saved["wearer"], saved["timezone"], saved["version"]) == (who["wearer"], "Europe/London", 1)
    assert parse(saved["in_force_from"]) - parse(saved["recorded_at"]) >= SECOND_US
    assert saved["recorded_by"]["name"] == "officer"
    again = await api.get(f"/curfews/{saved['id']}")
    assert (again.json, again.headers["ETag"]) == (saved, '"1"')
    assert (await api.get(f"/curfews?wearer={who['wearer']}")).json["items"] == [saved]
    assert (await api.get("/curfews?wearer=999")).json["items"] == []


async def test_workers_read_windows_written_out(api: Api, who: dict[str, Any]) -> None:
    saved = await api.make("/curfews", curfew(who, grace_min=7, exceptions=[{"date": "2026-03-21", "windows": []}]))
    loaded = await told.load(api.store, START_US)
    [read] = loaded.curfews
    assert (read.id, read.version, read.order, read.wearer, read.home) == (
        saved["id"],
        1,
        who["order"],
        who["wearer"],
        who["home"],
    )
    assert (read.grace_us, read.high_risk, read.excused) == (7 * MINUTE_US, False, ())
    assert read.in_force_from_us == parse(saved["in_force_from"])
    near = [window for window in read.windows if START_US <= window[0] < START_US + 10 * 24 * HOUR_US]
    assert near[0] == (parse("2026-03-20T19:00:00Z"), parse("2026-03-21T07:00:00Z"))
    assert near[1] == (parse("2026-03-22T19:00:00Z"), parse("2026-03-23T07:00:00Z"))  # none on the 21st
    assert (parse("2026-03-28T19:00:00Z"), parse("2026-03-29T06:00:00Z")) in near  # eleven hours: the clocks go forward
    assert {end - start for start, end in read.windows} == {11 * HOUR_US, 12 * HOUR_US}  # none of them cut at an edge
    position = await api.store.pool.fetchval("SELECT max(position) FROM feed_entry WHERE kind = 'control' AND what = 'curfew'")
    assert loaded.control_seq == position
    assert await api.store.pool.fetchval("SELECT control_seq FROM curfew_version") == position


async def test_a_wearer_or_an_order_of_high_risk_makes_the_curfew_so(api: Api, who: dict[str, Any]) -> None:
    made = await api.make("/curfews", curfew(who))

    async def risks() -> list[bool]:
        return [version.high_risk for version in (await told.load(api.store)).curfews]

    assert await risks() == [False]
    seq = await controls.seq(api.store)
    await api.patch(f"/wearers/{who['wearer']}", {"risk": "high"}, 1)
    assert await controls.seq(api.store) > seq, "workers must read again"
    assert await risks() == [False, True], "a version from now on: what was judged before is judged again as it was"
    lower = await api.patch(f"/wearers/{who['wearer']}", {"risk": "standard"}, 2)
    await api.post(f"/changes/{lower.json['id']}/approve", role="supervisor")
    assert await risks() == [False, True, False]
    await api.patch(f"/orders/{who['order']}", {"risk": "high"}, 1)
    assert await risks() == [False, True, False, True]
    await api.patch(f"/wearers/{who['wearer']}", {"risk": "high"}, 3)
    assert len(await risks()) == 4, "it was high already, by the order"
    versions = (await api.get(f"/curfews/{made['id']}/versions")).json["items"]
    assert [(one["version"], one["high_risk"]) for one in versions] == [(4, True), (3, False), (2, True), (1, False)]
    assert len({str(one["windows"]) for one in versions}) == 1


async def test_a_curfew_that_the_law_would_not_take_today_does_not_keep_the_risk_from_rising(
    api: Api, who: dict[str, Any]
) -> None:
    made = await api.make("/curfews", curfew(who))
    whole_days = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "23:00"}]
    await api.store.pool.execute("UPDATE curfew_version SET timetable = jsonb_set(timetable, '{windows}', $1)", whole_days)
    assert (await api.patch(f"/orders/{who['order']}", {"risk": "high"}, 1)).status == 200
    assert (await api.get(f"/curfews/{made['id']}")).json["high_risk"]


async def test_each_save_is_a_version_and_only_what_is_sent_changes(api: Api, who: dict[str, Any]) -> None:
    first = await api.make("/curfews", curfew(who, exceptions=[{"date": "2026-03-29", "windows": []}]))
    path = f"/curfews/{first['id']}"
    later = [{"days": NIGHTS[0]["days"], "from": "18:30", "to": "08:00"}]
    answer = await api.patch(path, {"windows": later}, 1)
    assert answer.status == 200, answer.json
    second = answer.json
    assert (second["version"], second["windows"], second["exceptions"]) == (2, later, first["exceptions"])
    assert answer.headers["ETag"] == '"2"'
    versions = (await api.get(f"{path}/versions")).json["items"]
    assert [version["version"] for version in versions] == [2, 1]
    assert versions[1]["in_force_to"] == second["in_force_from"]
    assert (await api.patch(path, {"grace_min": 3}, 1)).status == 412
    assert (await api.call("PATCH", path, "officer", {"grace_min": 3})).status == 428
    assert (await api.patch(path, {"windows": None}, 2)).status == 422
    assert (await api.patch(path, {"order": who["order"] + 1}, 2)).status == 409
    [old, new] = (await told.load(api.store)).curfews
    assert old.in_force_to_us == new.in_force_from_us == parse(second["in_force_from"])


async def test_deleting_ends_it_and_keeps_everything(api: Api, who: dict[str, Any]) -> None:
    await one_person_is_enough(api)
    saved = await api.make("/curfews", curfew(who))
    path = f"/curfews/{saved['id']}"
    ended = await api.call("DELETE", path, "officer", headers={"If-Match": '"1"'})
    assert ended.status == 200
    assert parse(ended.json["in_force_to"]) > parse(saved["in_force_from"])
    assert (await api.get("/curfews")).json["items"] == []
    assert [item["id"] for item in (await api.get("/curfews?ended=true")).json["items"]] == [saved["id"]]
    assert (await api.call("DELETE", path, "officer", headers={"If-Match": '"1"'})).status == 409
    assert (await api.patch(path, {"grace_min": 3}, 1)).status == 409
    [read] = (await told.load(api.store)).curfews
    assert read.in_force_to_us == parse(ended.json["in_force_to"])


async def one_person_is_enough(api: Api) -> None:
    await given.settings(api, {"second_person": {"curfews": False}}, type="bail")


async def decide(api: Api, change: int, how: str, role: str) -> Any:
    return await api.call("POST", f"/changes/{change}/{how}", role)


async def test_what_relaxes_it_waits_for_a_second_person(api: Api, who: dict[str, Any]) -> None:
    saved = await api.make("/curfews", curfew(who))
    path = f"/curfews/{saved['id']}"
    assert (await api.patch(path, {"grace_min": 3}, 1, "officer")).status == 200  # tighter: at once
    fewer = [{"days": ["mon"], "from": "19:00", "to": "07:00"}]
    other = await given.zone(api, who["wearer"], kind="home")
    for change, said in (
        ({"windows": fewer}, "nothing would be asked any more"),
        ({"exceptions": [{"date": "2026-12-25", "windows": []}]}, "From Fri 25 December 2026 19:00 to Sat 26 December 07:00"),
        ({"grace_min": 4}, "The grace would be 4 minutes, no longer 3."),
        ({"home": other}, f"Home would be zone {other}, no longer {who['home']}."),
    ):
        answer = await api.patch(path, change, 2, "officer")
        assert (answer.status, said in answer.json["relaxes"]) == (202, True), answer.json
        assert answer.headers["Location"] == f"/api/v1/changes/{answer.json['id']}"
        assert (await api.get("/" + answer.headers["Location"])).json == answer.json
    assert (await api.get("/changes/999")).status == 404
    assert (await api.get(path)).json["version"] == 2, "nothing of it is in force"


async def test_the_second_person_is_another_and_may_refuse(api: Api, who: dict[str, Any]) -> None:
    saved = await api.make("/curfews", curfew(who))
    path = f"/curfews/{saved['id']}"
    asked = await api.patch(path, {"grace_min": 20}, 1, "supervisor")
    assert asked.status == 202
    change = asked.json
    assert (change["state"], change["relaxes"], change["change"]) == (
        "waiting", "The grace would be 20 minutes, no longer 5.", {"grace_min": 20},
    )  # fmt: skip
    assert (await decide(api, change["id"], "approve", "officer")).status == 403
    own = await decide(api, change["id"], "approve", "supervisor")
    assert (own.status, "somebody else must approve it" in own.json["detail"]) == (409, True)
    assert (await api.get(path)).json["version"] == 1
    assert (await decide(api, change["id"], "approve", "admin")).json["state"] == "approved"
    assert ((await api.get(path)).json["version"], (await api.get(path)).json["grace_min"]) == (2, 20)
    assert (await decide(api, change["id"], "refuse", "admin")).status == 409
    end = await api.call("DELETE", path, "officer", headers={"If-Match": '"2"'})
    assert (end.status, end.json["relaxes"], end.json["change"]) == (202, "The curfew would end.", None)
    later = (await api.patch(path, {"grace_min": 30}, 2, "officer")).json
    assert [one["id"] for one in (await api.get("/changes?waiting=true")).json["items"]] == [end.json["id"], later["id"]]
    assert (await decide(api, end.json["id"], "refuse", "supervisor")).json["state"] == "refused"
    await api.patch(path, {"grace_min": 10}, 2, "officer")  # tighter, at once: what waits is overtaken
    overtaken = await decide(api, later["id"], "approve", "supervisor")
    assert (overtaken.status, "ask again" in overtaken.json["detail"]) == (409, True)
    states = [one["state"] for one in (await api.get(f"/changes?kind=curfew&subject={saved['id']}")).json["items"]]
    assert states == ["approved", "refused", "overtaken"]
    assert (await api.get("/changes?waiting=true")).json["items"] == []


async def test_a_change_that_could_not_be_saved_is_refused_before_anybody_is_asked(api: Api, who: dict[str, Any]) -> None:
    saved = await api.make("/curfews", curfew(who))
    school = await given.zone(api, who["wearer"])
    assert (await api.patch(f"/curfews/{saved['id']}", {"home": school}, 1)).status == 422
    assert (await api.patch(f"/curfews/{saved['id']}", {"grace_min": 9}, 7)).status == 412
    assert (await api.call("DELETE", "/curfews/999", "officer", headers={"If-Match": '"1"'})).status == 404
    assert (await api.get("/changes")).json["items"] == []


async def test_a_timetable_that_contradicts_itself_is_refused(api: Api, who: dict[str, Any]) -> None:
    def window(**fields: Any) -> list[dict[str, Any]]:
        return [{"days": ["mon"], "from": "19:00", "to": "07:00", **fields}]

    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"windows": [*NIGHTS, *window(**{"from": "06:00", "to": "08:00"})]}, "windows", "overlap"),
        ({"windows": window(**{"from": "19:00", "to": "19:00"})}, "windows", "lasts no time"),
        ({"windows": window(days=["monday"])}, "windows", "there is no day 'monday'"),
        ({"windows": window(days=[])}, "windows", "has no days"),
        ({"windows": window(**{"from": "7pm"})}, "windows", "write a time of day such as 19:00"),
        ({"windows": []}, "windows", "it would never apply"),
        ({"exceptions": [{"date": "2026-03-29", "windows": []}] * 2}, "exceptions", "contradict each other"),
        ({"exceptions": [{"date": "29 March", "windows": []}]}, "exceptions", "write one such as 2026-03-29"),
        ({"grace_min": 61}, "grace_min", "60"),
        ({"windows": window(colour="red")}, "windows.0.colour", "not a field we know"),
    ]
    for fields, field, said in cases:
        await refused(api, curfew(who, **fields), field, said)
        await refused(api, curfew(who, **fields), field, said, "/curfews/preview")
    assert (await api.get("/curfews?ended=true")).json["items"] == []


async def test_over_the_legal_cap_is_refused_unless_the_order_s_law_is_another(api: Api, who: dict[str, Any]) -> None:
    day = [{"days": ["sat"], "from": "08:00", "to": "05:00"}]
    await refused(api, curfew(who, windows=day), "windows", "21 hours")
    week = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "18:00", "to": "10:30"}]
    await refused(api, curfew(who, windows=week), "windows", "115.5 hours at home a week, and the law allows 112")
    await refused(api, curfew(who, windows=week), "windows", "for an order of the type bail", "/curfews/preview")
    saved = await api.make("/curfews", curfew(who))
    long = {"exceptions": [{"date": "2026-12-25", "windows": [{"from": "00:00", "to": "24:00"}]}]}
    answer = await api.patch(f"/curfews/{saved['id']}", long, 1)
    assert (answer.status, "on 2026-12-25" in answer.json["detail"]) == (422, True), answer.json
    await given.settings(api, {"cap": {"day_h": None, "week_h": None}}, type="bail")
    assert (await api.post("/curfews", curfew(who, **long), "officer")).status == 201
    await given.settings(api, {"cap": {"day_h": 8, "week_h": 40}}, type="bail")
    await refused(api, curfew(who), "windows", "the law allows 8 a day")


async def test_a_curfew_needs_a_home_of_its_wearer(api: Api, who: dict[str, Any]) -> None:
    other = await given.wearer(api, "Another", given.TAG + 1)
    theirs = await given.zone(api, other["wearer"], kind="home")
    school = await given.zone(api, who["wearer"])
    everyone = (await api.make("/zones", given.circle({"all": True}, kind="home")))["id"]
    hours = {"windows": [{"days": ["mon"], "from": "08:00", "to": "16:00"}]}
    sometimes = await given.zone(api, who["wearer"], kind="home", schedule=hours)
    missing = curfew(who)
    del missing["home"]
    await refused(api, missing, "home", "home: is needed")
    await refused(api, curfew(who, home=999), "home", "there is no zone 999")
    await refused(api, curfew(who, home=theirs), "home", "it is not that wearer's")
    await refused(api, curfew(who, home=everyone), "home", "it is not that wearer's")
    await refused(api, curfew(who, home=school), "home", "it is of the kind exclusion")
    await refused(api, curfew(who, home=sometimes), "home", "it has a schedule")
    group = await api.make("/groups", {"name": "Hostel", "wearers": [who["wearer"]]})
    hostel = (await api.make("/zones", given.circle({"group": group["id"]}, kind="home")))["id"]
    assert (await api.post("/curfews", curfew(who, home=hostel), "officer")).status == 201
    await api.call("DELETE", f"/zones/{who['home']}", "officer", headers={"If-Match": '"1"'})
    await refused(api, curfew(who), "home", "it has ended")


async def test_a_home_that_a_curfew_asks_for_stays_one(api: Api, who: dict[str, Any]) -> None:
    saved = await api.make("/curfews", curfew(who))
    home = f"/zones/{who['home']}"
    ended = await api.call("DELETE", home, "officer", headers={"If-Match": '"1"'})
    assert (ended.status, f"curfew {saved['id']}" in ended.json["detail"]) == (409, True)
    school = given.circle({"wearer": who["wearer"]})
    assert (await api.call("PUT", home, "officer", school, headers={"If-Match": '"1"'})).status == 409
    larger = given.circle({"wearer": who["wearer"]}, kind="home", radius_m=1000)
    assert (await api.call("PUT", home, "officer", larger, headers={"If-Match": '"1"'})).status == 202
    smaller = given.circle({"wearer": who["wearer"]}, kind="home", radius_m=60)
    assert (await api.call("PUT", home, "officer", smaller, headers={"If-Match": '"1"'})).status == 200
    await given.relaxed(api, who["order"], {"status": "completed"})
    assert (await api.call("DELETE", home, "officer", headers={"If-Match": '"2"'})).status == 200


async def test_an_order_that_is_over_has_no_new_curfew(api: Api, who: dict[str, Any]) -> None:
    await refused(api, curfew(who, order=999), "order", "there is no order 999")
    await given.relaxed(api, who["order"], {"status": "revoked"})
    await refused(api, curfew(who), "order", "is revoked", status=409)


async def test_curfews_follow_their_order_s_time_zone(api: Api, who: dict[str, Any]) -> None:
    saved = await api.make("/curfews", curfew(who))
    await given.relaxed(api, who["order"], {"timezone": "America/Chicago"})
    now = (await api.get(f"/curfews/{saved['id']}")).json
    assert (now["timezone"], now["version"]) == ("America/Chicago", 2)
    new = (await told.load(api.store, START_US)).curfews[1]
    assert (parse("2026-03-21T00:00:00Z"), parse("2026-03-21T12:00:00Z")) in new.windows


async def test_a_curfew_of_an_order_that_is_over_follows_nothing(api: Api, who: dict[str, Any]) -> None:
    saved = await api.make("/curfews", curfew(who))
    await api.store.pool.execute(
        "INSERT INTO order_status (monitoring_order, number, status, in_force_from) VALUES ($1, 9, 'revoked', now())",
        who["order"],
    )
    async with edit(api.store) as change:
        await change.connection.execute("UPDATE monitoring_order SET timezone = 'America/Chicago' WHERE id = $1", who["order"])
        await curfews.follow(change, who["order"])
    assert (await api.get(f"/curfews/{saved['id']}")).json["version"] == 1


async def test_a_create_is_done_once_and_reading_is_paged(api: Api, who: dict[str, Any]) -> None:
    answers = await asyncio.gather(
        *(api.post("/curfews", curfew(who), "officer", headers={"Idempotency-Key": "night"}) for _ in range(2))
    )
    assert len({answer.json["id"] for answer in answers}) == 1
    second = await api.make("/curfews", curfew(who, windows=[{"days": ["sun"], "from": "10:00", "to": "12:00"}]))
    page = (await api.get("/curfews?limit=1")).json
    rest = (await api.get(f"/curfews?limit=1&cursor={page['next']}")).json
    assert [item["id"] for item in (*page["items"], *rest["items"])] == [answers[0].json["id"], second["id"]]
    assert rest["next"] is None


async def test_the_same_curfew_is_not_taken_twice(api: Api, who: dict[str, Any]) -> None:
    first, again = [await api.post("/curfews", curfew(who), "officer", headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status, again.body) == (201, first.body), "a retry answers the first"
    number = first.json["id"]
    said = f"curfew {number} of this order asks for the same hours at the same home already: change that one instead"
    one_by_one = [{**NIGHTS[0], "days": [day]} for day in reversed(NIGHTS[0]["days"])]
    for sent in (curfew(who), curfew(who, grace_min=30), curfew(who, windows=one_by_one)):
        await refused(api, sent, "", said, status=409)
        await refused(api, sent, "", said, "/curfews/preview", status=409)
    assert [one["id"] for one in (await api.get("/curfews")).json["items"]] == [number]
    second = await given.zone(api, who["wearer"], kind="home", radius_m=75)
    weekend = [{"days": ["sat"], "from": "10:00", "to": "12:00"}]
    other = await api.make("/curfews", curfew(who, windows=weekend))
    assert (await api.post("/curfews", curfew(who, windows=weekend, home=second), "officer")).status == 201, "at another home"
    relaxed = await api.patch(f"/curfews/{other['id']}", {"windows": NIGHTS}, 1, "officer")
    assert (relaxed.status, said in relaxed.json["detail"]) == (409, True), relaxed.body
    assert (await api.patch(f"/curfews/{number}", {"grace_min": 1}, 1, "officer")).status == 200, "itself it may be"


async def test_the_next_fourteen_days_of_a_draft(api: Api, who: dict[str, Any]) -> None:
    sent = curfew(who, exceptions=[{"date": "2026-03-26", "windows": []}]) | {"from": "2026-03-24T20:00:00Z"}
    shown = (await api.post("/curfews/preview", sent)).json
    assert (shown["timezone"], shown["from"], shown["to"]) == ("Europe/London", "2026-03-24T20:00:00Z", "2026-04-07T20:00:00Z")
    intervals = shown["intervals"]
    assert intervals[0] == {
        "from": "2026-03-24T19:00:00Z", "to": "2026-03-25T07:00:00Z", "local_from": "2026-03-24T19:00:00+00:00",
        "local_to": "2026-03-25T07:00:00+00:00", "hours": 12.0, "clocks_change": False, "excused": [],
    }  # fmt: skip
    assert "2026-03-26T19:00:00Z" not in {interval["from"] for interval in intervals}
    [changed] = [interval for interval in intervals if interval["clocks_change"]]
    assert (changed["from"], changed["to"], changed["hours"]) == ("2026-03-28T19:00:00Z", "2026-03-29T06:00:00Z", 11.0)
    assert changed["local_to"] == "2026-03-29T07:00:00+01:00"
    assert len(intervals) == 14  # fifteen nights have a moment in it; one is excepted
    assert shown["hours"] == 13 * 12 + 11
    assert (await api.get("/curfews?ended=true")).json["items"] == [], "nothing is saved"


async def test_the_next_fourteen_days_of_a_saved_one_with_its_absences(api: Api, who: dict[str, Any]) -> None:
    saved = await api.make("/curfews", curfew(who))
    given_ = {"curfew": saved["id"], "from": "2026-03-25T18:00:00Z", "to": "2026-03-25T23:00:00Z", "authoriser": "Court"}
    await api.make("/absences", given_ | {"reason": "Night shift."})
    await given.relaxed(api, who["order"], {"ends": "2026-03-27T00:00:00Z"})
    shown = (await api.post("/curfews/preview", {"curfew": saved["id"], "from": "2026-03-25T12:00:00Z"})).json
    assert [(one["from"], one["to"]) for one in shown["intervals"]] == [
        ("2026-03-25T19:00:00Z", "2026-03-26T07:00:00Z"),
        ("2026-03-26T19:00:00Z", "2026-03-27T00:00:00Z"),  # the order ends
    ]
    assert shown["intervals"][0]["excused"] == [{"from": "2026-03-25T19:00:00Z", "to": "2026-03-25T23:00:00Z"}]
    await refused(api, {"curfew": saved["id"], "windows": NIGHTS}, "curfew", "send `from` beside it", "/curfews/preview")
    await refused(api, {"curfew": 999}, "", "there is no curfew 999", "/curfews/preview", 404)


async def test_a_draft_without_an_order_is_shown_in_a_time_zone(api: Api) -> None:
    sent = {"windows": NIGHTS, "timezone": "America/New_York", "from": "2026-10-30T12:00:00Z"}
    intervals = (await api.post("/curfews/preview", sent)).json["intervals"]
    [changed] = [interval for interval in intervals if interval["clocks_change"]]
    assert (changed["local_from"], changed["hours"]) == ("2026-10-31T19:00:00-04:00", 13.0)
    await refused(api, sent | {"timezone": "Mars/Olympus"}, "timezone", "is no time zone", "/curfews/preview")
    await refused(api, {}, "windows", "is needed", "/curfews/preview")


DAYS_TOO = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "08:00", "to": "18:30"}]


async def test_the_law_is_held_by_all_curfews_of_an_order_together(api: Api, who: dict[str, Any]) -> None:
    first = await api.make("/curfews", curfew(who))
    said = "With the order's other curfews it is too long: it asks for 22.5 hours at home each Monday"
    await refused(api, curfew(who, windows=DAYS_TOO), "windows", said)
    short = await api.make("/curfews", curfew(who, windows=[DAYS_TOO[0] | {"to": "09:00"}]))
    longer = await api.patch(f"/curfews/{short['id']}", {"windows": DAYS_TOO}, 1, "officer")
    assert (longer.status, said in longer.json["detail"]) == (422, True), longer.body
    assert (await api.patch(f"/curfews/{first['id']}", {"grace_min": 1}, 1, "officer")).status == 200, "not counted twice"
    await given.settings(api, {"cap": {"day_h": 12.5, "week_h": 90}}, type="strict")
    stricter = await api.patch(f"/orders/{who['order']}", {"type": "strict"}, 1, "officer")
    assert (stricter.status, f"curfew {first['id']} does not fit" in stricter.json["detail"]) == (409, True), stricter.body


async def test_two_that_are_saved_at_once_are_counted_together(api: Api, who: dict[str, Any]) -> None:
    sent = [curfew(who), curfew(who, windows=DAYS_TOO)]
    answers = await asyncio.gather(*(api.post("/curfews", body, "officer") for body in sent))
    assert sorted(answer.status for answer in answers) == [201, 422]


async def test_a_preview_leaves_out_the_nights_in_custody(api: Api, who: dict[str, Any]) -> None:
    saved = await api.make("/curfews", curfew(who))
    held = {"status": "in_custody", "in_force_from": "2026-03-25T12:00:00Z"}
    await given.relaxed(api, who["order"], held)
    tag = (await api.get(f"/orders/{who['order']}")).headers["ETag"].strip('"')
    back = {"status": "active", "in_force_from": "2026-03-28T22:00:00Z"}
    assert (await api.patch(f"/orders/{who['order']}", back, tag)).status == 200
    shown = (await api.post("/curfews/preview", {"curfew": saved["id"], "from": "2026-03-24T12:00:00Z"})).json
    assert [(one["from"], one["to"]) for one in shown["intervals"]][:3] == [
        ("2026-03-24T19:00:00Z", "2026-03-25T07:00:00Z"),
        ("2026-03-28T22:00:00Z", "2026-03-29T06:00:00Z"),
        ("2026-03-29T18:00:00Z", "2026-03-30T06:00:00Z"),
    ]


async def test_a_change_is_weighed_against_what_another_has_just_saved(api: Api, who: dict[str, Any]) -> None:
    """Without the curfew's lock it was weighed against what stood before, and saved against what stood after."""
    saved = await api.make("/curfews", curfew(who, grace_min=10))
    async with edit(api.store) as change:
        await curfews.edit(change, saved["id"], 1, {"grace_min": 5})
        waits = asyncio.create_task(api.patch(f"/curfews/{saved['id']}", {"grace_min": 10}, 2, "officer"))
        done, _ = await asyncio.wait([waits], timeout=0.3)
        assert not done, "it waits for the curfew"
    assert (await waits).status == 202, "ten minutes are more than the five that it has by now"


async def test_a_curfew_that_asks_for_another_s_time_is_taken_with_advice(api: Api, who: dict[str, Any]) -> None:
    """Which, and when: at another home nobody can keep both, at the same one an absence counts for each."""
    second = await given.zone(api, who["wearer"], kind="home", radius_m=75)
    other = await api.make(
        "/orders", {"wearer": who["wearer"], "type": "licence", "timezone": "Europe/London", "starts": "2026-01-01T00:00:00Z"}
    )
    evenings = [{"days": ["tue", "wed"], "from": "18:00", "to": "21:00"}]
    stands = await api.make("/curfews", curfew(who))
    assert stands["advice"] == []
    from_ = {"from": "2026-03-24T12:00:00Z"}  # a Tuesday
    elsewhere = {"order": other["id"], "home": second, "windows": evenings}
    shown = (await api.post("/curfews/preview", elsewhere | from_)).json
    [overlap] = shown["overlaps"]
    assert (overlap["curfew"], overlap["order"], overlap["home"]) == (stands["id"], who["order"], who["home"])
    assert overlap["intervals"][0] == {"from": "2026-03-24T19:00:00Z", "to": "2026-03-24T21:00:00Z"}
    assert len(overlap["intervals"]) == 4
    said = f"Curfew {stands['id']} of order {who['order']} asks for the same time"
    when = "Tue 24 Mar 19:00 to Tue 24 Mar 21:00, and 3 more times in fourteen days."
    assert shown["advice"] == [f"{said} at another home, and the wearer cannot be at both: {when}"]
    at_home = (await api.post("/curfews/preview", elsewhere | {"home": who["home"]} | from_)).json
    assert at_home["advice"] == [f"{said} at the same home, and an absence counts for each: {when}"]
    undecided = {name: value for name, value in elsewhere.items() if name != "home"}
    assert (await api.post("/curfews/preview", undecided | from_)).json["advice"] == [f"{said}: {when}"]
    saved = await api.make("/curfews", elsewhere)
    assert len(saved["advice"]) == 1
    assert saved["advice"][0].startswith(f"{said} at another home")
    assert (await api.get(f"/curfews/{saved['id']}")).json["advice"] == []
    again = (await api.post("/curfews/preview", {"curfew": stands["id"]} | from_)).json
    assert [one["curfew"] for one in again["overlaps"]] == [saved["id"]]
    moved = (await api.patch(f"/curfews/{saved['id']}", {"grace_min": 4}, 1, "officer")).json
    assert moved["advice"] == saved["advice"]


async def test_curfews_that_never_meet_or_whose_order_does_not_hold_are_no_advice(api: Api, who: dict[str, Any]) -> None:
    await api.make("/curfews", curfew(who))
    second = await given.zone(api, who["wearer"], kind="home", radius_m=75)
    mornings = {"order": who["order"], "home": second, "windows": [{"days": ["tue"], "from": "07:00", "to": "09:00"}]}
    from_ = {"from": "2026-03-24T12:00:00Z"}
    assert (await api.post("/curfews/preview", mornings | from_)).json["overlaps"] == []
    stranger = await given.wearer(api, "Another", 42)
    theirs = await given.zone(api, stranger["wearer"], kind="home", radius_m=75)
    assert (await api.post("/curfews/preview", curfew(stranger | {"home": theirs}) | from_)).json["overlaps"] == []
    evening = mornings | {"windows": [{"days": ["tue"], "from": "18:00", "to": "21:00"}]}
    assert len((await api.post("/curfews/preview", evening | from_)).json["overlaps"]) == 1
    other = await api.make(
        "/orders", {"wearer": who["wearer"], "type": "licence", "timezone": "Europe/London", "starts": "2026-01-01T00:00:00Z"}
    )
    await given.relaxed(api, who["order"], {"ends": "2026-03-23T00:00:00Z"})
    assert (await api.post("/curfews/preview", evening | {"order": other["id"]} | from_)).json["overlaps"] == []
