"""One tag's plain track and one exclusion zone become the occurrences DOMAIN.md asks for, told fix by fix."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.oracle import plane

MINUTE_US = 60_000_000
RAISE_WITHIN_M = 150.0
LEAVE_FAR_M = 50.0
REENTER_US = 10 * MINUTE_US
CROSS_GAP_US = 5 * MINUTE_US
FAST_MPS = 70.0


class Fix(NamedTuple):
    """An ok GNSS fix, received when it was taken."""

    at_us: int
    lon: float
    lat: float
    accuracy_m: float


class Seen(NamedTuple):
    """An occurrence when the track is over."""

    kind: str  # exclusion, exclusion_possible, crossed
    event_us: int
    detected_us: int
    ended_us: int | None  # None while it goes on


def occurrences(
    fixes: Sequence[Fix], geometry: Any, radius_m: float = 0.0, confirm: int = 2, buffer_m: float = 0.0
) -> list[Seen]:
    """What a track in order, all fixes ok and plausible, does to one zone that always holds; crossings are in their place.

    Source: DOMAIN.md, "A verdict". Not for late, doubtful or vague data, schedules, or a return after just ten minutes.
    """
    seen: list[Seen] = []
    active: int | None = None  # place in ``seen`` of what goes on
    left: int | None = None  # of what ended last
    maybe: list[Fix] = []  # possible fixes in a row
    gone: list[Fix] = []  # definite-outside fixes in a row
    before: Fix | None = None
    for fix in fixes:
        d = plane.signed_m(geometry, radius_m, fix.lon, fix.lat)
        said = plane.verdict(d, fix.accuracy_m)
        maybe = [*maybe, fix] if said == "possible" and d <= RAISE_WITHIN_M else []
        gone = [*gone, fix] if said == "outside" else []
        kind, first = None, fix
        if said == "inside":
            kind = "exclusion"
        elif len(maybe) >= confirm:
            kind, first = "exclusion_possible", maybe[-confirm]
        if active is not None:
            if kind == "exclusion":
                seen[active] = seen[active]._replace(kind="exclusion")
            if len(gone) >= 2 or (gone and d > (buffer_m or LEAVE_FAR_M)):
                seen[active] = seen[active]._replace(ended_us=gone[0].at_us)
                active, left = None, active
        elif kind is not None:
            old = seen[left] if left is not None else None
            if old is not None and left is not None and old.ended_us is not None and first.at_us - old.ended_us < REENTER_US:
                worst = "exclusion" if "exclusion" in (kind, old.kind) else kind
                seen[left] = old._replace(kind=worst, ended_us=None)
                active = left
            else:
                seen.append(Seen(kind, first.at_us, fix.at_us, None))
                active = len(seen) - 1
        if before is not None and _crossed(before, fix, geometry, radius_m):
            seen.append(Seen("crossed", fix.at_us, fix.at_us, fix.at_us))
        before = fix
    return seen


def _crossed(before: Fix, fix: Fix, geometry: Any, radius_m: float) -> bool:
    gap_us = fix.at_us - before.at_us
    blur_m = max(before.accuracy_m, plane.FLOOR_M) + max(fix.accuracy_m, plane.FLOOR_M)
    apart_m = plane.apart_m(before.lon, before.lat, fix.lon, fix.lat)
    if gap_us > CROSS_GAP_US or apart_m - blur_m > FAST_MPS * gap_us / 1e6:
        return False
    return plane.passes(geometry, radius_m, (before.lon, before.lat), (fix.lon, fix.lat))
