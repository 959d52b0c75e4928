"""The first schema: 0001_house.sql beside this folder."""

from store.migrate import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Everything DESIGN.md section 3 needs from the start."""
    run_sql("0001_house.sql")
