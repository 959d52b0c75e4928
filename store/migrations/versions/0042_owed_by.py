"""Whose it is to make a call that is owed: 0042_owed_by.sql beside this folder."""

from store.migrate import run_sql

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    """A column of contacts, one of handovers, and a trigger."""
    run_sql("0042_owed_by.sql")
