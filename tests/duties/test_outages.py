"""Silence behind one gateway over all lanes is one incident: it holds what follows from it, and lets go of what stands alone."""

import asyncio
from collections.abc import Iterable, Mapping

from duties import paper
from duties.watch import look
from model.instant import MINUTE_US
from model.outage import Group
from store import alerts, counts, escalations, feed, gateways, outages, world
from store.lanes import Claim
from store.outages import Tag
from store.pool import Connection, Store
from tests.duties.looking import NO_ONE, WAITING, put_lane


async def overdue(
    store: Store, partition: int, worn: int, tags: Iterable[int], unknown: Iterable[int] = (), epoch: int = 0
) -> None:
    """What a lane says of gateway gw-1: tags overdue since five minutes ago, one second after another."""
    number = await gateways.number(store, "gw-1")
    now_us = await store.pool.fetchval("SELECT clock_timestamp()")
    claim = Claim(partition, epoch, 0, b"")
    silent = [Tag(tag, now_us - 300_000_000 + tag * 1_000_000, str(number), "EE", "M3", tag % 10 == 5) for tag in sorted(tags)]
    unknown = set(unknown)
    await counts.write(store, claim, now_us, [(number, worn, len(silent), len(unknown))])
    await outages.write(store, claim, {Group("network", "EE"): 10 * worn, Group("model", "M3"): 10 * worn}, silent, unknown)


async def lanes(store: Store) -> None:
    await put_lane(store, 0)
    await store.pool.execute("INSERT INTO lane (partition, owner, claimed_at, watermark) VALUES (1, 'w', now(), now())")


async def test_a_gateway_that_goes_silent_over_all_lanes_is_one_incident_with_its_list(store: Store) -> None:
    await lanes(store)
    await overdue(store, 0, 50, range(1, 11))
    await overdue(store, 1, 50, range(11, 20))
    assert await look(store, "me", NO_ONE) is None  # nineteen of a hundred
    await overdue(store, 1, 50, range(11, 31), epoch=9)
    assert await look(store, "me", NO_ONE) is None  # from an owner that was
    await overdue(store, 1, 50, range(11, 21))
    assert list(await look(store, "me", NO_ONE) or {}) == ["outage"]
    await overdue(store, 1, 50, range(11, 61))
    assert await look(store, "me", NO_ONE) is None
    [alert] = await store.pool.fetch("SELECT * FROM alert")
    assert (alert["kind"], alert["subject"], alert["severity"], alert["wearer"]) == ("fleet_outage", "gw-1", 1, None)
    found = (await alerts.get(store, alert["id"])).listed
    assert len(found) == 60
    assert [row["tag"] for row in found[:7]] == [5, 15, 25, 35, 45, 55, 1], "victims' first"
    # While lanes are behind nobody can say who is silent.
    await put_lane(store, 120)
    await overdue(store, 1, 50, ())
    assert list(await look(store, "me", NO_ONE) or {}) == ["raised", "checks"]
    await put_lane(store, 0)
    await overdue(store, 1, 50, range(11, 31))
    assert list(await look(store, "me", NO_ONE) or {}) == ["outage_over"], "half of sixty are back"
    said = await store.pool.fetch("SELECT what, text FROM alert_history WHERE alert = $1 ORDER BY position", alert["id"])
    assert [tuple(row) for row in said] == [
        (
            "opened",
            "20 of 100 tags of gateway gw-1 are silent, each for longer than is usual for it. From 2 of their wearers a victim "
            "is to be protected: check on those by hand first.",
        ),
        ("ended", "Half are back: 30 of 100 tags of gateway gw-1 are silent."),
    ]
    assert await look(store, "me", NO_ONE) is None
    await store.pool.execute("UPDATE outage SET ended_at = ended_at - interval '15 minutes'")
    assert list(await look(store, "me", NO_ONE) or {}) == ["outage_settled"]
    assert await look(store, "me", NO_ONE) is None, "those left over count for no other"


async def test_lanes_that_move_end_no_outage_until_tags_are_heard_again(store: Store) -> None:
    await lanes(store)
    await overdue(store, 0, 80, range(1, 81))
    await overdue(store, 1, 120, range(101, 221))
    assert list(await look(store, "me", NO_ONE) or {}) == ["outage"]
    await overdue(store, 0, 80, (), unknown=range(1, 81))
    await overdue(store, 1, 120, (), unknown=range(101, 221))
    assert await look(store, "me", NO_ONE) is None, "nobody knows yet"
    await overdue(store, 1, 120, ())
    assert list(await look(store, "me", NO_ONE) or {}) == ["outage_over"], "all of one lane's are back"


async def silence(store: Store, who: Mapping[str, int], tag: int, severity: int, silent_min: float = 15) -> int:
    """A no-contact alert as a lane writes it, its page with it; silent since so long ago."""
    number: int = await store.pool.fetchval(
        """INSERT INTO alert (wearer, family, kind, severity, condition, confidence, late, event_at, detected_at, occurrences,
               calls, tag, zone, zone_version, monitoring_order, raised_seq, due_acknowledge)
           VALUES ($1, 'no_contact', 'no_contact', $2, 'active', 'definite', false, now() - $5 * interval '1 minute',
               clock_timestamp(), 1, 1, $3, 0, 0, $4, 0, clock_timestamp() + interval '15 minutes') RETURNING id""",
        *(who["wearer"], severity, tag, who["order"], silent_min),
    )
    await page(store, number, severity)
    return number


async def page(on: Store | Connection, number: int, severity: int = 2) -> None:
    """As a lane writes it, within a transaction of its own where a store is given."""
    body = {"alert": number, "kind": "no_contact", "severity": severity}
    sql = "INSERT INTO outbox (position, alert, topic, body) VALUES (1, $1, 'alert', $2)"
    await (on.pool if isinstance(on, Store) else on).execute(sql, number, body)


async def pages(store: Store) -> list[int]:
    return [
        row[0]
        for row in await store.pool.fetch(
            "SELECT alert FROM outbox WHERE topic = 'alert' AND body ->> 'kind' = 'no_contact' ORDER BY id"
        )
    ]


async def wearers(store: Store, count: int) -> list[dict[str, int]]:
    """So many, with tags from 1 on."""
    made = await world.create(
        store,
        [world.NewWearer(f"Wearer {tag}") for tag in range(count)],
        [world.NewOrder(row, 0) for row in range(count)],
        [world.NewActivation(row, row + 1, 0) for row in range(count)],
    )
    return [{"wearer": made.wearers[row], "order": made.orders[row]} for row in range(count)]


async def begun(store: Store, count: int) -> list[dict[str, int]]:
    """An outage of thirty tags behind one gateway goes on; so many wearers, with tags from 1 on."""
    who = await wearers(store, count)
    await lanes(store)
    await overdue(store, 0, 30, range(1, 31))
    await look(store, "me", NO_ONE)
    return who


async def causes(store: Store) -> list[int | None]:
    """Under which outage each silence is held now."""
    rows = await store.pool.fetch("SELECT outage_of(id) FROM alert WHERE kind = 'no_contact' ORDER BY id")
    return [row[0] for row in rows]


async def test_silence_is_held_under_an_outage_and_a_p1_still_pages(store: Store) -> None:
    """One before it, two in it, a P1 among them; who is back is never paged for, who is not is, a quarter of an hour later."""
    who = await wearers(store, 4)
    await lanes(store)
    early = await silence(store, who[0], 1, 2)
    await overdue(store, 0, 30, range(1, 31))
    assert await look(store, "me", NO_ONE) == {"outage": early + 1, "held": 1}
    later = await silence(store, who[1], 2, 2)
    grave = await silence(store, who[2], 3, 1)
    back = await silence(store, who[3], 4, 2)
    assert await pages(store) == [early, grave], "a P1 never waits"
    assert await look(store, "me", NO_ONE) == {"held": 3}, "it is held all the same"
    held = await store.pool.fetch(
        "SELECT id, outage_of(id) AS cause, held_under FROM alert WHERE kind = 'no_contact' ORDER BY id"
    )
    assert [tuple(row) for row in held] == [(number, early + 1, None) for number in (early, later, grave, back)]
    await store.pool.execute("UPDATE alert SET due_acknowledge = now() - interval '2 hours' WHERE id = ANY ($1)", [later, grave])
    await paper.look(store)
    unworked = await store.pool.fetch("SELECT wearer FROM alert WHERE reason = 'unworked_alert'")
    assert [row["wearer"] for row in unworked] == [who[2]["wearer"]], "whose clocks stand still is not unworked"
    await store.pool.execute("UPDATE alert SET condition = 'ended', ended_at = clock_timestamp() WHERE id = $1", back)
    await overdue(store, 0, 30, [1, 2, 3])
    assert await look(store, "me", NO_ONE) == {"outage_over": early + 1}
    assert await pages(store) == [early, grave], "recovery pages nobody"
    await store.pool.execute("UPDATE outage SET ended_at = ended_at - interval '15 minutes'")
    await store.pool.execute("UPDATE alert SET ended_at = ended_at - interval '15 minutes' WHERE id = $1", back)
    assert await look(store, "me", NO_ONE) == {"outage_settled": early + 1}
    assert await look(store, "me", NO_ONE) == {"released": 4, "alone": 3}
    assert await pages(store) == [early, grave, later], "still silent, and not paged for yet"
    assert await causes(store) == [None] * 4, "nor does it hold who is back: their next silence is another matter"
    assert await look(store, "me", NO_ONE) is None
    said = await store.pool.fetch("SELECT what, text FROM alert_history WHERE alert = $1 ORDER BY position", later)
    assert [tuple(row) for row in said] == [
        ("held", f"Follows from outage {early + 1}."),
        ("stands alone", f"Still silent when outage {early + 1} was settled."),
    ]


async def settled(store: Store) -> None:
    """The outage that goes on is settled: all but three tags are back for a quarter of an hour."""
    await overdue(store, 0, 30, [1, 2, 3])
    assert "outage_over" in (await look(store, "me", NO_ONE) or {})
    await store.pool.execute("UPDATE outage SET ended_at = ended_at - interval '15 minutes'")


async def escalate(store: Store, minutes: float) -> list[tuple[int, int, str]]:
    now_us = await store.pool.fetchval("SELECT clock_timestamp()")
    async with feed.edit(store) as change:
        return await escalations.due(change, now_us + int(minutes * MINUTE_US))


async def test_what_is_held_escalates_by_clocks_that_run_from_its_release(store: Store) -> None:
    who = await wearers(store, 3)
    await lanes(store)
    before = await silence(store, who[0], 1, 2)
    await overdue(store, 0, 30, range(1, 31))
    await look(store, "me", NO_ONE)
    held, grave = await silence(store, who[1], 2, 2), await silence(store, who[2], 3, 1)
    await look(store, "me", NO_ONE)
    outage = await store.pool.fetchval("SELECT alert FROM outage")
    assert [row[0] for row in await escalate(store, 16)] == [outage, grave]
    await settled(store)
    await look(store, "me", NO_ONE)
    await store.pool.execute("UPDATE outage_hold SET held_at = held_at - interval '1 hour'")  # it went on for an hour
    await look(store, "me", NO_ONE)
    assert await escalate(store, 16) == []
    assert {before, held} <= {row[0] for row in await escalate(store, 76)}
    sent = await store.pool.fetch("SELECT alert FROM outbox WHERE topic = 'escalation' AND alert = ANY($1)", [before, held])
    assert len(sent) == 2, "what history says was sent"


async def test_an_escalation_of_what_a_list_explains_is_sent(store: Store) -> None:
    """Its own silence began before the list's, so its page was sent; one level is due before the watch has looked again."""
    who = await wearers(store, 1)
    await lanes(store)
    early = await silence(store, who[0], 1, 2)
    await overdue(store, 0, 30, range(1, 31))
    async with feed.edit(store) as change:
        now_us = await store.pool.fetchval("SELECT clock_timestamp()")
        await outages.begin(change, Group("gateway", "1"), 30, [Tag(1, now_us, "1", "", "", False)], now_us)
    assert [row[0] for row in await escalate(store, 16)] == [early, early + 1]
    assert await store.pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'escalation' AND alert = $1", early) == 1


async def test_a_list_that_is_older_than_what_was_heard_since_mutes_nobody(store: Store) -> None:
    who = await begun(store, 2)
    afresh = await silence(store, who[0], 1, 2, silent_min=1)
    await store.pool.execute("UPDATE outage_tag SET wearer = NULL WHERE tag = 2")
    another = await silence(store, who[1], 2, 2)
    assert await pages(store) == [afresh, another], "heard since it was listed; worn by somebody else"
    assert await look(store, "me", NO_ONE) is None
    assert await causes(store) == [None, None]


async def test_a_silence_that_came_again_is_muted_by_its_last_occurrence(store: Store) -> None:
    who = await begun(store, 1)
    number = await silence(store, who[0], 1, 2)
    await store.pool.execute(
        """INSERT INTO alert_occurrence (alert, tag, occurrence, kind, severity, confidence, late, event_at, detected_at,
               zone_version, monitoring_order)
           SELECT id, tag, at, kind, severity, confidence, false, at, now(), 0, monitoring_order
           FROM alert, unnest(ARRAY[event_at, now()]) AS at WHERE id = $1""",
        number,
    )
    await store.pool.execute("UPDATE alert SET calls = 2 WHERE id = $1", number)
    await page(store, number)
    assert await pages(store) == [number]


async def test_a_page_written_while_its_outage_is_settled_is_released_by_the_next_look(store: Store) -> None:
    who = await begun(store, 1)
    async with feed.edit(store) as change:
        await outages.settle(change, await store.pool.fetchval("SELECT id FROM outage"), 0)
        number = await silence(store, who[0], 1, 2)  # which cannot know of it yet
        assert await pages(store) == []
    for _ in range(2):
        await look(store, "me", NO_ONE)
    assert (await pages(store), await causes(store)) == ([number], [None])


async def test_a_lane_that_has_the_feed_pages_what_a_look_has_in_hand(store: Store) -> None:
    """Neither waits for the other's rows, to hold or to release."""
    who = await begun(store, 1)
    number = await silence(store, who[0], 1, 2)
    looks = []
    for call, begin in ((2, overdue(store, 0, 30, range(1, 31))), (3, settled(store))):
        await begin
        if call == 3:
            assert list(await look(store, "me", NO_ONE) or {}) == ["outage_settled"]
        async with store.pool.acquire() as lane, lane.transaction():
            await lane.execute("UPDATE alert SET calls = $2 WHERE id = $1", number, call)
            await lane.execute("UPDATE feed SET position = position + 1")
            looking = asyncio.create_task(look(store, "me", NO_ONE))
            async with asyncio.timeout(20):
                while not await store.pool.fetchval(WAITING):  # noqa: ASYNC110 - a server has no event to wait for
                    await asyncio.sleep(0.01)
            await page(lane, number)
        looks.append(await looking)
    assert looks == [{"held": 1}, {"released": 2, "alone": 1}]
    assert await pages(store) == [number]


async def test_a_look_holds_and_releases_so_many_and_the_next_looks_the_rest(store: Store) -> None:
    count = 2 * outages.MOST + 10
    who = await wearers(store, count)
    await lanes(store)
    await overdue(store, 0, 300, range(1, count + 1))
    assert "outage" in (await look(store, "me", NO_ONE) or {})
    for tag in range(1, count + 1):
        await silence(store, who[tag - 1], tag, 2)
    assert [await look(store, "me", NO_ONE) for _ in range(4)] == [{"held": 100}, {"held": 100}, {"held": 10}, None]
    await overdue(store, 0, 300, range(1, 106))
    await look(store, "me", NO_ONE)
    await store.pool.execute("UPDATE outage SET ended_at = ended_at - interval '15 minutes'")
    await look(store, "me", NO_ONE)
    assert await pages(store) == []
    for released, alone in ((100, 100), (100, 5), (10, 0)):
        assert await look(store, "me", NO_ONE) == {"released": released, "alone": alone}
    assert await look(store, "me", NO_ONE) is None
    assert len(set(await pages(store))) == len(await pages(store)) == 105
    assert await store.pool.fetchval("SELECT count(*) FROM feed_entry WHERE what IN ('held', 'stands alone')") == count + 105
    assert (
        await store.pool.fetchval("SELECT count(*) FROM alert_history h JOIN feed_entry USING (position, what)") == count + 107
    ), "with its own two lines"


async def test_closing_its_incident_lifts_an_outage(store: Store) -> None:
    who = await begun(store, 2)
    held = await silence(store, who[0], 1, 2)
    assert await look(store, "me", NO_ONE) == {"held": 1}
    incident = await store.pool.fetchval("SELECT alert FROM outage")
    await store.pool.execute(
        "UPDATE alert SET handling = 'closed', outcome = 'other', closed_at = now(), handled_at = now() WHERE id = $1", incident
    )
    assert await look(store, "me", NO_ONE) == {"outage_over": incident, "outage_settled": incident}
    assert await look(store, "me", NO_ONE) == {"released": 1, "alone": 1}
    later = await silence(store, who[1], 2, 2)
    assert await pages(store) == [held, later]
    assert await look(store, "me", NO_ONE) is None


async def test_too_few_that_never_come_back_are_let_go_a_quarter_of_an_hour_later(store: Store) -> None:
    who = await wearers(store, 2)
    await lanes(store)
    await overdue(store, 0, 100, range(1, 21))
    await look(store, "me", NO_ONE)
    held = await silence(store, who[0], 1, 2)
    await overdue(store, 0, 100, range(1, 12))
    assert await look(store, "me", NO_ONE) == {"held": 1}
    assert await store.pool.fetchval("SELECT under_at IS NOT NULL AND ended_at IS NULL FROM outage")
    await overdue(store, 0, 100, [*range(1, 12), 60])
    assert await look(store, "me", NO_ONE) is None
    assert await store.pool.fetchval("SELECT count(*) FROM outage_tag WHERE tag = 60") == 0, "nobody joins it"
    await store.pool.execute("UPDATE outage SET under_at = under_at - interval '15 minutes'")
    incident = await store.pool.fetchval("SELECT alert FROM outage")
    assert await look(store, "me", NO_ONE) == {"outage_over": incident, "outage_settled": incident}
    assert await look(store, "me", NO_ONE) == {"released": 1, "alone": 1}
    assert await pages(store) == [held]
