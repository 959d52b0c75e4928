"""Whether it works, by the lanes' own words, told to people and to machines; nothing personal where there is no token."""

from collections.abc import Mapping
from typing import Any

from api.judging import judging, lane
from model.instant import HOUR_US, SECOND_US
from store import rounds
from store.watch import Check
from tests.api import given
from tests.api.client import Api

NOW_US = given.AT_US


def row(partition: int = 0, lag_s: float = 0, owner: str = "w", claimed: bool = True) -> Mapping[str, Any]:
    return {
        "partition": partition,
        "owner": owner,
        "claimed_at": NOW_US - HOUR_US if claimed else None,
        "watermark": NOW_US - int(lag_s * SECOND_US),
        "now": NOW_US,
    }


def test_the_worst_lane_speaks_for_all() -> None:
    live, behind, stopped = lane(row(0)), lane(row(1, lag_s=61)), lane(row(2, claimed=False))
    assert (live.state, behind.state, stopped.state) == ("live", "behind", "stopped")
    assert lane(row(0, lag_s=60)).state == "live"
    assert lane(row(0, lag_s=-3)).lag_s == 0  # the worker's clock ahead of the database's
    assert lane(row(0, owner="")).state == "stopped"
    assert judging([]).state == "stopped"
    starting = live.model_copy(update={"watermark": 0, "state": "behind"})
    said = judging([live, starting])
    assert (said.state, said.as_of, said.text) == ("behind", None, "not judged yet: a lane is starting")
    assert judging([live]).text == "judging live"
    said = judging([live, behind])
    assert (said.state, said.text, said.as_of) == ("behind", "judging as of 07:58 UTC", behind.watermark)
    said = judging([live, behind, stopped])
    assert (said.state, said.text) == ("stopped", "not judging: no worker owns lane 2")


async def put_lane(api: Api, lag_s: int, claimed: bool = True) -> None:
    await api.store.pool.execute(
        """INSERT INTO lane (partition, owner, claimed_at, watermark)
           VALUES (0, 'worker-1', CASE WHEN $2 THEN now() END, now() - make_interval(secs => $1))
           ON CONFLICT (partition) DO UPDATE SET watermark = excluded.watermark, claimed_at = excluded.claimed_at""",
        lag_s,
        claimed,
    )


async def put_look(api: Api, *checks: Check, age_s: int = 0) -> None:
    await api.store.pool.execute(
        "UPDATE watch SET looked_at = now() - make_interval(secs => $1), checks = $2", age_s, [list(check) for check in checks]
    )


async def test_readiness_follows_the_lanes(api: Api) -> None:
    await put_look(api)
    nothing = await api.get("//readyz", None)
    assert (nothing.status, nothing.json["detail"]) == (503, "not judging: no worker has ever run")
    await put_lane(api, 0)
    ready = await api.get("//readyz", None)
    assert ready.status == 200
    assert {check["name"]: check["state"] for check in ready.json["checks"]} == {"database": "ok", "lanes": "ok", "watch": "ok"}
    await put_lane(api, 3600)
    behind = await api.get("//readyz", None)
    assert behind.status == 503
    assert behind.json["detail"].startswith("judging as of")
    assert behind.json["lanes"][0]["partition"] == 0
    await put_lane(api, 0, claimed=False)
    assert (await api.get("//readyz", None)).json["detail"] == "not judging: no worker owns lane 0"


async def test_readiness_follows_the_watch(api: Api) -> None:
    await put_lane(api, 0)
    nobody = await api.get("//readyz", None)
    assert (nobody.status, nobody.json["detail"]) == (503, "no duties have looked yet: is `cordon duties` running?")
    late = Check("synthetic", "failing", "lane 0's synthetic alert of 08:00:00 UTC has not come")
    await put_look(api, Check("lanes", "ok", "left to this process"), late, Check("dead-man", "off", "none"))
    answer = await api.get("//readyz", None)
    assert (answer.status, answer.json["detail"]) == (503, late.text)
    assert [(check["name"], check["state"]) for check in answer.json["checks"]] == [
        ("database", "ok"), ("lanes", "ok"), ("watch", "ok"), ("synthetic", "failing"), ("dead-man", "off"),
    ]  # fmt: skip
    told = (await api.get("/status", "operator")).json["judging"]
    assert (told["state"], [check["name"] for check in told["failing"]]) == ("live", ["synthetic"])
    await put_look(api, late._replace(state="ok"), age_s=16)
    stale = await api.get("//readyz", None)
    assert stale.status == 503
    assert [(check["name"], check["state"]) for check in stale.json["checks"]][2:] == [
        ("watch", "failing"),
        ("synthetic", "unknown"),
    ]


async def test_status_counts(api: Api) -> None:
    await put_lane(api, 0)
    who = await given.wearer(api)
    zone = await given.zone(api, who["wearer"])
    await given.alert(api.store, who, zone)
    await given.alert(api.store, who, zone + 1, severity=3)
    await api.store.pool.execute("INSERT INTO unknown_tag VALUES (9, now(), now(), 4)")
    await api.store.pool.execute(
        "INSERT INTO dead_letter (gateway, protocol, reason, body) VALUES ('gw-1', 'http-json', 'no', '123')"
    )
    answer = (await api.get("/status", "engineer")).json
    assert answer["judging"]["state"] == "live"
    assert answer["lanes"][0] | {"lag_s": 0, "watermark": ""} == {
        "partition": 0, "owner": "worker-1", "watermark": "", "lag_s": 0, "state": "live",
    }  # fmt: skip
    assert answer["counts"] == {
        "wearers": 1, "fitted": 1, "unknown_tags": 1, "dead_letters": 1,
        "open_alerts": {"P1": 1, "P2": 0, "P3": 1, "P4": 0}, "new_alerts": 2,
    }  # fmt: skip
    assert answer["feed_position"] == await api.store.pool.fetchval("SELECT position FROM feed")
    assert answer["database_bytes"] > 1_000_000


async def test_dead_letters_are_listed_without_their_bytes(api: Api) -> None:
    for n in range(3):
        await api.store.pool.execute(
            "INSERT INTO dead_letter (gateway, protocol, reason, body) VALUES ('gw-1', 'http-json', $1, '\\x0102')", f"reason {n}"
        )
    page = (await api.get("/dead?limit=2", "engineer")).json
    assert [item["reason"] for item in page["items"]] == ["reason 2", "reason 1"]
    assert set(page["items"][0]) == {"id", "received_at", "gateway", "protocol", "reason", "bytes", "replayed_at", "settled_as"}
    assert page["items"][0]["bytes"] == 2
    rest = (await api.get(f"/dead?limit=2&cursor={page['next']}", "engineer")).json
    assert ([item["reason"] for item in rest["items"]], rest["next"]) == (["reason 0"], None)


async def test_the_audit_is_newest_first_and_filtered(api: Api) -> None:
    who = await given.wearer(api)
    await api.get(f"/wearers/{who['wearer']}", "operator")
    rows = (await api.get("/audit?limit=2", "auditor")).json
    assert rows["items"][0]["action"] == "read"
    assert len(rows["items"]) == 2
    more = (await api.get(f"/audit?limit=50&cursor={rows['next']}", "auditor")).json
    assert [item["action"] for item in more["items"]] == ["created"] * 2
    mine = (await api.get(f"/audit?actor={api.accounts['operator']}", "auditor")).json["items"]
    assert [item["subject"] for item in mine] == [f"wearer/{who['wearer']}"]
    assert (await api.get("/audit?to=2026-01-01T00:00:00Z", "auditor")).json["items"] == []
    assert (await api.get("/audit", "auditor", params={"subject": "a\0"})).status == 422


async def test_metrics_count_by_route_and_never_by_path(api: Api) -> None:
    await put_lane(api, 0)
    who = await given.wearer(api)
    await given.alert(api.store, who, await given.zone(api, who["wearer"]))
    await api.store.pool.execute("UPDATE lane SET commit_no = 7")
    await put_look(api, Check("synthetic", "failing", "late"))
    await api.store.pool.execute("INSERT INTO synthetic_crossing (lane, sent_at, seen_at, took_s) VALUES (0, now(), now(), 0.25)")
    await rounds.failed(api.store, "forgetting", 60, "OSError")
    for number in (1, 2, 999):
        await api.get(f"/wearers/{number}")
    await api.get("/Jane-Doe")
    await api.get("//secret/53.4")
    answer = await api.get("//metrics", None)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    text = answer.body.decode()
    assert 'cordon_api_requests_total{method="GET",route="/api/v1/wearers/{wearer_id}",status="404"} 2.0' in text
    assert 'cordon_api_requests_total{method="GET",route="unmatched",status="404"} 2.0' in text
    assert 'cordon_alerts_open{kind="exclusion",severity="P1"} 1.0' in text
    assert 'cordon_lane_commits_total{lane="0"} 7.0' in text
    assert 'cordon_check_ok{check="watch"} 1.0' in text
    assert 'cordon_check_ok{check="synthetic"} 0.0' in text
    assert 'cordon_synthetic_alert_seconds{lane="0"} 0.25' in text
    assert 'cordon_duty_failing{duty="forgetting"} 1.0' in text
    assert 'cordon_lane_claimed{lane="0"} 1.0' in text
    assert "cordon_api_streams 0.0" in text
    assert "Jane" not in text
    assert "53.4" not in text


async def test_an_unknown_tag_is_listed_for_somebody_to_look(api: Api) -> None:
    await given.wearer(api)
    await api.store.pool.execute("INSERT INTO unknown_tag VALUES (9, now(), now(), 4)")
    await given.fixes(api.store, given.fix(tag=9))
    [tag] = (await api.get("/tags?unknown=true")).json["items"]
    assert (tag["tag"], tag["activation"], tag["unknown"]["fixes"]) == (9, None, 4)
    assert tag["last"]["fix_at"] == "2026-11-22T08:00:00Z"
    assert [item["tag"] for item in (await api.get("/tags")).json["items"]] == [9, given.TAG]
    page = (await api.get("/tags?limit=1")).json
    assert [item["tag"] for item in (await api.get(f"/tags?limit=1&cursor={page['next']}")).json["items"]] == [given.TAG]
    assert (await api.get("/tags/12345")).status == 404
    await given.wearer(api, "Somebody", 9)
    assert (await api.get("/tags?unknown=true")).json["items"] == [], "somebody has looked"
    assert (await api.get("/status", "engineer")).json["counts"]["unknown_tags"] == 0


async def test_the_last_fix_is_the_newest_that_is_not_skewed(api: Api) -> None:
    who = await given.wearer(api)
    rows = given.track(5)
    rows["quality"][4] = 3  # a clock that runs ahead
    await given.fixes(api.store, rows)
    [tag] = (await api.get(f"/tags?wearer={who['wearer']}")).json["items"]
    assert tag["last"]["fix_at"] == "2026-11-22T08:03:00Z"
    assert tag["last"]["gateway"] == "gw-1"
    assert (await api.get("/tags?wearer=999")).json["items"] == []
