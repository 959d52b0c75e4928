"""Links by their entries' place in the feed: 0009_told.sql beside this folder."""

from store.migrate import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """One index."""
    run_sql("0009_told.sql")
