"""Whoever is to be told is told: at once, again after a failure, by one instance at a time, and of nothing that is over."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from duties import courier as duty
from duties.courier import TRIES, TRIES_ELSE, pause_s
from duties.webhook import Webhooks
from model.alert import Kind
from model.instant import SECOND_US
from store import accounts, alerts, channels, deliveries, escalations, incidents, watch
from store.feed import edit
from store.pool import Store
from tests.duties.paged import Lanes, channel, courier, goes, in_time, order, states
from tests.duties.receivers import HANG, Web, posting, serving

WITHIN_S = 30.0
ROOM = deliveries.Room(1, 1, 0, 0)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Web]:
    async with serving() as running:
        yield running


@pytest.fixture
def lanes(store: Store) -> Lanes:
    return Lanes(store)


async def history(store: Store, alert: int) -> list[str]:
    rows = await store.pool.fetch("SELECT what, text FROM alert_history WHERE alert = $1 ORDER BY position, part", alert)
    return [f"{row['what']}: {row['text']}" for row in rows if row["what"] in {"told", "not_told", "ended"}]


async def handle(store: Store, alert: int, what: str) -> None:
    """Somebody acknowledges it, or closes it."""
    actor = await store.pool.fetchval("SELECT min(id) FROM account") or await accounts.add(store.pool, "operator", "", "operator")
    async with edit(store, actor) as change:
        row = await alerts.locked(change, alert)
        if what == "closed":
            await alerts.close(change, row, "other", "Done.", {})
        else:
            await alerts.acknowledge(change, row, "")


async def outages(store: Store) -> list[tuple[str, str, int]]:
    rows = await store.pool.fetch("SELECT subject, condition, occurrences FROM alert WHERE kind = 'undelivered' ORDER BY id")
    return [tuple(row) for row in rows]


async def check(store: Store) -> str:
    """What everybody's banner has to say of it."""
    from duties.watch import Limits, look

    await look(store, "me", Limits(synthetic_s=0))
    return next(f"{found.state}: {found.text}" for found in (await watch.last(store)).checks if found.name == "channels")


async def test_everybody_it_is_for_is_told_and_the_alert_says_so(store: Store, lanes: Lanes, desk: Web) -> None:
    async with posting() as post, courier(post.url) as one:
        await channel(store, f"{desk.url}/desk")
        await channel(store, "duty@example.org", "Night officer", "mail")
        alert = await lanes.raises()
        await goes(one, store)
        assert [got.path for got in desk.got] == ["/desk"]
        assert [letter["Subject"] for letter in post.got] == [f"Cordon P1: exclusion, alert {alert}"]
        assert await history(store, alert) == ["told: Told channel Duty desk.", "told: Told channel Night officer."]
        assert await states(store) == [("delivered", 1)] * 2
        # The chain of edits holds that they were told.
        told = await store.pool.fetch("SELECT position FROM alert_history WHERE what = 'told' ORDER BY position")
        links = [json.loads(row["body"])["rows"] for row in await store.pool.fetch("SELECT body FROM edit_link ORDER BY number")]
        held = [row[:3] for rows in links for row in rows if row[0] == "alert_history"]
        assert held == [["alert_history", alert, row["position"]] for row in told]
        await goes(one, store)
        assert (len(desk.got), len(post.got)) == (1, 1)
    assert await store.pool.fetchval("SELECT sum(delivered) FROM channel") == 2


async def test_a_channel_is_told_of_what_it_asked_for(store: Store, lanes: Lanes, desk: Web) -> None:
    officer = await accounts.add(store.pool, "officer", "", "officer")
    other = await accounts.add(store.pool, "other", "", "officer")
    elsewhere = await store.pool.fetchval("INSERT INTO organisation (name) VALUES ('Elsewhere') RETURNING id")
    await order(store, 1, officer)
    for name, fields in {
        "all": {},
        "straps": {"kinds": ["strap"]},
        "graver": {"severities": [1]},
        "both": {"kinds": ["exclusion", "strap"], "severities": [2, 3]},
        "ours": {"organisation": 1},
        "theirs": {"organisation": elsewhere},
        "caseload": {"officer": officer},
        "another's": {"officer": other},
        "off": {"active": False},
    }.items():
        await channel(store, f"{desk.url}/{name}", name, **fields)
    await lanes.raises(severity=2)
    async with courier() as one:
        await goes(one, store)
        assert {got.path[1:] for got in desk.got} == {"all", "both", "ours", "caseload"}
        # While somebody covers for the officer, it is they who answer, and who are told.
        desk.got.clear()
        await store.pool.execute(
            """INSERT INTO cover (officer, covered_by, starts, until)
               VALUES ($1, $2, now() - interval '1 day', now() + interval '1 day')""",
            *(officer, other),
        )
        await lanes.raises(severity=2)
        await goes(one, store)
        assert {got.path[1:] for got in desk.got} == {"all", "both", "ours", "another's"}
        # Another order of the wearer's, another officer's: each is told, but of what is one order's own alone its officer.
        await store.pool.execute("DELETE FROM cover")
        await store.pool.execute("UPDATE account SET active = true")
        await store.pool.execute(
            """INSERT INTO monitoring_order (wearer, type, timezone, starts, status, risk, officer, organisation)
               SELECT wearer, type, timezone, starts, status, risk, $1, $2 FROM monitoring_order WHERE wearer = 1 LIMIT 1""",
            *(other, elsewhere),
        )
        desk.got.clear()
        await lanes.raises(severity=2, zone=2)
        await goes(one, store)
        assert {got.path[1:] for got in desk.got} == {"all", "both", "ours", "theirs", "caseload", "another's"}
        desk.got.clear()
        await lanes.raises(severity=2, zone=3, kind=Kind.CURFEW_ABSENCE)
        await goes(one, store)
        assert {got.path[1:] for got in desk.got} == {"all", "ours", "caseload"}
        # What is no wearer's is under no order.
        desk.got.clear()
        async with edit(store) as change:
            await incidents.raise_(change, Kind.MONITORING_DOWN, "", "Monitoring is down.", 1_774_000_000_000_000)
        await goes(one, store)
        assert {got.path[1:] for got in desk.got} == {"all", "graver"}


async def test_an_escalation_goes_to_whom_it_is_to(store: Store, lanes: Lanes, desk: Web) -> None:
    for name, tells in {
        "all": None,
        "raised": ["raised"],
        "manager": ["duty_manager"],
        "officer": ["duty_officer", "police"],
    }.items():
        await channel(store, f"{desk.url}/{name}", name, tells=tells)
    alert = await lanes.raises()
    due_us = await store.pool.fetchval("SELECT due_acknowledge FROM alert WHERE id = $1", alert)
    async with courier() as one:
        await goes(one, store)
        assert {got.path[1:] for got in desk.got} == {"all", "raised"}
        desk.got.clear()
        async with edit(store) as change:
            [(_, _, to)] = await escalations.due(change, due_us + SECOND_US)
        await goes(one, store)
    assert {got.path[1:] for got in desk.got} == {"all", {"duty_manager": "manager", "duty_officer": "officer"}[to]}
    assert {json.loads(got.body)["type"] for got in desk.got} == {"alert.escalated"}


async def test_what_was_written_before_there_was_anybody_to_tell_is_told_to_nobody(store: Store, lanes: Lanes, desk: Web) -> None:
    await lanes.raises()
    async with courier() as one:
        await goes(one, store)
        await channel(store, desk.url)
        await goes(one, store)
    assert desk.got == []


async def noon(store: Store, shift: str) -> dict[str, str]:
    """A digest so much from now, by the clock of a zone where it is noon: no midnight lies between."""
    hour: int = await store.pool.fetchval("SELECT extract(hour FROM now() AT TIME ZONE 'UTC')::integer")
    zone = f"Etc/GMT{hour - 12:+d}" if hour != 12 else "Etc/GMT"  # their signs are the other way round
    at = await store.pool.fetchval("SELECT to_char((now() + $1::text::interval) AT TIME ZONE $2, 'HH24:MI')", shift, zone)
    return {"digest_at": at, "digest_timezone": zone}


async def test_a_digest_is_written_once_a_day_at_its_time_by_one_of_many(store: Store, lanes: Lanes, desk: Web) -> None:
    officer = await accounts.add(store.pool, "officer", "", "officer")
    await order(store, 1, officer)
    taken = await lanes.raises(severity=3, zone=1)
    await lanes.raises(severity=1, zone=2)
    closed = await lanes.raises(severity=2, zone=3)
    await handle(store, taken, "acknowledged")
    await handle(store, closed, "closed")
    async with edit(store) as change:
        await incidents.raise_(change, Kind.MONITORING_DOWN, "", "Monitoring is down.", 1_774_000_000_000_000)
    for name, shift, fields in (
        ("officer", "-1 minute", {"officer": officer, "tells": ["digest"]}),
        ("all", "-1 minute", {"tells": ["digest"]}),
        ("later", "2 hours", {"tells": ["digest"]}),
        ("too late", "-3 hours", {"tells": ["digest"]}),
        ("off", "-1 minute", {"active": False}),
    ):
        await channel(store, f"{desk.url}/{name.replace(' ', '-')}", name, **await noon(store, shift), **fields)
    async with courier() as one, courier() as two, courier() as three:
        for _ in range(2):
            await asyncio.gather(*(goes(each, store) for each in (one, two, three)))
            for each in (one, two, three):
                each._digested_s = -duty.DIGESTS_S * 2  # as if the time to look had come again
        said = {got.path[1:]: json.loads(got.body) for got in desk.got}
        assert (len(desk.got), await states(store)) == (2, [("delivered", 1)] * 2)
        assert {body["type"] for body in said.values()} == {"digest"}
        numbers = {
            name: [body["data"][each] for each in ("p1", "p2", "p3", "p4", "untaken", "raised")] for name, body in said.items()
        }
        assert numbers == {"officer": [1, 0, 1, 0, 1, 3], "all": [2, 0, 1, 0, 2, 3]}
        # The next day it is written again.
        await store.pool.execute("UPDATE channel SET digest_day = digest_day - 1")
        await store.pool.execute("UPDATE alert SET handling = 'new' WHERE id = $1", taken)  # given back to the queue
        one._digested_s = -duty.DIGESTS_S * 2
        await goes(one, store)
        assert len(desk.got) == 4
        assert {got.path[1:]: json.loads(got.body)["data"]["untaken"] for got in desk.got[2:]} == {"officer": 2, "all": 3}


async def test_a_digest_that_does_not_come_is_an_outage_too(store: Store, desk: Web) -> None:
    desk.says["/"] = 500
    await channel(store, f"{desk.url}/", **await noon(store, "-1 minute"))
    async with courier() as one:
        for _ in range(TRIES_ELSE):
            await goes(one, store)
            await in_time(store)
    assert await outages(store) == [("Duty desk", "active", 1)]


async def test_a_receiver_that_fails_is_tried_again_with_the_same_message(store: Store, lanes: Lanes, desk: Web) -> None:
    desk.says["/"] = 500
    await channel(store, f"{desk.url}/")
    await lanes.raises()
    async with courier() as one:
        await goes(one, store)
        await goes(one, store)
        assert len(desk.got) == 1, "not before its time"
        row = await store.pool.fetchrow("SELECT *, extract(epoch FROM due_at - tried_at)::float8 AS pause FROM delivery")
        assert row is not None
        assert (row["state"], row["attempts"], row["last_error"]) == ("waiting", 1, "the receiver answers 500")
        assert 5 * 0.75 <= row["pause"] <= 5 * 1.25 + WITHIN_S
        await in_time(store)
        desk.says["/"] = 200
        await goes(one, store)
    assert await states(store) == [("delivered", 2)]
    assert list(desk.counted().values()) == [2]
    assert desk.got[0].body == desk.got[1].body


def test_pauses_grow_and_a_p1_waits_a_minute_at_most() -> None:
    assert [pause_s(2, n) for n in range(1, 9)] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert [pause_s(1, n) for n in range(1, 7)] == [5, 10, 20, 40, 60, 60]
    assert pause_s(4, 10_000) == 300
    # The sum up to when somebody is told: a P1 within its first clock, others longer than a mail server greylists (five minutes).
    assert sum(pause_s(1, n) for n in range(1, TRIES[1])) <= 120
    assert sum(pause_s(2, n) for n in range(1, TRIES_ELSE)) * (1 - duty.JITTER) > 300


async def test_a_mail_server_that_greylists_is_no_outage(store: Store, lanes: Lanes) -> None:
    async with posting("451 4.7.1 later", "451 4.7.1 later") as post, courier(post.url) as one:
        await channel(store, "duty@example.org", kind="mail")
        await lanes.raises(severity=2)
        for _ in range(3):
            await goes(one, store)
            await in_time(store)
        assert [letter["Subject"] for letter in post.got] == ["Cordon P2: exclusion, alert 1"]
    assert await outages(store) == []


async def test_after_some_tries_engineers_are_told_once_and_the_rest_is_told_when_it_is_back(
    store: Store, lanes: Lanes, desk: Web
) -> None:
    desk.says["/bad"] = 500
    bad = await channel(store, f"{desk.url}/bad", "Duty desk")
    await channel(store, f"{desk.url}/engineers", "Engineers", kinds=["undelivered"])
    first = await lanes.raises(zone=1)
    second = await lanes.raises(zone=2)
    async with courier() as one:
        for n in range(TRIES[1]):
            assert await outages(store) == [], n
            assert await check(store) == "ok: every channel delivers"
            await goes(one, store)
            await in_time(store)
        assert await outages(store) == [("Duty desk", "active", 1)]
        assert (await check(store)).startswith(f"failing: messages do not get through channel {bad} since ")
        for alert in (first, second):
            assert await history(store, alert) == [
                "not_told: Channel Duty desk could not be told in 5 tries: the receiver answers 500."
            ]
        # Engineers hear of it by another channel; the one that fails does not hear of itself.
        await goes(one, store)
        assert [got.path for got in desk.got if got.path != "/bad"] == ["/engineers"]
        assert await store.pool.fetchval("SELECT count(*) FROM delivery WHERE channel = $1", bad) == 2
        # It is still tried, for they still matter. Back again, it gets them, and the alert ends by itself.
        assert await store.pool.fetchval("SELECT count(*) FROM delivery WHERE state = 'dead' AND due_at IS NOT NULL") == 2
        desk.says["/bad"] = 200
        await store.pool.execute("UPDATE delivery SET due_at = now() + interval '1 hour' WHERE alert = $1", second)
        await store.pool.execute("UPDATE delivery SET due_at = now() WHERE alert = $1", first)
        await goes(one, store)
        await goes(one, store)
    assert await outages(store) == [("Duty desk", "ended", 1)]
    assert await check(store) == "ok: every channel delivers"
    for alert in (first, second):
        assert (await history(store, alert))[-1] == "told: Told channel Duty desk."
    [undelivered] = await store.pool.fetch("SELECT id FROM alert WHERE kind = 'undelivered'")
    assert "ended: Channel Duty desk delivers again." in await history(store, undelivered["id"])


async def test_a_channel_that_fails_again_calls_again(store: Store, lanes: Lanes, desk: Web) -> None:
    await channel(store, f"{desk.url}/")
    async with courier() as one:
        for n, says in enumerate((500, 200, 500)):
            desk.says["/"] = says
            await lanes.raises(zone=n + 1)
            for _ in range(TRIES[1]):
                await goes(one, store)
                await in_time(store)
    assert await outages(store) == [("Duty desk", "active", 2)]


async def test_an_address_that_is_refused_for_good_is_not_tried_again_until_it_is_another(store: Store, lanes: Lanes) -> None:
    async with posting("550 5.1.1 no such person") as post, courier(post.url) as one:
        number = await channel(store, "dutty@example.org", kind="mail")
        await lanes.raises(severity=2)
        await goes(one, store)
        assert await outages(store) == [("Duty desk", "active", 1)], "the first refusal is enough"
        await in_time(store)
        await goes(one, store)
        assert post.asked == 1
        async with edit(store) as change:
            await channels.edit(change, number, 1, {"target": "duty@example.org"})
        await goes(one, store)
        assert [letter["To"] for letter in post.got] == ["duty@example.org"]
    assert await outages(store) == [("Duty desk", "ended", 1)]


async def test_a_receiver_that_wants_no_more_is_switched_off_and_engineers_are_told(
    store: Store, lanes: Lanes, desk: Web
) -> None:
    desk.says["/"] = 410
    number = await channel(store, f"{desk.url}/")
    await lanes.raises()
    async with courier() as one:
        await goes(one, store)
        row = await channels.get(store.pool, number)
        assert (row["active"], row["off_because"]) == (False, "the receiver answers 410: it wants no more messages")
        # Nobody did it, so the audit says that Cordon did.
        noted = await store.pool.fetchrow("SELECT actor, subject, details FROM audit WHERE action = 'switched off'")
        assert tuple(noted) == (None, f"channel/{number}", {"version": row["version"], "because": row["off_because"]})
        assert await outages(store) == [("Duty desk", "active", 1)]
        await lanes.raises(zone=2)
        await goes(one, store)
        await in_time(store)
        await goes(one, store)
        assert len(desk.got) == 1
        # Somebody decides that this is right: nobody is to be told, and the alert is over.
        async with edit(store) as change:
            await channels.edit(change, number, row["version"], {"active": False})
    assert await outages(store) == [("Duty desk", "ended", 1)]
    assert (await channels.get(store.pool, number))["off_because"] == ""


async def test_after_an_outage_no_burst_of_stale_pages(store: Store, lanes: Lanes, desk: Web) -> None:
    """What was taken, ended or closed meanwhile is not sent; of a P1 the end is, once; what still calls for somebody is."""
    desk.says["/"] = 503
    await channel(store, f"{desk.url}/")
    taken = await lanes.raises(severity=2, zone=1)
    ended = await lanes.raises(severity=2, zone=2)
    closed = await lanes.raises(severity=3, zone=3)
    waits = await lanes.raises(severity=2, zone=4)
    over = await lanes.raises(severity=1, zone=5)
    calls = await lanes.raises(severity=1, zone=6)
    async with courier() as one:
        await goes(one, store)
        await goes(one, store)  # each channel has four tries at once
        await handle(store, taken, "acknowledged")
        await lanes.ends(zone=2, severity=2)
        await handle(store, closed, "closed")
        await lanes.ends(zone=5)
        await lanes.raises(zone=6)  # it calls a second time: of a P1 each call is told
        await lanes.raises(severity=2, zone=4)  # of others the last stands for all
        desk.says["/"] = 200
        desk.got.clear()
        for _ in range(3):
            await in_time(store)
            await goes(one, store)
    said = [json.loads(got.body) for got in desk.got]
    assert sorted((one["type"], one["data"]["alert"]) for one in said) == sorted(
        [("alert.raised", waits), ("alert.over", over), ("alert.raised", calls), ("alert.raised", calls)]
    )
    left = await store.pool.fetch("SELECT alert, last_error FROM delivery WHERE state = 'superseded' ORDER BY alert")
    assert [tuple(row) for row in left] == [
        (taken, "not needed any more: somebody has taken it"),
        (ended, "not needed any more: it ended by itself"),
        (closed, "not needed any more: it was closed"),
        (waits, "a later message says more"),
    ]
    assert (await history(store, over))[-1] == "told: Told channel Duty desk that it is over."


async def test_a_receiver_that_hangs_keeps_nobody_waiting_but_itself(store: Store, lanes: Lanes, desk: Web) -> None:
    desk.says["/hangs"] = HANG
    await channel(store, f"{desk.url}/hangs", "Hangs")
    await channel(store, f"{desk.url}/well", "Well")
    for zone in range(1, 7):
        await lanes.raises(zone=zone)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duty, "GRACE_S", 0.0)
        async with asyncio.timeout(WITHIN_S), courier() as one:
            while len([got for got in desk.got if got.path == "/well"]) < 6:
                await one.round(store)
                await asyncio.sleep(0.01)
            assert len([got for got in desk.got if got.path == "/hangs"]) == duty.EACH + duty.EACH_P1
            last = await lanes.raises(zone=7)
            while not [got for got in desk.got if got.path == "/well" and f'"alert": {last},'.encode() in got.body]:
                await one.round(store)
                await asyncio.sleep(0.01)
            assert len([got for got in desk.got if got.path == "/hangs"]) == duty.EACH + duty.EACH_P1


async def test_a_p1_never_waits_for_what_hangs(store: Store, lanes: Lanes, desk: Web) -> None:
    """Neither where one channel's tries hang, nor where those of many channels take every slot: some are for P1 alone."""
    many = duty.AT_ONCE // duty.EACH
    for number in range(many):
        desk.says[f"/{number}"] = HANG
        await channel(store, f"{desk.url}/{number}", f"Hangs {number}")
    for zone in range(1, duty.EACH + 2):  # one more than each has room for
        await lanes.raises(severity=3, zone=zone)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duty, "GRACE_S", 0.0)
        async with asyncio.timeout(WITHIN_S), courier() as one:
            await one.round(store)
            await desk.until(lambda web: len(web.got) >= duty.AT_ONCE)
            await one.round(store)
            assert len(one._tries) == duty.AT_ONCE
            desk.says["/0"] = 200  # what hung there hangs on
            page = await lanes.raises(severity=1, zone=9)
            await one.round(store)
            await desk.until(lambda web: any(f'"alert": {page},'.encode() in got.body for got in web.got if got.path == "/0"))


async def test_the_gravest_goes_first(store: Store, lanes: Lanes, desk: Web) -> None:
    await channel(store, f"{desk.url}/")
    for zone, severity in enumerate((4, 3, 3, 2, 2, 1), 1):
        await lanes.raises(severity=severity, zone=zone)
    async with courier() as one:
        await one.round(store)
        begun = await store.pool.fetch("SELECT severity FROM delivery WHERE attempts = 1 ORDER BY severity")
        await goes(one, store)
    assert [row["severity"] for row in begun] == [1, 2, 2, 3]


async def test_one_try_is_under_way_at_a_time_however_many_instances_run(store: Store, lanes: Lanes, desk: Web) -> None:
    desk.says["/"] = HANG
    await channel(store, f"{desk.url}/")
    await lanes.raises()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duty, "GRACE_S", 0.0)
        async with asyncio.timeout(WITHIN_S), courier() as one, courier() as two, courier() as three:
            await asyncio.gather(*(each.round(store) for each in (one, two, three)))
            await desk.until(lambda web: bool(web.got))
            for _ in range(5):
                await asyncio.gather(*(each.round(store) for each in (one, two, three)))
            assert len(one._tries) + len(two._tries) + len(three._tries) == 1
            assert (len(desk.got), await states(store)) == (1, [("waiting", 1)])


async def test_what_one_has_taken_another_does_not_see(store: Store, lanes: Lanes, desk: Web) -> None:
    await channel(store, f"{desk.url}/")
    await lanes.raises()
    await deliveries.address(store)
    async with deliveries.turn(store, {}, ROOM) as one, deliveries.turn(store, {}, ROOM) as other:
        assert (len(one.due), len(other.due)) == (1, 0)


async def test_what_was_addressed_while_a_channel_was_switched_off_is_let_go_of(store: Store, lanes: Lanes, desk: Web) -> None:
    await channel(store, f"{desk.url}/")
    await lanes.raises()
    await deliveries.address(store)
    await store.pool.execute("UPDATE channel SET active = false")
    async with courier() as one:
        await goes(one, store)
    assert (desk.got, await states(store)) == ([], [("superseded", 0)])


async def test_many_instances_at_once_send_each_message_once(store: Store, lanes: Lanes, desk: Web) -> None:
    await channel(store, f"{desk.url}/a", "A")
    await channel(store, f"{desk.url}/b", "B")
    for zone in range(1, 13):
        await lanes.raises(zone=zone)
    async with courier() as one, courier() as two, courier() as three:
        for _ in range(4):
            await asyncio.gather(*(goes(each, store) for each in (one, two, three)))
    assert set(desk.counted().values()) == {1}
    assert len(desk.counted()) == 24


async def test_what_was_sent_and_could_not_be_noted_is_sent_again_by_its_key(
    store: Store, lanes: Lanes, desk: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    await channel(store, f"{desk.url}/")
    await lanes.raises()
    noted = deliveries.delivered
    async with courier() as one:

        async def away(*_: object) -> None:
            raise OSError("the database is away")

        monkeypatch.setattr(deliveries, "delivered", away)
        await goes(one, store)
        assert await states(store) == [("waiting", 1)]
        monkeypatch.setattr(deliveries, "delivered", noted)
        with pytest.raises(OSError, match="away"):
            await one.round(store)
        assert len(desk.got) == 1, "the lease is not over"
        await in_time(store)
        await goes(one, store)
    assert await states(store) == [("delivered", 2)]
    assert list(desk.counted().values()) == [2]


async def test_a_late_answer_of_one_that_was_taken_for_dead_undoes_nothing(store: Store, lanes: Lanes, desk: Web) -> None:
    await channel(store, f"{desk.url}/")
    await lanes.raises()
    await deliveries.address(store)
    async with deliveries.turn(store, {}, ROOM) as turn:
        [asleep] = turn.due
        await turn.begin({asleep.id: 0.0})
    async with courier() as one:
        await goes(one, store)
    assert await states(store) == [("delivered", 2)]
    await deliveries.failed(store, asleep, "the receiver answers 500", 5.0, dead=True)
    assert await states(store) == [("delivered", 2)]
    assert await outages(store) == []


async def test_an_error_nobody_foresaw_counts_as_a_try_and_is_said(
    store: Store, lanes: Lanes, desk: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fault(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(Webhooks, "send", fault)
    await channel(store, desk.url)
    await lanes.raises()
    async with courier() as one:
        await goes(one, store)
        with pytest.raises(RuntimeError):
            await one.round(store)
    row = await store.pool.fetchrow("SELECT state, attempts, last_error FROM delivery")
    assert tuple(row or ()) == ("waiting", 1, "an error of ours (RuntimeError)")


async def test_a_dead_one_is_let_go_of_after_a_day(store: Store, lanes: Lanes, desk: Web) -> None:
    desk.says["/"] = 500
    await channel(store, f"{desk.url}/")
    await lanes.raises()
    async with courier() as one:
        for _ in range(TRIES[1]):
            await goes(one, store)
            await in_time(store)
        await store.pool.execute("UPDATE delivery SET created_at = now() - interval '25 hours'")
        await goes(one, store)
        await in_time(store)
        await goes(one, store)
    assert await states(store) == [("dead", TRIES[1])]


async def test_a_test_is_tried_once_and_wakes_nobody(store: Store, desk: Web) -> None:
    desk.says["/"] = 500
    number = await channel(store, f"{desk.url}/")
    async with edit(store) as change:
        await deliveries.trial(change, number)
    async with courier() as one:
        for _ in range(2):
            await goes(one, store)
            await in_time(store)
    assert await states(store) == [("dead", 1)]
    assert await outages(store) == []


async def test_a_test_that_comes_shows_that_a_channel_is_well_again(store: Store, lanes: Lanes, desk: Web) -> None:
    desk.says["/"] = 500
    number = await channel(store, f"{desk.url}/")
    alert = await lanes.raises()
    async with courier() as one:
        for _ in range(TRIES[1]):
            await goes(one, store)
            await in_time(store)
        await store.pool.execute("UPDATE delivery SET due_at = now() + interval '1 minute'")
        desk.says["/"] = 200
        async with edit(store) as change:
            await deliveries.trial(change, number)
        await goes(one, store)
        assert await outages(store) == [("Duty desk", "ended", 1)]
        await goes(one, store)
    assert (await history(store, alert))[-1] == "told: Told channel Duty desk."
