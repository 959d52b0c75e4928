"""Two versions of a timetable, or of an order, become the first time that the newer one no longer asks for."""

from collections.abc import Sequence

from model.instant import DAY_US
from model.timetable import Timetable, expand

YEAR_US = 366 * DAY_US  # as far ahead as dated exceptions are made

Span = tuple[int, int]


def given_up(old: Timetable, new: Timetable, from_us: int) -> Span | None:
    """The first span within a year that ``old`` asks for and ``new`` does not, half-open microseconds; None: there is none."""
    old_spans, new_spans = (expand(table, from_us, from_us + YEAR_US).tolist() for table in (old, new))
    return lost(old_spans, new_spans)


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
