"""The contact log and the clocks that people stop: 0014_contacts.sql beside this folder."""

from store.migrate import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """One table, three handling columns."""
    run_sql("0014_contacts.sql")
