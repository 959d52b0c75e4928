"""The timeline of a wearer's compliance: it agrees with the alerts of the night, and says nothing of time without authority."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from cordon import features
from model.arrays import Array
from model.event import EVENT, EventKind
from model.instant import DAY_US, MINUTE_US, SECOND_US, parse, show
from store import world
from store.pool import Store
from store.world import NewActivation, NewCurfew, NewOrder, NewStatus, NewWearer
from tests.api import given
from tests.api.client import Api
from tests.cordon.judged import TAG, Watched, at
from tests.store.fake import START_US

HOME_M, SHOP_M, SCHOOL_M = 0.0, 1500.0, 3000.0  # east of where the wearer lives
NIGHTS: Final = {"windows": [{"days": ["fri"], "from": "19:00", "to": "07:00"}]}
SECOND_TAG: Final = 2


def us(clock: str) -> int:
    """A time of the night of Friday 20 March 2026, in London as in UTC; until noon it is Saturday's."""
    return parse(f"2026-03-{'21' if clock < '12' else '20'}T{clock}:00Z")


def moves(until: str, *way: tuple[str, float], tag: int = TAG) -> list[Any]:
    """A fix a minute: from each time on so far east of home, up to the end, which is not included."""
    found = []
    for (begin, place), (end, _) in zip(way, [*way[1:], (until, 0.0)], strict=True):
        found += [at((at_us - START_US) / SECOND_US, place, tag) for at_us in range(us(begin), us(end), MINUTE_US)]
    return found


def zone(name: str, east_m: float, kind: str, radius_m: float = 100.0) -> world.NewZone:
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [float(at(0, east_m)["lon"][0]), 51.5]},  # type: ignore[index]
        "properties": {"name": name, "kind": kind, "radius_m": radius_m},
    }
    return features.zone(feature, wearer=0, in_force_from_us=START_US - 100 * DAY_US, called="zone")


async def lives(
    store: Store,
    *,
    statuses: Sequence[NewStatus] = (),
    tags: Sequence[NewActivation] = (NewActivation(0, TAG, START_US - DAY_US),),
    timetable: dict[str, Any] = NIGHTS,
    absences: Sequence[tuple[int, int, str, str]] = (),
    orders: Sequence[NewOrder] = (),
) -> world.Created:
    """A wearer with a curfew at home and a school to keep away from."""
    return await world.create(
        store,
        [NewWearer("Test Wearer")],
        [NewOrder(0, START_US - DAY_US, statuses=statuses), *orders],
        tags,
        [zone("Home", HOME_M, "home"), zone("School", SCHOOL_M, "exclusion", 300.0), zone("Sister's", SHOP_M, "home")],
        [NewCurfew(0, 0, timetable, START_US - DAY_US, absences=absences)],
    )


async def asked(api: Api, since: str = "18:00", until: str = "08:00") -> Any:
    answer = await api.get(f"/compliance/1?from={show(us(since))}&to={show(us(until))}", "operator")
    assert answer.status == 200, answer.body
    return answer.json


def told(timeline: Any) -> list[tuple[str, str, str, str]]:
    """From, until, state and what it rests on."""
    return [(span["from"][11:16], span["to"][11:16], span["state"], span["because"]) for span in timeline["spans"]]


async def beacon(store: Store, *rows: tuple[EventKind, str]) -> None:
    await given.fixes(store, given.fix(us("12:00"), tag=999))  # so that the gateway is known
    await store.pool.execute("CREATE TABLE event_test PARTITION OF event DEFAULT")
    events: Array = np.zeros(len(rows), EVENT)
    for event, (kind, clock) in zip(events, rows, strict=True):
        event["tag"], event["kind"], event["at_us"], event["received_us"] = TAG, kind, us(clock), us(clock)
    columns = ["tag", "at", "received_at", "seq", "gateway", "kind", "value"]
    await store.pool.copy_records_to_table("event", records=events.tolist(), columns=columns)


async def test_the_timeline_and_the_alerts_of_the_night_say_the_same(api: Api) -> None:
    """Out from 20:01 for forty minutes, ten of them in the school; the tag is silent from 23:00 to 00:10."""
    created = await lives(api.store)
    lane = await Watched.begin(api.store)
    night = moves("23:00", ("18:50", HOME_M), ("20:01", SHOP_M), ("20:10", SCHOOL_M), ("20:20", SHOP_M), ("20:41", HOME_M))
    morning = moves("08:00", ("00:10", HOME_M))
    for fixes in (night[:60], night[60:], morning):
        await lane.put(*fixes)
    timeline = await asked(api)
    assert told(timeline) == [
        ("19:00", "20:01", "compliant", "curfew"),
        ("20:01", "20:41", "apparent_non_compliance", "curfew"),
        ("20:10", "20:20", "apparent_non_compliance", "inside"),
        ("20:41", "23:09", "compliant", "curfew"),
        ("23:09", "00:10", "unverified", "curfew"),
        ("00:10", "07:00", "compliant", "curfew"),
    ]
    alerts = (await api.get("/alerts?state=all", "operator")).json["items"]
    said = {alert["kind"]: (alert["event_at"], alert["ended_at"]) for alert in alerts}
    assert said.keys() == {"curfew_absence", "curfew_unverified", "exclusion"}
    shown = {(span["state"], span["because"]): (span["from"], span["to"]) for span in timeline["spans"]}
    assert shown["apparent_non_compliance", "curfew"] == said["curfew_absence"]
    assert shown["unverified", "curfew"] == said["curfew_unverified"]
    assert shown["apparent_non_compliance", "inside"] == said["exclusion"]
    away = timeline["spans"][1]
    assert (away["order"], away["curfew"], away["zone"]) == (created.orders[0], created.curfews[0], created.zones[0])
    assert away["reason"] == "Away from Home while curfew 1 asked for presence there."
    assert timeline["spans"][2]["reason"] == "Inside exclusion zone School."
    assert timeline["spans"][2]["curfew"] is None
    assert timeline["timezone"] == "Europe/London"
    assert timeline["minutes"] == {
        "compliant": 61 + 148 + 410, "consistent": 0, "apparent_non_compliance": 40, "unverified": 61, "not_monitored": 0,
    }  # fmt: skip
    assert timeline["away"] == [{"curfew": 1, "minutes": 40}]
    friday, saturday = timeline["days"]
    assert (friday["date"], friday["minutes"]["compliant"], friday["minutes"]["unverified"]) == ("2026-03-20", 61 + 148, 51)
    assert (saturday["date"], saturday["minutes"]["compliant"], saturday["minutes"]["unverified"]) == ("2026-03-21", 410, 10)


async def test_time_without_authority_is_not_monitored_and_nothing_of_it_is_told(api: Api) -> None:
    """A court pauses the order from 21:00 to 22:00. The wearer goes out meanwhile, and the beacon hears them go."""
    await lives(api.store, statuses=[NewStatus("paused_by_court", us("21:00")), NewStatus("active", us("22:00"))])
    way = (("18:50", HOME_M), ("21:05", SCHOOL_M), ("21:55", SHOP_M), ("22:20", HOME_M))
    await given.fixes(api.store, np.concatenate([fix for fix in moves("07:30", *way) if not 1320 <= minute(fix) < 1340]))
    await beacon(api.store, (EventKind.BEACON_IN, "18:50"), (EventKind.BEACON_OUT, "21:05"))
    timeline = await asked(api)
    assert told(timeline) == [
        ("19:00", "21:00", "compliant", "curfew"),
        ("21:00", "22:00", "not_monitored", "no_order"),
        ("22:00", "22:20", "unverified", "curfew"),
        ("22:20", "07:00", "compliant", "curfew"),
    ]
    assert timeline["spans"][1]["curfew"] is None
    assert timeline["minutes"]["not_monitored"] == 60


def minute(fix: Any) -> int:
    """Of the day."""
    return int(fix["fix_at_us"][0]) % DAY_US // MINUTE_US


async def test_an_alert_that_sealed_fixes_ended_is_shown_as_far_as_authority_went(api: Api) -> None:
    """Inside the school when the court pauses the order; that they left it half an hour later is nobody's to know."""
    await lives(
        api.store,
        statuses=[NewStatus("paused_by_court", us("20:30"))],
        timetable={"windows": [{"days": ["sun"], "from": "19:00", "to": "07:00"}]},
    )
    who = {"wearer": 1, "tag": TAG, "order": 1}
    number = await given.alert(api.store, who, 2, event_us=us("20:10"))
    await occurred(api.store, number, us("20:10"), us("21:00"))
    assert told(await asked(api, until="20:45")) == [
        ("20:10", "20:30", "apparent_non_compliance", "inside"),
        ("20:30", "20:45", "not_monitored", "no_order"),
    ]


async def occurred(
    store: Store, alert: int, from_us: int, to_us: int | None, kind: str = "exclusion", *, withdrawn: bool = False
) -> None:
    """An occurrence on an alert's row, as a commit leaves it."""
    await store.pool.execute(
        """INSERT INTO alert_occurrence (alert, tag, occurrence, kind, severity, confidence, late, event_at, detected_at,
             ended_at, withdrawn, zone_version, monitoring_order)
           VALUES ($1, $2, $3, $4, 1, 'definite', false, $3, $3, $5, $6, 1, 1)""",
        *(alert, TAG, from_us, kind, to_us, withdrawn),
    )


async def test_possible_is_unverified_open_goes_on_and_withdrawn_is_nothing(api: Api) -> None:
    await lives(api.store, timetable={"windows": [{"days": ["sun"], "from": "19:00", "to": "07:00"}]})
    number = await given.alert(api.store, {"wearer": 1, "tag": TAG, "order": 1}, 2, event_us=us("20:10"))
    await occurred(api.store, number, us("20:10"), us("20:20"), "exclusion_possible")
    await occurred(api.store, number, us("20:30"), us("20:40"), withdrawn=True)
    await occurred(api.store, number, us("21:00"), None)
    timeline = await asked(api, until="22:00")
    assert told(timeline) == [
        ("20:10", "20:20", "unverified", "maybe_inside"),
        ("21:00", "22:00", "apparent_non_compliance", "inside"),
    ]
    assert timeline["spans"][0]["reason"] == "May have been inside exclusion zone School."
    assert timeline["away"] == []  # no curfew asked for anything


async def test_without_a_tag_nobody_is_monitored(api: Api) -> None:
    await lives(
        api.store, tags=[NewActivation(0, TAG, START_US - DAY_US, us("21:00")), NewActivation(0, SECOND_TAG, us("21:30"))]
    )
    await given.fixes(
        api.store, np.concatenate(moves("22:00", ("18:50", HOME_M)) + moves("23:00", ("20:00", SHOP_M), tag=SECOND_TAG))
    )
    timeline = await asked(api, until="23:00")
    assert told(timeline) == [
        ("19:00", "21:00", "compliant", "curfew"),
        ("21:00", "21:30", "not_monitored", "no_tag"),
        ("21:30", "23:00", "apparent_non_compliance", "curfew"),
    ]
    assert timeline["spans"][1]["reason"] == "No tag was fitted."


async def test_of_two_tags_the_one_that_says_worse_is_shown(api: Api) -> None:
    await lives(
        api.store, tags=[NewActivation(0, TAG, START_US - DAY_US), NewActivation(0, SECOND_TAG, us("20:00"), us("21:00"))]
    )
    await given.fixes(
        api.store, np.concatenate(moves("07:30", ("18:50", HOME_M)) + moves("21:30", ("20:10", SHOP_M), tag=SECOND_TAG))
    )
    assert told(await asked(api)) == [
        ("19:00", "20:00", "compliant", "curfew"),
        ("20:00", "20:10", "unverified", "curfew"),
        ("20:10", "21:00", "apparent_non_compliance", "curfew"),
        ("21:00", "07:00", "compliant", "curfew"),
    ]


async def test_an_authorised_absence_asks_for_nothing(api: Api) -> None:
    await lives(api.store, absences=[(us("20:00"), us("22:00"), "Court", "Night shift.")])
    await given.fixes(api.store, np.concatenate(moves("07:30", ("18:50", HOME_M), ("20:00", SHOP_M), ("22:00", HOME_M))))
    timeline = await asked(api)
    assert told(timeline) == [("19:00", "20:00", "compliant", "curfew"), ("22:00", "07:00", "compliant", "curfew")]
    assert sum(timeline["minutes"].values()) == 600


async def test_a_curfew_whose_order_did_not_hold_while_another_did(api: Api) -> None:
    paused = [NewStatus("in_custody", us("21:00")), NewStatus("active", us("22:00"))]
    await lives(api.store, statuses=paused, orders=[NewOrder(0, START_US - DAY_US)])
    await given.fixes(api.store, np.concatenate(moves("07:30", ("18:50", HOME_M))))
    timeline = await asked(api)
    assert told(timeline) == [
        ("19:00", "21:00", "compliant", "curfew"),
        ("21:00", "22:00", "not_monitored", "other_order"),
        ("22:00", "07:00", "compliant", "curfew"),
    ]
    assert timeline["spans"][1]["reason"] == "Order 1 did not hold while its curfew 1 asked for presence at Home."


async def test_each_moment_goes_by_the_version_that_was_in_force(api: Api) -> None:
    """From 22:00 on the curfew asks for presence at the sister's; the wearer is there half an hour later."""
    created = await lives(api.store)
    await api.store.pool.execute("UPDATE curfew_version SET in_force_to = $1", us("22:00"))
    await api.store.pool.execute(
        """INSERT INTO curfew_version (curfew, version, monitoring_order, home, timezone, timetable, in_force_from, grace_min,
             control_seq)
           SELECT curfew, 2, monitoring_order, $1, timezone, timetable, $2, grace_min, 0 FROM curfew_version""",
        created.zones[2],
        us("22:00"),
    )
    await given.fixes(api.store, np.concatenate(moves("07:30", ("18:50", HOME_M), ("22:30", SHOP_M))))
    timeline = await asked(api)
    assert [(*span[:3], zone) for span, zone in zip(told(timeline), zones_of(timeline), strict=True)] == [
        ("19:00", "22:00", "compliant", created.zones[0]),
        ("22:00", "22:30", "apparent_non_compliance", created.zones[2]),
        ("22:30", "07:00", "compliant", created.zones[2]),
    ]
    assert timeline["away"] == [{"curfew": created.curfews[0], "minutes": 30}]


def zones_of(timeline: Any) -> list[int]:
    return [span["zone"] for span in timeline["spans"]]


async def test_what_is_asked_for_may_begin_and_end_inside_an_absence(api: Api) -> None:
    """Out for eight minutes round the hour: three of them before it and five after it, none of them within the grace."""
    await lives(api.store)
    fixes = moves("07:30", ("18:50", HOME_M), ("19:57", SHOP_M), ("20:05", HOME_M), ("21:00", SHOP_M), ("21:04", HOME_M))
    await given.fixes(api.store, np.concatenate(fixes))
    before, after = await asked(api, until="20:00"), await asked(api, since="20:00", until="22:00")
    assert told(before) == [("19:00", "19:57", "compliant", "curfew"), ("19:57", "20:00", "apparent_non_compliance", "curfew")]
    assert told(after)[0] == ("20:00", "20:05", "apparent_non_compliance", "curfew")
    assert ([one["minutes"] for one in before["away"]], [one["minutes"] for one in after["away"]]) == ([3], [5])
    assert after["minutes"]["apparent_non_compliance"] == 9  # four of them within the grace, shown and not counted as away


async def test_a_late_upload_fills_in_what_could_not_be_known(api: Api) -> None:
    await lives(api.store)
    rows = np.concatenate(moves("07:30", ("18:50", HOME_M)))
    rows["received_us"] = np.where(rows["fix_at_us"] < us("23:00"), us("23:00"), rows["received_us"])
    await given.fixes(api.store, rows)
    assert told(await asked(api)) == [("19:00", "07:00", "compliant", "curfew")]


async def test_a_day_that_is_no_longer_kept_says_so(api: Api) -> None:
    await lives(api.store)
    await api.store.pool.execute("INSERT INTO retired_day (name, kept) VALUES ('fix_20260320', 0)")
    timeline = await asked(api)
    assert told(timeline) == [("19:00", "00:00", "unverified", "forgotten"), ("00:00", "07:00", "unverified", "curfew")]
    assert timeline["spans"][0]["reason"].startswith("What was stored of that day is no longer kept")


async def test_who_looked_at_whose_is_noted(api: Api) -> None:
    await lives(api.store)
    await asked(api)
    [noted] = (await api.get("/audit?subject=compliance/wearer/1")).json["items"]
    assert (noted["actor"]["name"], noted["action"]) == ("operator", "read")
    assert (noted["details"]["from"], noted["details"]["to"]) == ("2026-03-20T18:00:00Z", "2026-03-21T08:00:00Z")


async def test_the_future_is_not_told(api: Api, monkeypatch: Any) -> None:
    monkeypatch.setattr("api.routes.compliance.now_us", lambda: us("20:00"))
    await lives(api.store)
    await given.fixes(api.store, np.concatenate(moves("20:00", ("18:50", HOME_M))))
    timeline = await asked(api)
    assert (timeline["to"], told(timeline)) == ("2026-03-20T20:00:00Z", [("19:00", "20:00", "compliant", "curfew")])
    answer = await api.get("/compliance/1")
    assert (answer.json["from"], answer.json["to"]) == ("2026-03-19T20:00:00Z", "2026-03-20T20:00:00Z")


async def test_refusals(api: Api) -> None:
    for query, field in (
        ("from=2026-03-21T00:00:00Z&to=2026-03-20T00:00:00Z", "to"),
        ("from=2026-01-01T00:00:00Z&to=2026-03-20T00:00:00Z", "from"),
        ("from=2090-01-01T00:00:00Z&to=2090-01-02T00:00:00Z", "from"),
        ("from=now", "from"),
        ("tag=1", "tag"),
    ):
        answer = await api.get(f"/compliance/1?{query}")
        assert answer.status == 422, query
        assert answer.json["errors"][0]["field"] == field, query
    assert (await api.get("/compliance/999")).status == 404
