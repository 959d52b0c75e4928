"""Visits to wearers: 0020_visits.sql beside this folder."""

from store.migrate import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Two tables."""
    run_sql("0020_visits.sql")
