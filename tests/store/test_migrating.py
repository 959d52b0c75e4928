"""A migration beside running commits holds nobody up for long, and code that the database has moved past ends in order."""

import asyncio
import shutil
from pathlib import Path

import psycopg
import pytest

from duties.people import watch_over
from model.errors import CordonError
from store import migrate, version
from store.migrate import upgrade
from store.pool import Store
from tests.api import given
from tests.integration.system import COMMAND, ROOT
from tests.store.fake import fix
from tests.store.lane import Lane

VERSION = '''"""A sample."""
from store.migrate import run_sql
revision, down_revision = "9999", "{newest}"
{gentle}


def upgrade() -> None:
    """It wants two tables to itself that every commit writes."""
    run_sql("9999_sample.sql")
'''
SQL = "ALTER TABLE feed ADD COLUMN sample bigint NOT NULL DEFAULT 7; ALTER TABLE lane ADD COLUMN sample text;"
TIMEOUT_S = 60


def newer(folder: Path, *, gentle: bool = False) -> Path:
    """Our migrations and one more."""
    copy = folder / "migrations"
    shutil.copytree(migrate.FOLDER, copy)
    (copy / "9999_sample.sql").write_text(SQL)
    text = VERSION.format(newest=version.ours(), gentle="older_may_run = True" if gentle else "")
    (copy / "versions" / "9999_sample.py").write_text(text)
    return copy


def older(folder: Path, number: str) -> Path:
    """Our migrations up to one, as the version before the next one came with them."""
    copy = folder / number
    shutil.copytree(migrate.FOLDER, copy)
    for path in [*copy.glob("[0-9]*.sql"), *copy.glob("versions/[0-9]*.py")]:
        if path.name[:4] > number:
            path.unlink()
    return copy


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The next Cordon's migrations, in ours' place."""
    folder = newer(tmp_path)
    monkeypatch.setattr(migrate, "FOLDER", folder)
    return folder


async def test_commits_go_on_beside_a_migration(store: Store, next_version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody reads for long what the migration wants for itself: it tries, lets the commits behind it go, and tries again."""
    monkeypatch.setattr(migrate, "LOCK_S", 0.05)
    monkeypatch.setattr(migrate, "PAUSE_S", 0.02)
    lane = await Lane(store).__aenter__()
    tried = asyncio.Event()
    loop, pause = asyncio.get_running_loop(), migrate.time.sleep
    monkeypatch.setattr(migrate.time, "sleep", lambda s: (loop.call_soon_threadsafe(tried.set), pause(s)))
    async with store.pool.acquire() as reader:
        reading = reader.transaction()
        await reading.start()
        await reader.fetchval("SELECT position FROM feed")
        migrating = asyncio.create_task(asyncio.to_thread(upgrade, store.dsn))
        for n in range(40):
            await asyncio.wait_for(lane.put(fix(1, n, seq=n)), TIMEOUT_S)
        await asyncio.wait_for(tried.wait(), TIMEOUT_S)
        await lane.put(fix(1, 40, seq=40))
        assert not migrating.done()
        await reading.rollback()
    await asyncio.wait_for(migrating, TIMEOUT_S)
    await lane.put(fix(1, 41, seq=41))  # the same connections, statements prepared before
    assert await store.pool.fetchval("SELECT count(*) FROM fix") == 42
    assert await store.pool.fetchval("SELECT sample FROM feed") == 7


async def test_one_that_finds_no_quiet_moment_changes_nothing(
    store: Store, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("LOCK_S", 0.02), ("PAUSE_S", 0.01), ("ATTEMPTS", 3)):
        monkeypatch.setattr(migrate, name, value)
    async with store.pool.acquire() as reader, reader.transaction():
        await reader.fetchval("SELECT count(*) FROM lane")
        with pytest.raises(CordonError, match="no quiet moment"):
            await asyncio.to_thread(upgrade, store.dsn)
    assert await store.pool.fetchval("SELECT version_num FROM alembic_version") == version.ours()
    assert await store.pool.fetchval("SELECT to_jsonb(feed) ? 'sample' FROM feed") is False


async def test_older_code_is_refused_where_the_database_has_moved_past_it(
    store: Store, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await version.check(store)
    upgrade(store.dsn)
    with pytest.raises(version.OutdatedError, match=f"schema 9999, ours is {version.ours()}"):
        await version.check(store)
    monkeypatch.setattr(migrate, "FOLDER", version.FOLDER)
    with pytest.raises(CordonError, match="that of a newer Cordon"):
        upgrade(store.dsn)


async def test_older_code_goes_on_where_the_migration_says_it_may(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "FOLDER", newer(tmp_path, gentle=True))
    upgrade(store.dsn)
    assert await store.pool.fetchval("SELECT version_num FROM alembic_version") == "9999"
    await version.check(store)


async def test_newer_code_waits_for_its_migration(empty_database: str) -> None:
    upgrade(empty_database)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    async with Store(empty_database) as older:
        with pytest.raises(CordonError, match="run cordon migrate"):
            await version.check(older)


async def test_a_running_process_ends_in_order_and_is_not_started_again(database: str, next_version: Path) -> None:
    """`cordon duties`, as every part, looks for itself; a worker gives its lanes up as at any SIGTERM."""

    async def started() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *COMMAND, "duties", "--dsn", database, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )

    running = await started()
    assert running.stdout is not None
    assert await asyncio.wait_for(running.stdout.readline(), TIMEOUT_S) == b"ready\n"
    await asyncio.to_thread(upgrade, database)
    _, said = await asyncio.wait_for(running.communicate(), TIMEOUT_S)
    assert running.returncode == 0, said
    assert b"that of a newer Cordon (schema 9999" in said
    again = await started()
    _, said = await asyncio.wait_for(again.communicate(), TIMEOUT_S)
    assert again.returncode == 1
    assert said.startswith(b"cordon: the database is that of a newer Cordon"), said


IN_PROGRESS = """
INSERT INTO wearer (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'Test Wearer');
INSERT INTO account (name, password_hash, role) VALUES ('operator', '$argon2', 'operator');
INSERT INTO monitoring_order (wearer, type, status, timezone, starts)
    VALUES (1, 'bail', 'active', 'Europe/London', now() - interval '1 day')"""
WORKED = """UPDATE alert SET handling = 'in_progress', owner = (SELECT min(id) FROM account), handled_calls = calls,
    handled_at = now() - interval '3 h' WHERE id = ANY ($1::bigint[])"""
ESCALATED = "INSERT INTO outbox (position, alert, topic, body, addressed_at) VALUES (0, $1, 'escalation', '{}', $2)"


async def test_what_was_in_progress_for_hours_does_not_come_back_all_at_once(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the rule before 0041 one step kept an alert out of the queue for good: the upgrade gives each the whole time anew."""
    with monkeypatch.context() as before:
        before.setattr(migrate, "FOLDER", older(tmp_path, "0040"))
        upgrade(empty_database)
    async with Store(empty_database) as store:
        await store.pool.execute(IN_PROGRESS)
        who = {"wearer": 1, "tag": given.TAG, "order": await store.pool.fetchval("SELECT min(id) FROM monitoring_order")}
        p1, p2, told, untold, acknowledged = [
            await given.alert(store, who, zone, severity=severity, due_s=10**9)
            for zone, severity in enumerate((1, 2, 2, 2, 2), 1)
        ]
        await store.pool.execute(WORKED, [p1, p2, told, untold, acknowledged])
        await store.pool.execute("UPDATE alert SET handling = 'acknowledged' WHERE id = $1", acknowledged)
        now = await store.pool.fetchval("SELECT now()")
        await store.pool.execute(ESCALATED, told, now)
        await store.pool.execute(ESCALATED, untold, None)
    upgrade(empty_database)
    async with Store(empty_database) as store:
        # What was only acknowledged came back by the rule before, too; and who waits for an escalation gets it.
        assert await watch_over(store) == {"returned": [untold, acknowledged]}
        await store.pool.execute("UPDATE alert SET handled_at = handled_at - interval '5 min'")
        assert await watch_over(store) == {"returned": [p1]}
        await store.pool.execute("UPDATE alert SET handled_at = handled_at - interval '5 min'")
        assert await watch_over(store) == {"returned": [p2, told]}


async def test_who_could_not_answer_for_orders_before_has_a_day_from_the_upgrade_on(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(migrate, "FOLDER", older(tmp_path, "0044"))
        upgrade(empty_database)
    async with Store(empty_database) as store:
        await store.pool.execute(IN_PROGRESS)
        await store.pool.execute("INSERT INTO account (name, password_hash, role) VALUES ('officer', '$argon2', 'officer')")
        await store.pool.execute("UPDATE account SET created_at = now() - interval '2 d'")
    upgrade(empty_database)
    async with Store(empty_database) as store:
        since = await store.pool.fetch("SELECT role, no_officer_at > now() - interval '1 d' AS anew FROM account ORDER BY id")
        assert [tuple(row) for row in since] == [("operator", True), ("officer", None)]


async def test_calls_that_were_owed_before_are_somebody_s(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an open alert whoever's who has it; of a closed one, and of a wearer alone, whoever's who logged it.

    But what should have been made by yesterday, and what somebody owes who is shut out or cannot make it, is nobody's.
    """
    with monkeypatch.context() as before:
        before.setattr(migrate, "FOLDER", older(tmp_path, "0041"))
        upgrade(empty_database)
    async with Store(empty_database) as store:
        await store.pool.execute(IN_PROGRESS)
        await store.pool.execute(
            """INSERT INTO account (name, password_hash, role, active) VALUES ('officer', '$argon2', 'officer', true),
               ('gone', '$argon2', 'operator', false), ('engineer', '$argon2', 'engineer', true)"""
        )
        operator, officer, gone, engineer = [row["id"] for row in await store.pool.fetch("SELECT id FROM account ORDER BY id")]
        who = {"wearer": 1, "tag": given.TAG, "order": await store.pool.fetchval("SELECT min(id) FROM monitoring_order")}
        held, closed, queued, outage = [await given.alert(store, who, zone) for zone in (1, 2, 3, 4)]
        await store.pool.execute("UPDATE alert SET owner = $2 WHERE id = ANY ($1)", [held, closed], officer)
        await store.pool.execute("UPDATE alert SET owner = $2 WHERE id = $1", outage, engineer)
        await store.pool.execute("UPDATE alert SET handling = 'closed' WHERE id = $1", closed)
        calls = [  # about which alert, logged by whom, due how many hours ago, and whose it is afterwards
            (held, operator, 1, officer),
            (held, operator, 25, officer),
            (closed, operator, 1, operator),
            (closed, operator, 25, None),
            (queued, operator, 1, None),
            (outage, operator, 1, None),
            (None, operator, 23, operator),
            (None, operator, 25, None),
            (None, gone, 1, None),
            (None, operator, None, None),
        ]
        for alert, by, hours_ago, _ in calls:
            await store.pool.execute(
                """INSERT INTO contact (alert, wearer, at, account, way, direction, person, outcome, callback_at)
                   VALUES ($1, 1, now(), $2, 'call', 'out', 'wearer', 'no_answer', now() - make_interval(hours => $3))""",
                *(alert, by, hours_ago),
            )
    upgrade(empty_database)
    async with Store(empty_database) as store:
        rows = await store.pool.fetch("SELECT owed_by FROM contact ORDER BY id")
        assert [row["owed_by"] for row in rows] == [whose for _, _, _, whose in calls]
