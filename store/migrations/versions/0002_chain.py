"""The chain of commits: 0002_chain.sql beside this folder."""

from store.migrate import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Links, the marks of their rows, and where their entries stand."""
    run_sql("0002_chain.sql")
