"""Outages of which too few are left: 0037_under.sql beside this folder."""

from store.migrate import run_sql

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """One column."""
    run_sql("0037_under.sql")
