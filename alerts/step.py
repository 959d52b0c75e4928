"""A track and its hits move the lane's pairs on and become changes to alerts: Python only where something may change."""

from collections.abc import Iterator
from math import nan
from typing import NamedTuple

import numpy as np

from alerts.exclusion import DEFINITE, move, pass_by, rest, settle
from alerts.pair import NO_FIX, Pair
from alerts.rules import Rules
from alerts.sighting import Said, Sighting, weigh
from alerts.terms import Terms, protects_victim, until
from alerts.track import Track, able, runs
from model.alert import Change
from model.arrays import Array, taken
from model.fix import Quality
from model.state import Phase, State

# Members of an enum cost a look-up each time; these are asked for at every hit.
_SILENT, _FAR, _POSSIBLE = int(Said.SILENT), int(Said.FAR), int(Said.POSSIBLE)
_ACTIVE, _SKEWED = int(Phase.ACTIVE), int(Quality.SKEWED)


def step(rules: Rules, terms: Terms, state: State, track: Track, hits: Array, *, again: bool = False) -> list[Change]:
    """Judge a track, in the order of arrival of the records that decide; ``ranked`` says of which."""
    return [change for _, change in ranked(rules, terms, state, track, hits, again=again)]


def ranked(
    rules: Rules, terms: Terms, state: State, track: Track, hits: Array, *, again: bool = False
) -> list[tuple[int, Change]]:
    """Judge a track; only ``state.pairs`` is changed.

    Parameters
    ----------
    state : before this track; ``tags["last"]`` is where a crossing path into the track's first fixes comes from
    hits : (h,) HIT, ``fix_row`` a row of the track, in any order
    again : whether the track is last fixes judged once more because a control changed: only pairs it changed are moved on

    Returns
    -------
    list of (rank, Change)
        In the order of arrival of the records that decided them, whose ranks they bear.
    """
    excludes, buffer_m, _ = terms.of_hits(hits)
    order = np.lexsort((hits["zone"], hits["fix_row"]))
    order = order[excludes[order]]
    hits, buffer_m = taken(hits, order), buffer_m[order]
    said = weigh(rules, track, hits, buffer_m)
    tag_at = runs(track.fixes["tag"])
    tags = track.fixes["tag"][tag_at[:-1]]
    hit_at = np.searchsorted(hits["fix_row"], tag_at)

    busy = state.has(state.find(tags), state.pairs)
    matter = np.flatnonzero((said >= Said.POSSIBLE) | hits["crossed"])
    busy[np.searchsorted(hit_at, matter, side="right") - 1] = True

    changes: list[tuple[int, Change]] = []
    for k in np.flatnonzero(busy).tolist():
        first, stop = int(hit_at[k]), int(hit_at[k + 1])
        tag = _Tag(rules, terms, state, track, int(tags[k]), int(tag_at[k]), int(tag_at[k + 1]))
        changes += tag.judged(hits[first:stop], said[first:stop], again=again)
    changes.sort(key=lambda one: one[0])  # stable: a record's own changes keep their order
    return changes


class _Hit(NamedTuple):
    """A HIT as plain numbers, weighed."""

    row: int
    zone: int
    version: int
    distance_m: float
    crossed: bool
    said: int


class _Tag(NamedTuple):
    """Rows ``start .. stop`` of a track, all of one tag, and what they are judged by."""

    rules: Rules
    terms: Terms
    state: State
    track: Track
    tag: int
    start: int
    stop: int

    def judged(self, hits: Array, said: Array, *, again: bool) -> list[tuple[int, Change]]:
        """Move the tag's pairs on by each of its rows; the changes, each with the rank of its record."""
        columns = (hits[name].tolist() for name in ("fix_row", "zone", "version", "distance_m", "crossed"))
        left = [_Hit(*row) for row in zip(*columns, said.tolist(), strict=True)]
        if self._settled(left):
            return []
        pairs = {int(record["zone"][0]): Pair.of(record) for record in self.state.pairs.of_tag(self.tag)}
        before = {zone: pair.told() for zone, pair in pairs.items()}
        changes: list[tuple[int, Change]] = []
        place = 0
        for row in range(self.start, self.stop):
            here: dict[int, _Hit] = {}
            while place < len(left) and left[place].row == row:
                hit = left[place]
                place += 1
                if hit.said >= _POSSIBLE or hit.crossed or hit.zone in pairs:
                    here[hit.zone] = hit
            if not here and not pairs:
                continue
            rank = int(self.track.rank[row])
            for seen in self._sightings(row, sorted({*here, *pairs}), here):
                pair = pairs.get(seen.zone_id) or Pair(self.tag, seen.zone_id)
                changes += ((rank, change) for change in self._moved(pair, seen, row, again=again))
                if pair.phase:
                    pairs[seen.zone_id] = pair
                else:
                    pairs.pop(seen.zone_id, None)
        for zone in before.keys() - pairs.keys():
            self.state.drop(self.state.pairs, self.tag, zone)
        for zone, pair in pairs.items():
            if before.get(zone) != pair.told():
                self.state.put(self.state.pairs, pair.record())
        return changes

    def _moved(self, pair: Pair, seen: Sighting, row: int, *, again: bool) -> list[Change]:
        """Move one pair on by what one row says of its zone."""
        if self.track.passed[row]:
            return pass_by(pair, seen)
        if again:
            seen = self._held(pair, seen)
            if (made := rest(pair, seen)) is not None:
                return made
            settle(pair, seen)
            if _unchanged(pair, seen):
                return []
        return move(self.terms.rules(self.rules, self.tag, seen.at_us, seen.zone_id), pair, seen)

    def _settled(self, hits: list[_Hit]) -> bool:
        """Whether nothing can change: all that the tag has to do with is as grave as it gets, and each row says it goes on.

        Most of those who are inside stay inside; this is what they cost.
        """
        zones = self.state.pairs.numbers(self.tag)
        if not zones:
            return False
        versions: dict[int, int] = {}
        rows = 0
        for hit in hits:
            if hit.zone not in zones:
                if hit.said >= _POSSIBLE or hit.crossed:
                    return False
                continue
            if hit.said < _POSSIBLE or versions.setdefault(hit.zone, hit.version) != hit.version:
                return False
            rows += 1
        if rows != len(zones) * (self.stop - self.start):
            return False
        at_us = self.track.at_us[self.start : self.stop]
        authority = self.terms.authority(self.tag, int(at_us.min()))
        if authority is None or self.terms.authority(self.tag, int(at_us.max())) is not authority:
            return False
        for zone, (pair,) in zip(zones, self.state.pairs.of_tag(self.tag), strict=True):
            version = versions[zone]
            grave = pair["kind"] == DEFINITE and pair["severity"] <= (
                1 if protects_victim(self.terms.zones[zone, version]) else 2
            )
            open_ = pair["phase"] == _ACTIVE and pair["run"] == 0 and pair["ended_us"] == 0
            if not (open_ and grave and pair["version"] == version and pair["wearer"] == authority.wearer):
                return False
        return True

    def _sightings(self, row: int, zones: list[int], hits: dict[int, _Hit]) -> Iterator[Sighting]:
        """What one row says of each of the zones, hit or not."""
        track = self.track
        at_us, able_here, late = int(track.at_us[row]), bool(track.able[row]), bool(track.late[row])
        lane_us, alone = int(track.lane_us[row]), bool(track.alone[row])
        fix = track.fixes[row : row + 1]
        skewed = int(fix["quality"][0]) == _SKEWED
        missed = _Hit(row, 0, 0, nan, False, _FAR if able_here else _SILENT)
        authority = self.terms.authority(self.tag, at_us)
        known = not late or self._known(row)
        for zone_id in zones:
            hit = hits.get(zone_id, missed)
            zone = self.terms.exclusion(self.tag, zone_id, at_us) if hit is missed else self.terms.zones[zone_id, hit.version]
            came_from = self._previous(row) if hit.crossed and able_here else NO_FIX
            yield Sighting(
                said=hit.said,
                crossed=hit.crossed and bool(came_from["tag"][0] != 0),
                distance_m=hit.distance_m,
                zone=zone,
                authority=authority,
                zone_id=zone_id,
                at_us=at_us,
                lane_us=lane_us,
                fix=fix,
                skewed=skewed,
                late=late,
                alone=alone,
                known=known,
                before=came_from,
            )

    def _held(self, pair: Pair, seen: Sighting) -> Sighting:
        return seen._replace(held_us=until(self.terms.spans(self.tag), pair.wearer, pair.event_us))

    def _previous(self, row: int) -> Array:
        """(1,) FIX from which the path to ``row`` goes, the last that could be definite; tag 0 where there is none."""
        for earlier in range(row - 1, self.start - 1, -1):
            if self.track.forward[earlier] and self.track.able[earlier]:
                return self.track.fixes[earlier : earlier + 1]
        remembered = self._remembered()
        if not remembered["tag"][0] or able(remembered)[0]:
            return remembered
        sure = self.state.sures.get(self.tag, 0)
        return NO_FIX if sure is None else sure

    def _remembered(self) -> Array:
        """(1,) FIX that moved the tag forward last, before this track; tag 0 where there is none."""
        record = self.state.peek(self.tag)
        return NO_FIX if record is None else record["last"].reshape(1)

    def _known(self, row: int) -> bool:
        """Whether the tag's newest good fix, of those received by the row's lane time, is young enough to say where it is."""
        lane_us = int(self.track.lane_us[row])
        here = slice(self.start, self.stop)
        by_then = self.track.forward[here] & (self.track.lane_us[here] <= lane_us)
        newest_us = int(self.track.at_us[here][by_then].max(initial=int(self._remembered()["fix_at_us"][0])))
        return lane_us - newest_us <= self.rules.whereabouts_us


def _unchanged(pair: Pair, seen: Sighting) -> bool:
    """Whether a control change left a pair as it was, so that its last fix has said of it what it has to say."""
    if seen.zone is None or seen.authority is None:
        return False
    if seen.zone.version != pair.version or seen.authority.wearer != pair.wearer:
        return False
    # Left without a run: it lapsed, or its last fix was outside; either way that fix has not been counted.
    return pair.phase in (Phase.SUSPECT, Phase.ACTIVE) or (pair.phase == Phase.LEFT and pair.run > 0)
