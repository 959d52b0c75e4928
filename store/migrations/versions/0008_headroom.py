"""How long the disk will do, as last measured: 0008_headroom.sql beside this folder."""

from store.migrate import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """One table of one row."""
    run_sql("0008_headroom.sql")
