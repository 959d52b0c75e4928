"""Since when an alert has been waiting for an answer: 0038_called.sql beside this folder."""

from store.migrate import run_sql

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """One column."""
    run_sql("0038_called.sql")
