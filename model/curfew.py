"""A curfew version as it is in force for a wearer: what crosses between the store and the judge."""

from typing import NamedTuple

from model.instant import FOREVER_US

Span = tuple[int, int]


class Curfew(NamedTuple):
    """One version of one curfew: when the wearer of an order has to be in which home zone.

    ``windows`` and ``excused`` are half-open UTC microseconds ``[from, to)``, in order, not overlapping; windows that touch are
    one. A version applies to instants with ``in_force_from_us <= at < in_force_to_us``; windows are not cut there, nor at the
    order's beginning or end: a window is whole only as it was made.
    """

    id: int
    version: int
    order: int
    wearer: int
    home: int  # zone id, of kind home
    grace_us: int  # away for no longer than this raises nothing
    windows: tuple[Span, ...]  # the timetable written out
    excused: tuple[Span, ...] = ()  # authorised absences: the curfew asks nothing then
    high_risk: bool = False  # an absence is P1 at once
    in_force_from_us: int = 0
    in_force_to_us: int = FOREVER_US
