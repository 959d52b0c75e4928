"""An officer's and an operator's day through the real doors: zones drawn, entered, left and entered again, seen live."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from model import instant
from tests.integration.listener import Listener
from tests.integration.system import GATEWAY, System, stamp, system, until
from tests.integration.world import RADIUS_M, circle, fix, in_force, loaded, wearer

pytestmark = pytest.mark.xdist_group("story")

FIRST = 356307042450000
FAR_M = RADIUS_M + 500


@pytest.fixture(scope="module")
def up() -> Iterator[System]:
    with system() as made:
        made.start()
        made.people("officer", "operator", "supervisor")
        yield made


def alerts(up: System, tag: int) -> list[Any]:
    return [alert for alert in up.ask("operator", "GET", "/alerts?state=all")["items"] if alert["tag"] == tag]


def drawn(up: System, who: int, **more: Any) -> Any:
    """A zone round the usual place, saved by the officer; in force when this returns."""
    zone = up.ask("officer", "POST", "/zones", circle({"wearer": who}, **more))
    in_force(zone["in_force_from"])
    return zone


def test_entry_is_seen_live_and_exit_ends_it(up: System) -> None:
    tag = FIRST + 1
    zone = drawn(up, wearer(up, "officer", tag, "First Wearer"))
    with Listener(up) as screen:
        up.send(fix(1, tag=tag, north_m=FAR_M, at=stamp(-60)))
        entered = fix(2, tag=tag)
        up.send(entered)
        until(lambda: screen.alerts(tag) == [("opened", "exclusion", "active")], "the screen shows the entry", 5.0)
        (alert,) = alerts(up, tag)
        assert (alert["severity"], alert["zone_id"], alert["late"], alert["confidence"]) == ("P1", zone["id"], False, "definite")
        assert instant.parse(alert["event_at"]) == instant.parse(entered["fix_at"])
        up.send(fix(3, tag=tag, north_m=RADIUS_M + 30, at=stamp(45)))  # a tag's clock may be up to two minutes ahead
        assert [one["condition"] for one in alerts(up, tag)] == ["active"], "one fix just outside ends nothing"
        left = fix(4, tag=tag, north_m=FAR_M, at=stamp(90))
        up.send(left)
        until(lambda: ("ended", "exclusion", "ended") in screen.alerts(tag), "the screen shows the exit", 5.0)
    (alert,) = alerts(up, tag)
    assert alert["condition"] == "ended"
    assert alert["handling"] == "new", "ended but not closed stays in the queue"


def test_a_zone_is_in_force_one_second_after_it_is_saved(up: System) -> None:
    tag = FIRST + 2
    who = wearer(up, "officer", tag, "Second Wearer")
    up.send(fix(1, tag=tag, north_m=FAR_M, at=stamp(-60)))
    zone = up.ask("officer", "POST", "/zones", circle({"wearer": who}))
    force_us = instant.parse(zone["in_force_from"])
    assert instant.SECOND_US <= force_us - instant.parse(zone["recorded_at"]) < 2 * instant.SECOND_US
    before = instant.show(force_us - 1)
    up.send(fix(2, tag=tag, at=before))
    assert alerts(up, tag) == [], "judged by what was in force when it was taken"
    in_force(zone["in_force_from"])
    up.send(fix(3, tag=tag, at=instant.show(force_us)))
    assert [alert["kind"] for alert in alerts(up, tag)] == ["exclusion"]


def test_a_zone_drawn_round_somebody_who_stands_still(up: System) -> None:
    tag = FIRST + 3
    who = wearer(up, "officer", tag, "Third Wearer")
    up.send(fix(1, tag=tag))
    with Listener(up) as screen:
        zone = up.ask("officer", "POST", "/zones", circle({"wearer": who}))
        until(lambda: screen.alerts(tag), "an alert without any further fix", 5.0)
    (alert,) = alerts(up, tag)
    assert (alert["kind"], alert["condition"]) == ("exclusion", "active")
    assert instant.parse(alert["event_at"]) == instant.parse(zone["in_force_from"]), "the instant, not a fix"
    assert instant.parse(alert["detected_at"]) - instant.parse(alert["event_at"]) < 2 * instant.SECOND_US


def test_a_zone_that_is_ended_ends_its_condition(up: System) -> None:
    tag = FIRST + 4
    zone = drawn(up, wearer(up, "officer", tag, "Fourth Wearer"))
    up.send(fix(1, tag=tag))
    assert [alert["condition"] for alert in alerts(up, tag)] == ["active"]
    ended = up.call("officer", "DELETE", f"/zones/{zone['id']}", headers={"If-Match": '"1"'})
    assert ended.status == 202, ended.body
    up.ask("supervisor", "POST", f"/changes/{ended.json['id']}/approve")
    until(lambda: alerts(up, tag)[0]["condition"] == "ended", "the condition ends with its zone", 5.0)
    (alert,) = alerts(up, tag)
    over = up.ask("officer", "GET", f"/zones/{zone['id']}")["in_force_to"]
    assert instant.parse(alert["ended_at"]) == instant.parse(over)
    up.send(fix(2, tag=tag))
    assert len(alerts(up, tag)) == 1


def test_acknowledging_stops_the_first_clock_and_everybody_sees_it(up: System) -> None:
    tag = FIRST + 5
    drawn(up, wearer(up, "officer", tag, "Fifth Wearer"))
    up.send(fix(1, tag=tag))
    (alert,) = alerts(up, tag)
    with Listener(up, after=up.ask("operator", "GET", "/alerts")["position"]) as screen:
        done = up.ask("operator", "POST", f"/alerts/{alert['id']}/acknowledge", {"note": "Calling."})
        until(lambda: screen.alerts(tag) == [("acknowledged", "exclusion", "active")], "the other screens see it", 5.0)
    assert (done["handling"], done["owner"]["name"]) == ("acknowledged", "operator")
    assert done["next_due"] == alert["due"]["contact"]
    assert [one["what"] for one in done["history"]] == ["opened", "acknowledged"]


def test_a_cut_strap_is_told_ten_seconds_later_though_nothing_more_is_heard_and_outlives_a_kill() -> None:
    tag = FIRST + 8
    with system() as up:
        up.start()
        up.people("officer", "operator")
        wearer(up, "officer", tag, "Eighth Wearer")
        up.send(fix(1, tag=tag, north_m=FAR_M))
        opened = stamp()
        up.send(events=[{"tag": tag, "kind": "strap_tamper", "at": opened}])
        up.wait_for_another("worker", up.kill("worker"))
        until(lambda: alerts(up, tag), "an alert without any further message", 30.0)
        (alert,) = alerts(up, tag)
        told = alert["kind"], alert["severity"], alert["condition"], alert["zone_id"], alert["event_at"]
        assert told == ("strap", "P1", "active", None, opened)
        assert instant.parse(alert["detected_at"]) == instant.parse(opened) + 10 * instant.SECOND_US
        evidence = up.ask("operator", "GET", f"/alerts/{alert['id']}")["evidence"]
        assert [(one["kind"], one["at"]) for part in evidence for one in part["events"]] == [("strap_tamper", opened)]
        assert [one["seq"] for part in evidence for one in part["fixes"]] == [1], "where the wearer was last seen"
        up.send(events=[{"tag": tag, "kind": "strap_tamper_clear", "at": stamp()}])
        assert [one["condition"] for one in alerts(up, tag)] == ["active"], "a clear ends nothing"


def test_coming_back_within_ten_minutes_is_one_occurrence_and_later_another(up: System) -> None:
    """A tag that uploads its last hour at once: times are the trace's, the doors and the database are real."""
    tag = FIRST + 6
    loaded(up, [tag], [circle({})])
    minutes = {40: 0, 38: FAR_M, 37: FAR_M, 30: 0, 29: FAR_M, 28: FAR_M, 12: 0, 11: FAR_M, 10: FAR_M}
    at = {ago: stamp(-60 * ago) for ago in minutes}
    for seq, (ago, north_m) in enumerate(minutes.items()):
        up.send(fix(seq, tag=tag, north_m=north_m, at=at[ago]))
        (alert,) = alerts(up, tag) or [None]
        if alert is not None and ago in {37, 28, 10}:
            told = (alert["condition"], alert["occurrences"], alert["handling"])
            assert told == ("ended", {37: 1, 28: 1, 10: 2}[ago], "new" if ago != 28 else "acknowledged")
        if alert is not None and ago == 37:
            up.ask("operator", "POST", f"/alerts/{alert['id']}/acknowledge")
    (alert,) = alerts(up, tag)
    assert alert["late"]
    assert instant.parse(alert["event_at"]) == instant.parse(at[40]), "a row shows its first occurrence's beginning"
    assert instant.parse(alert["ended_at"]) == instant.parse(at[11]), "and its last one's end"


def test_a_full_pipeline_answers_503_and_loses_nothing() -> None:
    """With room for a few records only, gateways that send at once are slowed, and everything is stored in the end."""
    with system({"CORDON_QUEUE_RECORDS": "40", "CORDON_COMMIT_RECORDS": "40"}) as up:
        up.start()
        refused: list[tuple[int, str | None]] = []
        frames = [{"gateway": GATEWAY, "fixes": [fix(seq, tag=FIRST + sender) for seq in range(30)]} for sender in range(24)]
        key = up.key

        def send(frame: Any) -> None:
            def taken() -> bool:
                answer = up.post(frame, key=key)
                if answer.status != 200:
                    refused.append((answer.status, answer.headers["Retry-After"]))
                return answer.status == 200

            until(taken, "the frame is taken in the end")

        senders = [threading.Thread(target=send, args=(frame,)) for frame in frames]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert refused
        assert {status for status, _ in refused} == {503}
        assert all(wait is not None and int(wait) >= 1 for _, wait in refused)
        assert up.sql("SELECT count(*), count(DISTINCT (tag, seq)) FROM fix") == [(24 * 30, 24 * 30)]
        assert 'cordon_gateway_refusals_total{reason="busy"}' in up.get("/metrics").body.decode()


def test_lanes_count_whom_they_should_hear_from(up: System) -> None:
    tag = FIRST + 99
    wearer(up, "officer", tag, "Counted Wearer")
    up.send(fix(1, tag=tag))
    counted = "SELECT count(*) FROM lane_count JOIN gateway ON gateway.id = gateway WHERE name = %s AND worn > 0 AND silent = 0"
    until(lambda: up.sql(counted, GATEWAY)[0][0] > 0, "tags that are worn and were heard from are counted, none silent")
