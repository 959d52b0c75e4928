"""Zones for attendance: 0027_attendance.sql beside this folder."""

from store.migrate import run_sql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """One column."""
    run_sql("0027_attendance.sql")
