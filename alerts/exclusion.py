"""One sighting moves one (tag, zone) pair on, and becomes the changes that says: the state machine of exclusion zones.

Drawn and explained in docs/alerts.md. Pure: what it knows is its pair, the sighting and the rules.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from alerts import reason
from alerts.pair import Pair
from alerts.rules import Rules
from alerts.sighting import Said, Sighting
from alerts.urgency import due, severity
from model.alert import CONFIDENCE, Change, Kind, Op
from model.arrays import Array
from model.state import Phase
from model.zone import Zone

# Members of an enum cost a look-up each time; these are asked for at every sighting.
_SUSPECT, _ACTIVE, _LEFT, _CROSSED = int(Phase.SUSPECT), int(Phase.ACTIVE), int(Phase.LEFT), int(Phase.CROSSED)

POSSIBLE: Final = 1  # PAIR.kind
DEFINITE: Final = 2
_KIND: Final = {POSSIBLE: Kind.EXCLUSION_POSSIBLE, DEFINITE: Kind.EXCLUSION}


def move(rules: Rules, pair: Pair, seen: Sighting) -> list[Change]:
    """Move the pair on in place; a pair left with phase 0 is plainly outside and to be dropped.

    Parameters
    ----------
    pair : as remembered, or a new one with phase 0
    seen : the next fix of its tag, in the order of judging
    """
    if pair.phase == _ACTIVE and seen.at_us < pair.event_us:
        return []  # taken before the occurrence began (by an instant, or a time of receipt): says nothing of its end
    settle(pair, seen)
    if seen.skewed:
        return _skewed(rules, pair, seen)
    changes: list[Change] = []
    if pair.phase and is_gone(pair, seen):
        changes += _lapse(pair, seen)
    _expire(rules, pair, seen.at_us)
    if seen.zone is not None and seen.authority is not None:
        if not pair.phase:
            pair.wearer, pair.order = seen.authority.wearer, seen.authority.order
        changes += _ACT[seen.said](rules, pair, seen, seen.zone)
        if seen.crossed and pair.phase != _ACTIVE:
            changes += _crossed(rules, pair, seen, seen.zone)
        pair.version = seen.zone.version
        _expire(rules, pair, seen.at_us)
    return changes


def pass_by(pair: Pair, seen: Sighting) -> list[Change]:
    """An instant at which controls changed, as the fix before it saw it: it can end what goes on, and do no more.

    What was taken before the instant may come after it. So the pair stays active, with an end, until something taken from then on
    settles it; a fix from before has this asked anew, and may say that it was over sooner, or was not over.

    Parameters
    ----------
    seen : the last fix, as judged at the instant
    """
    at_us = min(seen.at_us, seen.held_us)
    if pair.phase == _SUSPECT:
        _break_off(pair, at_us, is_gone(pair, seen))
        return []
    if pair.phase != _ACTIVE or at_us < pair.event_us or 0 < pair.ended_us < at_us:
        return []
    gone = is_gone(pair, seen)
    version = pair.version if seen.zone is None or gone else seen.zone.version
    if gone or (version != pair.version and seen.said in (Said.FAR, Said.OUTSIDE)):
        if pair.ended_us == at_us:
            return []
        pair.ended_us = at_us
        text = reason.lapsed(seen, pair.wearer, at_us) if gone else reason.over(seen, at_us, 1, True)
        return [_change(Op.END, pair, seen, version, text, seen.fix)]
    if pair.ended_us == at_us:
        pair.ended_us = 0
        return [_change(Op.RESUME, pair, seen, version, reason.not_over(seen), seen.fix)]
    return []


def rest(pair: Pair, seen: Sighting) -> list[Change] | None:
    """What an instant at which controls changed does where nothing can begin; None where the last fix is to be judged by it.

    What is over is remembered: a fix taken before the instant that comes after it goes on with it.
    """
    if seen.authority is not None and seen.authority.wearer != pair.wearer:
        return None
    if pair.phase == _SUSPECT and is_gone(pair, seen):
        return pass_by(pair, seen)
    if pair.phase == _ACTIVE and seen.held_us:
        changed = seen.zone is not None and seen.zone.version != pair.version and seen.said in (Said.FAR, Said.OUTSIDE)
        return pass_by(pair, seen) if is_gone(pair, seen) or (changed and not pair.ended_us) else None
    if pair.phase == _LEFT and is_gone(pair, seen):
        pair.restart()
        pair.restart_skewed()
        return []
    return None


def is_gone(pair: Pair, seen: Sighting) -> bool:
    """Whether its zone, its order or its wearer is not what it was."""
    return seen.zone is None or seen.authority is None or seen.authority.wearer != pair.wearer


def settle(pair: Pair, seen: Sighting) -> None:
    """What ended at an instant that had passed is over, once something was taken from then on; a run does not go on after it."""
    if seen.skewed or not 0 < pair.ended_us <= seen.at_us or pair.phase not in (_ACTIVE, _SUSPECT):
        return
    pair.phase, pair.ended_us = (_LEFT, pair.ended_us) if pair.phase == _ACTIVE else (0, 0)
    pair.restart()
    pair.restart_skewed()


def _break_off(pair: Pair, at_us: int, gone: bool) -> None:
    """Note when a run that goes on ends, or that it does not."""
    if gone and not 0 < pair.ended_us <= at_us:
        pair.ended_us = at_us
    elif not gone and pair.ended_us == at_us:
        pair.ended_us = 0


def _silent(rules: Rules, pair: Pair, seen: Sighting, zone: Zone) -> list[Change]:
    """It says nothing: it neither counts nor breaks a run."""
    return []


def _inside(rules: Rules, pair: Pair, seen: Sighting, zone: Zone) -> list[Change]:
    """One definite fix raises at once, or makes a possible occurrence definite, or an occurrence known late urgent."""
    if pair.phase != _ACTIVE:
        return [_raise(rules, pair, seen, zone, DEFINITE, seen.at_us, seen.fix, reason.shown(seen))]
    pair.restart()
    level = _severity(rules, pair.event_us, seen, zone, DEFINITE)
    if pair.kind == DEFINITE and level >= pair.severity:
        return []
    text = f"definite now, {reason.shown(seen)}" if pair.kind == POSSIBLE else f"still so, {reason.shown(seen)}"
    pair.kind = DEFINITE
    _press(pair, level, seen.lane_us)
    return [_change(Op.AMEND, pair, seen, zone.version, text, seen.fix)]


def _possible(rules: Rules, pair: Pair, seen: Sighting, zone: Zone) -> list[Change]:
    """Enough possible fixes in a row raise; in an open occurrence one only says that it is not over."""
    if pair.phase == _ACTIVE:
        pair.restart()
        return []
    _count(pair, seen)
    if pair.run < zone.confirm_fixes and not seen.alone:
        if pair.phase != _LEFT:
            pair.phase = _SUSPECT
        return []
    text = reason.possible(seen, pair.run_us, pair.run)
    return [_raise(rules, pair, seen, zone, POSSIBLE, pair.run_us, _both(pair.first, pair.run, seen), text)]


def _outside(rules: Rules, pair: Pair, seen: Sighting, zone: Zone) -> list[Change]:
    """Definite outside: one far fix, one by a zone that was changed, or enough in a row end an open occurrence."""
    pair.restart_skewed()
    if pair.phase != _ACTIVE:
        pair.restart()
        if pair.phase == _SUSPECT:
            pair.phase = 0
        return []
    _count(pair, seen)
    changed = pair.version != zone.version
    if seen.said != Said.FAR and not changed and pair.run < rules.leave_fixes:
        return []
    text = reason.over(seen, pair.run_us, pair.run, changed)
    return [_end(pair, seen, zone.version, pair.run_us, _both(pair.first, pair.run, seen), text)]


def _skewed(rules: Rules, pair: Pair, seen: Sighting) -> list[Change]:
    """A fix from a wrong clock: possible at most, in a run of its own, so that good fixes are judged as if it had not come."""
    if seen.zone is None or seen.authority is None or seen.said != Said.POSSIBLE or pair.phase == _ACTIVE:
        return []
    if pair.phase and pair.wearer != seen.authority.wearer:
        return []
    if not pair.phase:
        pair.wearer, pair.order, pair.version = seen.authority.wearer, seen.authority.order, seen.zone.version
    if pair.phase != _LEFT:
        pair.phase = _SUSPECT
    if not pair.skewed_run:
        pair.skewed_us, pair.skewed_first = seen.at_us, seen.fix
    pair.skewed_run += 1
    if pair.skewed_run < seen.zone.confirm_fixes:
        return []
    text = reason.possible(seen, pair.skewed_us, pair.skewed_run)
    evidence = _both(pair.skewed_first, pair.skewed_run, seen)
    return [_raise(rules, pair, seen, seen.zone, POSSIBLE, pair.skewed_us, evidence, text)]


_ACT: Final[dict[int, Callable[[Rules, Pair, Sighting, Zone], list[Change]]]] = {
    Said.SILENT: _silent,
    Said.FAR: _outside,
    Said.OUTSIDE: _outside,
    Said.POSSIBLE: _possible,
    Said.INSIDE: _inside,
}


def _raise(rules: Rules, pair: Pair, seen: Sighting, zone: Zone, kind: int, event_us: int, evidence: Array, text: str) -> Change:
    """Open an occurrence, or go on with the one that ended less than the re-entry time before ``event_us``."""
    resumed = pair.phase == _LEFT and event_us - pair.ended_us <= rules.reenter_us
    if resumed:
        text = f"back {reason.minutes(max(event_us - pair.ended_us, 0))} after it ended: {text}"
        pair.kind = max(pair.kind, kind)
        _press(pair, _severity(rules, pair.event_us, seen, zone, kind), seen.lane_us)
    else:
        pair.occurrence_us = pair.event_us = event_us
        pair.detected_us = pair.clock_us = seen.lane_us
        pair.kind, pair.late = kind, int(seen.late)
        pair.severity = _severity(rules, event_us, seen, zone, kind)
    pair.phase, pair.ended_us = _ACTIVE, 0
    pair.restart()
    pair.restart_skewed()
    pair.version = zone.version
    return _change(Op.RESUME if resumed else Op.OPEN, pair, seen, zone.version, text, evidence)


def _end(pair: Pair, seen: Sighting, version: int, ended_us: int, evidence: Array, text: str) -> Change:
    pair.phase, pair.ended_us = _LEFT, max(ended_us, pair.event_us)
    pair.restart()
    return _change(Op.END, pair, seen, version, text, evidence)


def _lapse(pair: Pair, seen: Sighting) -> list[Change]:
    """Nothing may be said of the pair any more: its zone, its order or its wearer is not what it was."""
    changes = []
    if pair.phase == _ACTIVE and not seen.held_us:
        changes.append(_change(Op.WITHDRAW, pair, seen, pair.version, reason.unheld(pair.event_us), seen.fix))
        pair.phase = 0
    elif pair.phase == _ACTIVE:
        at_us = min(seen.at_us, seen.held_us)
        changes.append(_end(pair, seen, pair.version, at_us, seen.fix, reason.lapsed(seen, pair.wearer, at_us)))
    other = seen.authority is not None and seen.authority.wearer != pair.wearer
    pair.restart()
    pair.restart_skewed()
    if other or pair.phase == _SUSPECT:
        pair.phase = 0
    if other:
        pair.crossed_us = 0
    return changes


def _crossed(rules: Rules, pair: Pair, seen: Sighting, zone: Zone) -> list[Change]:
    """A path passes through: begun and ended at once. Again within the re-entry time, or just after leaving, it is no news."""
    if pair.phase == _LEFT or (pair.crossed_us and seen.at_us - pair.crossed_us <= rules.reenter_us):
        return []
    pair.crossed_us = seen.at_us
    level = severity(rules, zone, Kind.CROSSED, late=seen.late, age_us=0, known=True)
    by = due(seen.lane_us, level)
    change = Change(
        Op.OPEN,
        pair.wearer,
        pair.tag,
        pair.zone,
        seen.at_us,
        Kind.CROSSED,
        level,
        CONFIDENCE[Kind.CROSSED],
        seen.late,
        seen.at_us,
        seen.lane_us,
        seen.at_us,
        zone.version,
        pair.order,
        *by,
        seen.lane_us,
        reason.crossed(seen),
        np.concatenate([seen.before, seen.fix]),
        seen.distance_m,
    )
    return [change]


def _expire(rules: Rules, pair: Pair, at_us: int) -> None:
    """Let go of what the re-entry time has made old: an occurrence that ended, a crossing that was said."""
    if pair.phase == _LEFT and at_us - pair.ended_us > rules.reenter_us:
        if pair.run and pair.run_us - pair.ended_us <= rules.reenter_us:
            return  # perhaps back in time: the next fix tells
        pair.phase = _SUSPECT if pair.run or pair.skewed_run else 0
        pair.occurrence_us = pair.event_us = pair.detected_us = pair.clock_us = pair.ended_us = 0
        pair.kind = pair.severity = pair.late = 0
    if pair.phase in (0, _CROSSED):
        pair.ended_us = 0
        pair.phase = _CROSSED if pair.crossed_us and at_us - pair.crossed_us <= rules.reenter_us else 0


def _severity(rules: Rules, event_us: int, seen: Sighting, zone: Zone, kind: int) -> int:
    age_us = seen.lane_us - event_us
    return severity(rules, zone, _KIND[kind], late=seen.late, age_us=age_us, known=seen.known)


def _press(pair: Pair, level: int, lane_us: int) -> None:
    """Make it as severe as ``level`` if it is less; people's clocks then start again."""
    if level < pair.severity:
        pair.severity, pair.clock_us = level, lane_us


def _count(pair: Pair, seen: Sighting) -> None:
    if not pair.run:
        pair.run_us, pair.first = seen.at_us, seen.fix
    pair.run += 1


def _both(first: Array, run: int, seen: Sighting) -> Array:
    """The first fix of a run and the one that decides."""
    return np.concatenate([first, seen.fix]) if run > 1 else seen.fix


def _change(op: Op, pair: Pair, seen: Sighting, version: int, text: str, evidence: Array) -> Change:
    kind = _KIND[pair.kind]
    return Change(
        op,
        pair.wearer,
        pair.tag,
        pair.zone,
        pair.occurrence_us,
        kind,
        pair.severity,
        CONFIDENCE[kind],
        bool(pair.late),
        pair.event_us,
        pair.detected_us,
        pair.ended_us or None,
        version,
        pair.order,
        *due(pair.clock_us, pair.severity),
        seen.lane_us,
        text,
        evidence,
        seen.distance_m,
    )
