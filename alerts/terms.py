"""Zone versions, assignments and orders become answers to two questions: which version applied, and by whose authority."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from alerts.demand import Demand, demands
from model.arrays import F64, I64, Array, Bool
from model.curfew import Curfew, Span
from model.instant import FOREVER_US
from model.state import Asks
from model.visit import Visit
from model.zone import Assignment, Monitored, Purpose, Zone, ZoneKind

_VERSIONS: Final = 1 << 20  # more versions than a zone can have; a key is zone * this + version


class _Spans(NamedTuple):
    """Half-open intervals by tag, ordered by tag: those of ``tags[i]`` are rows ``at[i] .. at[i + 1]``."""

    tags: I64  # (t,) distinct, in order
    at: I64  # (t + 1,)
    what: I64  # (m,) zone id, or row of the list given
    from_us: I64  # (m,)
    to_us: I64  # (m,)


class Terms:
    """On what terms each tag is judged. Immutable.

    Attributes
    ----------
    zones : {(id, version): Zone}
    monitored : {tag: its intervals of monitoring, in order of time and order id}
    """

    def __init__(
        self,
        zones: Iterable[Zone],
        assignments: Iterable[Assignment],
        monitored: Iterable[Monitored],
        shared: Iterable[int],
        curfews: Iterable[Curfew] = (),
        visits: Iterable[Visit] = (),
        before: "Terms | None" = None,
    ) -> None:
        """``before`` is what these terms replace: what did not change is not worked out again."""
        self.zones = {(zone.id, zone.version): zone for zone in zones}
        by_tag: dict[int, list[Monitored]] = {}
        for span in monitored:
            by_tag.setdefault(span.tag, []).append(span)
        self.monitored = {
            tag: tuple(sorted(spans, key=lambda span: (span.from_us, span.order))) for tag, spans in sorted(by_tag.items())
        }
        self._shared = frozenset(shared)
        self._covered = {tag: _joined(spans) for tag, spans in self.monitored.items()}
        self._worn = _spans([(tag, 0, span.from_us, span.to_us) for tag, spans in self._covered.items() for span in spans])
        self._watched = _spans([(m.tag, 0, m.from_us, m.to_us) for spans in self.monitored.values() for m in spans])
        self._assigned = _spans([(a.tag, a.zone, a.from_us, a.to_us) for a in assignments])
        versions: dict[int, list[Zone]] = {}
        for key in sorted(self.zones):
            versions.setdefault(key[0], []).append(_in_order(self.zones[key]))
        self._versions = versions
        guarding = {key[0] for key, zone in self.zones.items() if zone.kind is ZoneKind.EXCLUSION and protects_victim(zone)}
        self._guarding_all = guarding & self._shared
        guarded = np.isin(self._assigned.what, np.array(sorted(guarding), np.int64))
        self._guarded: I64 = np.unique(np.repeat(self._assigned.tags, np.diff(self._assigned.at))[guarded])
        self._curfews: dict[int, list[Curfew]] = {}
        for curfew in sorted(curfews, key=lambda curfew: (curfew.id, curfew.version)):
            self._curfews.setdefault(curfew.wearer, []).append(curfew)
        self._visits: dict[int, list[Visit]] = {}
        for visit in sorted(visits, key=lambda visit: (visit.from_us, visit.id)):
            self._visits.setdefault(visit.wearer, []).append(visit)
        self._demands: dict[int, dict[int, tuple[Demand, ...]]] = {}
        self._homes = _homes(self.zones.values(), self._assigned)
        self._asking = {tag: _asking(spans, self._curfews) for tag, spans in self.monitored.items() if self._has_curfew(spans)}
        self.curfewed: I64 = np.array([*self._asking], np.int64)
        if before is not None:
            for tag, found in before._demands.items():
                if tag in self._asking and self._asking[tag] == before._asking.get(tag):
                    self._demands[tag] = found
        including = {key[0] for key, zone in self.zones.items() if zone.kind is ZoneKind.INCLUSION}
        self._including_all = frozenset(including & self._shared)
        self._included: dict[int, frozenset[int]] = {}  # by tag: the inclusion zones it has at any time, shared ones apart
        rows = np.flatnonzero(np.isin(self._assigned.what, np.array(sorted(including), np.int64)))
        of = np.repeat(self._assigned.tags, np.diff(self._assigned.at))[rows].tolist()
        for tag, zone_id in zip(of, self._assigned.what[rows].tolist(), strict=True):
            self._included[tag] = self._included.get(tag, frozenset()) | {zone_id}
        staying = {key[0] for key, zone in self.zones.items() if asks_of(zone) is Asks.PRESENCE}
        self._staying_all = len(staying & self._shared)
        staying_of = {tag: len(zones & staying) for tag, zones in sorted(self._included.items()) if zones & staying}
        self._staying_tags: I64 = np.array([*staying_of], np.int64)
        self._staying_count: I64 = np.array([*staying_of.values()], np.int64)
        keys = sorted(self.zones)
        self._keys: I64 = np.array([zone * _VERSIONS + version for zone, version in keys], np.int64)
        self._excludes: Bool = np.array([self.zones[key].kind is ZoneKind.EXCLUSION for key in keys], bool)
        self._buffer_m: F64 = np.array([self.zones[key].buffer_m for key in keys], np.float64)
        self._asks: I64 = np.array([asks_of(self.zones[key]) or 0 for key in keys], np.int64)
        self.widest_m = float(self._buffer_m.max(initial=0.0))  # the widest buffer of any zone

    def authority(self, tag: int, at_us: int) -> Monitored | None:
        """Who wears the tag by which order at a time; of several orders the one that began first. None: nothing may be judged."""
        for span in self.monitored.get(tag, ()):
            if span.from_us <= at_us < span.to_us:
                return span
        return None

    def spans(self, tag: int) -> tuple[Monitored, ...]:
        """When somebody is monitored by a tag, in order; orders of one wearer that touch or overlap are one span."""
        return self._covered.get(tag, ())

    def around(self, tags: Array, at_us: Array) -> tuple[I64, I64]:
        """From when to when each of (n,) int64 tags is monitored round its own instant; (n,) int64 twice, -1 where it is not."""
        from_us, to_us = np.full(len(tags), -1), np.full(len(tags), -1)
        spans = self._worn
        if not len(spans.tags) or not len(tags):
            return from_us, to_us
        found = np.minimum(np.searchsorted(spans.tags, tags), len(spans.tags) - 1)
        known = spans.tags[found] == tags
        row, stop = spans.at[found], spans.at[found + 1]
        left = np.flatnonzero(known)
        while len(left):  # as many turns as any tag has spans, mostly one
            here = (spans.from_us[row[left]] <= at_us[left]) & (at_us[left] < spans.to_us[row[left]])
            inside = left[here]
            from_us[inside], to_us[inside] = spans.from_us[row[inside]], spans.to_us[row[inside]]
            row[left] += 1
            left = left[(row[left] < stop[left]) & ~here]
        return from_us, to_us

    def curfews(self, wearer: int) -> Sequence[Curfew]:
        """All versions of a wearer's curfews, in order of id and version."""
        return self._curfews.get(wearer, ())

    def _has_curfew(self, spans: Iterable[Monitored]) -> bool:
        return any(span.wearer in self._curfews for span in spans)

    def asks_from(self, tag: int, at_us: int) -> int:
        """The first instant from ``at_us`` on at which a curfew may ask something of whoever wears a tag, or for ever.

        Never later than it does ask; looked up in the timetables as they are, with nothing written out.
        """
        found_us = FOREVER_US
        for from_us, to_us, curfew in self._asking.get(tag, ()):
            start_us = max(at_us, from_us)
            place = bisect_right(curfew.windows, (start_us, FOREVER_US))
            if not place or curfew.windows[place - 1][1] <= start_us:
                if place == len(curfew.windows):
                    continue
                start_us = curfew.windows[place][0]
            for away_from, away_to in curfew.excused:
                if away_from <= start_us < away_to:
                    start_us = away_to
            if start_us < to_us:
                found_us = min(found_us, start_us)
        return found_us

    def visits(self, tag: int) -> list[Visit]:
        """The visits that a tag is concerned in, of whoever wears it: those that name it, or name none while it is worn."""
        if not self._visits:
            return []
        spans = self.spans(tag)
        return [
            visit
            for wearer in sorted({span.wearer for span in spans})
            for visit in self._visits.get(wearer, ())
            if tag in visit.tags or (not visit.tags and any(_meet(span, visit) for span in spans))
        ]

    def demands(self, tag: int) -> dict[int, tuple[Demand, ...]]:
        """When each curfew of whoever wears a tag asks for presence at home, by the curfew's id, in order."""
        found = self._demands.get(tag)
        if found is None:  # written out when first asked for: most tags have no need of it before the next control change
            spans = self.monitored.get(tag, ())
            versions: dict[int, list[Curfew]] = {}
            for wearer in sorted({span.wearer for span in spans}):
                for curfew in self._curfews.get(wearer, ()):
                    versions.setdefault(curfew.id, []).append(curfew)
            found = self._demands[tag] = {number: demands(of_one, spans) for number, of_one in sorted(versions.items())}
        return found

    def home(self, tag: int, zone: int, at_us: int) -> Zone | None:
        """The version of a home zone that applies to a tag at a time, or None."""
        _, zones, versions = self.homes_at(np.array([tag]), np.array([at_us]))
        return next((self.zones[key] for key in zip(zones.tolist(), versions.tolist(), strict=True) if key[0] == zone), None)

    def homes_at(self, tags: Array, at_us: Array) -> tuple[I64, I64, I64]:
        """The homes that apply to (n,) int64 tags at their times: place among the n, zone id and version, by place and zone."""
        spans = self._homes
        if not len(spans.tags) or not len(tags):
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
        found = np.minimum(np.searchsorted(spans.tags, tags), len(spans.tags) - 1)
        left = np.flatnonzero(spans.tags[found] == tags)
        row, stop = spans.at[found], spans.at[found + 1]
        places, rows = [], []
        while len(left):  # as many turns as any tag has homes and versions of them
            here = (spans.from_us[row[left]] <= at_us[left]) & (at_us[left] < spans.to_us[row[left]])
            places.append(left[here])
            rows.append(row[left[here]])
            row[left] += 1
            left = left[row[left] < stop[left]]
        place, of_span = np.concatenate(places), np.concatenate(rows)
        zones, versions = np.divmod(spans.what[of_span], _VERSIONS)
        order = np.lexsort((zones, place))
        return place[order], zones[order], versions[order]

    def homes_after(self, tag: int, at_us: int) -> frozenset[int]:
        """The homes that apply to a tag at an instant or later."""
        spans = self._homes
        found = int(np.searchsorted(spans.tags, tag))
        if found == len(spans.tags) or spans.tags[found] != tag:
            return frozenset()
        rows = slice(int(spans.at[found]), int(spans.at[found + 1]))
        return frozenset((spans.what[rows][spans.to_us[rows] > at_us] // _VERSIONS).tolist())

    def guarded(self, tag: int, at_us: int) -> bool:
        """Whether a victim's exclusion zone is a condition of the tag's wearer at a time, whatever its schedule says then."""
        if self.authority(tag, at_us) is None:
            return False
        zones = {*self._guarding_all, *(what for what, from_us, to_us in self._assignments(tag) if from_us <= at_us < to_us)}
        return any(self._guards(zone, at_us) for zone in zones)

    def ever_guarded(self, tags: Array) -> Bool:
        """Which of (n,) int64 tags ``guarded`` may be true of at some time; (n,) bool."""
        if self._guarding_all:
            return np.ones(len(tags), bool)
        if not len(self._guarded):
            return np.zeros(len(tags), bool)
        found = np.minimum(np.searchsorted(self._guarded, tags), len(self._guarded) - 1)
        guarded: Bool = self._guarded[found] == tags
        return guarded

    def _guards(self, zone: int, at_us: int) -> bool:
        version = self._version(zone, at_us)
        return version is not None and version.kind is ZoneKind.EXCLUSION and protects_victim(version)

    def _assignments(self, tag: int) -> Iterator[tuple[int, int, int]]:
        """Zone, from and to of a tag's assignments."""
        spans = self._assigned
        found = int(np.searchsorted(spans.tags, tag))
        if found < len(spans.tags) and spans.tags[found] == tag:
            rows = slice(int(spans.at[found]), int(spans.at[found + 1]))
            yield from zip(spans.what[rows].tolist(), spans.from_us[rows].tolist(), spans.to_us[rows].tolist(), strict=True)

    def covered(self, tags: Array, at_us: Array) -> Bool:
        """Whether each tag is monitored at its time: (n,) bool of (n,) int64 tags and (n,) int64 microseconds."""
        spans = self._watched
        if not len(spans.tags) or not len(tags):
            return np.zeros(len(tags), bool)
        found = np.minimum(np.searchsorted(spans.tags, tags), len(spans.tags) - 1)
        known = spans.tags[found] == tags
        row, stop = spans.at[found], spans.at[found + 1]
        inside = np.zeros(len(tags), bool)
        left = np.flatnonzero(known)
        while len(left):  # as many turns as any tag has intervals, mostly one
            inside[left] |= (spans.from_us[row[left]] <= at_us[left]) & (at_us[left] < spans.to_us[row[left]])
            row[left] += 1
            left = left[(row[left] < stop[left]) & ~inside[left]]
        return inside

    def exclusion(self, tag: int, zone: int, at_us: int) -> Zone | None:
        """The version of an exclusion zone that applies to a tag at a time, or None: as ``geofence.evaluate`` chooses it."""
        version = self.applied(tag, zone, at_us)
        return version if version is not None and version.kind is ZoneKind.EXCLUSION else None

    def applied(self, tag: int, zone: int, at_us: int) -> Zone | None:
        """The version of a zone of any kind that applies to a tag at a time, or None: as ``geofence.evaluate`` chooses it."""
        version = self._in_force(zone, at_us)
        if version is None:
            return None
        if zone in self._shared and self.authority(tag, at_us) is not None:
            return version
        applies = any(what == zone and from_us <= at_us < to_us for what, from_us, to_us in self._assignments(tag))
        return version if applies else None

    def inclusions(self, tag: int) -> frozenset[int]:
        """Inclusion zones that a tag has at any time."""
        return self._included.get(tag, frozenset()) | self._including_all

    def staying(self, tags: Array) -> I64:
        """How many zones each of (n,) int64 tags is to stay in at any time; (n,) int64."""
        counts = np.full(len(tags), self._staying_all)
        if len(self._staying_tags):
            found = np.minimum(np.searchsorted(self._staying_tags, tags), len(self._staying_tags) - 1)
            counts += np.where(self._staying_tags[found] == tags, self._staying_count[found], 0)
        return counts

    def _in_force(self, zone: int, at_us: int) -> Zone | None:
        version = self._version(zone, at_us)
        return version if version is not None and interval_of(version, at_us) is not None else None

    def _version(self, zone: int, at_us: int) -> Zone | None:
        """The version of a zone at a time, whatever its schedule."""
        for version in reversed(self._versions.get(zone, ())):
            if version.in_force_from_us <= at_us < version.in_force_to_us:
                return version
        return None

    def of_hits(self, hits: Array) -> tuple[Bool, F64, I64]:
        """Of (h,) HIT rows: which are of exclusion zones, (h,) bool, the zones' buffers, (h,) metres, and what else they ask.

        The last is (h,) of ``Asks``, 0 for nothing.

        Raises
        ------
        KeyError
            If a hit names a version these terms do not hold: index and terms were not made of the same controls.
        """
        keys = hits["zone"] * _VERSIONS + hits["version"]
        row = np.searchsorted(self._keys, keys)
        if len(keys) and (not len(self._keys) or (self._keys[np.minimum(row, len(self._keys) - 1)] != keys).any()):
            raise KeyError("a hit names a zone version that the world does not hold: build index and terms together")
        return self._excludes[row], self._buffer_m[row], self._asks[row]


def protects_victim(zone: Zone) -> bool:
    """Whether a zone is a victim's; a purpose that was not set counts as one."""
    return zone.purpose is not Purpose.AREA


def _meet(span: Monitored, visit: Visit) -> bool:
    """Whether the wearer of a span is visited in it; what is fitted or taken off at sign-out was there."""
    return span.wearer == visit.wearer and span.from_us <= visit.to_us and visit.from_us <= span.to_us


def asks_of(zone: Zone) -> Asks | None:
    """What a zone asks besides keeping out of it."""
    if zone.kind is ZoneKind.INCLUSION:
        return Asks.ATTENDANCE if zone.attendance else Asks.PRESENCE
    return Asks.DISTANCE if zone.kind is ZoneKind.EXCLUSION and zone.buffer_m > 0.0 and protects_victim(zone) else None


def interval_of(zone: Zone, at_us: int) -> Span | None:
    """The interval that holds an instant, of a version whose intervals are in order and do not overlap."""
    place = bisect_right(zone.intervals, at_us, key=lambda span: span[0]) - 1
    return zone.intervals[place] if place >= 0 and at_us < zone.intervals[place][1] else None


def _in_order(zone: Zone) -> Zone:
    """The version with its intervals in order, those that touch or overlap made one; mostly they are so already."""
    if all(one[1] < other[0] for one, other in pairwise(zone.intervals)):
        return zone
    joined: list[Span] = []
    for start, stop in sorted(zone.intervals):
        if start >= stop:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        else:
            joined.append((start, stop))
    return zone._replace(intervals=tuple(joined))


def _joined(spans: Iterable[Monitored]) -> tuple[Monitored, ...]:
    """Spans in order of their beginning; those of one wearer that touch or overlap made one."""
    joined: list[Monitored] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last is not None and span.wearer == last.wearer and span.from_us <= last.to_us:
            joined[-1] = last._replace(to_us=max(last.to_us, span.to_us))
        else:
            joined.append(span)
    return tuple(joined)


def until(spans: Iterable[Monitored], wearer: int, at_us: int) -> int:
    """Until when a wearer is monitored who was at an instant, 0 where they were not."""
    return next((span.to_us for span in spans if span.wearer == wearer and span.from_us <= at_us < span.to_us), 0)


def _asking(spans: Iterable[Monitored], curfews: Mapping[int, Sequence[Curfew]]) -> tuple[tuple[int, int, Curfew], ...]:
    """Which version of which curfew may ask something of a tag's wearer, and from when to when: its windows apart."""
    return tuple(
        (max(span.from_us, curfew.in_force_from_us), min(span.to_us, curfew.in_force_to_us), curfew)
        for span in spans
        for curfew in curfews.get(span.wearer, ())
        if curfew.order == span.order and max(span.from_us, curfew.in_force_from_us) < min(span.to_us, curfew.in_force_to_us)
    )


def _homes(zones: Iterable[Zone], assigned: _Spans) -> _Spans:
    """When which version of which home applies to which tag; ``what`` is zone * _VERSIONS + version."""
    spans: dict[int, list[tuple[int, int, int]]] = {}
    for zone in zones:
        if zone.kind is ZoneKind.HOME:
            spans.setdefault(zone.id, []).extend(
                (zone.version, max(low, zone.in_force_from_us), min(high, zone.in_force_to_us)) for low, high in zone.intervals
            )
    tags = np.repeat(assigned.tags, np.diff(assigned.at))
    of_home = np.isin(assigned.what, np.array(sorted(spans), np.int64))
    columns = (column[of_home].tolist() for column in (tags, assigned.what, assigned.from_us, assigned.to_us))
    return _spans(
        [
            (tag, zone * _VERSIONS + version, max(from_us, low), min(to_us, high))
            for tag, zone, from_us, to_us in zip(*columns, strict=True)
            for version, low, high in spans[zone]
            if max(from_us, low) < min(to_us, high)
        ]
    )


def _spans(rows: list[tuple[int, int, int, int]]) -> _Spans:
    table: I64 = np.array(rows, np.int64).reshape(-1, 4)
    table = table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))]
    tags, first = np.unique(table[:, 0], return_index=True)
    at: I64 = np.append(first, len(table)).astype(np.int64)
    return _Spans(tags, at, table[:, 1].copy(), table[:, 2].copy(), table[:, 3].copy())
