"""How grave an absence is, as of the version it is judged by: 0032_risk.sql beside this folder."""

from store.migrate import run_sql

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """One column."""
    run_sql("0032_risk.sql")
