"""Pauses of paging: 0016_pauses.sql beside this folder."""

from store.migrate import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Two tables, and a trigger on the outbox."""
    run_sql("0016_pauses.sql")
