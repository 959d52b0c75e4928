"""Turns RFC 3339 text into microseconds since 1970 UTC and back, one at a time or as arrays."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read(text: str) -> int:
    """Microseconds of RFC 3339 text.

    Raises
    ------
    ValueError
        If it is no date and time, or has no zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no zone: end it with Z or +01:00")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def show(us: int) -> str:
    """RFC 3339 UTC text: ``2026-11-22T08:00:00Z``."""
    return (_EPOCH + timedelta(microseconds=int(us))).isoformat().replace("+00:00", "Z")


def texts(us: Any, unit: str) -> list[str]:
    """RFC 3339 UTC texts of (n,) microseconds, to whole units of ``"s"`` or ``"ms"``; finer digits are dropped."""
    moments = np.asarray(us).astype("datetime64[us]").astype(f"datetime64[{unit}]")
    return [f"{text}Z" for text in np.datetime_as_string(moments).tolist()]
