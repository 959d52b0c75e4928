"""Whatever is changed behind Cordon's back is found and named; what nobody touched checks."""

import asyncio
import itertools
import os
from collections.abc import Callable, Iterator

import numpy as np
import psycopg
import pytest

from model.alert import Kind
from model.batch import DeadLetter
from model.event import EventKind, empty_events
from model.fix import FIX, Quality
from model.instant import DAY_US
from store import accounts, alerts, chain, edits, erasure, escalations, feed, heads, proof, retention, rewriting
from store.feed import edit
from store.heads import Signed
from store.incidents import About, raise_
from store.pool import Store
from tests.conftest import TEMPLATE
from tests.store import fake
from tests.store.fake import START_US, batch_of, fix
from tests.store.lane import Lane, wearers

_numbers = itertools.count()


async def live(dsn: str) -> None:
    """Two lanes, two days and a bit: entries, ends, late and requalified fixes, events, a dead letter, a signed head."""
    events = empty_events(2)
    events["tag"], events["at_us"], events["received_us"] = [2, 4], START_US, START_US
    events["kind"] = EventKind.BATTERY_LOW
    async with Store(dsn) as store:
        await wearers(store, 5)
        async with Lane(store, 0) as even, Lane(store, 1) as odd:
            await even.put(batch_of(fix(2, 0), fix(2, 60, 1.0), fix(4, 0), events=events))
            await odd.put(fix(1, 0, 1.0), fix(3, 60, quality=Quality.IMPLAUSIBLE))
            await even.put(fix(2, 120), fix(4, 60), fix(4, 120))
            odd.judge = lambda *args: fake.judge(*args)._replace(requalified=fix(3, 60, quality=Quality.OK))
            await odd.put(batch_of(fix(3, 120), fix(1, 120), dead=(DeadLetter("no position", b"{}", "http-json", "gw-2"),)))
            odd.judge = fake.judge
            await even.put(fix(2, 86_400, 1.0), fix(4, 86_400))
            late = fix(4, 90)
            late["received_us"] = START_US + DAY_US + 60_000_000
            await even.put(late)
            await odd.put(batch_of(received_us=START_US + DAY_US))
            await accounts.add(store.pool, "operator", "x", "operator")
            for word in ("acknowledge", "note"):
                async with feed.edit(store, 1) as change:
                    row = await alerts.locked(change, 1)
                    await (alerts.acknowledge if word == "acknowledge" else alerts.note)(change, row, f"{word} of mine")
            for head in await heads.unsigned(store):
                await heads.keep(store, Signed(head, "k", b"signed"))
            await odd.put(fix(1, 86_400, 1.0))


@pytest.fixture(scope="module")
def told(databases: str) -> Iterator[str]:
    """Name of a database in which all that has happened."""
    name = f"told_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(databases.replace("DATABASE", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        asyncio.run(live(databases.replace("DATABASE", name)))
        yield name
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def touched(databases: str, told: str) -> Iterator[str]:
    """Address of a copy of it, to be tampered with."""
    name = f"touched_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(databases.replace("DATABASE", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {told}")
        yield databases.replace("DATABASE", name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def checks(signed: Signed) -> bool:
    return (signed.key, signed.signature) == ("k", b"signed")


async def prove(
    dsn: str,
    span: proof.Span = proof.Span(),  # noqa: B008
    signed: tuple[Signed, ...] = (),
    retires_before: int = 0,
) -> proof.Counts:
    async with Store(dsn, size=1) as store, proof.moment(store) as connection:
        return await proof.prove(connection, span, signed, checks, retires_before=retires_before)


async def found(dsn: str, *statements: str, span: proof.Span = proof.Span()) -> proof.MismatchError:  # noqa: B008
    """What is said after somebody who may do anything in the database has run the statements."""
    with psycopg.connect(dsn, autocommit=True) as superuser:
        for statement in statements:
            assert superuser.execute(statement).rowcount in {1, 2, -1}, "the tampering must hit its row"
    with pytest.raises(proof.MismatchError) as raised:
        await prove(dsn, span)
    return raised.value


async def test_what_nobody_touched_checks(told: str, databases: str) -> None:
    seen: list[int] = []
    dsn = databases.replace("DATABASE", told)
    counts = await prove(dsn)
    assert (counts.links, counts.heads, counts.fixes, counts.events, counts.alerts) == (7, 2, 14, 2, 2)
    async with Store(dsn, size=1) as store, store.pool.acquire() as connection, connection.transaction():
        await proof.prove(connection, proof.Span(), (), checks, seen.append)
        assert sum(seen) == await proof.size(connection, proof.Span()) == 7 + 14 + 2


async def test_what_is_said_of_papers_checks_too_and_its_words_are_held(touched: str) -> None:
    async with Store(touched, size=1) as store:
        wearer = await store.pool.fetchval("SELECT min(id) FROM wearer WHERE id > 0")
        async with edit(store) as change:
            about = About(wearer=wearer, severity=3, order=1, reason="unowned")
            await raise_(change, Kind.PAPERWORK, "order/1 unowned", "Nobody owns the order.", 1, about)
    assert (await prove(touched)).alerts == 2, "those that lanes judged"
    said = await found(touched, "UPDATE alert_history SET text = 'All is well.' WHERE text LIKE 'Nobody owns%'")
    assert "is not as it was written" in str(said)


TAMPERED = {
    "a person's words": (
        "UPDATE alert_history SET text = 'none of mine' WHERE what = 'note'",
        "alert_history",
        "the row of alert_history with alert 1, position 7, part 0 is not as it was written (edit 2,",
    ),
    "words blotted out": (
        "UPDATE alert_history SET text = 'redacted' WHERE what = 'note'",
        "alert_history",
        "not as it was written",
    ),
    "when a person did it": (
        "UPDATE alert_history SET at = at - interval '1 min' WHERE what = 'acknowledged'",
        "alert_history",
        "(edit 1,",
    ),
    "who did it": ("UPDATE alert_history SET actor = NULL WHERE what = 'acknowledged'", "alert_history", "(edit 1,"),
    "what a person did taken out": ("DELETE FROM alert_history WHERE what = 'note'", "alert_history", "is gone (edit 2,"),
    "what a person did put in": (
        "INSERT INTO alert_history SELECT alert, 99, part, at, actor, what, text, details FROM alert_history WHERE what = 'note'",
        "alert_history",
        "at feed position 99",
    ),
    "the audit": ("UPDATE audit SET action = 'read' WHERE action = 'acknowledged'", "audit", "the row of audit with part 1"),
    "a link of edits": (
        "UPDATE edit_link SET body = replace(body, '6', '7') WHERE number = 2",
        "edit_link",
        "link 2 of what people",
    ),
    "a link of edits taken out": ("DELETE FROM edit_link WHERE number = 1", "edit_link", "link 2 of what people did"),
    "a coordinate": ("UPDATE fix SET lon = lon + 1e-9 WHERE tag = 4 AND fix_at = $at60", "fix", "tag 4 at 2026-03-20T09:47:40Z"),
    "a quality": ("UPDATE fix SET quality = 2 WHERE tag = 4 AND fix_at = $at60", "fix", "tag 4 at 2026-03-20T09:47:40Z"),
    "a quality given later": ("UPDATE fix SET quality = 2 WHERE tag = 3 AND fix_at = $at60", "fix", "commit 2 gave it"),
    "a time of receipt": ("UPDATE fix SET received_at = received_at + '1 us' WHERE tag = 1 AND fix_at = $at0", "fix", "tag 1"),
    "an identity": ("UPDATE fix SET seq = 1 WHERE tag = 4 AND fix_at = $at60", "fix", "tag 4"),
    "a day": ("UPDATE fix SET fix_at = fix_at + '1 day' WHERE tag = 4 AND fix_at = $at60", "fix", "commit 2 of lane 0"),
    "a fix taken out": ("DELETE FROM fix WHERE tag = 4 AND fix_at = $at60", "fix", "is gone: the one after tag 2"),
    "a late fix taken out": ("DELETE FROM fix WHERE tag = 4 AND fix_at = $at90", "fix", "commit 4 of lane 0"),
    "a fix put in": (
        "INSERT INTO fix SELECT (fix #= hstore('tag', '9')).* FROM fix WHERE tag = 4 AND fix_at = $at60",
        "fix",
        "tag 9 at 2026-03-20T09:47:40Z (seq 0, gnss), day 2026-03-20 is not as any commit stored it: added",
    ),
    "an event": ("UPDATE event SET value = 7 WHERE tag = 2", "event", "device event of tag 2"),
    "a day's table put in": (
        "CREATE TABLE more PARTITION OF fix FOR VALUES FROM ('2000-01-01') TO ('2000-01-02')",
        "more",
        "table more holds a part of fix and is no day's",
    ),
    "a table of a day": ("DROP TABLE fix_20260320", "fix", "of 2026-03-20 is gone"),
    "a severity": ("UPDATE alert SET severity = 2 WHERE wearer = 2", "alert", "alert 1 is not as it was stored"),
    "an event time": ("UPDATE alert SET event_at = event_at + '1 us' WHERE wearer = 1", "alert", "alert 2 is not as"),
    "a version": ("UPDATE alert SET condition_version = 9 WHERE wearer = 1", "alert", "alert 2 is not as"),
    "where it was raised": ("UPDATE alert SET raised_seq = 4 WHERE wearer = 2", "alert", "raised at feed position 4"),
    "an occurrence": (
        "UPDATE alert_occurrence SET late = true WHERE tag = 2 AND occurrence = $at60",
        "alert_occurrence",
        "tag 2",
    ),
    "an occurrence taken out": ("DELETE FROM alert_occurrence WHERE tag = 2 AND occurrence = $at60", "alert_occurrence", "gone"),
    "a history's text": (
        "UPDATE alert_history SET text = text || ' ' WHERE alert = 1 AND what = 'ended'",
        "alert_history",
        "the history of alert 1",
    ),
    "a history's details": (
        "UPDATE alert_history SET details = details || '{\"late\": true}' WHERE alert = 1 AND what = 'ended'",
        "alert_history",
        "the history of alert 1",
    ),
    "a history's place": ("UPDATE alert_history SET position = 99 WHERE alert = 2 AND what = 'ended'", "alert_history", "gone"),
    "a history put in": (
        "INSERT INTO alert_history (alert, position, part, at, what, text) VALUES (1, 99, 0, now(), 'ended', '')",
        "alert_history",
        "feed position 99 is in no commit of any lane",
    ),
    "evidence": (
        "UPDATE alert_evidence SET fixes = set_byte(fixes, 40, get_byte(fixes, 40) # 1) WHERE alert = 2 AND position = 2",
        "alert_evidence",
        "the evidence of alert 2 at feed position 2 is not as it was stored",
    ),
    "evidence taken out": ("DELETE FROM alert_evidence WHERE alert = 2 AND position = 2", "alert_evidence", "is gone"),
    "a dead letter": ("UPDATE dead_letter SET body = '{ }'", "dead_letter", "dead letter 1 is not as it was stored"),
    "a dead letter taken out": ("DELETE FROM dead_letter", "dead_letter", "dead letter 1 is gone"),
    "the journal": (
        "UPDATE commit_journal SET delta = set_byte(delta, 40, get_byte(delta, 40) # 1) WHERE lane = 0 AND commit_no = 2",
        "commit_journal",
        "the journal row of commit 2 of lane 0",
    ),
    "a journal row taken out": (
        "DELETE FROM commit_journal WHERE lane = 0 AND commit_no = 2",
        "commit_journal",
        "the journal row of commit 2 of lane 0 is gone",
    ),
    "a journal row put in": (
        "INSERT INTO commit_journal SELECT lane, 99, watermark, control_seq, delta FROM commit_journal "
        "WHERE lane = 0 AND commit_no = 2",
        "commit_journal",
        "a row of commit 99 of lane 0, which has no link",
    ),
    "the journal's clock": ("UPDATE commit_journal SET watermark = now() WHERE lane = 0 AND commit_no = 2", "commit_journal", ""),
    "a body": (
        "UPDATE commit_link SET body = replace(body, '\"epoch\":1', '\"epoch\":2') WHERE lane = 0 AND commit_no = 2",
        "commit_link",
        "the link of commit 2 of lane 0, day 2026-03-20 does not follow from commit 1's",
    ),
    "a link": (
        "UPDATE commit_link SET link = set_byte(link, 0, get_byte(link, 0) # 1) WHERE lane = 1 AND commit_no = 1",
        "commit_link",
        "commit 1 of lane 1",
    ),
    "a link's time": (
        "UPDATE commit_link SET at = at + '1 us' WHERE lane = 1 AND commit_no = 1",
        "commit_link",
        "row was changed",
    ),
    "a link taken out": (
        "DELETE FROM commit_link WHERE lane = 0 AND commit_no = 2",
        "commit_link",
        "does not follow from commit 1",
    ),
    "marks": (
        "UPDATE commit_slice SET marks = set_byte(marks, 0, 1) WHERE kind = 'fix' AND lane = 0 AND commit_no = 2",
        "fix",
        "lane 0",
    ),
    "marks taken out": ("DELETE FROM commit_slice WHERE kind = 'event'", "commit_slice", "lost the marks"),
    "marks moved": ("UPDATE commit_slice SET commit_no = 7 WHERE kind = 'event'", "commit_slice", "its link says none"),
    "a place in the feed": (
        "UPDATE commit_told SET base = base + 100 WHERE lane = 0 AND commit_no = 1",
        "commit_told",
        "commit 1",
    ),
    "the last place in the feed": ("UPDATE commit_told SET base = -1 WHERE lane = 1 AND commit_no = 4", "alert_history", "gone"),
    "a signed head": ("UPDATE day_head SET signature = 'x' WHERE lane = 0", "day_head", "does not check"),
    "a lane": ("UPDATE lane SET link = decode(repeat('11', 32), 'hex') WHERE partition = 0", "lane", "its newest link"),
}


@pytest.mark.parametrize("case", TAMPERED)
async def test_tampering_is_named(touched: str, case: str) -> None:
    statement, table, text = TAMPERED[case]
    for second in (0, 60, 90):
        statement = statement.replace(f"$at{second}", f"(timestamptz '2026-03-20 09:46:40Z' + interval '{second} s')")
    with psycopg.connect(touched, autocommit=True) as superuser:
        superuser.execute("CREATE EXTENSION hstore")
    said = await found(touched, statement)
    assert said.table == table, said
    assert text in str(said)
    assert "\n" not in str(said)


async def test_the_chain_written_anew_by_who_owns_the_database_fails_by_its_signed_head(touched: str) -> None:
    """A fix is changed, and then everything that would show it, as our own code would have written it."""
    async with Store(touched, size=2) as store:
        await store.pool.execute("UPDATE fix SET lon = 3 WHERE tag = 4 AND fix_at = $1", START_US + 60_000_000)
        row = await store.pool.fetchrow("SELECT * FROM commit_link WHERE lane = 0 AND commit_no = 2")
        rows = np.array(
            [
                tuple(one)
                for one in await store.pool.fetch(
                    "SELECT * FROM fix WHERE (tag, fix_at) IN ((2, $1), (4, $2), (4, $1)) ORDER BY tag, fix_at",
                    START_US + 120_000_000,
                    START_US + 60_000_000,
                )
            ],
            FIX,
        )
        (made,) = chain.slices(rows, "fix_at_us")
        await store.pool.execute("UPDATE commit_slice SET marks = $1 WHERE lane = 0 AND commit_no = 2", made.marks)
        before = await store.pool.fetchval("SELECT link FROM commit_link WHERE lane = 0 AND commit_no = 1")
        old = row["body"]
        links = await store.pool.fetch("SELECT commit_no, body FROM commit_link WHERE lane = 0 AND commit_no > 1 ORDER BY 1")
        for commit_no, body in links:
            told = body
            if commit_no == 2:
                start = old.index('"fix":[[')
                stop = old.index("]]", start)
                told = f'{old[:start]}"fix":[[{made.day},{made.rows},"{made.digest}"{old[stop:]}'
            before = chain.following(before, told.encode())
            await store.pool.execute(
                "UPDATE commit_link SET link = $2, body = $3 WHERE lane = 0 AND commit_no = $1", commit_no, before, told
            )
        await store.pool.execute("UPDATE lane SET link = $1 WHERE partition = 0", before)
        said = await found(touched)
        assert "the head signed for lane 0, day 2026-03-20 stands on commit 2, and its link is another" in str(said)
        await store.pool.execute("DELETE FROM day_head WHERE lane = 0")
    assert (await prove(touched)).heads == 1, "without the signed head nothing shows it: that is what heads are for"


async def test_a_tail_cut_off_is_shown_by_the_head_even_where_the_lane_agrees(touched: str) -> None:
    cut = ("DELETE FROM commit_link WHERE lane = 1 AND commit_no > 1", "DELETE FROM commit_told WHERE lane = 1 AND commit_no > 1")
    said = await found(touched, "DELETE FROM commit_link WHERE lane = 1 AND commit_no = 4", cut[1].replace("> 1", "= 4"))
    assert "lane 1 says that its newest link is" in str(said)
    with psycopg.connect(touched, autocommit=True) as superuser:
        superuser.execute(cut[0])
        superuser.execute(cut[1])
        superuser.execute("UPDATE lane SET link = (SELECT link FROM commit_link WHERE lane = 1) WHERE partition = 1")
    with pytest.raises(proof.MismatchError, match="stands on commit 2, and the chain ends at commit 1"):
        await prove(touched)


async def test_commits_swapped_do_not_follow(touched: str) -> None:
    swap = "UPDATE commit_link SET commit_no = {} WHERE lane = 0 AND commit_no = {}"
    said = await found(touched, swap.format(99, 2), swap.format(2, 3), swap.format(3, 99))
    assert "lane 0" in str(said)


async def test_a_head_known_from_elsewhere_counts_like_one_in_the_database(touched: str) -> None:
    async with Store(touched, size=1) as store, store.pool.acquire() as connection:
        kept = tuple(await heads.held(connection))
        await connection.execute("DELETE FROM day_head")
    assert (await prove(touched, signed=kept)).heads == 2
    other = kept[0]._replace(head=kept[0].head._replace(link=bytes(32)))
    with pytest.raises(proof.MismatchError, match="its link is another"):
        await prove(touched, signed=(other,))


async def test_only_the_span_is_looked_at_besides_the_chain(touched: str) -> None:
    with psycopg.connect(touched, autocommit=True) as superuser:
        superuser.execute("UPDATE fix SET lat = 0 WHERE tag = 4 AND fix_at < '2026-03-21'")
    day = START_US // DAY_US
    assert (await prove(touched, proof.Span(from_us=(day + 1) * DAY_US))).fixes == 3
    with pytest.raises(proof.MismatchError, match="fix"):
        await prove(touched, proof.Span(to_us=(day + 1) * DAY_US))


@pytest.mark.parametrize("weak", [6, 3])
async def test_rows_with_equal_marks_are_shared_out_as_they_fit(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch, weak: int
) -> None:
    """Marks of a few bits: many rows look alike, and only the digests tell whose they are."""
    good: Callable[..., np.ndarray] = chain.marks
    monkeypatch.setattr(chain, "marks", lambda rows: good(rows) & np.uint64(2**weak - 1))
    async with Lane(store) as lane:
        for n in range(4):
            await lane.put(*(fix(tag, 60 * n, -1.0 - tag / 64) for tag in range(1, 3)))
    assert (await prove(database)).fixes == 8
    said = await found(database, "UPDATE fix SET lon = -9 WHERE tag = 1 AND fix_at = timestamptz '2026-03-20 09:47:40Z'")
    assert said.table == "fix"


async def test_a_day_put_in_order_still_checks_and_is_not_exchanged_meanwhile(touched: str) -> None:
    day = START_US // DAY_US
    async with Store(touched) as store:
        before = await prove(touched)
        async with proof.moment(store) as connection:
            moved = asyncio.create_task(rewriting.rewrite(store, rewriting.Day("fix", day)))
            while not await store.pool.fetchval("SELECT to_regclass($1) IS NOT NULL", "fix_20260320_next"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert await proof.prove(connection, proof.Span(), (), checks) == before
        assert await moved
    assert await prove(touched) == before


async def test_days_past_their_time_are_no_tampering_and_what_is_left_of_them_is_checked(touched: str) -> None:
    day = START_US // DAY_US
    async with Store(touched) as store:
        await store.pool.execute("INSERT INTO activation (wearer, tag, fitted_from) VALUES (4, 4, '2026-01-01')")
        await store.pool.execute("INSERT INTO hold (wearer, authorised_by, reason) VALUES (4, 'A Judge', 'appeal')")
        for table in ("fix", "event"):
            await retention.retire(store, rewriting.Day(table, day))
        counts = await prove(touched, retires_before=day + 1)
        assert (counts.retired, counts.fixes, counts.events) == (2, 4 + 3, 1)
    with pytest.raises(proof.MismatchError, match="a note says that the day was let go of when it was"):
        await prove(touched, retires_before=day)  # a day that is to be kept has not gone by its time, whatever is noted
    with psycopg.connect(touched, autocommit=True) as superuser:
        superuser.execute("UPDATE fix SET lon = 1 WHERE tag = 4 AND fix_at = timestamptz '2026-03-20 09:47:40Z'")
    with pytest.raises(proof.MismatchError, match="tag 4 at 2026-03-20T09:47:40Z"):
        await prove(touched, retires_before=day + 1)


async def test_words_that_went_with_their_wearer_are_no_tampering(touched: str) -> None:
    """What is left of the entry is still held to its digest."""
    async with Store(touched) as store:
        async with feed.edit(store, 1) as change:
            await erasure.erase(change, 2, "A Judge", "asked to")
        words = await store.pool.fetch("SELECT text FROM alert_history WHERE actor IS NOT NULL")
        assert {row["text"] for row in words} == {"redacted"}
    assert (await prove(touched)).edits == 3
    await found(touched, "UPDATE alert_history SET at = at - interval '1 min' WHERE what = 'note'")


async def test_what_a_duty_did_to_an_alert_is_in_the_chain_as_what_people_did(touched: str) -> None:
    async with Store(touched) as store, feed.edit(store) as change:
        raised = await escalations.due(change)
    assert raised
    await prove(touched)
    error = await found(touched, f"UPDATE alert_history SET text = 'x' WHERE (alert, what) = ({raised[0][0]}, 'escalated')")
    assert error.table == "alert_history"


async def test_days_of_edits_are_signed_too(touched: str) -> None:
    """By the database's clock, and once they have been over for a while."""
    async with Store(touched) as store:
        assert [head.lane for head in await heads.unsigned(store) if head.lane == edits.LANE] == []
        await store.pool.execute("DELETE FROM edit_link")
        for number in (1, 2):
            at = f"clock_timestamp() - interval '{3 - number} day'"
            body = f"""convert_from(convert_to('{{"at":' || (extract(epoch from at) * 1000000)::bigint
                       || ',"number":{number},"rows":[],"v":1}}', 'UTF8'), 'UTF8')"""
            await store.pool.execute(
                f"""INSERT INTO edit_link (number, at, link, body)
                    SELECT {number}, at, sha256(coalesce((SELECT link FROM edit_link WHERE number = {number - 1}),
                        decode(repeat('00', 32), 'hex')) || convert_to({body}, 'UTF8')), {body} FROM (SELECT {at} AS at) AS now"""
            )
        due = [head for head in await heads.unsigned(store) if head.lane == edits.LANE]
        assert [head.commit_no for head in due] == [1, 2]
        for head in due:
            await heads.keep(store, Signed(head, "k", b"signed"))
        await store.pool.execute("DELETE FROM alert_history WHERE actor IS NOT NULL")
    assert (await prove(touched)).heads == 4
    said = await found(touched, "DELETE FROM edit_link WHERE number = 2")
    assert "the chain of what people did ends at 1" in str(said)


async def test_a_check_may_take_longer_over_what_it_read_than_a_frozen_worker_may(database: str) -> None:
    async with Store(database, size=1) as store, proof.moment(store) as connection:
        setting = "SELECT setting::integer FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
        assert await connection.fetchval(setting) == 600_000


async def test_an_empty_database_checks(database: str) -> None:
    assert await prove(database) == proof.Counts()
