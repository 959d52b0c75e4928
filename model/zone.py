"""A zone version as it is in force for wearers: what crosses between the store, the geofence and the judge."""

from enum import StrEnum
from typing import NamedTuple

from model.instant import FOREVER_US


class ZoneKind(StrEnum):
    """What a zone asks of a wearer."""

    EXCLUSION = "exclusion"
    INCLUSION = "inclusion"
    HOME = "home"


class Purpose(StrEnum):
    """Whom an exclusion zone protects; unset counts as victim (DOMAIN.md)."""

    VICTIM = "victim"
    AREA = "area"


class Zone(NamedTuple):
    """One version of one zone. A circle is a WKB point with ``radius_m`` above 0; otherwise (multi)polygon WKB.

    ``intervals`` are half-open UTC microseconds ``[from, to)`` in which the zone applies, already expanded from its
    schedule and validity. A version applies to fixes with ``in_force_from_us <= fix_at < in_force_to_us``.
    """

    id: int
    version: int
    kind: ZoneKind
    purpose: Purpose
    wkb: bytes  # WGS84 lon/lat, edges straight in lon/lat (RFC 7946)
    radius_m: float  # circle radius in metres; 0 for polygons
    buffer_m: float  # approach ring outside the boundary, metres; 0 for none
    in_force_from_us: int
    in_force_to_us: int = FOREVER_US
    intervals: tuple[tuple[int, int], ...] = ((0, FOREVER_US),)
    confirm_fixes: int = 2  # possible fixes in a row before one raises
    name: str = ""
    attendance: bool = False  # an inclusion zone to be at once in each interval, not to stay in


class Assignment(NamedTuple):
    """That a zone applies to a tag, from when to when: activation, order and group membership already intersected.

    Half-open UTC microseconds ``[from_us, to_us)``.
    """

    tag: int
    zone: int
    from_us: int
    to_us: int


class Monitored(NamedTuple):
    """That a wearer wears a tag under an order in force: shared zones (``{"all": true}``) apply then too.

    Half-open UTC microseconds ``[from_us, to_us)``. ``wearer`` is the store's id, ``order`` the order that gives authority.
    ``worn_us`` is since when they have worn the tag without a break, maybe before the order: a fix of before is not theirs.
    """

    tag: int
    wearer: int
    order: int
    from_us: int
    to_us: int
    worn_us: int = 0
