"""What is on paper, and what is not as it says: 0025_paper.sql beside this folder."""

from store.migrate import run_sql

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Two tables, a column."""
    run_sql("0025_paper.sql")
