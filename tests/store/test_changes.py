"""Changes find their rows, rows say what their occurrences say, and closing never hides what is new."""

import math

import numpy as np
import pytest

from model.alert import Condition, Confidence, Family, Judged, Kind, Op
from model.fix import FIX, empty_fixes
from model.instant import MINUTE_US
from store import changes, feed
from store.changes import Held, Row, columns, plan
from store.pool import Store
from tests.store.fake import START_US, change, fix
from tests.store.lane import Lane, wearers

T0 = START_US


def minutes(count: float) -> int:
    return T0 + int(count * MINUTE_US)


def occurrence(event: float, ended: float | None = None, **fields: object) -> Held:
    held = Held(
        Kind.EXCLUSION,
        1,
        Confidence.DEFINITE,
        False,
        minutes(event),
        minutes(event + 1),
        None if ended is None else minutes(ended),
        False,
        1,
        1,
    )
    for name, value in fields.items():
        setattr(held, name, value)
    return held


class TestColumns:
    def test_active_while_any_is_not_over(self) -> None:
        said = columns([occurrence(0, 5), occurrence(20)])
        assert (said.condition, said.ended_us) == (Condition.ACTIVE, None)

    def test_the_first_one_s_times_and_the_last_end(self) -> None:
        said = columns([occurrence(20, 25), occurrence(0, 5, late=True)])
        assert (said.condition, said.event_at_us, said.detected_us, said.ended_us, said.late) == (
            Condition.ENDED,
            minutes(0),
            minutes(1),
            minutes(25),
            True,
        )

    def test_withdrawn_ones_say_nothing(self) -> None:
        said = columns([occurrence(0, 5, withdrawn=True), occurrence(20, 25, severity=2)])
        assert (said.condition, said.event_at_us, said.severity) == (Condition.ENDED, minutes(20), 2)

    def test_withdrawn_only_if_all_are(self) -> None:
        said = columns([occurrence(0, 5, withdrawn=True)])
        assert (said.condition, said.event_at_us, said.ended_us) == (Condition.WITHDRAWN, minutes(0), minutes(5))

    def test_the_gravest_gives_severity_kind_and_confidence(self) -> None:
        possible = {"kind": Kind.EXCLUSION_POSSIBLE, "severity": 2, "confidence": Confidence.POSSIBLE}
        said = columns([occurrence(0, 5, **possible), occurrence(20, 30), occurrence(40, **possible)])
        assert (said.kind, said.severity, said.confidence) == (Kind.EXCLUSION, 1, Confidence.DEFINITE)

    def test_of_equally_grave_ones_the_surest_speaks(self) -> None:
        said = columns([occurrence(0, confidence=Confidence.POSSIBLE), occurrence(20, confidence=Confidence.DEFINITE)])
        assert said.confidence is Confidence.DEFINITE


class TestPlan:
    """``row`` has occurrence 0, from minute 0."""

    def row(self, *, closed: bool = False, over: bool = False, severity: int = 1) -> Row:
        row = Row(1, changes.Family.EXCLUSION, 1, id=10, closed=closed, closed_when_over=over, raised=1)
        row.occurrences[1, T0] = occurrence(0, 5 if over else None, severity=severity)
        return row

    def test_an_occurrence_opens_a_row_where_none_is_open(self) -> None:
        rows: list[Row] = []
        (step,) = plan(rows, [change(Op.OPEN, 1, T0, T0)])
        assert (len(rows), step.row, step.what, step.pages, step.row.raised) == (1, rows[0], "opened", True, 1)

    def test_a_new_occurrence_goes_to_the_open_row_and_counts_on_it(self) -> None:
        row = self.row()
        (step,) = plan([row], [change(Op.OPEN, 1, minutes(30), minutes(30))])
        assert (step.row, row.raised, step.pages) == (row, 2, True)

    def test_a_new_occurrence_opens_a_new_row_beside_a_closed_one(self) -> None:
        row = self.row(closed=True)
        (step,) = plan([row], [change(Op.OPEN, 1, minutes(30), minutes(30))])
        assert (step.row is row, step.row.raised, step.pages) == (False, 1, True)

    def test_another_tag_of_the_wearer_counts_on_the_same_row(self) -> None:
        row = self.row()
        (step,) = plan([row], [change(Op.OPEN, 2, T0, T0, wearer=1)])
        assert (step.row, sorted(row.occurrences)) == (row, [(1, T0), (2, T0)])

    def test_other_zones_and_families_have_rows_of_their_own(self) -> None:
        rows = [self.row()]
        steps = plan(rows, [change(Op.OPEN, 1, T0, T0, zone=2), change(Op.OPEN, 1, T0, T0, kind=Kind.CROSSED)])
        assert len({id(step.row) for step in steps} | {id(rows[0])}) == 3

    def test_resuming_counts_and_pages_nobody(self) -> None:
        row = self.row(over=True)
        (step,) = plan([row], [change(Op.RESUME, 1, T0, minutes(8))])
        assert (step.row, row.raised, step.pages, columns(row.occurrences.values()).condition) == (
            row,
            1,
            False,
            Condition.ACTIVE,
        )

    def test_possible_becomes_definite_on_its_row(self) -> None:
        row = self.row(severity=2)
        (step,) = plan([row], [change(Op.AMEND, 1, T0, minutes(1), severity=1)])
        assert (step.row, step.what, columns(row.occurrences.values()).severity, step.pages) == (row, "amended", 1, True)

    def test_the_end_is_written_on_a_closed_row(self) -> None:
        row = self.row(closed=True)
        (step,) = plan([row], [change(Op.END, 1, T0, minutes(9), ended_us=minutes(9))])
        assert (step.row, step.pages, columns(row.occurrences.values()).condition) == (row, False, Condition.ENDED)

    def test_closing_while_active_is_not_undone_by_the_same_occurrence(self) -> None:
        row = self.row(closed=True)
        steps = plan(
            [row],
            [
                change(Op.END, 1, T0, minutes(9), ended_us=minutes(9)),
                change(Op.RESUME, 1, T0, minutes(12)),
            ],
        )
        assert [(step.row, step.pages) for step in steps] == [(row, False), (row, False)]

    def test_active_again_after_it_was_closed_as_over_opens_a_row(self) -> None:
        row = self.row(closed=True, over=True)
        (step,) = plan([row], [change(Op.RESUME, 1, T0, minutes(8))])
        assert (step.row is row, step.what, step.pages) == (False, "opened", True)
        assert columns(row.occurrences.values()).condition is Condition.ENDED

    def test_graver_than_what_was_closed_opens_a_row(self) -> None:
        row = self.row(closed=True, severity=2)
        (step,) = plan([row], [change(Op.AMEND, 1, T0, minutes(8), severity=1)])
        assert (step.row is row, step.pages) == (False, True)

    def test_what_follows_goes_where_the_occurrence_went(self) -> None:
        row = self.row(closed=True, over=True)
        rows = [row]
        steps = plan(
            rows,
            [
                change(Op.RESUME, 1, T0, minutes(8)),
                change(Op.END, 1, T0, minutes(9), ended_us=minutes(9)),
                change(Op.OPEN, 1, minutes(30), minutes(30)),
            ],
        )
        assert len(rows) == 2
        assert [step.row for step in steps] == [rows[1]] * 3

    @pytest.mark.parametrize("op", [Op.AMEND, Op.RESUME, Op.END])
    def test_an_occurrence_that_no_row_holds_is_not_lost(self, op: Op) -> None:
        rows: list[Row] = []
        (step,) = plan(rows, [change(op, 1, T0, T0)])
        assert (len(rows), step.pages) == (1, op is not Op.END)

    def test_clocks_are_those_of_the_last_occurrence_raised(self) -> None:
        row = self.row()
        newer = change(Op.OPEN, 1, minutes(30), minutes(30))
        plan([row], [newer, change(Op.AMEND, 1, T0, minutes(40), detected_us=T0)])
        assert row.last == newer


async def alert(store: Store) -> dict[str, object]:
    return dict(await store.pool.fetchrow("SELECT * FROM alert"))


async def test_a_visit_from_entry_to_return_is_one_row(store: Store) -> None:
    await wearers(store, 1)
    async with Lane(store) as lane:
        opened = await lane.put(fix(1, 0), fix(1, 60, 1.0))
        row = await alert(store)
        assert (row["condition"], row["handling"], row["occurrences"], row["raised_seq"]) == ("active", "new", 1, 1)
        assert (row["event_at"], row["detected_at"], row["ended_at"]) == (START_US + 60_000_000, START_US + 60_000_000, None)
        assert row["due_acknowledge"] == START_US + 180_000_000
        await lane.put(fix(1, 120))  # left
        row = await alert(store)
        assert (row["condition"], row["ended_at"], row["condition_version"]) == ("ended", START_US + 120_000_000, 2)
        await lane.put(fix(1, 180, 1.0))  # back within ten minutes
        assert (await alert(store))["occurrences"] == 1
        await lane.put(fix(1, 240))
        await lane.put(fix(1, 3000, 1.0))  # again, much later
    row = await alert(store)
    assert (row["occurrences"], row["condition"], row["ended_at"], row["raised_seq"]) == (2, "active", None, 1)
    assert row["event_at"] == START_US + 60_000_000
    assert row["due_acknowledge"] == START_US + 180_000_000, "nobody has answered the first call"
    assert (opened.changes, opened.position) == (1, 1)

    history = await store.pool.fetch("SELECT position, what, text, at, actor FROM alert_history ORDER BY position")
    assert [tuple(entry)[:2] for entry in history] == [(1, "opened"), (2, "ended"), (3, "resumed"), (4, "ended"), (5, "opened")]
    assert tuple(history[0])[2:] == ("the centre is inside", START_US + 60_000_000, None)
    assert [tuple(entry)[:4] for entry in await feed.entries(store, 0)] == [
        (position, "alert", row["id"], what) for position, what in [tuple(entry)[:2] for entry in history]
    ]
    called = await store.pool.fetch(
        "SELECT position, details FROM alert_history WHERE details ? 'due_acknowledge_us' ORDER BY position"
    )
    assert [(entry["position"], entry["details"]["due_acknowledge_us"]) for entry in called] == [
        (1, START_US + 180_000_000),
        (5, START_US + 3120_000_000),
    ]
    sent = await store.pool.fetch("SELECT position, topic, body FROM outbox ORDER BY position")
    assert [(entry["position"], entry["topic"], entry["body"]["occurrence"]) for entry in sent] == [
        (1, "alert", 1),
        (5, "alert", 2),
    ]
    assert set(sent[0]["body"]) == {"alert", "kind", "severity", "occurrence"}


async def test_evidence_is_the_fixes_it_was_judged_by(store: Store) -> None:
    await wearers(store, 1)
    inside = fix(1, 60, 1.0)
    async with Lane(store) as lane:
        lane.judge = lambda *_: Judged(
            inside, (change(Op.OPEN, 1, T0, T0, evidence=inside, distance_m=-12.5, zone_version=3),), empty_fixes()
        )
        await lane.put(inside)
    row = await store.pool.fetchrow("SELECT position, fixes, zone, zone_version, distance_m FROM alert_evidence")
    assert (row["position"], row["zone"], row["zone_version"], row["distance_m"]) == (1, 1, 3, -12.5)
    assert np.frombuffer(row["fixes"], FIX).tobytes() == inside.tobytes()


async def test_distance_that_is_not_known_is_null(store: Store) -> None:
    await wearers(store, 1)
    inside = fix(1, 60, 1.0)
    async with Lane(store) as lane:
        lane.judge = lambda *_: Judged(inside, (change(Op.OPEN, 1, T0, T0, evidence=inside, distance_m=math.nan),), empty_fixes())
        await lane.put(inside)
    assert await store.pool.fetchval("SELECT distance_m FROM alert_evidence") is None


async def close(store: Store) -> None:
    """What the API does."""
    async with feed.edit(store) as edit:
        number = await edit.connection.fetchval(
            "UPDATE alert SET handling = 'closed', closed_at = now() WHERE handling <> 'closed' RETURNING id"
        )
        edit.entry("alert", number, "closed")
        edit.numbered(
            "INSERT INTO alert_history (alert, position, part, at, what, text) VALUES ($2, $1, 0, now(), 'closed', '')", number
        )


async def test_closed_while_active_then_over_then_back_stays_closed(store: Store) -> None:
    await wearers(store, 1)
    async with Lane(store) as lane:
        await lane.put(fix(1, 0, 1.0))
        await close(store)
        await lane.put(fix(1, 60))
        await lane.put(fix(1, 120, 1.0))
    row = await alert(store)
    assert (row["handling"], row["condition"]) == ("closed", "active")


async def test_closed_when_over_then_back_is_a_new_row(store: Store) -> None:
    await wearers(store, 1)
    async with Lane(store) as lane:
        await lane.put(fix(1, 0, 1.0))
        await lane.put(fix(1, 60))
        await close(store)
        await lane.put(fix(1, 120, 1.0))
        await lane.put(fix(1, 180))
    rows = await store.pool.fetch("SELECT handling, condition, occurrences, raised_seq FROM alert ORDER BY id")
    assert [tuple(row) for row in rows] == [("closed", "ended", 1, 1), ("new", "ended", 1, 4)]
    assert await store.pool.fetchval("SELECT count(*) FROM outbox") == 2


async def test_two_writers_two_columns(store: Store) -> None:
    """People and lanes write the same row at once, and neither loses or repeats what the other wrote."""
    import asyncio

    await wearers(store, 1)
    async with Lane(store) as lane:
        await lane.put(fix(1, 0, 1.0))

        async def handle() -> None:
            for _ in range(20):
                async with feed.edit(store) as edit:
                    await edit.connection.execute(
                        "UPDATE alert SET handling = 'acknowledged', handling_version = handling_version + 1"
                    )
                    edit.entry("alert", 1, "acknowledged")

        async def judge() -> None:
            for at in range(1, 21):
                await lane.put(fix(1, 60 * at, -1.0 if at % 2 else 1.0))

        await asyncio.gather(handle(), judge())
    row = await alert(store)
    assert (row["handling"], row["handling_version"], row["condition"], row["condition_version"]) == (
        "acknowledged",
        21,
        "active",
        21,
    )
    assert [entry.position for entry in await feed.entries(store, 0)] == list(range(1, 42))


async def test_two_lanes_write_one_wearer_s_row(store: Store) -> None:
    """A wearer with two tags: each tag's lane keeps its own occurrence, the row says both, and that it is one incident."""
    await wearers(store, 1)
    async with Lane(store, 0) as first, Lane(store, 1) as second:
        for lane, tag in ((first, 1), (second, 2)):
            entry = change(Op.OPEN, tag, T0, T0, wearer=1)
            lane.judge = lambda _, batch, *__, entry=entry: Judged(batch.fixes, (entry,), empty_fixes())
            await lane.put(fix(tag, 0))
        over = change(Op.END, 1, T0, minutes(1), wearer=1, ended_us=minutes(1))
        first.judge = lambda _, batch, *__: Judged(batch.fixes, (over,), empty_fixes())
        await first.put(fix(1, 60))
    row = await alert(store)
    assert (row["occurrences"], row["calls"], row["condition"]) == (1, 1, "active")


async def test_a_second_occurrence_makes_no_call_look_fresher_that_nobody_answered(store: Store) -> None:
    await wearers(store, 1)

    async def opened(lane: Lane, minute: int) -> None:
        clocks = {"due_acknowledge_us": minutes(minute + 2), "due_contact_us": minutes(minute + 5), "due_decision_us": None}
        entry = change(Op.OPEN, 1, minutes(minute), minutes(minute), **clocks, changed_us=minutes(minute))
        lane.judge = lambda _, batch, *__: Judged(batch.fixes, (entry,), empty_fixes())
        await lane.put(fix(1, 60 * minute))

    async with Lane(store) as lane:
        await opened(lane, 0)
        await opened(lane, 30)
        row = await alert(store)
        assert (row["calls"], row["called_at"]) == (2, minutes(0))
        assert (row["due_acknowledge"], row["due_contact"], row["due_decision"]) == (minutes(2), minutes(5), None)
        await store.pool.execute("UPDATE alert SET handling = 'acknowledged', handled_calls = calls")
        await opened(lane, 60)
        row = await alert(store)
        assert (row["calls"], row["called_at"]) == (3, minutes(60)), "those before were answered"
        assert (row["due_acknowledge"], row["due_contact"]) == (minutes(62), minutes(5)), "but nobody was spoken to yet"


async def test_what_a_home_says_is_held_under_what_a_device_said_before(store: Store) -> None:
    """The cause has no zone, and is from an earlier commit; what follows from it has the curfew's home."""
    await wearers(store, 1)
    told = [change(Op.OPEN, 1, T0, T0, zone=0, kind=Kind.BATTERY_DEAD)]
    told.append(change(Op.OPEN, 1, minutes(40), minutes(40), kind=Kind.CURFEW_UNVERIFIED, held_under=Family.BATTERY_DEAD))
    async with Lane(store) as lane:
        for place, one in enumerate(told):
            lane.judge = lambda _, batch, *__, one=one: Judged(batch.fixes, (one,), empty_fixes())
            await lane.put(fix(1, place))
    rows = await store.pool.fetch("SELECT id, kind, held_under FROM alert ORDER BY id")
    assert [(row["kind"], row["held_under"]) for row in rows] == [("battery_dead", None), ("curfew_unverified", rows[0]["id"])]
    alone = told[1]._replace(op=Op.AMEND, held_under=None, released=True)
    async with Lane(store) as lane:
        lane.judge = lambda _, batch, *__: Judged(batch.fixes, (alone,), empty_fixes())
        await lane.put(fix(1, 60))
    assert await store.pool.fetchval("SELECT held_under FROM alert WHERE kind = 'curfew_unverified'") is None


class TestCalls:
    """``calls`` is what makes effective handling *new*: compared with how many of them people have handled."""

    def test_becoming_definite_calls_again_whoever_acknowledged_the_possible_one(self) -> None:
        rows: list[Row] = []
        possible = {"kind": Kind.EXCLUSION_POSSIBLE, "severity": 2, "confidence": Confidence.POSSIBLE}
        plan(rows, [change(Op.OPEN, 1, T0, minutes(1), **possible)])
        (row,) = rows
        assert (row.raised, row.calls) == (1, 1)
        (step,) = plan(rows, [change(Op.AMEND, 1, T0, minutes(2))])
        assert step.pages
        assert (row.raised, row.calls) == (1, 2)

    def test_neither_an_amendment_as_grave_nor_an_end_nor_a_return_calls(self) -> None:
        rows: list[Row] = []
        plan(rows, [change(Op.OPEN, 1, T0, minutes(1))])
        again = [
            change(Op.AMEND, 1, T0, minutes(1), event_at_us=T0 - 5),
            change(Op.END, 1, T0, minutes(1), ended_us=minutes(9)),
            change(Op.RESUME, 1, T0, minutes(1)),
        ]
        assert [step.pages for step in plan(rows, again)] == [False, False, False]
        assert rows[0].calls == 1


class TestLateAmendments:
    """Live judging does not know what late data told the store."""

    def test_an_end_keeps_the_earlier_event_and_the_graver_telling(self) -> None:
        rows: list[Row] = []
        possible = {"kind": Kind.EXCLUSION_POSSIBLE, "severity": 2, "confidence": Confidence.POSSIBLE}
        plan(rows, [change(Op.OPEN, 1, T0, minutes(1), **possible)])
        plan(rows, [change(Op.AMEND, 1, T0, minutes(1), event_at_us=T0 - 5)])
        plan(rows, [change(Op.END, 1, T0, minutes(1), ended_us=minutes(9), **possible)])
        (row,) = rows
        held = row.occurrences[1, T0]
        assert (held.event_at_us, held.kind, held.severity, held.ended_us) == (T0 - 5, Kind.EXCLUSION, 1, minutes(9))
        assert held.confidence is Confidence.DEFINITE

    def test_a_withdrawal_stands_as_it_was_given(self) -> None:
        rows: list[Row] = []
        plan(rows, [change(Op.OPEN, 1, T0, minutes(1)), change(Op.WITHDRAW, 1, T0, minutes(1), severity=2)])
        assert rows[0].occurrences[1, T0].withdrawn


async def test_two_entries_in_one_commit_are_each_told_by_their_own_number(store: Store) -> None:
    await wearers(store, 1)
    async with Lane(store) as lane:
        await lane.put(fix(1, 0), fix(1, 60, 1.0), fix(1, 120), fix(1, 3000, 1.0))
    row = await alert(store)
    opened = await store.pool.fetch("SELECT position FROM alert_history WHERE what = 'opened' ORDER BY position")
    assert (row["occurrences"], len(opened), row["raised_seq"]) == (2, 2, opened[0]["position"])
    pages = await store.pool.fetch("SELECT body FROM outbox ORDER BY position")
    assert [page["body"]["occurrence"] for page in pages] == [1, 2]


def test_to_withdraw_what_was_never_told_or_is_withdrawn_already_is_nothing() -> None:
    rows: list[changes.Row] = []
    told, gone = change(Op.OPEN, 1, T0, T0), change(Op.WITHDRAW, 1, T0, T0)
    assert changes.plan(rows, [gone]) == []
    assert not rows
    assert [step.what for step in changes.plan(rows, [told, gone, gone])] == ["opened", "withdrawn"]
