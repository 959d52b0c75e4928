"""What is never muted, and what is paged when a pause is over: 0029_muting.sql beside this folder."""

from store.migrate import run_sql

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Two functions, one column and its index."""
    run_sql("0029_muting.sql")
