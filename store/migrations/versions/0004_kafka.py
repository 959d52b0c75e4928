"""The Kafka engine's columns: 0004_kafka.sql beside this folder."""

from store.migrate import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Generations of topics, and receipts of several frames."""
    run_sql("0004_kafka.sql")
