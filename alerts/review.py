"""One entry of an alert's history, and the fixes that were copied with it, become the same verdict again, or another one.

It is judged by the same geofence and the same state machine (``alerts.step``), from the state that the entry before it left. What
a few copied fixes cannot show (who had authority, what later fixes took back) is said to be beyond them, and not guessed.
"""

from collections.abc import Sequence
from itertools import product
from math import isnan
from typing import Final, NamedTuple

import numpy as np

from alerts.exclusion import DEFINITE, POSSIBLE
from alerts.pair import NO_FIX, Pair
from alerts.sighting import Said, weigh
from alerts.step import step
from alerts.track import Track, look, track_of
from alerts.urgency import severity
from alerts.world import World
from model.alert import FAMILY, Change, Family, Kind, Op
from model.arrays import I64, Array
from model.fix import Quality
from model.hit import REACH_M
from model.state import TAG, Phase, State

WHAT: Final = {"opened": Op.OPEN, "amended": Op.AMEND, "ended": Op.END, "resumed": Op.RESUME, "withdrawn": Op.WITHDRAW}
SAME_M: Final = 0.001  # two processors may differ in a distance's last digits, not in this

# How reasons begin that name something besides fixes and zones (alerts.reason, alerts.late).
LATE: Final = "by late data"
LAPSED: Final = ("no order allowed judging", "the tag was another wearer's", "the zone no longer applied")
CHANGED: Final = "outside the zone as it was changed"


class Entry(NamedTuple):
    """What a change said of its occurrence, as an alert's history keeps it; fields as in ``Change``."""

    what: str  # of WHAT
    wearer: int
    tag: int
    zone: int
    zone_version: int
    order: int
    occurrence_us: int
    kind: Kind
    severity: int
    late: bool
    event_at_us: int
    ended_us: int | None
    changed_us: int
    reason: str
    evidence: Array  # (k,) FIX
    distance_m: float  # NaN where there was none

    @property
    def by_late_data(self) -> bool:
        """Whether data out of order made it, which live judging does not know of."""
        return self.reason.startswith(LATE)


class Shown(NamedTuple):
    """What one copied fix says of the zone when it is judged again."""

    said: Said
    distance_m: float  # signed, NaN where it is farther than anything that matters
    at_us: int  # the time it is judged at


class Review(NamedTuple):
    """An entry judged again."""

    shown: tuple[Shown, ...]
    change: Change | None  # what was made of it this time; its severity is the one compared
    differences: tuple[str, ...]  # in words, none where it is the same
    beyond: str = ""  # why the copied fixes cannot tell; empty where they can

    @property
    def equal(self) -> bool | None:
        """Whether it is the same again; None where that is beyond the evidence."""
        return None if self.beyond else not self.differences


def review(world: World, now: Entry, earlier: Sequence[Entry]) -> Review:
    """Judge an entry again.

    Parameters
    ----------
    world : holds the entry's zone version, and that it applied to the tag under an order
    earlier : the entries before it of the same occurrence, in order
    """
    # Live judging goes on from what it said itself: of what late data has told since it knows the times alone.
    before = next((entry for entry in reversed(earlier) if now.by_late_data or not entry.by_late_data), None)
    beyond = _beyond(now, before)
    if not len(now.evidence) or FAMILY.get(now.kind) not in (Family.EXCLUSION, Family.CROSSED):
        return Review((), None, (), beyond)
    track = _track(world, now)
    nothing = np.zeros(1, TAG)
    nothing["tag"] = now.tag
    hits = look(world.look, track, nothing)
    hits = hits[hits["zone"] == now.zone]
    shown = _shown(world, track, hits)
    if beyond:
        return Review(shown, None, (), beyond)
    tried: list[Review] = []
    # Whether whereabouts were known is not in the evidence: a late entry may be graver without. The times it was not always told.
    for known, came_from in product((True, False), _learnt(before, earlier)):
        if now.by_late_data:
            change = _late(world, now, track, hits, known)
        else:
            change = _live(world, now, came_from, track, hits, shown, known)
        tried.append(Review(shown, change, _differences(now, before, change)))
        if not tried[-1].differences:
            return tried[-1]
    if now.by_late_data:
        return _consistent(now, before, shown)
    return tried[0]


def _learnt(before: Entry | None, earlier: Sequence[Entry]) -> list[Entry | None]:
    """What live judging said last: with the times that late data has told since, where it has, and without."""
    if before is None or earlier[-1] is before:
        return [before]
    return [before._replace(event_at_us=earlier[-1].event_at_us, ended_us=earlier[-1].ended_us), before]


def _consistent(now: Entry, before: Entry | None, shown: tuple[Shown, ...]) -> Review:
    """Late data is judged in the tag's stored track; the evidence holds the fixes that decided, perhaps too few to do it again.

    Then it can only be said that they bear it out: what it says, when, and how far away.
    """
    least = Said.INSIDE if now.kind is Kind.EXCLUSION else Said.POSSIBLE if now.kind is Kind.EXCLUSION_POSSIBLE else Said.SILENT
    kept = (before.kind, before.event_at_us) if before is not None else (None, None)
    found = []
    if now.kind is not kept[0] and all(one.said < least for one in shown):
        found.append(f"no copied fix shows {now.kind}")
    if now.event_at_us != kept[1] and all(one.at_us != now.event_at_us for one in shown):
        found.append("no copied fix was taken when it is said to have begun")
    if not any(_same_m(now.distance_m, one.distance_m) for one in shown):
        found.append(f"no copied fix is {now.distance_m:.3f} m from the edge")
    few = "late data is judged in the tag's stored track, of which the evidence holds too few fixes; they bear it out"
    return Review(shown, None, tuple(found), "" if found else few)


def _same_m(was_m: float, seen_m: float) -> bool:
    """Whether a distance is what is seen now. A fix alone has none beyond the reach, where a path into the zone gave it one."""
    return (isnan(seen_m) and (isnan(was_m) or was_m > REACH_M)) or abs(was_m - seen_m) <= SAME_M


def _beyond(now: Entry, before: Entry | None) -> str:
    if FAMILY.get(now.kind) not in (Family.EXCLUSION, Family.CROSSED):
        return f"{now.kind} does not follow from fixes and a zone alone"
    if not len(now.evidence):
        return "no fix was copied with it"
    if now.what == "withdrawn":
        return "the fixes that took it back are in the tag's track, not in its evidence"
    if now.what == "ended" and now.reason.startswith(LAPSED):
        return f"it ended because {now.reason}: orders, fittings and zone versions show that, fixes do not"
    if before is None and now.what != "opened":
        return "the entry it goes on from is not in this alert's history"
    first_us = int(_natural(now.evidence).min())
    if now.what == "opened" and (now.occurrence_us, now.event_at_us) < (first_us, first_us):
        return "it goes on from an occurrence that an earlier alert held"
    return ""


def _natural(fixes: Array) -> I64:
    """(k,) the time each fix is judged at when it comes."""
    return np.where(fixes["quality"] == Quality.SKEWED, fixes["received_us"], fixes["fix_at_us"]).astype(np.int64)


def _track(world: World, now: Entry) -> Track:
    fixes = now.evidence
    at_us = _natural(fixes)
    said_us = now.ended_us if now.what == "ended" else now.event_at_us
    # A control change is judged by at the lane's very time.
    alone = not now.by_late_data and len(fixes) == 1 and said_us == now.changed_us and now.changed_us > at_us[0]
    again = alone or (not now.by_late_data and not _applied(world, now, int(at_us[-1])) and _applied(world, now, now.changed_us))
    if again:  # a control change came into force while nobody moved, and the last fix was judged once more
        # That had passed before the fix came: it ended then.
        ended_us = (now.ended_us if now.what == "ended" else None) or 0
        at_us[-1] = ended_us if ended_us > at_us[-1] else now.changed_us
    forward = np.full(len(fixes), now.kind is Kind.CROSSED)
    lane_us = np.full(len(fixes), now.changed_us)
    track = track_of(fixes, at_us, lane_us, np.arange(len(fixes)), forward)
    if again:
        stale = np.zeros(len(fixes), bool)
        stale[-1] = at_us[-1] - fixes["fix_at_us"][-1] > world.rules.whereabouts_us
        late = track.late.copy()
        late[-1] = False
        track = track._replace(able=track.able & ~stale, alone=stale, late=late)
    return track


def _applied(world: World, now: Entry, at_us: int) -> bool:
    zone = world.terms.exclusion(now.tag, now.zone, at_us)
    return zone is not None and zone.version == now.zone_version


def _shown(world: World, track: Track, hits: Array) -> tuple[Shown, ...]:
    said = weigh(world.rules, track, hits, world.terms.of_hits(hits)[1])
    missed = [
        Shown(Said.FAR if able else Said.SILENT, np.nan, at) for able, at in zip(track.able, track.at_us.tolist(), strict=True)
    ]
    for hit, word in zip(hits, said.tolist(), strict=True):
        row = int(hit["fix_row"])
        missed[row] = Shown(Said(word), float(hit["distance_m"]), missed[row].at_us)
    return tuple(missed)


def _live(
    world: World, now: Entry, before: Entry | None, track: Track, hits: Array, shown: tuple[Shown, ...], known: bool
) -> Change | None:
    """The entry again as live judging made it: the last copied fix moves the pair on, those before it are its run."""
    run = len(track.fixes) - 1
    family = FAMILY[now.kind]
    if family is Family.CROSSED:
        return _made(world, State(), track, hits, now)
    if run:
        enough = (Said.FAR, Said.OUTSIDE) if now.what == "ended" else (Said.POSSIBLE,)
        if any(one.said not in enough for one in shown[:run]):
            return None
    pair = _pair(world, now, before, track, run)
    state = State()
    if pair.phase:
        state.put(state.pairs, pair.record())
    if known:
        row = int(state.rows(np.array([now.tag]))[0])
        state.tags["last"][row]["tag"], state.tags["last"][row]["fix_at_us"] = now.tag, now.changed_us
    last = hits[hits["fix_row"] == run].copy()
    last["fix_row"] = 0
    return _made(world, state, track.taken(np.array([run])), last, now)


def _pair(world: World, now: Entry, before: Entry | None, track: Track, run: int) -> Pair:
    """The pair as it stood before the last copied fix."""
    pair = Pair(now.tag, now.zone, wearer=now.wearer, order=now.order, version=now.zone_version)
    zone = world.zones[now.zone, now.zone_version]
    if before is not None and now.what != "opened":
        pair.phase = Phase.LEFT if now.what == "resumed" else Phase.ACTIVE
        pair.occurrence_us, pair.event_us = before.occurrence_us, before.event_at_us
        pair.kind = DEFINITE if before.kind is Kind.EXCLUSION else POSSIBLE
        pair.severity, pair.late = before.severity, int(before.late)
        pair.ended_us = before.ended_us or 0
        pair.detected_us = pair.clock_us = before.changed_us
    if now.reason.startswith(CHANGED):
        pair.version = now.zone_version - 1
    if run:
        rules = world.terms.rules(world.rules, now.tag, int(track.at_us[-1]), now.zone)
        counted = rules.leave_fixes - 1 if now.what == "ended" else zone.confirm_fixes - 1
        first, at_us = track.fixes[:1], int(track.at_us[0])
        if track.fixes["quality"][run] == Quality.SKEWED:
            pair.skewed_run, pair.skewed_us, pair.skewed_first = counted, at_us, first
        else:
            pair.run, pair.run_us, pair.first = counted, at_us, first
        pair.phase = pair.phase or Phase.SUSPECT
    else:
        pair.first = pair.skewed_first = NO_FIX
    return pair


def _late(world: World, now: Entry, track: Track, hits: Array, known: bool) -> Change | None:
    """The entry again as late data made it: the copied fixes are a track of their own."""
    change = _made(world, State(), track, hits, now)
    if change is None:
        return None
    age_us = now.changed_us - change.event_at_us
    zone = world.zones[now.zone, change.zone_version]
    rules = world.terms.rules(world.rules, change.tag, change.event_at_us, change.zone)
    level = severity(rules, zone, change.kind, late=True, age_us=age_us, known=known)
    return change._replace(op=WHAT[now.what], late=True, severity=level)


def _made(world: World, state: State, track: Track, hits: Array, now: Entry) -> Change | None:
    """What the state machine says last of the entry's family."""
    changes = step(world.rules, world.terms, state, track, hits)
    own = [change for change in changes if change.zone == now.zone and FAMILY[change.kind] is FAMILY[now.kind]]
    return own[-1] if own else None


def _differences(now: Entry, before: Entry | None, change: Change | None) -> tuple[str, ...]:
    if change is None:
        return ("nothing is said this time",)
    compared: dict[str, tuple[object, object]] = {
        "what happened": (WHAT[now.what].name.lower(), change.op.name.lower()),
        "kind": (now.kind.value, change.kind.value),
        "severity": (f"P{now.severity}", f"P{change.severity}"),
        "zone version": (now.zone_version, change.zone_version),
        "event_at": (now.event_at_us, change.event_at_us),
        "ended_at": (now.ended_us, change.ended_us),
        "late": (now.late, change.late),
    }
    if now.by_late_data and now.what == "opened" and change.ended_us is None:
        compared.pop("ended_at")  # never left open: said to be over as of the tag's last fix, which is not in the evidence
    if now.by_late_data and now.what == "amended" and before is not None:
        kept = {"kind": before.kind.value, "severity": f"P{before.severity}", "event_at": before.event_at_us}
        kept |= {"ended_at": before.ended_us, "late": before.late, "zone version": before.zone_version}  # type: ignore[dict-item]
        # It changes what the copied fixes show otherwise, and leaves the rest as it was told.
        compared = {name: pair for name, pair in compared.items() if name not in kept or pair[0] != kept[name]}
    found = [f"{name} was {was}, now {anew}" for name, (was, anew) in compared.items() if was != anew]
    if not _same_m(now.distance_m, change.distance_m):
        found.append(f"distance was {now.distance_m:.3f} m, now {change.distance_m:.3f} m")
    return tuple(found)
