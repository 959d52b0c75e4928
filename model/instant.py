"""Turns RFC 3339 text into int64 microseconds since 1970 UTC, and back; the only clock unit inside Cordon."""

from datetime import UTC, datetime, timedelta
from typing import Final

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US

# Open ends of an interval. Chosen inside PostgreSQL's and datetime's range, so that every value can be stored and shown.
BEGINNING_US: Final = 0
FOREVER_US: Final = 253_370_764_800_000_000  # 9999-01-01

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 UTC of an aware datetime; exact (integer arithmetic).

    Raises
    ------
    ValueError
        If the datetime is naive: a time without a zone is not an instant.
    """
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone: end it with Z or +01:00")
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND_US + delta.microseconds


def from_us(us: int) -> datetime:
    """Aware UTC datetime of microseconds since 1970; exact."""
    return _EPOCH + timedelta(microseconds=int(us))


def parse(text: str) -> int:
    """Microseconds of RFC 3339 text.

    Raises
    ------
    ValueError
        If it is not a date and time with a zone.
    """
    return to_us(datetime.fromisoformat(text))


def show(us: int) -> str:
    """RFC 3339 UTC text, with microseconds only where there are any: ``2026-11-22T08:00:00Z``."""
    return from_us(us).isoformat().replace("+00:00", "Z")
