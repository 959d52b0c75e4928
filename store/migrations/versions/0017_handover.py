"""Shift handovers: 0017_handover.sql beside this folder."""

from store.migrate import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """One table."""
    run_sql("0017_handover.sql")
