"""Alerts of devices: 0010_signals.sql beside this folder."""

from store.migrate import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """The cause an alert is held under, and events among its evidence."""
    run_sql("0010_signals.sql")
