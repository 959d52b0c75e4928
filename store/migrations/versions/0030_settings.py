"""Numbers that are set, a version a save: 0030_settings.sql beside this folder."""

from store.migrate import run_sql

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Two tables, and what the order types had elsewhere."""
    run_sql("0030_settings.sql")
