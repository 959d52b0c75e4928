"""One sighting moves what goes on between a wearer and a zone that asks more than to keep out, and becomes the changes that says.

Three small state machines over one record (docs/alerts.md): the ring round a victim's zone, a zone to stay in, a zone to have
been at. Pure: what they know is their record, the sighting and the rules.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import Final

import numpy as np

from alerts import reason
from alerts.pair import NO_FIX
from alerts.rules import Rules
from alerts.sighting import Said, Sighting
from alerts.urgency import due
from model.alert import CONFIDENCE, Change, Family, Kind, Op
from model.arrays import Array
from model.fix import Flag
from model.instant import FOREVER_US
from model.state import PLACE, Asks, Phase
from model.zone import Zone

# Members of an enum cost a look-up each time; these are asked for at every sighting.
_SUSPECT, _ACTIVE, _LEFT = int(Phase.SUSPECT), int(Phase.ACTIVE), int(Phase.LEFT)
_DISTANCE, _PRESENCE, _ATTENDANCE = int(Asks.DISTANCE), int(Asks.PRESENCE), int(Asks.ATTENDANCE)

KIND: Final = {_DISTANCE: Kind.APPROACH, _PRESENCE: Kind.INCLUSION_EXIT, _ATTENDANCE: Kind.ATTENDANCE_MISSED}


@dataclass(slots=True)
class Place:
    """``PLACE`` with its fields as plain numbers; ``first``, ``newest`` and ``run_first`` are (1,) FIX. Units as there."""

    tag: int
    zone: int
    wearer: int = 0
    order: int = 0
    occurrence_us: int = 0
    event_us: int = 0
    detected_us: int = 0
    clock_us: int = 0
    ended_us: int = 0
    since_us: int = 0
    until_us: int = 0
    run_us: int = 0
    first: Array = field(default_factory=lambda: NO_FIX)
    newest: Array = field(default_factory=lambda: NO_FIX)
    run_first: Array = field(default_factory=lambda: NO_FIX)
    distance_m: float = 0.0
    version: int = 0
    asks: int = 0
    phase: int = 0  # 0 while it has none: dropped unless something gives it one
    run: int = 0
    severity: int = 0
    late: int = 0

    @classmethod
    def of(cls, record: Array) -> "Place":
        """The object of a (1,) PLACE record."""
        place = cls(*record[0].item())
        for name in _FIXES:
            setattr(place, name, record[name].copy())
        return place

    def record(self) -> Array:
        """The (1,) PLACE record."""
        record = np.zeros(1, PLACE)
        for name in _NAMES:
            record[name] = getattr(self, name)
        return record

    def told(self) -> tuple[object, ...]:
        """All that makes one record differ from another, to compare."""
        return _NUMBERS(self), *(getattr(self, name).tobytes() for name in _FIXES)

    def restart(self) -> None:
        """Forget the run."""
        self.run, self.run_us, self.run_first = 0, 0, NO_FIX

    def depart(self) -> None:
        """Forget having been near."""
        self.since_us, self.until_us, self.first, self.newest, self.distance_m = 0, 0, NO_FIX, NO_FIX, 0.0


_FIXES: Final = ("first", "newest", "run_first")
_NAMES: Final = tuple(part.name for part in fields(Place))
_NUMBERS: Final = attrgetter(*(name for name in _NAMES if name not in _FIXES))
assert PLACE.names == _NAMES, "a place's object and record must name the same fields in the same order"


def move(rules: Rules, place: Place, seen: Sighting, asks: Asks | None, *, entered: bool) -> list[Change]:
    """Move the place on in place; one left with phase 0 is to be dropped.

    Parameters
    ----------
    place : as remembered, or a new one with phase 0
    seen : the next fix of its tag, in the order of judging; of a ring, ``said`` is said of the ring
    asks : what the zone asks by the version in force; None where no zone is
    entered : whether an entry into the zone goes on, which says more than an approach
    """
    if seen.skewed or (place.phase == _ACTIVE and seen.at_us < place.event_us):
        return []  # a wrong clock proves nothing here; and what was taken before it began says nothing of its end
    settle(place, seen)
    changes: list[Change] = []
    if place.phase and _is_gone(place, seen, asks):
        changes += _lapse(place, seen, asks)
    _expire(rules, place, seen.at_us)
    if asks is None or seen.zone is None or seen.authority is None:
        return changes
    if not place.phase:
        place.wearer, place.order, place.asks = seen.authority.wearer, seen.authority.order, int(asks)
    if asks is Asks.DISTANCE:
        changes += _near(rules, place, seen, seen.zone, entered=entered)
    else:
        changes += _ACT[int(asks)](rules, place, seen, seen.zone)
    place.version = seen.zone.version
    _expire(rules, place, seen.at_us)
    return changes


def pass_by(place: Place, seen: Sighting, asks: Asks | None) -> list[Change]:
    """An instant at which controls changed, as the fix before it saw it: as ``alerts.exclusion.pass_by``."""
    at_us = min(seen.at_us, seen.held_us)
    if place.asks == _ATTENDANCE:
        return []
    if place.phase == _SUSPECT:
        _break_off(place, at_us, _is_gone(place, seen, asks))
        return []
    if place.phase != _ACTIVE or at_us < place.event_us or 0 < place.ended_us < at_us:
        return []
    gone = _is_gone(place, seen, asks)
    if gone or _is_over_by_change(place, seen):
        if place.ended_us == at_us:
            return []
        place.ended_us = at_us
        text = reason.lapsed(seen, place.wearer, at_us) if gone else f"over with the zone as it was changed: {reason.shown(seen)}"
        return [_change(Op.END, place, seen.lane_us, text, seen.fix, seen.distance_m)]
    if place.ended_us == at_us:
        place.ended_us = 0
        return [_change(Op.RESUME, place, seen.lane_us, reason.not_over(seen), seen.fix, seen.distance_m)]
    return []


def rest(place: Place, seen: Sighting, asks: Asks | None) -> list[Change] | None:
    """What an instant at which controls changed does where nothing can begin: as ``alerts.exclusion.rest``."""
    if seen.authority is not None and seen.authority.wearer != place.wearer:
        return None
    gone = _is_gone(place, seen, asks)
    if place.phase == _SUSPECT and gone and place.asks != _ATTENDANCE:
        return pass_by(place, seen, asks)
    if place.phase == _ACTIVE and seen.held_us:
        return pass_by(place, seen, asks) if gone or (_is_over_by_change(place, seen) and not place.ended_us) else None
    if place.phase == _LEFT and gone and place.asks != _ATTENDANCE:
        place.restart()
        place.depart()
        return []
    return None


def _is_gone(place: Place, seen: Sighting, asks: Asks | None) -> bool:
    """Whether the zone, what it asks, the order or the wearer is not what it was."""
    return place.asks != asks or seen.authority is None or seen.authority.wearer != place.wearer


def _is_over_by_change(place: Place, seen: Sighting) -> bool:
    """Whether it is over because the zone is another version."""
    over = (Said.FAR, Said.OUTSIDE) if place.asks == _DISTANCE else (Said.INSIDE,)
    return seen.zone is not None and seen.zone.version != place.version and seen.said in over


def settle(place: Place, seen: Sighting) -> None:
    """What ended at an instant that had passed is over, once something was taken from then on; a run does not go on after it."""
    if seen.skewed or not 0 < place.ended_us <= seen.at_us or place.phase not in (_ACTIVE, _SUSPECT):
        return
    place.phase, place.ended_us = (_LEFT, place.ended_us) if place.phase == _ACTIVE else (0, 0)
    place.restart()
    place.depart()


def _break_off(place: Place, at_us: int, gone: bool) -> None:
    """Note when a run that goes on ends, or that it does not."""
    if gone and not 0 < place.ended_us <= at_us:
        place.ended_us = at_us
    elif not gone and place.ended_us == at_us:
        place.ended_us = 0


def due_us(rules: Rules, place: Place, lane_us: int) -> int:
    """The lane time, from ``lane_us`` on, at which the clock alone does something; FOREVER_US where it never does."""
    if place.asks == _DISTANCE and place.since_us and (place.phase == _LEFT or (place.phase == _SUSPECT and not place.ended_us)):
        at_us = max(place.since_us + rules.approach_us, lane_us)
        return at_us if at_us <= place.until_us + rules.whereabouts_us else FOREVER_US
    if place.asks == _ATTENDANCE and place.phase == _LEFT:
        return max(place.event_us + rules.clear_us, lane_us)
    return FOREVER_US


def ring(rules: Rules, place: Place, zone: Zone, lane_us: int) -> Change:
    """The clock ran out on somebody who, as far as is known, is still within the buffer."""
    shown = np.concatenate([place.first, place.newest]) if place.newest.tobytes() != place.first.tobytes() else place.first
    late = bool(place.first["flags"][0] & (Flag.LATE | Flag.DISORDERED))
    text = (
        f"within {zone.buffer_m:.0f} m of the zone for {reason.minutes(rules.approach_us)}, since {reason.clock(place.since_us)}"
    )
    return _raise(rules, place, place.since_us, lane_us, text, shown, place.distance_m, late=late)


def missed(rules: Rules, place: Place, span: tuple[int, int], lane_us: int, last: Array, held_under: Family | None) -> Change:
    """An interval is over in which nobody was seen: begun and ended at its end, the instant at which it was missed.

    Parameters
    ----------
    place : whose wearer, order and version are set
    last : (k,) FIX, where the wearer was last seen, if ever
    """
    start_us, end_us = span
    place.phase, place.since_us = _LEFT, start_us
    place.occurrence_us = place.event_us = place.ended_us = end_us
    place.detected_us = place.clock_us = lane_us
    place.severity, place.late = rules.attendance_level, 0
    text = f"not seen at the place between {reason.clock(start_us)} and {reason.clock(end_us)}"
    if not len(last) or last["fix_at_us"][0] < start_us:
        text += ", and no location came in that time"
    return _change(Op.OPEN, place, lane_us, text, last, float("nan"), held_under)


def there(place: Place, end_us: int, others: Iterable[int]) -> list[Change]:
    """The wearer was there by this tag in the interval that ended at an instant: no other tag of theirs says otherwise.

    What another lane has said is not known here: to withdraw what was never told is nothing (store/changes.py).
    """
    told = dict.fromkeys(("occurrence_us", "event_us", "ended_us", "detected_us", "clock_us"), end_us)
    text = "was there by another tag"
    return [
        _change(Op.WITHDRAW, replace(place, tag=tag, severity=3, **told), end_us, text, place.newest, place.distance_m)  # type: ignore[arg-type]
        for tag in others
    ]


def shows_there(rules: Rules, word: int, fix: Array) -> bool:
    """Whether a () FIX that says ``Said`` of a place proves that the wearer was there, or is consistent with it."""
    return word == Said.INSIDE or (word == Said.POSSIBLE and float(fix["accuracy_m"]) <= rules.consistent_m)


def forget(place: Place) -> None:
    """A missed interval is too long ago for a late fix to tell otherwise."""
    place.phase = _SUSPECT if place.until_us > place.event_us else 0
    place.occurrence_us = place.event_us = place.detected_us = place.clock_us = place.ended_us = place.since_us = 0
    place.severity = place.late = 0


def _near(rules: Rules, place: Place, seen: Sighting, zone: Zone, *, entered: bool) -> list[Change]:
    """Within the buffer for the dwell raises; outside it, or inside the zone itself, is the end of it."""
    if entered:
        over = place.phase == _ACTIVE
        place.depart()
        if place.phase == _SUSPECT:
            place.phase = 0
        return [_end(place, seen, seen.at_us, seen.fix, f"it became an entry: {reason.shown(seen)}")] if over else []
    if seen.said in (Said.FAR, Said.OUTSIDE):
        place.depart()
        return _beyond(rules, place, seen, zone)
    if seen.said != Said.SILENT:
        place.restart()
    if seen.said != Said.INSIDE:
        return []
    if not place.since_us or seen.at_us - place.until_us > rules.whereabouts_us:
        place.since_us, place.first = seen.at_us, seen.fix
    place.until_us, place.newest, place.distance_m = seen.at_us, seen.fix, seen.distance_m
    if place.phase == _ACTIVE:
        return []
    if not place.phase:
        place.phase = _SUSPECT
    if seen.at_us - place.since_us < rules.approach_us:
        return []
    evidence = np.concatenate([place.first, seen.fix])
    text = f"within {zone.buffer_m:.0f} m of the zone since {reason.clock(place.since_us)}: {reason.shown(seen)}"
    return [_raise(rules, place, place.since_us, seen.lane_us, text, evidence, seen.distance_m, late=seen.late)]


def _beyond(rules: Rules, place: Place, seen: Sighting, zone: Zone) -> list[Change]:
    """Definitely outside the buffer: breaks a dwell; far, or twice in a row, it ends what goes on."""
    if place.phase != _ACTIVE:
        if place.phase == _SUSPECT:
            place.phase = 0
        return []
    _count(place, seen)
    changed = place.version != zone.version
    if seen.said != Said.FAR and not changed and place.run < rules.leave_fixes:
        return []
    text = f"no longer within {zone.buffer_m:.0f} m of the zone, since {reason.clock(place.run_us)}: {reason.shown(seen)}"
    return [_end(place, seen, place.run_us, _both(place, seen), text)]


def _stay(rules: Rules, place: Place, seen: Sighting, zone: Zone) -> list[Change]:
    """To stay inside: two definite fixes outside raise; the first that shows them back ends it."""
    if seen.said == Said.SILENT:
        return []
    out = seen.said in (Said.FAR, Said.OUTSIDE)
    if place.phase == _ACTIVE:
        if out:
            place.restart()
            return []
        # As many possible fixes in a row as may raise an entry show them back, too: a small zone is never definite.
        _count(place, seen)
        if seen.said != Said.INSIDE and place.run < zone.confirm_fixes:
            return []
        if seen.said == Said.INSIDE:
            return [_end(place, seen, seen.at_us, seen.fix, f"back: {reason.shown(seen)}")]
        text = f"may be back, by {place.run} fixes in a row since {reason.clock(place.run_us)}: {reason.shown(seen)}"
        return [_end(place, seen, place.run_us, _both(place, seen), text)]
    if not out:
        place.restart()
        if place.phase == _SUSPECT:
            place.phase = 0
        return []
    _count(place, seen)
    if not place.phase:
        place.phase = _SUSPECT
    if place.run < rules.exit_fixes:
        return []
    text = f"not inside, by {place.run} fixes in a row since {reason.clock(place.run_us)}: {reason.shown(seen)}"
    return [_raise(rules, place, place.run_us, seen.lane_us, text, _both(place, seen), seen.distance_m, late=seen.late)]


def _attend(rules: Rules, place: Place, seen: Sighting, zone: Zone) -> list[Change]:
    """To be there once: any fix that proves it, or is consistent with it, will do, one that comes after the interval as well."""
    sure = seen.said == Said.INSIDE
    if not shows_there(rules, seen.said, seen.fix[0]):
        return []
    there = place.phase == _LEFT and place.since_us <= seen.at_us < place.event_us
    if seen.at_us > place.until_us:
        place.until_us, place.newest, place.distance_m = seen.at_us, seen.fix, seen.distance_m
    if not there:
        place.phase = place.phase or _SUSPECT
        return []
    text = f"{'was' if sure else 'may have been'} there after all: {reason.shown(seen)}"
    change = _change(Op.WITHDRAW, place, seen.lane_us, text, seen.fix, seen.distance_m)
    forget(place)
    return [change]


_ACT: Final[dict[int, Callable[[Rules, Place, Sighting, Zone], list[Change]]]] = {_PRESENCE: _stay, _ATTENDANCE: _attend}


def _raise(
    rules: Rules, place: Place, event_us: int, lane_us: int, text: str, evidence: Array, distance_m: float, *, late: bool
) -> Change:
    """Open an occurrence, or go on with the one that ended no longer than the re-entry time before ``event_us``."""
    resumed = place.phase == _LEFT and event_us - place.ended_us <= rules.reenter_us
    if resumed:
        text = f"again, {reason.minutes(max(event_us - place.ended_us, 0))} after it ended: {text}"
    else:
        place.occurrence_us = place.event_us = event_us
        place.detected_us = place.clock_us = lane_us
        place.severity, place.late = rules.approach_level if place.asks == _DISTANCE else rules.exit_level, int(late)
    place.phase, place.ended_us = _ACTIVE, 0
    place.restart()
    return _change(Op.RESUME if resumed else Op.OPEN, place, lane_us, text, evidence, distance_m)


def _end(place: Place, seen: Sighting, ended_us: int, evidence: Array, text: str) -> Change:
    place.phase, place.ended_us = _LEFT, max(ended_us, place.event_us)
    place.restart()
    return _change(Op.END, place, seen.lane_us, text, evidence, seen.distance_m)


def _lapse(place: Place, seen: Sighting, asks: Asks | None) -> list[Change]:
    """The zone, what it asks, the order or the wearer is not what it was."""
    other = seen.authority is not None and seen.authority.wearer != place.wearer
    if place.asks == _ATTENDANCE and place.phase == _LEFT and not other and asks in (None, place.asks):
        return []  # told as over; a late fix may still tell otherwise
    changes = []
    if place.phase == _ACTIVE and not seen.held_us:
        changes.append(_change(Op.WITHDRAW, place, seen.lane_us, reason.unheld(place.event_us), seen.fix, seen.distance_m))
        place.phase = 0
    elif place.phase == _ACTIVE:
        at_us = min(seen.at_us, seen.held_us)
        changes.append(_end(place, seen, at_us, seen.fix, reason.lapsed(seen, place.wearer, at_us)))
    place.restart()
    place.depart()
    if other or place.phase == _SUSPECT or (asks is not None and place.asks != asks):
        place.phase = 0
    return changes


def _expire(rules: Rules, place: Place, at_us: int) -> None:
    """Let go of an occurrence that the re-entry time has made old; one that is told as over waits for its own clock."""
    if place.asks == _ATTENDANCE or place.phase != _LEFT or at_us - place.ended_us <= rules.reenter_us:
        return
    begun_us = place.since_us if place.asks == _DISTANCE else place.run_us
    if begun_us and begun_us - place.ended_us <= rules.reenter_us:
        return  # perhaps back in time: what comes next tells
    place.phase = _SUSPECT if begun_us else 0
    place.occurrence_us = place.event_us = place.detected_us = place.clock_us = place.ended_us = 0
    place.severity = place.late = 0


def _count(place: Place, seen: Sighting) -> None:
    if not place.run:
        place.run_us, place.run_first = seen.at_us, seen.fix
    place.run += 1


def _both(place: Place, seen: Sighting) -> Array:
    """The first fix of a run and the one that decides."""
    return np.concatenate([place.run_first, seen.fix]) if place.run > 1 else seen.fix


def _change(
    op: Op, place: Place, lane_us: int, text: str, evidence: Array, distance_m: float, held_under: Family | None = None
) -> Change:
    kind = KIND[place.asks]
    return Change(
        op,
        place.wearer,
        place.tag,
        place.zone,
        place.occurrence_us,
        kind,
        place.severity,
        CONFIDENCE[kind],
        bool(place.late),
        place.event_us,
        place.detected_us,
        place.ended_us or None,
        place.version,
        place.order,
        *due(place.clock_us, place.severity),
        lane_us,
        text,
        evidence,
        distance_m,
        held_under=held_under,
    )
