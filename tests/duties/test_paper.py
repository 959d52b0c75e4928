"""What is on paper and is not so is said once, whoever looks and whatever is killed, and over when it is put right."""

import asyncio
from typing import Any, NamedTuple

import pytest

from api.roles import PERMISSIONS, May, Role
from duties import paper as duty
from model.instant import DAY_US, HOUR_US, MINUTE_US
from store import accounts, paper, proof, world
from store.pool import Store
from store.world import NewActivation, NewOrder, NewStatus, NewVisit, NewWearer
from tests.api import given

TAG = 356307042441013
HIGH = {"risk": "high"}


class Alert(NamedTuple):
    kind: str
    reason: str
    severity: int
    condition: str


async def now(store: Store) -> int:
    at_us: int = await store.pool.fetchval("SELECT clock_timestamp()")
    return at_us


async def alerts(store: Store) -> list[Alert]:
    """Those that say anything of fitting and paper but that nobody owns an order: every order here is nobody's."""
    rows = await store.pool.fetch(
        "SELECT kind, reason, severity, condition FROM alert WHERE reason <> 'unowned' ORDER BY kind, reason, id"
    )
    return [Alert(*row) for row in rows]


async def lane(store: Store, at_us: int) -> None:
    await store.pool.execute(
        """INSERT INTO lane (partition, watermark) VALUES (0, $1) ON CONFLICT (partition) DO UPDATE SET watermark = $1""", at_us
    )


async def make(store: Store, *parts: Any, details: dict[str, Any] | None = None, **order: Any) -> world.Created:
    """One wearer with one order since two days; ``parts`` are activations and visits."""
    starts = await now(store) - 2 * DAY_US
    worn = [part for part in parts if isinstance(part, NewActivation)]
    visits = [part for part in parts if isinstance(part, NewVisit)]
    kept = NewOrder(0, starts, **order)
    made = await world.create(store, [NewWearer("Test Wearer", details or {})], [kept], worn, visits=visits)
    await store.pool.execute("UPDATE activation SET created_at = fitted_from")  # recorded as it was done
    return made


def fit(from_us: int, to_us: int, **more: Any) -> NewVisit:
    return NewVisit(0, "fit", TAG, None, from_us, to_us, **more)


# ---------------------------------------------------------------- not fitted


async def test_an_order_nobody_was_fitted_by_is_told_a_day_after_it_began_and_over_when_somebody_is(store: Store) -> None:
    made = await make(store)
    did = await duty.look(store)
    assert did is not None
    missing = Alert("not_fitted", "", 2, "active")
    bare = Alert("paperwork", "order_without_activation", 3, "active")
    assert await alerts(store) == [missing, bare]
    under = await store.pool.fetchval("SELECT held_under FROM alert WHERE reason = 'order_without_activation'")
    assert under == await store.pool.fetchval("SELECT id FROM alert WHERE kind = 'not_fitted'")
    due = await store.pool.fetchval("SELECT event_at FROM alert WHERE kind = 'not_fitted'")
    assert due == await store.pool.fetchval("SELECT starts FROM monitoring_order") + DAY_US
    assert await duty.look(store) is None, "said once"
    await store.pool.execute("INSERT INTO activation (wearer, tag, fitted_from) VALUES ($1, $2, now())", made.wearers[0], TAG)
    await duty.look(store)
    assert {alert.condition for alert in await alerts(store)} == {"ended"}


async def test_what_one_look_opens_together_stands_each_at_the_position_of_its_own_history(store: Store) -> None:
    at_us = await now(store)
    for _ in range(3):
        await make(store, fit(at_us - 3 * HOUR_US, at_us - 2 * HOUR_US), NewVisit(0, "inspect", None, None, 1, 2))
    did = await duty.look(store)
    assert did is not None
    wrong = """SELECT a.id, a.kind FROM alert a WHERE raised_seq IS DISTINCT FROM (
        SELECT min(position) FROM alert_history h WHERE h.alert = a.id AND h.what = 'opened')"""
    assert await store.pool.fetch(wrong) == []
    paged = "SELECT alert FROM outbox o WHERE NOT EXISTS (SELECT FROM feed_entry f WHERE f.position = o.position AND ref = alert)"
    assert await store.pool.fetch(paged) == []
    assert await store.pool.fetchval("SELECT count(*) FROM alert") == 9, "three of each wearer"
    async with proof.moment(store) as connection:
        await proof.prove(connection, proof.Span(), (), lambda _: True)


@pytest.mark.parametrize(("details", "risk"), [(HIGH, "standard"), ({}, "high")])
async def test_high_risk_is_grave(store: Store, details: dict[str, Any], risk: str) -> None:
    await make(store, details=details, risk=risk)
    await duty.look(store)
    assert [alert.severity for alert in await alerts(store)] == [1, 3]


async def test_by_when_is_the_order_s_own_word_where_it_has_one(store: Store) -> None:
    at_us = await now(store)
    await make(store, fit_by_us=at_us + HOUR_US)
    assert [alert for alert in await alerts(store) if alert.kind == "not_fitted"] == []
    await duty.look(store)
    assert await alerts(store) == []


async def test_where_the_order_does_not_say_a_fitting_that_is_planned_does(store: Store) -> None:
    at_us = await now(store)
    await make(store, fit(at_us - HOUR_US, at_us + HOUR_US))
    await duty.look(store)
    assert await alerts(store) == []


async def test_a_fitting_whose_window_is_over_is_due_even_if_a_tag_was_worn_before(store: Store) -> None:
    at_us = await now(store)
    before = NewActivation(0, TAG, at_us - 2 * DAY_US, at_us - 3 * HOUR_US)
    await make(store, before, fit(at_us - 2 * HOUR_US, at_us - HOUR_US - MINUTE_US))
    await duty.look(store)
    assert await alerts(store) == [Alert("not_fitted", "", 2, "active")], "and the visit is not said twice"


OTHER = 356307042441014


@pytest.mark.parametrize(
    ("fitted_h", "tag", "still_due"),
    [
        (-48, OTHER, True),  # a second tag was to be fitted: what was worn before is not it
        (-2, OTHER, True),  # in the window, and another tag than the one planned
        (-2, TAG, False),  # in the window, recorded without the visit
        (-0.5, TAG, False),  # after it
        (-4, TAG, False),  # before it: it was done sooner
    ],
)
async def test_a_planned_fitting_comes_about_by_its_own_activation_alone(
    store: Store, fitted_h: float, tag: int, still_due: bool
) -> None:
    at_us = await now(store)
    plan = fit(at_us - 3 * HOUR_US, at_us - HOUR_US - MINUTE_US)
    await make(store, NewActivation(0, tag, at_us + round(fitted_h * HOUR_US)), plan)
    await duty.look(store)
    due = Alert("not_fitted", "", 2, "active") if still_due else Alert("paperwork", "unworked_visit", 3, "active")
    assert await alerts(store) == [due]


async def test_a_planned_fitting_of_any_tag_comes_about_from_its_window_on(store: Store) -> None:
    at_us = await now(store)
    plan = fit(at_us - 3 * HOUR_US, at_us - HOUR_US)._replace(tag=None)
    made = await make(store, NewActivation(0, OTHER, at_us - 4 * HOUR_US), plan)
    await duty.look(store)
    assert await alerts(store) == [Alert("not_fitted", "", 2, "active")]
    await store.pool.execute("INSERT INTO activation (wearer, tag, fitted_from) VALUES ($1, $2, now())", made.wearers[0], TAG)
    await duty.look(store)
    assert Alert("not_fitted", "", 2, "ended") in await alerts(store)


async def test_what_is_open_becomes_graver_with_the_wearer_s_risk_and_calls_anew(store: Store) -> None:
    await make(store)
    await duty.look(store)
    await store.pool.execute("UPDATE alert SET handling = 'in_progress', handled_calls = calls, contacted_calls = calls")
    assert await duty.look(store) is None
    await store.pool.execute("UPDATE monitoring_order SET risk = 'high'")
    await duty.look(store)
    row = await store.pool.fetchrow(
        """SELECT severity, calls, handled_calls, occurrences, extract(epoch FROM due_acknowledge - now())::float8 AS left_s,
                  (SELECT h.text FROM alert_history h WHERE h.alert = a.id ORDER BY position DESC LIMIT 1) AS said,
                  (SELECT array_agg(o.body ->> 'severity' ORDER BY o.id) FROM outbox o WHERE o.alert = a.id) AS paged
           FROM alert a WHERE kind = 'not_fitted'"""
    )
    assert row is not None
    assert (row["severity"], row["calls"], row["handled_calls"], row["occurrences"]) == (1, 2, 1, 1)
    assert 60 < row["left_s"] <= 120
    assert (row["said"], row["paged"]) == ("The risk is high now.", ["2", "1"])
    assert await duty.look(store) is None, "said once"
    await store.pool.execute("UPDATE monitoring_order SET risk = 'standard'")
    assert await duty.look(store) is None, "nothing becomes less grave by itself"


async def test_what_people_closed_is_said_anew_when_it_is_graver(store: Store) -> None:
    await make(store)
    await duty.look(store)
    await store.pool.execute("UPDATE alert SET handling = 'closed', handled_calls = calls")
    await store.pool.execute("UPDATE monitoring_order SET risk = 'high'")
    await duty.look(store)
    assert [alert for alert in await alerts(store) if alert.kind == "not_fitted"] == [
        Alert("not_fitted", "", 2, "ended"),
        Alert("not_fitted", "", 1, "active"),
    ]


@pytest.mark.parametrize("status", ["pending", "in_custody", "completed"])
async def test_an_order_that_gives_no_authority_asks_for_no_tag(store: Store, status: str) -> None:
    await make(store, status=status)
    await duty.look(store)
    assert await alerts(store) == []


# ---------------------------------------------------------------- no first fix


async def test_a_tag_of_which_no_position_came_within_half_an_hour_of_fitting(store: Store) -> None:
    at_us = await now(store)
    await make(store, NewActivation(0, TAG, at_us - 31 * MINUTE_US))
    await duty.look(store)
    assert await alerts(store) == [], "no lane has come so far: it may be in the backlog"
    await lane(store, at_us - 2 * MINUTE_US)
    await duty.look(store)
    assert await alerts(store) == []
    await lane(store, at_us)
    await duty.look(store)
    assert await alerts(store) == [Alert("no_first_fix", "", 2, "active")]
    await given.fixes(store, given.fix(at_us - 5 * MINUTE_US, TAG))
    await duty.look(store)
    assert await alerts(store) == [Alert("no_first_fix", "", 2, "ended")]
    # Known from now on, though the days go.
    await store.pool.execute("TRUNCATE fix")
    assert await duty.look(store) is None


async def ending(store: Store) -> str:
    return str(await store.pool.fetchval("SELECT text FROM alert_history WHERE what = 'ended' ORDER BY position DESC LIMIT 1"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("", "A position has come."),
        ("UPDATE activation SET fitted_to = now()", "The tag is not worn any more."),
        ("UPDATE monitoring_order SET ends = now()", "No order asks for a tag any more."),
    ],
)
async def test_a_tag_that_is_dumb_stays_so_when_we_begin_to_listen_anew(store: Store, change: str, said: str) -> None:
    at_us = await now(store)
    await make(store, NewActivation(0, TAG, at_us - HOUR_US))
    await lane(store, at_us)
    await duty.look(store)
    told = [Alert("no_first_fix", "", 2, "active")]
    assert await alerts(store) == told
    await store.pool.execute("UPDATE lane SET listening = $1", at_us)
    assert await duty.look(store) is None
    await lane(store, at_us - DAY_US)
    assert await duty.look(store) is None, "nor by a lane that is behind"
    await store.pool.execute("DELETE FROM lane")
    assert await duty.look(store) is None, "nor with no lane yet"
    assert await alerts(store) == told
    if change:
        await store.pool.execute(change)
    else:
        await given.fixes(store, given.fix(at_us - 5 * MINUTE_US, TAG))
    await duty.look(store)
    assert (await alerts(store))[0].condition == "ended"
    assert await ending(store) == said


async def test_a_fitting_that_is_put_off_ends_not_fitted_in_those_words(store: Store) -> None:
    await make(store)
    await duty.look(store)
    await store.pool.execute(
        """INSERT INTO visit (wearer, kind, window_from, window_to) SELECT id, 'fit', now(), now() + interval '1 h' FROM wearer"""
    )
    await duty.look(store)
    text = (
        """SELECT h.text FROM alert_history h JOIN alert a ON a.id = h.alert WHERE h.what = 'ended' AND a.kind = 'not_fitted'"""
    )
    assert await store.pool.fetchval(text) == "It is not due any more: another time was set."


async def test_while_nobody_listened_no_tag_was_dumb(store: Store) -> None:
    """A database that was filled before its first worker ran, or an outage of ours, is no news of two hundred tags."""
    at_us = await now(store)
    await make(store, NewActivation(0, TAG, at_us - DAY_US))
    await lane(store, at_us)
    await store.pool.execute("UPDATE lane SET listening = $1", at_us - 29 * MINUTE_US)
    await duty.look(store)
    assert await alerts(store) == []
    await store.pool.execute("UPDATE lane SET listening = $1", at_us - 30 * MINUTE_US)
    await duty.look(store)
    assert await alerts(store) == [Alert("no_first_fix", "", 2, "active")]


async def test_a_fitting_of_which_we_were_told_later_counts_from_then(store: Store) -> None:
    at_us = await now(store)
    await make(store, NewActivation(0, TAG, at_us - DAY_US))
    await lane(store, at_us)
    await store.pool.execute("UPDATE activation SET created_at = now() - interval '29 min'")
    await duty.look(store)
    assert await alerts(store) == []
    await store.pool.execute("UPDATE activation SET created_at = now() - interval '31 min'")
    await duty.look(store)
    assert [alert.kind for alert in await alerts(store)] == ["no_first_fix"]


async def test_a_position_from_before_the_fitting_is_none(store: Store) -> None:
    at_us = await now(store)
    await given.fixes(store, given.fix(at_us - 2 * HOUR_US, TAG))
    await make(store, NewActivation(0, TAG, at_us - HOUR_US), risk="high")
    await lane(store, at_us)
    await duty.look(store)
    assert await alerts(store) == [Alert("no_first_fix", "", 1, "active")]


# ---------------------------------------------------------------- paperwork


async def test_a_tag_came_off_and_nobody_planned_another(store: Store) -> None:
    at_us = await now(store)
    before = NewActivation(0, TAG, at_us - 2 * DAY_US, at_us - 25 * HOUR_US)
    await make(store, before)
    await duty.look(store)
    assert await alerts(store) == [Alert("paperwork", "order_without_activation", 3, "active")]
    await store.pool.execute(
        """INSERT INTO visit (wearer, kind, window_from, window_to) SELECT id, 'fit', now(), now() + interval '1 h' FROM wearer"""
    )
    await duty.look(store)
    assert await alerts(store) == [Alert("paperwork", "order_without_activation", 3, "ended")]


@pytest.mark.parametrize(("status", "said"), [("completed", True), ("pending", True), ("in_custody", False), ("active", False)])
async def test_a_tag_that_no_order_asks_for(store: Store, status: str, said: bool) -> None:
    at_us = await now(store)
    kept = [NewStatus(status, at_us - 2 * HOUR_US)]
    await make(store, NewActivation(0, TAG, at_us - 2 * DAY_US), statuses=kept)
    await duty.look(store)
    wanted = [Alert("paperwork", "activation_without_order", 3, "active")]
    assert [alert for alert in await alerts(store) if alert.kind == "paperwork"] == (wanted if said else [])


async def test_an_order_nobody_owns_for_a_day_and_then_somebody_does(store: Store) -> None:
    at_us = await now(store)
    await make(store, NewActivation(0, TAG, at_us - 2 * DAY_US))
    look = "SELECT condition FROM alert WHERE reason = 'unowned'"
    await duty.look(store)
    assert await store.pool.fetchval(look) is None, "it was recorded only now"
    await store.pool.execute("UPDATE monitoring_order SET created_at = now() - interval '25 h'")
    await duty.look(store)
    assert await store.pool.fetchval(look) == "active"
    await store.pool.execute("INSERT INTO account (name, password_hash, role) VALUES ('officer', '', 'officer')")
    await store.pool.execute("UPDATE monitoring_order SET officer = (SELECT id FROM account WHERE name = 'officer')")
    await duty.look(store)
    assert await store.pool.fetchval(look) == "ended"
    async with store.pool.acquire() as connection:
        await accounts.set_active(connection, "officer", False)
    await duty.look(store)
    occurrences = "SELECT occurrences FROM alert WHERE reason = 'unowned'"
    assert await store.pool.fetchval(occurrences) == 1, "it is nobody's only now"
    await store.pool.execute("UPDATE account SET shut_out_at = shut_out_at - interval '25 h'")
    await duty.look(store)
    assert await store.pool.fetchval(occurrences) == 2, "whoever left owns nothing"


async def test_an_order_whose_officer_has_a_role_that_cannot_answer_is_nobody_s(store: Store) -> None:
    """For as long as the role cannot, whatever else becomes of the account meanwhile: it is said once."""
    await make(store, NewActivation(0, TAG, await now(store) - 2 * DAY_US))
    officer = await accounts.add(store.pool, "officer", "", "officer")
    await store.pool.execute("UPDATE monitoring_order SET created_at = now() - interval '25 h', officer = $1", officer)

    async def told() -> list[tuple[str, int]]:
        await duty.look(store)
        return [tuple(row) for row in await store.pool.fetch("SELECT condition, occurrences FROM alert WHERE reason = 'unowned'")]

    async def becomes(role: str) -> None:
        async with store.pool.acquire() as connection:
            await accounts.set_role(connection, "officer", role)

    await becomes("supervisor")
    assert await told() == [], "who can answer as well"
    await becomes("engineer")
    assert await told() == [], "it is nobody's only now"
    await store.pool.execute("UPDATE account SET no_officer_at = no_officer_at - interval '25 h'")
    assert await told() == [("active", 1)]
    text = await store.pool.fetchval("SELECT text FROM alert_history ORDER BY position DESC LIMIT 1")
    assert text.endswith("cannot answer for it: name another."), text
    await becomes("auditor")
    assert await told() == [("active", 1)], "another that cannot"
    async with store.pool.acquire() as connection:
        await accounts.set_active(connection, "officer", False)
    assert await told() == [("active", 1)], "nor when they are shut out as well"
    async with store.pool.acquire() as connection:
        await accounts.set_active(connection, "officer", True)
    await becomes("officer")
    assert await told() == [("ended", 1)]


async def test_who_can_answer_for_orders_is_whoever_may_change_them(store: Store) -> None:
    able = {role for role in Role if May.EDIT_WEARERS in PERMISSIONS[role]}
    assert {role for role in Role if await store.pool.fetchval("SELECT can_answer($1)", role)} == able


async def test_alerts_and_visits_that_nobody_works(store: Store) -> None:
    at_us = await now(store)
    late = NewVisit(0, "inspect", TAG, None, at_us - 3 * HOUR_US, at_us - 2 * HOUR_US)
    made = await make(store, NewActivation(0, TAG, at_us - 2 * DAY_US), late)
    who = {"wearer": made.wearers[0], "tag": TAG, "order": made.orders[0]}
    alert = await given.alert(store, who, 0, event_us=at_us - 2 * HOUR_US)
    await duty.look(store)
    unworked = [found for found in await alerts(store) if found.kind == "paperwork"]
    assert unworked == [
        Alert("paperwork", "unworked_alert", 3, "active"),
        Alert("paperwork", "unworked_visit", 3, "active"),
    ]
    await store.pool.execute("UPDATE alert SET handled_calls = calls, handling = 'in_progress' WHERE id = $1", alert)
    await store.pool.execute("UPDATE visit SET cancelled_at = now()")
    await duty.look(store)
    assert {found.condition for found in await alerts(store) if found.kind == "paperwork"} == {"ended"}
    await store.pool.execute("UPDATE alert SET handling = 'new' WHERE id = $1", alert)  # acknowledged, and left alone
    await duty.look(store)
    assert Alert("paperwork", "unworked_alert", 3, "active") in await alerts(store)


async def test_a_status_that_was_to_be_asked_for_again(store: Store) -> None:
    at_us = await now(store)
    await make(store, statuses=[NewStatus("in_hospital", at_us - DAY_US, recheck_at_us=at_us - MINUTE_US)])
    await duty.look(store)
    assert await alerts(store) == [Alert("paperwork", "recheck", 3, "active")]


# ---------------------------------------------------------------- once


async def test_however_many_look_each_thing_is_said_once(store: Store, database: str) -> None:
    for number in range(5):
        await make(store, details={"restricted": bool(number)})
    async with Store(database) as other:
        await asyncio.gather(*(duty.look(one) for one in (store, other) * 4))
    assert len(await alerts(store)) == 10
    assert await store.pool.fetchval("SELECT count(*) FROM outbox") == 10
    assert await store.pool.fetchval("SELECT bool_and(occurrences = 1) FROM alert")


async def test_many_at_once_are_said_in_several_looks_the_gravest_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duty, "MOST", 3)
    for risk in ("standard", "standard", "high"):
        await make(store, risk=risk)
    said = []
    while await duty.look(store):
        said.append([(alert.kind, alert.severity) for alert in await alerts(store)])
    assert said[0] == [("not_fitted", 1), ("not_fitted", 2), ("not_fitted", 2)]
    assert len(said) == 2
    assert len(said[1]) == 6


async def test_a_look_that_is_cut_off_has_said_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await make(store)

    async def killed(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(paper, "looked", killed)
        with pytest.raises(asyncio.CancelledError):
            await duty.look(store)
    assert await alerts(store) == []
    await duty.look(store)
    assert len(await alerts(store)) == 2


async def test_what_people_closed_is_not_said_again_until_it_is_so_anew(store: Store) -> None:
    made = await make(store)
    await duty.look(store)
    await store.pool.execute("UPDATE alert SET handling = 'closed', handled_calls = calls")
    assert await duty.look(store) is None
    await store.pool.execute("INSERT INTO activation (wearer, tag, fitted_from) VALUES ($1, $2, now())", made.wearers[0], TAG)
    await duty.look(store)
    await store.pool.execute("DELETE FROM activation")
    await duty.look(store)
    assert [alert.condition for alert in await alerts(store) if alert.kind == "not_fitted"] == ["ended", "active"]
