"""The chain of people's edits: 0012_edits.sql beside this folder."""

from store.migrate import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """One table; heads of a lane that is none."""
    run_sql("0012_edits.sql")
