"""Signed heads of lane-days: 0005_day_head.sql beside this folder."""

from store.migrate import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """One table."""
    run_sql("0005_day_head.sql")
