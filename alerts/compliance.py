"""A wearer's records by curfew, what was told of zones, and the time without authority become one timeline, and its sums."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from alerts.timeline import Standing, Stretch, away_us, heard, timeline, union
from alerts.world import World
from model.alert import Kind, Occurrence
from model.arrays import Array
from model.curfew import Curfew, Span
from model.instant import DAY_US, HOUR_US
from model.zone import Monitored

# What is read before a span, to know how it began: as long as a window lasts at most, in which an absence stands until something
# shows otherwise. Of a beacon and of motion only changes are told, and few: longer.
BEFORE_US: Final = 2 * DAY_US
EVENTS_BEFORE_US: Final = 31 * DAY_US
AFTER_US: Final = HOUR_US  # and after it: the second fix of an absence, and whether the longest grace was exceeded


class Why(StrEnum):
    """What a part of the timeline rests on."""

    CURFEW = "curfew"  # presence at home, while a curfew asked for it
    OTHER_ORDER = "other_order"  # the curfew asked and its order did not hold, though another did
    FORGOTTEN = "forgotten"  # the curfew asked, and what was stored of that day is no longer kept
    INSIDE = "inside"  # an exclusion zone
    MAYBE_INSIDE = "maybe_inside"
    OUTSIDE = "outside"  # of an inclusion zone
    NO_ORDER = "no_order"  # a tag was fitted, and no order held
    NO_TAG = "no_tag"


class Part(NamedTuple):
    """Half-open microseconds ``[from, to)`` of the timeline; ids are 0 where it rests on none."""

    from_us: int
    to_us: int
    standing: Standing
    why: Why
    order: int = 0
    curfew: int = 0
    zone: int = 0  # the curfew's home, or the zone of the occurrence


class Kept(NamedTuple):
    """What was stored of one wearer: all of it while an order held over the tag they wore, none of it from other time."""

    fixes: Array  # (n,) FIX
    events: Array  # (m,) EVENT
    occurrences: Sequence[Occurrence]
    fitted: Sequence[Span]  # when any tag was
    forgotten: Sequence[Span]  # days that are no longer kept


class Timeline(NamedTuple):
    """The parts in order, those of several sources overlapping; and how long each curfew's wearer was away, microseconds."""

    parts: list[Part]
    away_us: Mapping[int, int]  # by curfew that asked for something: absences within the grace are not counted


# What an occurrence says; a crossing takes no time and an approach breaks no condition, so neither stands here.
_TOLD: Final = {
    Kind.EXCLUSION: (Standing.APPARENT, Why.INSIDE),
    Kind.EXCLUSION_POSSIBLE: (Standing.UNVERIFIED, Why.MAYBE_INSIDE),
    Kind.INCLUSION_EXIT: (Standing.APPARENT, Why.OUTSIDE),
}

# Of several things said of the same moment the first of these is shown.
_WORST: Final = (Standing.APPARENT, Standing.UNVERIFIED, Standing.CONSISTENT, Standing.COMPLIANT, Standing.UNMONITORED)


def compliance(world: World, wearer: int, kept: Kept, from_us: int, to_us: int) -> Timeline:
    """The timeline of one wearer.

    Each stretch of authority over a tag stands alone: nothing is carried over time in which no order held.

    Parameters
    ----------
    world : with the wearer's curfews, their homes, and the tags that the wearer was monitored by
    """
    monitored = {tag: [span for span in spans if span.wearer == wearer] for tag, spans in world.monitored.items()}
    held = union((span.from_us, span.to_us) for spans in monitored.values() for span in spans)
    parts, away = _without_authority(held, kept.fitted, from_us, to_us), Counter[int]()
    for versions in _by_home(world.terms.curfews(wearer)):
        found = _curfew(world, versions, monitored, kept, (from_us, to_us))
        shown = list(cut(found, from_us, to_us))
        parts += shown
        if shown:
            away[versions[0].id] += _away(versions, monitored, found, (from_us, to_us))
    parts += _zones(wearer, kept.occurrences, held, to_us)
    return Timeline(sorted(cut(parts, from_us, to_us)), away)


def sums(parts: Iterable[Part], days: Iterable[Span]) -> list[dict[Standing, int]]:
    """How long each standing lasted in each of some spans, microseconds: of a moment the worst that is said, once."""
    whole = worst((part.from_us, part.to_us, part.standing) for part in parts)
    found = []
    for low, high in days:
        lasted = dict.fromkeys(Standing, 0)
        for one in whole:
            lasted[one.standing] += max(min(one.to_us, high) - max(one.from_us, low), 0)
        found.append(lasted)
    return found


def worst(said: Iterable[tuple[int, int, Standing]]) -> list[Stretch]:
    """Stretches that may overlap as stretches that do not, in order: of each moment the worst that is said of it."""
    turns: dict[int, Counter[Standing]] = {}
    for low, high, standing in said:
        if low < high:
            turns.setdefault(low, Counter())[standing] += 1
            turns.setdefault(high, Counter())[standing] -= 1
    now, found, since_us = Counter[Standing](), list[Stretch](), 0
    for at_us in sorted(turns):
        before = next((standing for standing in _WORST if now[standing]), None)
        for standing, change in turns[at_us].items():
            now[standing] += change
        after = next((standing for standing in _WORST if now[standing]), None)
        if before is not after:
            if before is not None:
                found.append(Stretch(since_us, at_us, before))
            since_us = at_us
    return found


def cut(parts: Iterable[Part], from_us: int, to_us: int) -> Iterator[Part]:
    """What of each lies between two instants."""
    for part in parts:
        low, high = max(part.from_us, from_us), min(part.to_us, to_us)
        if low < high:
            yield part._replace(from_us=low, to_us=high)


def _by_home(versions: Sequence[Curfew]) -> Iterator[list[Curfew]]:
    """Versions by curfew and home, in order: each home is a record of its own."""
    found: dict[tuple[int, int], list[Curfew]] = {}
    for curfew in versions:
        found.setdefault((curfew.id, curfew.home), []).append(curfew)
    yield from found.values()


def _curfew(
    world: World, versions: Sequence[Curfew], monitored: Mapping[int, Sequence[Monitored]], kept: Kept, asked: Span
) -> list[Part]:
    """The record of one curfew at one home by all tags, from some time before what is asked to some time after it."""
    stretches: list[Stretch] = []
    curfew, (first_us, last_us) = versions[-1], (asked[0] - BEFORE_US, asked[1] + AFTER_US)
    for tag, spans in monitored.items():
        for low, high in union((span.from_us, span.to_us) for span in spans):
            begin_us, end_us = max(low, first_us), min(high, last_us)
            if begin_us < end_us:
                fixes, events = _within(kept.fixes, "fix_at_us", tag, low, high), _within(kept.events, "at_us", tag, low, high)
                told = heard(world, tag, curfew.home, fixes, events)
                stretches += timeline(world.terms.ruled(world.rules, tag, begin_us, end_us), versions, spans, told)
    parts: list[Part] = []
    for low, high, standing in worst(stretches):
        why = Why.OTHER_ORDER if standing is Standing.UNMONITORED else Why.CURFEW
        part = Part(low, high, standing, why, curfew.order, curfew.id, curfew.home)
        parts += _forgotten(part, kept.forgotten) if standing is Standing.UNVERIFIED else [part]
    return parts


def _within(rows: Array, at: str, tag: int, from_us: int, to_us: int) -> Array:
    found: Array = rows[(rows["tag"] == tag) & (rows[at] >= from_us) & (rows[at] < to_us)]
    return found


def _forgotten(part: Part, days: Sequence[Span]) -> Iterator[Part]:
    gone = union(days)
    for low, high in gone:
        yield from cut([part._replace(why=Why.FORGOTTEN)], low, high)
    yield from (part._replace(from_us=low, to_us=high) for low, high in _less((part.from_us, part.to_us), gone))


def _away(versions: Sequence[Curfew], monitored: Mapping[int, Sequence[Monitored]], parts: Iterable[Part], asked: Span) -> int:
    """How long of what is asked the wearer was away: an absence is weighed against the grace as a whole."""
    curfew = versions[-1]
    held = union((span.from_us, span.to_us) for spans in monitored.values() for span in spans if span.order == curfew.order)
    by = [Monitored(0, curfew.wearer, curfew.order, low, high) for low, high in held]
    total_us = 0
    for part in parts:
        if away_us([Stretch(part.from_us, part.to_us, part.standing)], versions, by):
            total_us += max(min(part.to_us, asked[1]) - max(part.from_us, asked[0]), 0)
    return total_us


def _zones(wearer: int, occurrences: Iterable[Occurrence], held: Sequence[Span], to_us: int) -> Iterator[Part]:
    """Occurrences in zones while an order held; what one tag tells of a zone and another tells too is said once."""
    said: dict[tuple[Standing, Why, int, int], list[Span]] = {}
    for one in occurrences:
        told = _TOLD.get(one.kind)
        if told is not None and one.wearer == wearer:
            said.setdefault((*told, one.order, one.zone), []).append((one.event_at_us, one.ended_us or to_us))
    for (standing, why, order, zone), spans in said.items():
        for low, high in union(spans):
            for authority in held:
                yield from cut([Part(low, high, standing, why, order, zone=zone)], *authority)


def _without_authority(held: Sequence[Span], fitted: Iterable[Span], from_us: int, to_us: int) -> list[Part]:
    """When no order held over a tag that the wearer wore."""
    found, worn = [], union(fitted)
    for gap in _less((from_us, to_us), held):
        bare = list(_less(gap, worn))
        found += [Part(low, high, Standing.UNMONITORED, Why.NO_TAG) for low, high in bare]
        found += [Part(low, high, Standing.UNMONITORED, Why.NO_ORDER) for low, high in _less(gap, bare)]
    return found


def _less(span: Span, taken: Iterable[Span]) -> Iterator[Span]:
    """What others, in order and apart, leave of a span."""
    low, high = span
    for start, end in taken:
        if low < min(start, high):
            yield low, min(start, high)
        low = max(low, end)
    if low < high:
        yield low, high
