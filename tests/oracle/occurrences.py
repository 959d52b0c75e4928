"""Distances of one tag's fixes from one zone become the occurrences that ought to be, slowly and by looking back each time.

Written from DOMAIN.md alone; imports neither geofence nor alerts. Times are seconds, distances metres (negative inside).
"""

from typing import NamedTuple


class Seen(NamedTuple):
    """One fix, in the order they were taken."""

    at_s: int
    distance_m: float
    accuracy_m: float  # 95 % radius
    sure: bool = True  # GNSS or RF, plausible, from a clock that is right


class Occurrence(NamedTuple):
    """One stay."""

    kind: str  # "exclusion" or "exclusion_possible"
    event_s: int
    decided_s: int  # fix that decided that it had begun
    ended_s: int | None


def verdict(seen: Seen, far_m: float) -> str:
    """ "inside", "maybe", "out", "far out", or "" where the fix says nothing."""
    accuracy_m = max(seen.accuracy_m, 10.0)
    if seen.distance_m > accuracy_m:
        return ("far out" if seen.distance_m > far_m else "out") if seen.sure else ""
    if seen.distance_m <= -accuracy_m and seen.sure:
        return "inside"
    return "maybe" if seen.distance_m <= 150.0 else ""


def occurrences(track: list[Seen], *, confirm: int = 2, buffer_m: float = 0.0) -> list[Occurrence]:
    """The occurrences of a track, coming back within ten minutes of leaving being the same one."""
    far_m = buffer_m if buffer_m else 50.0
    spoken = [(seen.at_s, verdict(seen, far_m)) for seen in track]
    spoken = [(at_s, said) for at_s, said in spoken if said]
    stays: list[Occurrence] = []
    since = 0  # nothing before this place belongs to what comes
    while (stay := _next_stay(spoken, since, confirm)) is not None:
        found, since = stay
        if stays and stays[-1].ended_s is not None and found.event_s - stays[-1].ended_s <= 600:
            earlier = stays.pop()
            kind = "exclusion" if "exclusion" in (earlier.kind, found.kind) else "exclusion_possible"
            found = Occurrence(kind, earlier.event_s, earlier.decided_s, found.ended_s)
        stays.append(found)
    return stays


def _next_stay(spoken: list[tuple[int, str]], since: int, confirm: int) -> tuple[Occurrence, int] | None:
    """The first stay from place ``since`` on, and the place after its end."""
    for place in range(since, len(spoken)):
        run = spoken[max(since, place - confirm + 1) : place + 1]
        if spoken[place][1] == "inside":
            first_s = spoken[place][0]
        elif len(run) == confirm and all(said == "maybe" for _, said in run):
            first_s = run[0][0]
        else:
            continue
        for end in range(place + 1, len(spoken)):
            two = spoken[max(place + 1, end - 1) : end + 1]
            both = len(two) == 2 and all(said in ("out", "far out") for _, said in two)
            if both or spoken[end][1] == "far out":
                kind = _most(spoken[place:end])
                return Occurrence(kind, first_s, spoken[place][0], two[0][0] if both else spoken[end][0]), end + 1
        return Occurrence(_most(spoken[place:]), first_s, spoken[place][0], None), len(spoken)
    return None


def _most(spoken: list[tuple[int, str]]) -> str:
    return "exclusion" if any(said == "inside" for _, said in spoken) else "exclusion_possible"
