"""A channel's daily digest: 0026_digest.sql beside this folder."""

from store.migrate import run_sql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Three columns."""
    run_sql("0026_digest.sql")
