"""Migrations make the committed schema, from any number of processes at once."""

import subprocess
import sys

import psycopg
import pytest

from model.errors import CordonError
from store.migrate import FOLDER, SCHEMA, schema, upgrade

NEWEST = max(path.name[:4] for path in FOLDER.glob("*.sql"))


def test_the_migrations_make_the_committed_schema(database: str) -> None:
    assert schema(database) == SCHEMA.read_text(), "the migrations changed: make schema, and read the difference"


def test_drift_is_seen(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE lane ADD COLUMN drift integer")
    assert schema(database) != SCHEMA.read_text()


def test_upgrades_at_once_do_it_once(empty_database: str) -> None:
    command = [sys.executable, "-c", "import sys; from store.migrate import upgrade; upgrade(sys.argv[1])", empty_database]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[1] for process in running] == ["", "", ""]
    assert [process.returncode for process in running] == [0, 0, 0]
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(NEWEST,)]
        assert connection.execute("SELECT count(*) FROM feed").fetchone() == (1,)


def test_upgrading_again_changes_nothing(database: str) -> None:
    upgrade(database)
    assert schema(database) == SCHEMA.read_text()


def test_an_unreachable_server_is_one_sentence() -> None:
    with pytest.raises(CordonError, match="cannot be reached"):
        upgrade("postgresql://cordon@/cordon?host=/nowhere")


def test_where_nothing_listens_that_is_said_with_host_and_port() -> None:
    with pytest.raises(CordonError, match=r"cannot be reached \(.*127\.0\.0\.1.*port 9 failed: Connection refused\)"):
        upgrade("postgresql://nobody@127.0.0.1:9/none")


def test_a_database_of_another_build_is_refused(empty_database: str) -> None:
    """Migrations of one number but other content: nothing would be upgraded, and every statement could fail."""
    upgrade(empty_database)
    upgrade(empty_database)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("UPDATE setting SET value = to_jsonb('another'::text) WHERE name LIKE 'migration/%'")
        with pytest.raises(CordonError, match="another build"):
            upgrade(empty_database)
        connection.execute("DELETE FROM setting")
    with pytest.raises(CordonError, match="another build"):
        upgrade(empty_database)


def test_no_number_runs_out(database: str) -> None:
    """A vendor went blind for twelve hours in 2010 when its 32-bit row numbers ran out; ours are of 64 bits, all but one."""
    with psycopg.connect(database) as connection:
        numbered = connection.execute("SELECT sequencename FROM pg_sequences WHERE data_type <> 'bigint'::regtype").fetchall()
        keyed = connection.execute(
            """SELECT attrelid::regclass::text FROM pg_attribute WHERE attidentity <> '' AND atttypid <> 'bigint'::regtype
               UNION SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
               WHERE pg_get_expr(adbin, adrelid) LIKE 'nextval%' AND atttypid <> 'bigint'::regtype"""
        ).fetchall()
        counting = connection.execute(
            """SELECT table_name || '.' || column_name FROM information_schema.columns
               WHERE table_schema = 'public' AND data_type IN ('integer', 'smallint')
                 AND column_name ~ '(^|_)(position|seq|commit_no|epoch|offset|id)$'"""
        ).fetchall()
    # Gateways are hardware with a name, numbered once each: thousands, not thousands of millions (store/gateways.py).
    assert numbered == [("gateway_id_seq",)]
    assert keyed == [("gateway",)]
    assert counting == [("gateway.id",)]
