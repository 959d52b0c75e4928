"""A tag's whole walk becomes the alerts it must have raised: DOMAIN.md's words, fix by fix, with no state kept between calls."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from bench.crash.walk import LEAVE_M, ZONES_AT_M, Point, outside_m

REENTER_US: Final = 600_000_000


class Alert(NamedTuple):
    """An alert's row as it stands when the walk is over; ``kind`` is the gravest of its occurrences."""

    tag: int
    zone: int  # row of ZONES_AT_M
    kind: str
    condition: str
    event_us: int
    ended_us: int | None
    occurrences: int


def alerts(points: Sequence[Point]) -> list[Alert]:
    """What one tag's fixes, all good ones, in order of time, make of every zone; ordered by zone."""
    found = [_one(zone, points) for zone in range(len(ZONES_AT_M))]
    return [alert for alert in found if alert is not None]


def _one(zone: int, points: Sequence[Point]) -> Alert | None:
    """An entry begins with one fix inside beyond its accuracy, or with two in a row that may be inside. It ends with two in a row
    outside beyond theirs, or with one over 50 m outside. Within ten minutes of the end it is the same entry that goes on."""
    entries: list[tuple[str, int, int | None]] = []  # kind, event, end
    maybe: list[Point] = []
    out: list[Point] = []
    for point in points:
        d = outside_m(zone, point)
        inside, outside = d <= -point.accuracy_m, d > point.accuracy_m
        maybe = [] if inside or outside else [*maybe, point]
        out = [*out, point] if outside else []
        going_on = bool(entries) and entries[-1][2] is None
        if going_on:
            kind, event_us, _ = entries[-1]
            if inside:
                entries[-1] = "exclusion", event_us, None
            elif len(out) >= 2 or (outside and d > LEAVE_M):
                entries[-1] = kind, event_us, out[0].at_us
                out = []
        elif inside or len(maybe) >= 2:
            kind, first_us = ("exclusion", point.at_us) if inside else ("exclusion_possible", maybe[-2].at_us)
            if entries and (ended_us := entries[-1][2]) is not None and first_us - ended_us <= REENTER_US:
                entries[-1] = min(kind, entries[-1][0]), entries[-1][1], None
            else:
                entries.append((kind, first_us, None))
        if entries and entries[-1][2] is None:
            maybe = []
    if not entries:
        return None
    ended_us = entries[-1][2]
    kind = min(kind for kind, *_ in entries)  # "exclusion" sorts before "exclusion_possible"
    condition = "active" if ended_us is None else "ended"
    return Alert(points[0].tag, zone, kind, condition, entries[0][1], ended_us, len(entries))
