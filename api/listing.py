"""Turns a long list into pages: a cursor that says where the last one ended, and a limit."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, Self, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from api.fields import LARGEST, Row
from api.problem import invalid

Item = TypeVar("Item")

DEFAULT: Final = 100
MOST: Final = 500

Limit = Annotated[int, Query(ge=1, le=MOST, description="at most this many items")]
Cursor = Annotated[str | None, Query(max_length=400, description="`next` of the page before")]


class Page(BaseModel, Generic[Item]):
    """Part of a list."""

    items: list[Item]
    next: str | None = Field(description="pass it as `cursor` for the next page; null on the last")

    @classmethod
    def of(cls, rows: Sequence[Row], limit: int, item: Callable[[Row], Item], key: str = "id") -> Self:
        """A page of rows in the order of the column ``key``, one more of which was asked for than are shown."""
        following = pack(rows[limit - 1][key]) if len(rows) > limit else None
        return cls(items=[item(row) for row in rows[:limit]], next=following)


def pack(*key: int) -> str:
    """A cursor from the sort key of a page's last item."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def unpack(cursor: str | None, parts: int = 1) -> tuple[int, ...] | None:
    """The sort key in a cursor, None for the first page.

    Raises
    ------
    ProblemError
        If it is none of ours.
    """
    if cursor is None:
        return None
    try:
        key = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError):
        key = None
    if not isinstance(key, list) or len(key) != parts or not all(type(part) is int and abs(part) <= LARGEST for part in key):
        raise invalid("cursor", "is not one of ours: pass `next` of the page before, unchanged", "query")
    return tuple(key)


def after(cursor: str | None) -> int:
    """The id a page ended with, 0 for the first page."""
    key = unpack(cursor)
    return key[0] if key else 0
