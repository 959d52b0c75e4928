"""What relaxes a curfew waits where all else does: 0033_one_waiting.sql beside this folder."""

from store.migrate import run_sql

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """One table less."""
    run_sql("0033_one_waiting.sql")
