"""Turns the migrations we came with and those a database has had into whether this code may run on it."""

import re
from pathlib import Path
from typing import Final

from model.errors import CordonError
from store.pool import Store

FOLDER: Final = Path(__file__).with_name("migrations")
OLDEST: Final = "schema/oldest"  # the setting that says which migrations a code must know to run on the database
GENTLE: Final = re.compile(r"^older_may_run = True$", re.MULTILINE)


class OutdatedError(CordonError):
    """The database has moved past this code."""


def ours(folder: Path = FOLDER) -> str:
    """Number of the newest migration this code came with."""
    return max(path.name[:4] for path in (folder / "versions").glob("[0-9]*.py"))


def oldest(folder: Path = FOLDER) -> str:
    """Number of the newest migration that code must know: code older than those that say ``older_may_run = True`` goes on."""
    needed = (path.name[:4] for path in (folder / "versions").glob("[0-9]*.py") if not GENTLE.search(path.read_text()))
    return max(needed, default="0000")


async def check(store: Store) -> None:
    """Raise where this code may not run on a database.

    Raises
    ------
    OutdatedError
        If the database was migrated past us.
    CordonError
        If it was not yet migrated to us.
    """
    needed = await store.pool.fetchval("SELECT value FROM setting WHERE name = $1 ORDER BY version DESC LIMIT 1", OLDEST)
    if needed is not None and needed > ours():
        raise OutdatedError(f"the database is that of a newer Cordon (schema {needed}, ours is {ours()}): start that one")
    found: str | None = await store.pool.fetchval("SELECT max(version_num) FROM alembic_version")
    if found is None or found < ours():
        raise CordonError(f"the database is of an older Cordon (schema {found}, ours is {ours()}): run cordon migrate")
