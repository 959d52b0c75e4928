"""Holds, what retention did, settled dead letters, erasure: 0006_retention.sql beside this folder."""

from store.migrate import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """The tables and columns that keeping and forgetting need."""
    run_sql("0006_retention.sql")
