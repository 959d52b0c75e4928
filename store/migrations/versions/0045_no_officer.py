"""Since when somebody cannot answer for orders: 0045_no_officer.sql beside this folder."""

from store.migrate import run_sql

revision = "0045"
down_revision = "0044"
older_may_run = True


def upgrade() -> None:
    """A column, and what keeps it."""
    run_sql("0045_no_officer.sql")
