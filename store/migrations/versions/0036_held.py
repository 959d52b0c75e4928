"""What an outage holds, by call and added to only: 0036_held.sql beside this folder."""

from store.migrate import run_sql

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Two columns, three indexes, four functions."""
    run_sql("0036_held.sql")
