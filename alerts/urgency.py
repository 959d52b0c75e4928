"""A kind, a zone and how late it was known become a severity, and a severity the times by which people must act."""

from typing import NamedTuple

from alerts.rules import CLOCKS, Rules
from alerts.terms import protects_victim
from model.alert import Kind
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
    if kind is not Kind.EXCLUSION:
        return 2 if victim else 4
    if not victim:
        return 2
    return 2 if late and known and age_us >= rules.fresh_late_us else 1


def due(clock_us: int, level: int) -> Due:
    """The times of a severity whose clocks run from ``clock_us``."""
    return Due(*(None if minutes is None else clock_us + minutes * MINUTE_US for minutes in CLOCKS[level]))
