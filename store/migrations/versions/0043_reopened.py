"""A reopened alert has its calls back: 0043_reopened.sql beside this folder."""

from store.migrate import run_sql

revision = "0043"
down_revision = "0042"
older_may_run = True


def upgrade() -> None:
    """A trigger."""
    run_sql("0043_reopened.sql")
