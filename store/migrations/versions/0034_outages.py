"""Fleet outages with their lists: 0034_outages.sql beside this folder."""

from store.migrate import run_sql

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Seven tables, two functions and a trigger."""
    run_sql("0034_outages.sql")
