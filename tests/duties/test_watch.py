"""One look says what is wrong, raises one alert for all of it, and ends it when all is well; whoever looks, one at a time."""

import asyncio

from duties import watch as duty
from duties.watch import Limits, Memory, checks, look, moved_on
from model.instant import HOUR_US, MINUTE_US, SECOND_US
from store import generations, rounds
from store.crossings import Crossing
from store.pool import Store
from store.rounds import Rounds
from store.watch import LaneRow, Readings, last
from tests.duties.looking import NO_ONE, WAITING, put_lane

NOW_US = 1_774_000_000_000_000


def lane(lag_s: float = 0.0, commit_no: int = 5, partition: int = 0, owner: str = "w") -> LaneRow:
    return LaneRow(partition, owner, commit_no, NOW_US - int(lag_s * SECOND_US))


def readings(
    *lanes: LaneRow, at_s: float = 0.0, duties: tuple[Rounds, ...] = (), crossings: tuple[Crossing, ...] = ()
) -> Readings:
    return Readings(NOW_US + int(at_s * SECOND_US), list(lanes), list(duties), list(crossings))


AWAKE = Memory(looked_us=NOW_US - 2 * SECOND_US, since_us=NOW_US - HOUR_US)


def failing(found: Readings, before: Memory = AWAKE, limits: Limits = NO_ONE) -> dict[str, str]:
    """What fails, by name."""
    return {check.name: check.text for check in checks(found, moved_on(found, before), limits) if check.state == "failing"}


def test_a_lane_over_a_minute_behind_says_as_of_when_it_judges() -> None:
    assert failing(readings(lane(60))) == {}
    assert failing(readings(lane(0), lane(61, partition=2))) == {"lanes": "judging as of 09:45:39 UTC in lane 2"}
    many = [lane(61 if n < 7 else 0, partition=n) for n in range(8)]
    assert failing(readings(*many)) == {"lanes": "judging as of 09:45:39 UTC in 7 of 8 lanes"}
    assert failing(readings(*many[:6], many[7])) == {"lanes": "judging as of 09:45:39 UTC in lanes 0, 1, 2, 3, 4, 5"}
    assert failing(readings(*many[:6])) == {"lanes": "judging as of 09:45:39 UTC in every lane"}
    assert failing(readings(lane(owner=""))) == {"lanes": "no worker owns lane 0"}
    assert failing(readings()) == {"lanes": "no worker has ever run"}
    assert failing(readings(lane())._replace(topics=1)) == {}
    assert failing(readings(lane())._replace(topics=4)) == {"lanes": "no worker ever owned 3 of 4 lanes"}


def test_a_lane_that_never_judged_is_starting_for_a_minute_and_then_missed() -> None:
    young, old = (AWAKE._replace(since_us=NOW_US - seconds * SECOND_US) for seconds in (60, 61))
    fresh = LaneRow(1, "w", 0, 0)
    nobody_s = LaneRow(1, "", 0, 0)
    for found, missed in (
        (readings(lane(), fresh), "nothing judged yet in lane 1"),
        (readings(lane(), nobody_s), "no worker owns lane 1"),
        (readings(lane())._replace(topics=2), "no worker ever owned 1 of 2 lanes"),
        (readings(), "no worker has ever run"),
    ):
        assert failing(found, young) == {}
        assert checks(found, moved_on(found, young), NO_ONE)[0].state == "starting"
        assert failing(found, old)["lanes"] == missed
    # One that has judged is missed at once.
    assert failing(readings(lane(61), fresh), young) == {"lanes": "judging as of 09:45:39 UTC in lane 0"}
    assert failing(readings(lane(owner=""), fresh), young) == {"lanes": "no worker owns lane 0"}


def test_a_lane_that_commits_nothing_for_half_a_minute_makes_no_progress() -> None:
    before = moved_on(readings(lane(commit_no=5)), AWAKE)
    assert failing(readings(lane(commit_no=5), at_s=30), before._replace(looked_us=NOW_US + 28 * SECOND_US)) == {}
    still = before._replace(looked_us=NOW_US + 29 * SECOND_US)
    assert failing(readings(lane(commit_no=5), at_s=31), still) == {
        "progress": "nothing committed since 09:46:40 UTC in lane 0: see the worker's log"
    }
    assert failing(readings(lane(commit_no=6), at_s=31), still) == {}
    # Nobody looked for a while: what was remembered says nothing of now.
    assert failing(readings(lane(commit_no=5), at_s=31), before) == {}


def test_a_synthetic_alert_is_late_from_the_first_that_was_not_seen() -> None:
    limits = Limits(synthetic_s=60, late_s=20)
    on_its_way = Crossing(1, NOW_US - 3 * SECOND_US, NOW_US - 20 * SECOND_US, None, None, "")
    assert failing(readings(lane(), crossings=(on_its_way,)), limits=limits) == {}
    late = on_its_way._replace(waiting_us=NOW_US - 21 * SECOND_US, error="the door answers 503")
    text = "the synthetic alert of 09:46:19 UTC has not come in lane 1 (the door answers 503)"
    assert failing(readings(lane(), crossings=(late,)), limits=limits) == {"synthetic": text}
    just_back = AWAKE._replace(since_us=NOW_US - SECOND_US)
    assert failing(readings(lane(), crossings=(late,)), just_back, limits) == {}
    old = Crossing(0, NOW_US - 161 * SECOND_US, None, NOW_US - 160 * SECOND_US, 1.0, "")
    assert (
        "no synthetic wearer has been sent out since" in failing(readings(lane(), crossings=(old,)), limits=limits)["synthetic"]
    )
    assert failing(readings(lane()), limits=limits) == {"synthetic": "no synthetic wearer was sent out yet"}
    assert failing(readings(lane(), crossings=(late,))) == {}  # switched off


def test_a_duty_that_fails_or_is_not_done_is_named() -> None:
    well = Rounds("well", 3600, NOW_US - 2 * HOUR_US, None, "")
    trying = Rounds("trying", 60, NOW_US, NOW_US - 30 * SECOND_US, "OSError")
    assert failing(readings(lane(), duties=(well, trying))) == {}
    fails = trying._replace(failing_since_us=NOW_US - MINUTE_US)
    assert failing(readings(lane(), duties=(well, fails))) == {"duties": "duty trying fails since 09:45:40 UTC (OSError)"}
    rests = well._replace(every_s=60)
    awake = AWAKE._replace(since_us=NOW_US - 3 * HOUR_US)
    assert failing(readings(lane(), duties=(rests,)), awake) == {"duties": "duty well has not been done since 07:46:40 UTC"}
    switch = fails._replace(name=duty.DEAD_MAN)
    assert list(failing(readings(lane(), duties=(switch,)))) == [duty.DEAD_MAN]


async def test_lanes_of_the_topics_that_nobody_ever_claimed_are_missed(store: Store) -> None:
    await put_lane(store, 0)
    assert await look(store, "me", NO_ONE) is None
    await generations.first(store, 2)
    assert await look(store, "me", NO_ONE) is None, "it may be starting"
    await store.pool.execute("UPDATE watch SET memory = jsonb_set(memory, '{since_us}', '1')")
    assert (await look(store, "me", NO_ONE) or {})["checks"] == ["lanes"]


async def test_one_alert_is_raised_added_to_and_ended(store: Store) -> None:
    await put_lane(store, 120)
    assert (await look(store, "me", NO_ONE) or {})["checks"] == ["lanes"]
    assert await look(store, "me", NO_ONE) is None
    # Another cause, later: the same alert, one more line of history.
    await store.pool.execute("UPDATE watch SET memory = jsonb_set(memory, '{commits,0,1}', '0')")
    assert (await look(store, "me", NO_ONE) or {})["checks"] == ["lanes", "progress"]
    await put_lane(store, 0)
    assert await look(store, "me", NO_ONE) is None  # well, but not for long
    await put_lane(store, 120)
    assert await look(store, "me", NO_ONE) is None  # and behind again: neither over nor new
    await put_lane(store, 0)
    assert await look(store, "me", NO_ONE) is None
    ten_s = int(duty.STEADY_S * SECOND_US)
    await store.pool.execute(
        "UPDATE watch SET memory = jsonb_set(memory, '{well_us}', to_jsonb((memory->>'well_us')::bigint - $1))", ten_s
    )
    assert list(await look(store, "me", NO_ONE) or {}) == ["ended"]
    [alert] = await store.pool.fetch("SELECT * FROM alert")
    assert (alert["kind"], alert["wearer"], alert["severity"], alert["condition"]) == ("monitoring_down", None, 1, "ended")
    said = await store.pool.fetch("SELECT what, text FROM alert_history ORDER BY position")
    assert [row["what"] for row in said] == ["opened", "amended", "ended"]
    assert said[0]["text"].startswith("Monitoring is down: judging as of ")
    assert said[1]["text"].startswith("Also: nothing committed since ")
    assert await store.pool.fetchval("SELECT count(*) FROM outbox") == 1
    assert await store.pool.fetchval("SELECT position FROM feed") == 3
    assert [check.state for check in (await last(store)).checks] == ["ok", "ok", "off", "off", "ok", "off", "off"]


async def test_many_who_look_at_once_raise_one_alert(store: Store) -> None:
    await put_lane(store, 120)
    for _ in range(5):
        await asyncio.gather(*(look(store, f"instance {n}", NO_ONE) for n in range(6)))
    assert await store.pool.fetchval("SELECT count(*) FROM alert") == 1
    assert await store.pool.fetchval("SELECT occurrences FROM alert") == 1


async def test_a_look_that_is_cut_off_leaves_nothing_and_the_next_does_it(store: Store) -> None:
    await put_lane(store, 120)
    async with store.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM feed FOR UPDATE")  # the look waits here, at its end
        cut = asyncio.create_task(look(store, "frozen", NO_ONE))
        async with asyncio.timeout(20):
            while not await store.pool.fetchval(WAITING):  # noqa: ASYNC110 - a server has no event to wait for
                await asyncio.sleep(0.01)
        cut.cancel()
        await asyncio.gather(cut, return_exceptions=True)
    assert await store.pool.fetchval("SELECT count(*) FROM alert") == 0
    assert await look(store, "another", NO_ONE) is not None
    assert await store.pool.fetchval("SELECT occurrences FROM alert") == 1


async def test_rounds_are_kept_by_name(store: Store) -> None:
    await rounds.done(store, "a", 2.0)
    await rounds.failed(store, "b", 2.0, "OSError")
    since = (await rounds.listed(store.pool))[1].failing_since_us  # type: ignore[arg-type]
    await rounds.failed(store, "b", 2.0, "OSError")
    a, b = await rounds.listed(store.pool)  # type: ignore[arg-type]
    assert (a.done_us is not None, a.failing_since_us, b.done_us, b.failing_since_us) == (True, None, None, since)
    await rounds.done(store, "b", 2.0)
    await rounds.begin(store, ["b"])
    [b] = await rounds.listed(store.pool)  # type: ignore[arg-type]
    assert (b.name, b.failing_since_us, b.error) == ("b", None, "")
