"""A kind, a zone and how late it was known become a severity, and a severity the times by which people must act."""

from collections.abc import Iterable
from typing import NamedTuple

from alerts.rules import CLOCKS, Clocks, Rules, clocks
from alerts.terms import Terms, protects_victim
from model.alert import Change, Kind
from model.instant import MINUTE_US
from model.zone import Zone


class Due(NamedTuple):
    """Microseconds by which people must have acknowledged, made contact, decided; None where no clock runs."""

    acknowledge_us: int | None
    contact_us: int | None
    decision_us: int | None


def severity(rules: Rules, zone: Zone, kind: Kind, *, late: bool, age_us: int, known: bool) -> int:
    """1 (P1) to 4, by the table of DOMAIN.md.

    Parameters
    ----------
    late : whether it is known from late or disordered data
    age_us : lane time less event time
    known : whether the wearer's whereabouts are known at lane time
    """
    victim = protects_victim(zone)
    if kind is Kind.CROSSED:
        return rules.crossed_level if victim else rules.crossed_area_level
    if kind is not Kind.EXCLUSION:
        return rules.possible_level if victim else rules.possible_area_level
    if not victim:
        return rules.area_level
    return 2 if late and known and age_us >= rules.fresh_late_us else 1


def due(clock_us: int, level: int) -> Due:
    """The times of a severity whose clocks run from ``clock_us``, where nothing was set: ``timed`` is what was set."""
    return _due(CLOCKS[level], clock_us)


def timed(rules: Rules, terms: Terms, changes: Iterable[Change]) -> list[Change]:
    """Changes by what was set for whom they are of, and where: within how long a wearer is back, and the times that people have.

    The latter by what was set when their clocks began to run.
    """
    if not terms.anything_set:
        return list(changes)
    made = []
    for one in changes:
        again_us = terms.rules(rules, one.tag, one.event_at_us, one.zone).reenter_us
        change = one._replace(again_us=again_us)
        usual = CLOCKS[change.severity].acknowledge_min
        if usual is None or change.due_acknowledge_us is None:
            made.append(change)
            continue
        clock_us = change.due_acknowledge_us - usual * MINUTE_US
        by = _due(clocks(terms.rules(rules, change.tag, clock_us, change.zone), change.severity), clock_us)
        times = {f"due_{name}": at_us for name, at_us in by._asdict().items()}
        made.append(change._replace(**times))
    return made


def _due(people: Clocks, clock_us: int) -> Due:
    return Due(*(None if minutes is None else clock_us + minutes * MINUTE_US for minutes in people))
