"""Distances of one tag's fixes from one zone become the approaches and the exits that ought to be, slowly and by looking ahead.

Written from DOMAIN.md and docs/alerts.md alone; imports neither geofence nor alerts. Seconds and metres; every fix is known two
seconds after it was taken, and the clock runs on for an hour after the last.
"""

from typing import NamedTuple

from tests.oracle.occurrences import Seen

KNOWN_S = 2


class Stay(NamedTuple):
    """One occurrence."""

    event_s: int
    detected_s: int
    ended_s: int | None


def approaches(track: list[Seen], buffer_m: float) -> list[Stay]:
    """Of a zone that nobody enters: within its buffer for five minutes."""
    words = [_ring(seen, buffer_m) for seen in track]
    found: list[Stay] = []
    place = 0
    while (place := next((p for p in range(place, len(track)) if words[p] == "near"), len(track))) < len(track):
        event_s = track[place].at_s
        due_s = event_s + 300
        broken = next(
            (p for p in range(place, len(track)) if words[p] in ("out", "far") and track[p].at_s + KNOWN_S < due_s), None
        )
        if broken is not None:
            place = broken + 1
            continue
        known = next((p for p in range(place, len(track)) if track[p].at_s + KNOWN_S >= due_s), len(track))
        ended_s, place = _left(track, words, known)
        found.append(Stay(event_s, due_s, ended_s))
    return _joined(found)


def exits(track: list[Seen], confirm: int) -> list[Stay]:
    """Of a zone to stay in that applies all the time."""
    words = [_side(seen) for seen in track]
    spoken = [(seen.at_s, word) for seen, word in zip(track, words, strict=True) if word]
    found: list[Stay] = []
    place = 0
    while True:
        began = next((p for p in range(place + 1, len(spoken)) if spoken[p - 1][1] == spoken[p][1] == "out"), None)
        if began is None:
            return _joined(found)
        ended_s, place = None, len(spoken)
        for p in range(began + 1, len(spoken)):
            run = spoken[max(began + 1, p - confirm + 1) : p + 1]
            if spoken[p][1] == "in" or (len(run) == confirm and all(word != "out" for _, word in run)):
                ended_s, place = (spoken[p][0] if spoken[p][1] == "in" else run[0][0]), p + 1
                break
        found.append(Stay(spoken[began - 1][0], spoken[began][0] + KNOWN_S, ended_s))


def _ring(seen: Seen, buffer_m: float) -> str:
    if not seen.sure:
        return ""
    beyond_m = seen.distance_m - buffer_m
    if beyond_m <= 0:
        return "near"
    if beyond_m <= max(seen.accuracy_m, 10.0):
        return "maybe"
    return "far" if beyond_m > 50.0 else "out"


def _side(seen: Seen) -> str:
    accuracy_m = max(seen.accuracy_m, 10.0)
    if seen.distance_m > accuracy_m:
        return "out" if seen.sure else ""
    if seen.distance_m <= -accuracy_m and seen.sure:
        return "in"
    return "maybe" if seen.distance_m <= 150.0 else ""


def _left(track: list[Seen], words: list[str], start: int) -> tuple[int | None, int]:
    """When they left for good, from place ``start`` on, and the place after that was known."""
    first = None
    for place in range(start, len(track)):
        if words[place] == "far":
            return track[place if first is None else first].at_s, place + 1
        if words[place] == "out":
            if first is not None:
                return track[first].at_s, place + 1
            first = place
        elif words[place]:
            first = None
    return None, len(track)


def _joined(found: list[Stay]) -> list[Stay]:
    """Coming back within ten minutes is the same occurrence."""
    joined: list[Stay] = []
    for stay in found:
        if joined and joined[-1].ended_s is not None and stay.event_s - joined[-1].ended_s <= 600:
            joined[-1] = joined[-1]._replace(ended_s=stay.ended_s)
        else:
            joined.append(stay)
    return joined
