"""Escalation calendars, and what they did to an alert: 0015_escalation.sql beside this folder."""

from store.migrate import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """One table with the built-in chain; four handling columns."""
    run_sql("0015_escalation.sql")
