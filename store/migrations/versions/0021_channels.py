"""Channels and deliveries: 0021_channels.sql beside this folder."""

from store.migrate import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Two tables; the outbox keeps only what is to be told."""
    run_sql("0021_channels.sql")
