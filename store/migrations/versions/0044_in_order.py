"""Calls are locked in one order: 0044_in_order.sql beside this folder."""

from store.migrate import run_sql

revision = "0044"
down_revision = "0043"
older_may_run = True


def upgrade() -> None:
    """A function."""
    run_sql("0044_in_order.sql")
