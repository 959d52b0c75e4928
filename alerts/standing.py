"""A track and its hits move what goes on between wearers and zones that ask more than to keep out: Python only for few tags.

The ring round a victim's zone, zones to stay in and zones to have been at. ``alerts.step`` has judged the same track before: who
has entered a zone no longer approaches it.
"""

from collections.abc import Iterable, Iterator
from math import nan

import numpy as np

from alerts.pair import NO_FIX
from alerts.place import Place, due_us, forget, missed, move, pass_by, rest, ring, settle, shows_there, there
from alerts.rules import Rules
from alerts.sighting import Said, Sighting, weigh
from alerts.terms import Terms, asks_of, interval_of, until
from alerts.track import Track, runs
from alerts.world import World
from model.alert import FAMILY, Change, Family, Kind, Op
from model.arrays import I64, Array, Bool
from model.curfew import Span
from model.fix import ACCURACY_FLOOR_M, FIX, Quality
from model.history import History, Window
from model.instant import FOREVER_US
from model.state import Asks, Phase, Signal, State
from model.zone import Monitored, Zone

_DISTANCE, _PRESENCE, _ATTENDANCE = int(Asks.DISTANCE), int(Asks.PRESENCE), int(Asks.ATTENDANCE)
_BEGINS, _GOES_ON = (Op.OPEN, Op.RESUME), (Op.OPEN, Op.RESUME, Op.AMEND)
# Why no location came, the likeliest first: a missed attendance is held under it.
_CAUSES = (Signal.BATTERY_DEAD, Signal.NO_CONTACT, Signal.JAMMING, Signal.NO_LOCATION)


Told = dict[tuple[int, int], tuple[float, int]]  # by row and zone: signed metres, Said


class Entries:
    """Whether an entry into a zone goes on as a tag's rows are judged, told from what ``step`` made of the whole track."""

    def __init__(self, state: State, ranked: Iterable[tuple[int, Change]]) -> None:
        self._state = state
        self._changes: dict[tuple[int, int], list[tuple[int, Change]]] = {}
        for rank, change in ranked:
            if FAMILY[change.kind] is Family.EXCLUSION:
                self._changes.setdefault((change.tag, change.zone), []).append((rank, change))

    def at(self, tag: int, zone: int, rank: int, at_us: int) -> bool:
        """Whether one goes on at a time, once the record of a rank, taken then, has been judged."""
        changes = self._changes.get((tag, zone))
        if changes is None:
            pair = self._state.pairs.get(tag, zone)
            if pair is None or pair["phase"][0] not in (Phase.ACTIVE, Phase.LEFT):
                return False
            return bool(at_us < pair["ended_us"][0] or (pair["phase"][0] == Phase.ACTIVE and not pair["ended_us"][0]))
        done = [change for changed, change in changes if changed <= rank]
        if not done:
            return changes[0][1].op not in _BEGINS
        ended_us = done[-1].ended_us
        # It may have ended later than that: at an instant which had passed when the record came.
        return done[-1].op in _GOES_ON or (done[-1].op is Op.END and ended_us is not None and at_us < ended_us)


def stand(
    world: World, state: State, track: Track, hits: Array, ranked: Iterable[tuple[int, Change]], *, again: bool = False
) -> list[Change]:
    """Judge a track; only ``state.places`` is changed.

    Parameters
    ----------
    state : after ``step``; its ``watermark_us`` is lane time before this track
    hits : (h,) HIT, ``fix_row`` a row of the track, in any order
    ranked : what ``step`` made of them
    again : whether the track is last fixes judged once more because a control changed

    Returns
    -------
    list of Change
        By tag, each one's in the order of the records that decided them; what a clock made due before a record comes before it.
    """
    rules, terms = world.rules, world.terms
    tag_at = runs(track.fixes["tag"])
    tags = track.fixes["tag"][tag_at[:-1]]
    _, buffer_m, asks = terms.of_hits(hits)
    hits, buffer_m, asks = hits[asks > 0], buffer_m[asks > 0], asks[asks > 0]
    said = weigh(rules, track, hits, buffer_m)
    of_tag = np.searchsorted(tag_at, hits["fix_row"], side="right") - 1
    accuracy_m = np.maximum(track.fixes["accuracy_m"][hits["fix_row"]], 0.0)
    near = (asks == _DISTANCE) & track.able[hits["fix_row"]]
    near &= (hits["distance_m"] <= buffer_m) & (hits["distance_m"] > -accuracy_m)
    matter = near | ((asks == _ATTENDANCE) & (said >= Said.POSSIBLE))
    inside = np.bincount(of_tag[(asks == _PRESENCE) & (said >= Said.POSSIBLE)], minlength=len(tags))
    busy: Bool = inside < terms.staying(tags) * np.diff(tag_at)
    busy[of_tag[matter]] = True
    busy |= state.has(state.find(tags), state.places)
    if not busy.any():
        return []
    entries = Entries(state, ranked)
    theirs = np.flatnonzero(busy[of_tag])
    keys = zip(hits["fix_row"][theirs].tolist(), hits["zone"][theirs].tolist(), strict=True)
    words = zip(hits["distance_m"][theirs].tolist(), said[theirs].tolist(), strict=True)
    told: Told = dict(zip(keys, words, strict=True))
    rings: dict[int, set[int]] = {}
    for tag, zone in zip(tags[of_tag[near]].tolist(), hits["zone"][near].tolist(), strict=True):
        rings.setdefault(tag, set()).add(zone)
    changes: list[Change] = []
    around: dict[tuple[int, int], float] = {}
    rows = np.flatnonzero(track.able & np.repeat(busy, np.diff(tag_at)))
    ringed = np.isin(track.fixes["tag"][rows], np.array([*rings, *_ringed(state, tags[busy].tolist())], np.int64))
    if ringed.any():
        around = _around(world, track, rows[ringed])
    for k in np.flatnonzero(busy).tolist():
        one = Standing(rules, terms, state, int(tags[k]), state.watermark_us)
        zones = {*rings.get(one.tag, ()), *terms.inclusions(one.tag)}
        one.judge(track, range(int(tag_at[k]), int(tag_at[k + 1])), zones, told, around, entries, again=again)
        one.keep()
        changes += one.changes
    return changes


def stood_upto(state: State, track: Track) -> dict[int, int]:
    """Lane time of the last row of each tag of which anything goes on: what was too old by then is no news afterwards."""
    rows = np.flatnonzero(np.isin(track.fixes["tag"], np.fromiter(state.places.tags, np.int64)))
    upto: dict[int, int] = {}
    for tag, lane_us in zip(track.fixes["tag"][rows].tolist(), track.lane_us[rows].tolist(), strict=True):
        upto[tag] = max(upto.get(tag, 0), lane_us)
    return upto


def _ringed(state: State, tags: Iterable[int]) -> Iterable[int]:
    """Which tags have to do with a ring already."""
    return (tag for tag in tags if any(int(place["asks"][0]) == _DISTANCE for place in state.places.of_tag(tag)))


def _around(world: World, track: Track, rows: I64) -> dict[tuple[int, int], float]:
    """Signed metres to the zones round some rows of a track, by row and zone.

    A hit tells no distance beyond the buffer; leaving it asks for that. So these few fixes are looked at once more, as though
    their accuracy were worse by all that may matter.
    """
    fixes = track.fixes[rows].copy()
    fixes["fix_at_us"] = track.at_us[rows]
    fixes["accuracy_m"] += world.terms.widest_m + world.rules.leave_far_m
    hits = world.look(fixes, np.zeros(len(np.unique(fixes["tag"])), FIX))
    keys = zip(rows[hits["fix_row"]].tolist(), hits["zone"].tolist(), strict=True)
    return dict(zip(keys, hits["distance_m"].tolist(), strict=True))


def attended_late(world: World, state: State, fixes: Array, lane_us: I64) -> list[Change]:
    """What (n,) FIX out of order, in identity order, say of attendance: seen after all. No other kind looks back."""
    rules, terms = world.rules, world.terms
    rows = np.flatnonzero(np.fromiter((bool(terms.inclusions(tag)) for tag in fixes["tag"].tolist()), bool, len(fixes)))
    if not len(rows):
        return []
    fixes, lane_us = fixes[rows], lane_us[rows]
    track, hits, said = _at_places(world, fixes, lane_us)
    changes: list[Change] = []
    for hit, word in zip(hits, said.tolist(), strict=True):
        row, tag = int(hit["fix_row"]), int(fixes["tag"][hit["fix_row"]])
        authority, record = terms.authority(tag, int(track.at_us[row])), state.places.get(tag, int(hit["zone"]))
        if authority is None or (record is not None and record["wearer"][0] != authority.wearer):
            continue  # of somebody who wore the tag before
        one = Standing(rules, terms, state, tag, state.watermark_us)
        one.see(track, row, int(hit["zone"]), word, float(hit["distance_m"]), entered=False, again=False)
        one.keep()
        changes += one.changes
    return changes


def _was_there(world: World, fixes: Array, tags: Iterable[int], zone: int, span: Span, wearer: int) -> bool:
    """Whether any of (n,) FIX of some tags shows a wearer at a place in an interval."""
    own = fixes[np.isin(fixes["tag"], [*tags]) & (fixes["fix_at_us"] >= span[0]) & (fixes["fix_at_us"] < span[1])]
    own = own[own["quality"] != Quality.SKEWED]
    if not len(own):
        return False
    track, hits, said = _at_places(world, own, np.zeros(len(own), np.int64))
    return any(
        int(hit["zone"]) == zone
        and shows_there(world.rules, word, own[hit["fix_row"]])
        and (authority := world.terms.authority(int(own["tag"][hit["fix_row"]]), int(track.at_us[hit["fix_row"]]))) is not None
        and authority.wearer == wearer
        for hit, word in zip(hits, said.tolist(), strict=True)
    )


def _at_places(world: World, fixes: Array, lane_us: I64) -> tuple[Track, Array, I64]:
    """(n,) FIX in identity order as a track, its HIT of zones to have been at, and what each says."""
    moved = fixes.copy()
    moved["quality"] = Quality.OK
    hits = world.look(moved, np.zeros(len(np.unique(moved["tag"])), FIX))
    _, buffer_m, asks = world.terms.of_hits(hits)
    hits, buffer_m = hits[asks == _ATTENDANCE], buffer_m[asks == _ATTENDANCE]
    nothing = np.zeros(len(fixes), bool)
    able = (fixes["quality"] == Quality.OK) | (fixes["quality"] == Quality.LOW_ACCURACY)
    track = Track(fixes, fixes["fix_at_us"], lane_us, np.arange(len(fixes)), nothing, able, ~nothing, nothing, nothing)
    said = weigh(world.rules, track, hits, buffer_m)
    return track, hits, said


def missed_windows(terms: Terms, tags: Iterable[int], at_us: int) -> list[Window]:
    """The history that judging the intervals that end at an instant needs: where other tags of the same wearers were."""
    return [
        Window(other, span[0], at_us - 1)
        for tag in tags
        for _, span, ended in _ending(terms, tag, at_us)
        for other in terms.others(tag, ended.wearer)
    ]


def _ending(terms: Terms, tag: int, at_us: int) -> Iterator[tuple[Zone, Span, Monitored]]:
    """The zones to have been at in an interval that ends at an instant, the interval, and by whose authority.

    It counts where one wearer was monitored by the tag, and the zone applied to it, from its beginning to its end.
    """
    for zone_id in sorted(terms.inclusions(tag)):
        zone = terms.applied(tag, zone_id, at_us - 1)
        span = None if zone is None else interval_of(zone, at_us - 1)
        if zone is None or span is None or span[1] != at_us or asks_of(zone) is not Asks.ATTENDANCE:
            continue
        began, ended = terms.authority(tag, span[0]), terms.authority(tag, at_us - 1)
        first = terms.applied(tag, zone_id, span[0])
        if began is None or ended is None or began.wearer != ended.wearer:
            continue
        if first is not None and asks_of(first) is Asks.ATTENDANCE:
            yield zone, span, ended


def missed_at(world: World, state: State, tags: Iterable[int], at_us: int, history: History) -> list[Change]:
    """Who was not seen where they had to be in the intervals that end at an instant, of tags that the state knows.

    Parameters
    ----------
    history : what ``missed_windows`` asked for: whoever wears two tags and was there by one was there
    """
    rules, terms = world.rules, world.terms
    changes: list[Change] = []
    for tag in tags:
        for zone, span, ended in _ending(terms, tag, at_us):
            zone_id = zone.id
            record = state.places.get(tag, zone_id)
            place = Place(tag, zone_id) if record is None else Place.of(record)
            others = terms.others(tag, ended.wearer)
            if place.phase and place.wearer == ended.wearer and place.until_us >= span[0]:
                changes += there(place, at_us, others)
                continue
            if others and _was_there(world, history.fixes, others, zone_id, span, ended.wearer):
                continue
            if place.wearer != ended.wearer or place.asks != _ATTENDANCE:
                place = Place(tag, zone_id)
            place.wearer, place.order, place.version, place.asks = ended.wearer, ended.order, zone.version, _ATTENDANCE
            known = state.peek(tag)
            last = known["last"].reshape(1).copy() if known is not None and known["last"]["tag"] else np.zeros(0, FIX)
            unseen = not len(last) or last["fix_at_us"][0] < span[0]
            under = next((Family[cause.name] for cause in _CAUSES if unseen and _goes_on(state, tag, cause)), None)
            ruled = terms.rules(rules, tag, at_us - 1, zone_id)
            changes.append(missed(ruled, place, span, at_us, last, under))
            state.put(state.places, place.record())
    return changes


def _goes_on(state: State, tag: int, number: Signal) -> bool:
    signal = state.signals.get(tag, number)
    return signal is not None and not signal["ended_us"][0]


class Standing:
    """One tag while its rows and its clock are judged; ``keep`` writes what it has become to the state.

    Parameters
    ----------
    lane_us : lane time up to which the tag has been judged
    """

    def __init__(self, rules: Rules, terms: Terms, state: State, tag: int, lane_us: int) -> None:
        self.rules, self.terms, self.state, self.tag, self.lane_us = rules, terms, state, tag, lane_us
        self.changes: list[Change] = []
        self._places = {int(record["zone"][0]): Place.of(record) for record in state.places.of_tag(tag)}
        self._before = {zone: place.told() for zone, place in self._places.items()}

    def judge(
        self,
        track: Track,
        rows: range,
        zones: set[int],
        told: Told,
        around: dict[tuple[int, int], float],
        entries: Entries,
        *,
        again: bool,
    ) -> None:
        """Move on by each row; before and after the rows of one lane time the clock runs up to it.

        Parameters
        ----------
        zones : those that may have to do with the tag, besides those that do
        told : what hits say
        around : signed metres beyond what hits say, by row and zone
        """
        for row in rows:
            lane_us = int(track.lane_us[row])
            if lane_us != self.lane_us or row == rows.start:
                self.run_to(self.lane_us)
                self.run_to(lane_us)
            at_us, rank = int(track.at_us[row]), int(track.rank[row])
            for zone_id in sorted(self._places if track.passed[row] else zones | self._places.keys()):
                zone = self.terms.applied(self.tag, zone_id, at_us)
                if zone is None and zone_id not in self._places:
                    continue
                distance_m, word = told.get((row, zone_id), (nan, int(Said.FAR if track.able[row] else Said.SILENT)))
                if zone is not None and asks_of(zone) is Asks.DISTANCE:
                    distance_m = around.get((row, zone_id), distance_m)
                    word = _of_ring(self.rules, track, row, zone, distance_m)
                entered = entries.at(self.tag, zone_id, rank, at_us)
                self.see(track, row, zone_id, word, distance_m, entered=entered, again=again)
        self.run_to(self.lane_us)

    def see(self, track: Track, row: int, zone_id: int, word: int, distance_m: float, *, entered: bool, again: bool) -> None:
        """Move one place on by what one row says of it."""
        at_us = int(track.at_us[row])
        zone = self.terms.applied(self.tag, zone_id, at_us)
        fix = track.fixes[row : row + 1]
        seen = Sighting(
            said=word,
            crossed=False,
            distance_m=distance_m,
            zone=zone,
            authority=self.terms.authority(self.tag, at_us),
            zone_id=zone_id,
            at_us=at_us,
            lane_us=int(track.lane_us[row]),
            fix=fix,
            skewed=int(fix["quality"][0]) == Quality.SKEWED,
            late=bool(track.late[row]),
            alone=bool(track.alone[row]),
            known=True,
            before=NO_FIX,
        )
        place = self._places.get(zone_id) or Place(self.tag, zone_id)
        asks = None if zone is None else asks_of(zone)
        if track.passed[row]:
            self.changes += pass_by(place, seen, asks)
            return
        if again:
            seen = seen._replace(held_us=until(self.terms.spans(self.tag), place.wearer, place.event_us))
            if (over := rest(place, seen, asks)) is not None:
                self.changes += over
                return
            settle(place, seen)
            if _unchanged(place, seen):
                return
        made = move(
            self.terms.rules(self.rules, self.tag, at_us, zone_id),
            place,
            seen,
            asks,
            entered=entered,
        )
        gone = [one for one in made if one.op is Op.WITHDRAW and one.kind is Kind.ATTENDANCE_MISSED]
        self.changes += [*made, *(one._replace(tag=other) for one in gone for other in self.terms.others(self.tag, one.wearer))]
        self._settle(place)

    def run_to(self, lane_us: int) -> None:
        """Let the clock run: everything due up to ``lane_us`` happens, each at its own instant."""
        while True:
            at_us, zone_id = min(
                ((self._due_us(place), zone_id) for zone_id, place in self._places.items()), default=(FOREVER_US, 0)
            )
            if at_us > lane_us or at_us == FOREVER_US:
                break
            self.lane_us = max(self.lane_us, at_us)
            place = self._places[zone_id]
            if place.asks == _DISTANCE:
                self.changes.append(ring(self._ruled(zone_id), place, self.terms.zones[zone_id, place.version], at_us))
            else:
                forget(place)
            self._settle(place)
        self.lane_us = max(self.lane_us, lane_us)

    def next_us(self) -> int:
        """The lane time at which the clock alone next does something."""
        return min((self._due_us(place) for place in self._places.values()), default=FOREVER_US)

    def keep(self) -> None:
        """Write what changed to the state."""
        for zone_id in self._before.keys() - self._places.keys():
            self.state.drop(self.state.places, self.tag, zone_id)
        for zone_id, place in self._places.items():
            if self._before.get(zone_id) != place.told():
                self.state.put(self.state.places, place.record())

    def _ruled(self, zone: int) -> Rules:
        """The rules in force at lane time."""
        return self.terms.rules(self.rules, self.tag, self.lane_us, zone)

    def _due_us(self, place: Place) -> int:
        at_us = due_us(self._ruled(place.zone), place, self.lane_us)
        if at_us == FOREVER_US or place.asks != _DISTANCE:
            return at_us
        authority = self.terms.authority(self.tag, at_us)
        if authority is None or authority.wearer != place.wearer or self.terms.applied(self.tag, place.zone, at_us) is None:
            return FOREVER_US
        return at_us

    def _settle(self, place: Place) -> None:
        if place.phase:
            self._places[place.zone] = place
        else:
            self._places.pop(place.zone, None)


def _of_ring(rules: Rules, track: Track, row: int, zone: Zone, distance_m: float) -> int:
    """What a row says of the ring: INSIDE within the buffer, OUTSIDE and FAR definitely beyond it, POSSIBLE between.

    A distance that is not known is farther than anything that matters.
    """
    if not track.able[row]:
        return int(Said.SILENT)
    if distance_m <= zone.buffer_m:
        return int(Said.INSIDE)
    beyond_m = distance_m - zone.buffer_m
    if beyond_m <= max(float(track.fixes["accuracy_m"][row]), ACCURACY_FLOOR_M):
        return int(Said.POSSIBLE)
    return int(Said.OUTSIDE if beyond_m <= rules.leave_far_m else Said.FAR)


def _unchanged(place: Place, seen: Sighting) -> bool:
    """Whether a control change left a place as it was, so that its last fix has said of it what it has to say."""
    if seen.zone is None or seen.authority is None:
        return False
    if seen.zone.version != place.version or seen.authority.wearer != place.wearer:
        return False
    if place.phase == Phase.LEFT and place.asks == _ATTENDANCE:
        return False
    return place.phase in (Phase.SUSPECT, Phase.ACTIVE) or (place.phase == Phase.LEFT and bool(place.run or place.since_us))
