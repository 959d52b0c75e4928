"""The kinds of value that requests and answers are made of: instants, ids, text; each refuses what the database cannot take."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from model.instant import BEGINNING_US, FOREVER_US, parse, show
from model.synthetic import FIRST_TAG

LARGEST: Final = 2**63 - 1  # bigint


def _instant(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("write a time as 2026-11-22T08:00:00Z")  # noqa: TRY004 (pydantic wants ValueError)
    try:
        us = parse(value)
    except (ValueError, OverflowError):
        raise ValueError("write a time as 2026-11-22T08:00:00Z: date, T, time, and Z or an offset") from None
    if not BEGINNING_US <= us < FOREVER_US:
        raise ValueError("a time lies between 1970 and 9998")
    return us


def _text(value: str) -> str:
    if any(unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\n\t" for letter in value):
        raise ValueError("contains control characters: write plain text")
    return value


def _timezone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone: give an IANA name such as Europe/London") from None


def now_us() -> int:
    """The wall clock, microseconds since 1970 UTC."""
    return int(datetime.now(UTC).timestamp() * 1_000_000)


_TIME: Final = {"type": "string", "format": "date-time", "examples": ["2026-11-22T08:00:00Z"]}

# RFC 3339 text in, microseconds inside.
InstantIn = Annotated[int, BeforeValidator(_instant), WithJsonSchema(_TIME)]
# Microseconds inside, RFC 3339 UTC text out.
Instant = Annotated[int, PlainSerializer(show, return_type=str), WithJsonSchema(_TIME)]

Id = Annotated[int, Field(ge=1, le=LARGEST)]
Tag = Annotated[int, Field(ge=1, lt=FIRST_TAG)]  # of a person; from there on they are synthetic wearers'
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000), AfterValidator(_text)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_text)]
Timezone = Annotated[Name, AfterValidator(_timezone)]


def readable(details: dict[str, Any]) -> dict[str, Any]:
    """Details as they are kept, with their microseconds as times: ``ended_us`` becomes ``ended``."""
    return {
        name.removesuffix("_us"): show(value) if name.endswith("_us") and isinstance(value, int) else value
        for name, value in details.items()
    }


class Row(Protocol):
    """A database row, or anything that gives values by column name."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of a column."""


class Input(BaseModel):
    """A body that is sent to us: a field we do not know is refused, never ignored; numbers are finite."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Person(BaseModel):
    """An account, as it is named in other things."""

    id: int
    name: str


def person(number: int | None, name: str | None) -> Person | None:
    """The account a row names, if it names one."""
    return None if number is None or name is None else Person(id=number, name=name)
