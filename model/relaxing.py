"""Two versions of a timetable, or of an order, become the first time that the newer one no longer asks for."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time

from model.instant import DAY_US, FOREVER_US, to_us
from model.timetable import Timetable, expand

YEAR_US = 366 * DAY_US  # in which every week there is comes, by summer time and by winter time

Span = tuple[int, int]


def given_up(old: Timetable, new: Timetable, from_us: int) -> Span | None:
    """The first span that ``old`` asks for and ``new`` does not, half-open microseconds; None: there is none.

    A year is looked at whole; after it, as the weeks are the same again, the dates for which the two say otherwise.
    """
    for span in ((from_us, from_us + YEAR_US), *_dated(old, new, from_us + YEAR_US)):
        found = lost(*(expand(table, *span).tolist() for table in (old, new)))
        if found is not None:
            return found
    return None


def _dated(old: Timetable, new: Timetable, after_us: int) -> Iterator[Span]:
    """Around each date that two timetables except otherwise, or one alone: its windows wherever its zone is, and whole."""
    was, would = dict(old.exceptions), dict(new.exceptions)
    for day in sorted(was.keys() | would.keys()):
        if was.get(day) != would.get(day):
            midnight_us = to_us(datetime.combine(day, time(), UTC))
            low_us, high_us = max(midnight_us - 2 * DAY_US, after_us), min(midnight_us + 4 * DAY_US, FOREVER_US)
            if low_us < high_us:
                yield low_us, high_us


def lost(old: Sequence[Sequence[int]], asked: Sequence[Sequence[int]]) -> Span | None:
    """The first span of ``old`` that is not in ``asked``; both in order, and no two of one of them touch. None: there is none."""
    place = 0
    for low, high in old:
        while place < len(asked) and asked[place][1] <= low:
            place += 1
        # Spans of one timetable never touch, so one that is asked for lies within a single span of the other.
        if place == len(asked) or asked[place][0] > low:
            return low, min(high, asked[place][0]) if place < len(asked) else high
        if asked[place][1] < high:
            return asked[place][1], min(high, asked[place + 1][0]) if place + 1 < len(asked) else high
    return None
