"""What status an order has when, and who said so: 0023_authority.sql beside this folder."""

from store.migrate import run_sql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Two tables, a function, a view."""
    run_sql("0023_authority.sql")
