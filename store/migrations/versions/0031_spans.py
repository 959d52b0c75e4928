"""What figures and handovers look through by time: 0031_spans.sql beside this folder."""

from store.migrate import run_sql

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Three indexes, and a column for one of them."""
    run_sql("0031_spans.sql")
