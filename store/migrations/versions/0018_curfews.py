"""Curfews by version, and authorised absences: 0018_curfews.sql beside this folder."""

from store.migrate import run_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Three tables."""
    run_sql("0018_curfews.sql")
