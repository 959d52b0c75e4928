"""Who wore which tag by which order becomes days on which a person was really monitored, none of them counted twice.

A day is a date in the time zone of the order that governs just then: of several that hold, the one that began first. So an
instant belongs to one date, a date has one row a person, and that row to one organisation, whatever tags and orders there are.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from model.instant import from_us, to_us


class Worn(NamedTuple):
    """That a tag was worn while an order gave authority. Half-open UTC microseconds ``[from_us, to_us)``."""

    wearer: int
    tag: int
    order: int
    order_starts_us: int
    organisation: int
    timezone: str  # the order's
    from_us: int
    to_us: int


class Stretch(NamedTuple):
    """A part of one date during which one person wore one tag, governed by one order."""

    day: date
    wearer: int
    tag: int
    organisation: int
    from_us: int
    to_us: int


class Day(NamedTuple):
    """That a person was really monitored on a date, and which organisation's it was: that of the first evidence."""

    day: date
    wearer: int
    organisation: int


def stretches(worn: Iterable[Worn], first: date, end: date) -> list[Stretch]:
    """What there is of the dates from ``first`` up to and without ``end``, in order of date, wearer and time."""
    of: dict[int, list[Worn]] = defaultdict(list)
    for span in worn:
        of[span.wearer].append(span)
    found = [stretch for spans in of.values() for stretch in _of_wearer(spans) if first <= stretch.day < end]
    return sorted(found, key=lambda one: (one.day, one.wearer, one.from_us, one.tag))


def days(given: Sequence[Stretch], seen: Callable[[Sequence[Stretch]], Sequence[int | None]]) -> list[Day]:
    """The days with evidence.

    Parameters
    ----------
    given : as ``stretches`` answers them
    seen : of each stretch the time of its first position or contact, None where there is none
    """
    best: dict[tuple[date, int], tuple[int, int]] = {}
    for stretch, at_us in zip(given, seen(given), strict=True):
        if at_us is not None:
            key, told = (stretch.day, stretch.wearer), (at_us, stretch.organisation)
            best[key] = min(best.get(key, told), told)
    return [Day(*key, organisation) for key, (_, organisation) in sorted(best.items())]


def _of_wearer(spans: Sequence[Worn]) -> Iterator[Stretch]:
    cuts = sorted({cut for span in spans for cut in (span.from_us, span.to_us)})
    for start_us, end_us in pairwise(cuts):
        on = [span for span in spans if span.from_us <= start_us < span.to_us]
        if not on:
            continue
        governs = min(on, key=lambda span: (span.order_starts_us, span.order))
        for day, from_, until in _dates(ZoneInfo(governs.timezone), start_us, end_us):
            for tag in sorted({span.tag for span in on}):
                yield Stretch(day, governs.wearer, tag, governs.organisation, from_, until)


def _dates(zone: ZoneInfo, start_us: int, end_us: int) -> Iterator[tuple[date, int, int]]:
    """The dates of a time, each with its part of it."""
    while start_us < end_us:
        day = from_us(start_us).astimezone(zone).date()
        midnight_us = to_us(datetime.combine(day + timedelta(days=1), time(), zone))
        # Where clocks jump over midnight the next date begins later; where they fall back over it, it has begun.
        until = min(max(midnight_us, start_us + 1), end_us)
        yield day, start_us, until
        start_us = until
