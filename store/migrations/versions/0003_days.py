"""What rewriting a day beside running commits needs: 0003_days.sql beside this folder."""

from store.migrate import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """The days rewritten, and what was written to a day meanwhile."""
    run_sql("0003_days.sql")
