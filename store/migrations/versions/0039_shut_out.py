"""Since when somebody may not sign in: 0039_shut_out.sql beside this folder."""

from store.migrate import run_sql

revision = "0039"
down_revision = "0038"
older_may_run = True


def upgrade() -> None:
    """One column."""
    run_sql("0039_shut_out.sql")
