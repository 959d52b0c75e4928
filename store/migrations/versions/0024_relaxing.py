"""Changes that relax a curfew, until a second person has decided: 0024_relaxing.sql beside this folder."""

from store.migrate import run_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """One table."""
    run_sql("0024_relaxing.sql")
