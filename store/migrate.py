"""Turns an empty or older database into one of this version: alembic's order and bookkeeping, plain SQL inside."""

import hashlib
import subprocess
import time
from pathlib import Path
from typing import Final

import psycopg

from model.errors import CordonError
from store import version
from store.postgres import binary

FOLDER: Final = version.FOLDER
SCHEMA: Final = Path(__file__).with_name("schema.sql")
LOCK_S: Final = 0.5  # commits queue behind a migration that waits for a table: no longer than this
PAUSE_S: Final = 0.5
ATTEMPTS: Final = 240
LOCK: Final = 0x434F52444F4E  # "CORDON": only one upgrade of a database runs at a time


def upgrade(dsn: str) -> None:
    """Bring the database up to this version; safe to run from several processes at once, and again.

    Raises
    ------
    CordonError
        If the database cannot be reached, is that of a newer or another Cordon, or found no quiet moment.
    """
    try:
        connection = psycopg.connect(dsn, autocommit=True)
    except psycopg.OperationalError as error:
        # libpq tells of each address that it tried, then gives an indented hint or a server's detail; why comes first.
        reason = str(error).strip().splitlines()[0]
        raise CordonError(f"the database cannot be reached ({reason}): check its address, and that the server runs") from None
    with connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])  # let go with the connection
        older = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone() == (True,)
        found = _found(connection) if older else None
        if found is None or found < version.ours(FOLDER):
            _patiently(dsn)
        _check(connection, older)
        connection.execute(
            """INSERT INTO setting (name, version, value) VALUES (%s, 1, to_jsonb(%s::text))
               ON CONFLICT (name, version) DO UPDATE SET value = excluded.value""",
            [version.OLDEST, version.oldest(FOLDER)],
        )


def _found(connection: "psycopg.Connection[tuple[object, ...]]") -> str | None:
    """The version it is at, where it is not newer than ours."""
    row = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()
    found, ours = None if row is None or row[0] is None else str(row[0]), version.ours(FOLDER)
    if found is not None and found > ours:
        raise CordonError(f"the database is that of a newer Cordon (schema {found}, ours is {ours}): start that one")
    return found


def _patiently(dsn: str) -> None:
    """Run what is missing, each migration in its transaction. One that would wait for others lets them go first, and tries again:
    everybody else would have to wait behind it."""
    import alembic.command  # here, as these take half a second that commands beside a running instance need not wait
    import sqlalchemy
    import sqlalchemy.exc
    from alembic.config import Config

    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(dsn, options=f"-c lock_timeout={int(LOCK_S * 1000)}"),
        poolclass=sqlalchemy.NullPool,
    )
    for attempt in range(ATTEMPTS):
        try:
            with engine.connect() as migrating:
                config = Config()
                config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
                config.set_main_option("path_separator", "os")
                config.attributes["connection"] = migrating
                alembic.command.upgrade(config, "head")
        except (sqlalchemy.exc.OperationalError, psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            cause = error.orig if isinstance(error, sqlalchemy.exc.OperationalError) else error
            if not isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                raise
            if attempt == ATTEMPTS - 1:
                raise CordonError(
                    "the database found no quiet moment for a change of its tables: run cordon migrate again"
                ) from None
            time.sleep(PAUSE_S)
        else:
            return


def _check(connection: "psycopg.Connection[tuple[object, ...]]", older: bool) -> None:
    """Refuse a database whose migrations were other files than ours: their numbers agree, and their tables do not.

    Each file's digest is kept with the settings once it has run; an ``older`` database without any is of a build before that.
    """
    rows = connection.execute("SELECT name, value FROM setting WHERE name LIKE 'migration/%'").fetchall()
    known = {str(name): value for name, value in rows}
    for path in sorted(FOLDER.glob("*.sql")):
        name, digest = f"migration/{path.name}", hashlib.sha256(path.read_bytes()).hexdigest()
        if known.get(name, digest) != digest or (older and not known):
            raise CordonError("this database was made by another build of Cordon: choose another data folder, or remove this one")
        if name not in known:
            connection.execute("INSERT INTO setting (name, version, value) VALUES (%s, 1, to_jsonb(%s::text))", [name, digest])


def run_sql(name: str) -> None:
    """Run one SQL file of the migrations folder, inside the migration's transaction."""
    from alembic import op

    driver = op.get_bind().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    driver.execute((FOLDER / name).read_bytes())


def schema(dsn: str) -> str:
    """The schema of a database as text, the same for the same schema: what the drift test compares with ``SCHEMA``."""
    dump = [str(binary("pg_dump")), "--schema-only", "--no-owner", "--no-privileges", "--restrict-key=cordon", f"--dbname={dsn}"]
    text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    return "\n".join(line for line in text.splitlines() if line and not line.startswith(("--", "\\"))) + "\n"
