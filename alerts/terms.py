"""Zone versions, assignments and orders become answers to two questions: which version applied, and by whose authority."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from alerts.demand import Demand, demands
from alerts.numbers import Numbers
from alerts.rules import Rules
from model.arrays import F64, I64, Array, Bool, among, distinct, rows_of, taken
from model.curfew import Curfew, Span
from model.instant import BEGINNING_US, FOREVER_US
from model.setting import Setting
from model.state import Asks
from model.visit import Visit
from model.zone import Assignment, Monitored, Purpose, Zone, ZoneKind
from model.zones import KINDS, PURPOSES, VERSIONS, Zones


class _Spans(NamedTuple):
    """Half-open intervals by tag, ordered by tag: those of ``tags[i]`` are rows ``at[i] .. at[i + 1]``."""

    tags: I64  # (t,) distinct, in order
    at: I64  # (t + 1,)
    what: I64  # (m,) zone id, or row of the list given
    from_us: I64  # (m,)
    to_us: I64  # (m,)


class Worn(Mapping[int, tuple[Monitored, ...]]):
    """When each tag is monitored, by tag; of (m, 6) int64 fields of ``Monitored`` in order of tag, beginning and order."""

    def __init__(self, spans: I64) -> None:
        self._spans = spans
        self._tags = distinct(spans[:, 0])
        self._found: dict[int, tuple[Monitored, ...]] = {}

    def __getitem__(self, tag: int) -> tuple[Monitored, ...]:
        found = self._found.get(tag)
        if found is None:
            rows = slice(*np.searchsorted(self._spans[:, 0], (tag, tag + 1)).tolist())
            found = self._found[tag] = tuple(Monitored(*span) for span in self._spans[rows].tolist())
            if not found:
                del self._found[tag]
                raise KeyError(tag)
        return found

    def __iter__(self) -> Iterator[int]:
        return iter(self._tags.tolist())

    def __len__(self) -> int:
        return len(self._tags)


class Terms:
    """On what terms each tag is judged. Immutable.

    Attributes
    ----------
    zones : {(id, version): Zone}
    monitored : {tag: its intervals of monitoring, in order of time and order id}
    """

    def __init__(
        self,
        zones: Zones | Iterable[Zone],
        assignments: I64 | Iterable[Assignment],
        monitored: I64 | Iterable[Monitored],
        shared: Iterable[int],
        curfews: Iterable[Curfew] = (),
        visits: Iterable[Visit] = (),
        before: "Terms | None" = None,
        settings: Iterable[Setting] = (),
    ) -> None:
        """``before`` is what these terms replace: what did not change is not worked out again.

        Arrays of assignments, (a, 4), and of monitoring, (m, 6), have the fields of ``Assignment`` and ``Monitored``. Of most
        tags nothing is asked before the next control change: what is told of one is put together when it is asked for.
        """
        self._numbers = Numbers(settings)
        self._bound: dict[tuple[int, Callable[[Rules], int]], I64] = {}
        self.zones = zones if isinstance(zones, Zones) else Zones.of(zones)
        spans = rows_of(monitored, 6)
        spans = spans[np.lexsort((spans[:, 2], spans[:, 3], spans[:, 0]))]
        self.monitored: Mapping[int, tuple[Monitored, ...]] = Worn(spans)
        self._shared = frozenset(shared)
        self._wearing = _wearing(spans)
        self._covered: dict[int, tuple[Monitored, ...]] = {}
        self._worn = _spans(self._wholly_covered(spans))
        self._watched, self._fitted = (
            _spans(np.column_stack([spans[:, 0], what, spans[:, 3:5]])) for what in (np.zeros(len(spans), np.int64), spans[:, 5])
        )
        self._assigned = _spans(rows_of(assignments, 4))
        self._versions: dict[int, list[Zone]] = {}
        row = self.zones.row
        victim = row["purpose"] != PURPOSES.index(Purpose.AREA)
        excludes: Bool = row["kind"] == KINDS.index(ZoneKind.EXCLUSION)
        includes: Bool = row["kind"] == KINDS.index(ZoneKind.INCLUSION)
        guarding = self.zones.ids(excludes & victim)
        self._guarding_all = self._shared.intersection(guarding.tolist())
        of: I64 = np.repeat(self._assigned.tags, np.diff(self._assigned.at))
        self._guarded: I64 = distinct(of[among(self._assigned.what, guarding)])
        self._curfews: dict[int, list[Curfew]] = {}
        for curfew in sorted(curfews, key=lambda curfew: (curfew.id, curfew.version)):
            self._curfews.setdefault(curfew.wearer, []).append(curfew)
        self._visits: dict[int, list[Visit]] = {}
        for visit in sorted(visits, key=lambda visit: (visit.from_us, visit.id)):
            self._visits.setdefault(visit.wearer, []).append(visit)
        self._demands: dict[int, dict[int, tuple[Demand, ...]]] = {}
        self._homes = _homes(self.zones, self._assigned)
        self.curfewed: I64 = distinct(spans[:, 0][among(spans[:, 1], np.array(sorted(self._curfews), np.int64))])
        self._askings: dict[int, tuple[tuple[int, int, Curfew], ...]] = {}
        if before is not None:
            for tag, found in before._demands.items():
                if tag in self.monitored and self._asking(tag) and self._asking(tag) == before._asking(tag):
                    self._demands[tag] = found
        including = self.zones.ids(includes)
        self._including_all = self._shared.intersection(including.tolist())
        self._included: dict[int, frozenset[int]] = {}  # by tag: the inclusion zones it has at any time, shared ones apart
        rows = np.flatnonzero(among(self._assigned.what, including))
        for tag, zone_id in zip(of[rows].tolist(), self._assigned.what[rows].tolist(), strict=True):
            self._included[tag] = self._included.get(tag, frozenset()) | {zone_id}
        staying = frozenset(self.zones.ids(includes & ~row["attendance"]).tolist())
        self._staying_all = len(staying & self._shared)
        staying_of = {tag: len(zones & staying) for tag, zones in sorted(self._included.items()) if zones & staying}
        self._staying_tags, self._staying_count = (np.array([*one], np.int64) for one in (staying_of, staying_of.values()))
        self._keys = self.zones.codes
        self._excludes = excludes
        self._buffer_m: F64 = np.ascontiguousarray(row["buffer_m"])
        self._asks: I64 = np.select(
            [includes & row["attendance"], includes, excludes & victim & (row["buffer_m"] > 0.0)],
            [Asks.ATTENDANCE, Asks.PRESENCE, Asks.DISTANCE],
        ).astype(np.int64)
        self.widest_m = float(self._buffer_m.max(initial=0.0))  # the widest buffer of any zone
        # Tags for whose orders anything was set, in order.
        orders = np.unique(spans[:, 2]) if self._numbers else spans[:0, 2]
        touched = np.array([order for order in orders.tolist() if self._numbers.touches(order)], np.int64)
        self._set: I64 = distinct(spans[:, 0][among(spans[:, 2], touched)])

    def _wholly_covered(self, spans: I64) -> I64:
        """(n, 4) tag, 0, from, to of ``spans`` of all tags; only of the few that have several anything is to be joined."""
        alone = _alone(spans[:, 0])
        joined = [
            (tag, 0, span.from_us, span.to_us) for tag in distinct(spans[:, 0][~alone]).tolist() for span in self.spans(tag)
        ]
        plain = spans[alone]
        whole = np.column_stack([plain[:, 0], np.zeros(len(plain), np.int64), plain[:, 3:5]])
        return np.concatenate([whole, rows_of(joined, 4)])

    def rules(self, rules: Rules, tag: int, at_us: int, zone: int = 0) -> Rules:
        """The rules that a tag, and a zone where one is given, is judged by at an instant; those given where nothing was set."""
        if not self._numbers:
            return rules
        orders = [span.order for span in self.monitored.get(tag, ()) if span.from_us <= at_us < span.to_us]
        return self._numbers.at(rules, sorted(orders), zone, at_us)

    def ruled(self, rules: Rules, tag: int, from_us: int, to_us: int) -> list[tuple[int, int, Rules]]:
        """From when to when a tag is judged by which rules, between two instants: in order, touching, half-open."""
        turns = {at for one in self._numbers.settings for at in (one.in_force_from_us, one.in_force_to_us)}
        if turns:
            turns.update(at for span in self.monitored.get(tag, ()) for at in (span.from_us, span.to_us))
        cuts = [from_us, *sorted(at for at in turns if from_us < at < to_us), to_us]
        return [(low, high, self.rules(rules, tag, low)) for low, high in pairwise(cuts)]

    @property
    def anything_set(self) -> bool:
        """Whether any number was ever set."""
        return bool(self._numbers)

    def patience(self, rules: Rules, tags: Array) -> tuple[I64, I64]:
        """How long (n,) int64 tags may be silent at least before it is told, (n,) microseconds: standard, and guarded."""
        return self._least(rules, tags, _standard), self._least(rules, tags, _guarded)

    def battery_low_pct(self, rules: Rules, tags: Array) -> I64:
        """The highest percentage at which the batteries of (n,) int64 tags may count as low."""
        return self._least(rules, tags, _battery)

    def _least(self, rules: Rules, tags: Array, bound: Callable[[Rules], int]) -> I64:
        if not self._numbers:
            return np.full(len(tags), bound(rules))
        bounds = np.full(len(tags), bound(self._numbers.keenest(rules)))
        if len(self._set):
            place = np.minimum(np.searchsorted(self._set, tags), len(self._set) - 1)
            ours = self._set[place] == tags
            bounds[ours] = self._bounds(rules, bound)[place[ours]]
        return bounds

    def _bounds(self, rules: Rules, bound: Callable[[Rules], int]) -> I64:
        """The bound of each of the tags for whose orders anything was set; worked out at the first batch that asks."""
        found = self._bound.get((id(rules), bound))
        if found is None:
            orders = ({span.order for span in self.monitored[tag]} for tag in self._set.tolist())
            keen = (bound(self._numbers.keenest(rules, one)) for one in orders)
            found = self._bound[id(rules), bound] = np.fromiter(keen, np.int64, len(self._set))
        return found

    def authority(self, tag: int, at_us: int) -> Monitored | None:
        """Who wears the tag by which order at a time; of several orders the one that began first. None: nothing may be judged."""
        for span in self.monitored.get(tag, ()):
            if span.from_us <= at_us < span.to_us:
                return span
        return None

    def others(self, tag: int, wearer: int) -> tuple[int, ...]:
        """The other tags by which a wearer is monitored at any time."""
        return tuple(other for other in self._wearing.get(wearer, ()) if other != tag)

    def spans(self, tag: int) -> tuple[Monitored, ...]:
        """When somebody is monitored by a tag, in order; orders of one wearer that touch or overlap are one span."""
        found = self._covered.get(tag)
        if found is None:
            found = _joined(self.monitored.get(tag, ()))
            if found:
                self._covered[tag] = found
        return found

    def around(self, tags: Array, at_us: Array) -> tuple[I64, I64]:
        """From when to when each of (n,) int64 tags is monitored round its own instant; (n,) int64 twice, -1 where it is not."""
        from_us, to_us, _ = self._at(self._worn, tags, at_us)
        return from_us, to_us

    def _at(self, spans: _Spans, tags: Array, at_us: Array) -> tuple[I64, I64, I64]:
        """The first span of each tag that holds its instant: from, to, and what it is of; -1, -1 and 0 where there is none."""
        from_us, to_us, what = np.full(len(tags), -1), np.full(len(tags), -1), np.zeros(len(tags), np.int64)
        if not len(spans.tags) or not len(tags):
            return from_us, to_us, what
        found = np.minimum(np.searchsorted(spans.tags, tags), len(spans.tags) - 1)
        known = spans.tags[found] == tags
        row, stop = spans.at[found], spans.at[found + 1]
        left = np.flatnonzero(known)
        while len(left):  # as many turns as any tag has spans, mostly one
            here = (spans.from_us[row[left]] <= at_us[left]) & (at_us[left] < spans.to_us[row[left]])
            inside = left[here]
            from_us[inside], to_us[inside] = spans.from_us[row[inside]], spans.to_us[row[inside]]
            what[inside] = spans.what[row[inside]]
            row[left] += 1
            left = left[(row[left] < stop[left]) & ~here]
        return from_us, to_us, what

    def worn_us(self, tags: Array, at_us: Array) -> I64:
        """Since when whoever is monitored by each of (n,) int64 tags at its own instant has worn it; 0 where nobody is."""
        return self._at(self._fitted, tags, at_us)[2]

    def curfews(self, wearer: int) -> Sequence[Curfew]:
        """All versions of a wearer's curfews, in order of id and version."""
        return self._curfews.get(wearer, ())

    def _asking(self, tag: int) -> tuple[tuple[int, int, Curfew], ...]:
        """Which version of which curfew may ask something of whoever wears a tag, and from when to when: its windows apart."""
        found = self._askings.get(tag)
        if found is None:
            found = _asking(self.monitored.get(tag, ()), self._curfews)
            if found:
                self._askings[tag] = found
        return found

    def asks_from(self, tag: int, at_us: int) -> int:
        """The first instant from ``at_us`` on at which a curfew may ask something of whoever wears a tag, or for ever.

        Never later than it does ask; looked up in the timetables as they are, with nothing written out.
        """
        found_us = FOREVER_US
        for from_us, to_us, curfew in self._asking(tag):
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
        spans, none = self._homes, np.zeros(0, np.int64)
        if not len(spans.tags):
            return none, none, none
        found = np.minimum(np.searchsorted(spans.tags, tags), len(spans.tags) - 1)
        left = np.flatnonzero(spans.tags[found] == tags)
        if not len(left):  # nobody of these has a home
            return none, none, none
        row, stop = spans.at[found], spans.at[found + 1]
        places, rows = [], []
        while len(left):  # as many turns as any tag has homes and versions of them
            here = (spans.from_us[row[left]] <= at_us[left]) & (at_us[left] < spans.to_us[row[left]])
            places.append(left[here])
            rows.append(row[left[here]])
            row[left] += 1
            left = left[row[left] < stop[left]]
        place, of_span = np.concatenate(places), np.concatenate(rows)
        zones, versions = np.divmod(spans.what[of_span], VERSIONS)
        order = np.lexsort((zones, place))
        return place[order], zones[order], versions[order]

    def homes_after(self, tag: int, at_us: int) -> frozenset[int]:
        """The homes that apply to a tag at an instant or later."""
        spans = self._homes
        found = int(np.searchsorted(spans.tags, tag))
        if found == len(spans.tags) or spans.tags[found] != tag:
            return frozenset()
        rows = slice(int(spans.at[found]), int(spans.at[found + 1]))
        return frozenset((spans.what[rows][spans.to_us[rows] > at_us] // VERSIONS).tolist())

    def guarded(self, tag: int, at_us: int) -> bool:
        """Whether a victim's exclusion zone is valid for the tag's wearer at a time, whatever its schedule says then."""
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
        if version is None or version.kind is not ZoneKind.EXCLUSION or not protects_victim(version):
            return False
        if len(version.intervals) != 1:
            return True  # its schedule says when it applies, and protects meanwhile as well
        # Its validity; or the only window that a schedule has in it, which of a zone valid for days is not told apart here.
        [(valid_from_us, valid_to_us)] = version.intervals
        return valid_from_us <= at_us < valid_to_us

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

    def may_end(self, after_us: I64, upto_us: I64) -> Bool:
        """In which of (n,) spans ``(after, upto]`` an order, a fitting, an assignment, or a zone's version or schedule ends.

        Anybody's: ``ends`` says whose. (n,) bool; where nothing ends in any of them that costs next to nothing.
        """
        ends = self._ends[slice(*np.searchsorted(self._ends, (after_us.min(), upto_us.max()), "right"))]
        if not len(ends):
            return np.zeros(len(after_us), bool)
        ending: Bool = np.searchsorted(ends, after_us, "right") < np.searchsorted(ends, upto_us, "right")
        return ending

    def anything_ends(self, after_us: int, upto_us: int) -> bool:
        """Whether anything of anybody's ends in a span ``(after, upto]``."""
        low, high = np.searchsorted(self._ends, (after_us, upto_us), "right")
        return bool(low < high)

    def ends(self, tag: int, after_us: int, upto_us: int) -> list[int]:
        """The instants in ``(after, upto]`` at which what a tag is judged by may end, in order."""
        assigned = list(self._assignments(tag))
        found = {*(span.to_us for span in self.monitored.get(tag, ())), *(to_us for _, _, to_us in assigned)}
        for version in (one for zone in {*self._shared, *(zone for zone, _, _ in assigned)} for one in self._versions_of(zone)):
            found.add(version.in_force_to_us)
            first = bisect_right(version.intervals, after_us, key=itemgetter(1))
            found.update(
                to_us for _, to_us in version.intervals[first : bisect_right(version.intervals, upto_us, key=itemgetter(1))]
            )
        return sorted(at_us for at_us in found if after_us < at_us <= upto_us)

    @cached_property
    def _ends(self) -> I64:
        """When anything of anybody's ends, in order; the open ends of intervals are no instants."""
        ends = (self._watched.to_us, self._assigned.to_us, self.zones.row["to_us"], self.zones.interval[:, 1])
        return distinct(np.sort(np.concatenate([at[(at > BEGINNING_US) & (at < FOREVER_US)] for at in ends])))

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
        for version in reversed(self._versions_of(zone)):
            if version.in_force_from_us <= at_us < version.in_force_to_us:
                return version
        return None

    def _versions_of(self, zone: int) -> list[Zone]:
        """All versions of a zone, oldest first, their intervals in order."""
        versions = self._versions.get(zone)
        if versions is None:
            versions = [_in_order(version) for version in self.zones.versions(zone)]
            if versions:
                self._versions[zone] = versions
        return versions

    def of_hits(self, hits: Array) -> tuple[Bool, F64, I64]:
        """Of (h,) HIT rows: which are of exclusion zones, (h,) bool, the zones' buffers, (h,) metres, and what else they ask.

        The last is (h,) of ``Asks``, 0 for nothing.

        Raises
        ------
        KeyError
            If a hit names a version these terms do not hold: index and terms were not made of the same controls.
        """
        keys = hits["zone"] * VERSIONS + hits["version"]
        row = np.searchsorted(self._keys, keys)
        if len(keys) and (not len(self._keys) or (self._keys[np.minimum(row, len(self._keys) - 1)] != keys).any()):
            raise KeyError("a hit names a zone version that the world does not hold: build index and terms together")
        return self._excludes[row], self._buffer_m[row], self._asks[row]


def _standard(rules: Rules) -> int:
    return min(rules.silent_us, rules.silent_home_us)


def _guarded(rules: Rules) -> int:
    return min(rules.silent_guarded_us, _standard(rules))


def _battery(rules: Rules) -> int:
    return rules.battery_low_pct


def _wearing(spans: I64) -> dict[int, tuple[int, ...]]:
    """The tags of each wearer who is monitored by several, at one time or another; of (m, 6) fields of ``Monitored``."""
    pairs = spans[np.lexsort((spans[:, 0], spans[:, 1])), :2]
    pairs = pairs[np.append(True, (np.diff(pairs, axis=0) != 0).any(axis=1))[: len(pairs)]]
    tags: dict[int, list[int]] = {}
    for tag, wearer in pairs[~_alone(pairs[:, 1])].tolist():
        tags.setdefault(wearer, []).append(tag)
    return {wearer: tuple(own) for wearer, own in tags.items()}


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


def _homes(zones: Zones, assigned: _Spans) -> _Spans:
    """When which version of which home applies to which tag; ``what`` is zone * VERSIONS + version."""
    home = taken(zones.row, zones.row["kind"] == KINDS.index(ZoneKind.HOME))
    count = home["intervals"].astype(np.int64)
    of = np.repeat(np.arange(len(home)), count)  # for each interval its version
    interval = zones.interval[_counted(home["interval_at"], count)]
    low = np.maximum(interval[:, 0], home["from_us"][of])
    high = np.minimum(interval[:, 1], home["to_us"][of])
    first = np.searchsorted(home["id"][of], assigned.what, "left")
    many = np.searchsorted(home["id"][of], assigned.what, "right") - first
    row, place = np.repeat(np.arange(len(assigned.what)), many), _counted(first, many)
    tags = np.repeat(assigned.tags, np.diff(assigned.at))
    what = home["id"][of] * VERSIONS + home["version"][of]
    from_us = np.maximum(assigned.from_us[row], low[place])
    to_us = np.minimum(assigned.to_us[row], high[place])
    held = from_us < to_us
    return _spans(np.column_stack([tags[row], what[place], from_us, to_us])[held])


def _counted(first: Array, many: Array) -> I64:
    """``first[i], first[i] + 1 ..``, ``many[i]`` of them, for each i, one after the other."""
    before = np.cumsum(many) - many
    places: I64 = np.repeat(first - before, many) + np.arange(int(many.sum()))
    return places


def _spans(table: I64) -> _Spans:
    table = table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))]
    first: I64 = np.flatnonzero(np.diff(table[:, 0], prepend=table[:1, 0] - 1))
    at: I64 = np.append(first, len(table)).astype(np.int64)
    return _Spans(table[first, 0], at, table[:, 1].copy(), table[:, 2].copy(), table[:, 3].copy())


def _alone(values: I64) -> Bool:
    """Which of values in order are there once."""
    step = np.diff(values) != 0
    alone: Bool = np.append(True, step)[: len(values)] & np.append(step, True)[: len(values)]
    return alone
