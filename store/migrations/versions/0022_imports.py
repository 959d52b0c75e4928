"""What was imported from files, by its name there: 0022_imports.sql beside this folder."""

from store.migrate import run_sql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """One table."""
    run_sql("0022_imports.sql")
