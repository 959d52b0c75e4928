"""What an alert is made of, and the changes the judge asks the store to make to it."""

from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from model.arrays import Array
from model.event import empty_events
from model.instant import MINUTE_US


class Kind(StrEnum):
    """What an alert says, by the codes of DOMAIN.md."""

    EXCLUSION = "exclusion"
    EXCLUSION_POSSIBLE = "exclusion_possible"
    CROSSED = "crossed"
    APPROACH = "approach"
    CURFEW_ABSENCE = "curfew_absence"
    CURFEW_UNVERIFIED = "curfew_unverified"
    INCLUSION_EXIT = "inclusion_exit"
    ATTENDANCE_MISSED = "attendance_missed"
    STRAP = "strap"
    STRAP_BRIEF = "strap_brief"
    CASE = "case"
    NO_CONTACT = "no_contact"
    NO_LOCATION = "no_location"
    JAMMING = "jamming"
    BATTERY_LOW = "battery_low"
    BATTERY_DEAD = "battery_dead"
    NOT_FITTED = "not_fitted"
    NO_FIRST_FIX = "no_first_fix"
    TAG_FAULT = "tag_fault"
    PAPERWORK = "paperwork"
    FLEET_OUTAGE = "fleet_outage"
    MONITORING_DOWN = "monitoring_down"
    UNDELIVERED = "undelivered"


class Family(StrEnum):
    """What makes two kinds the same row: a possible entry becomes a definite one on the row it already has."""

    EXCLUSION = "exclusion"
    CROSSED = "crossed"
    APPROACH = "approach"
    CURFEW_ABSENCE = "curfew_absence"
    CURFEW_UNVERIFIED = "curfew_unverified"
    INCLUSION_EXIT = "inclusion_exit"
    ATTENDANCE_MISSED = "attendance_missed"
    STRAP = "strap"
    STRAP_BRIEF = "strap_brief"
    CASE = "case"
    NO_CONTACT = "no_contact"
    NO_LOCATION = "no_location"
    JAMMING = "jamming"
    BATTERY_LOW = "battery_low"
    BATTERY_DEAD = "battery_dead"
    NOT_FITTED = "not_fitted"
    NO_FIRST_FIX = "no_first_fix"
    TAG_FAULT = "tag_fault"
    PAPERWORK = "paperwork"
    FLEET_OUTAGE = "fleet_outage"
    MONITORING_DOWN = "monitoring_down"
    UNDELIVERED = "undelivered"


# Every kind is a family of its own but the possible entry.
FAMILY = {kind: Family.EXCLUSION if kind is Kind.EXCLUSION_POSSIBLE else Family(kind.value) for kind in Kind}

# Of ourselves: for those who run the system. Everyone else is told by a banner, and has enough in the queue.
OURS = frozenset({Kind.MONITORING_DOWN, Kind.UNDELIVERED})


class Condition(StrEnum):
    """The machine's axis: a worker alone writes it."""

    ACTIVE = "active"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


class Handling(StrEnum):
    """People's axis: the API alone writes it. Effective handling is *new* while an occurrence is newer than what was handled."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    CLOSED = "closed"


class Confidence(StrEnum):
    """How sure the alert is, said in words on screen."""

    DEFINITE = "definite"
    POSSIBLE = "possible"
    INFERRED = "inferred"  # from the path between two fixes


# What a device says of itself, that it says nothing, and what we know of ourselves are not a matter of degree.
CONFIDENCE = dict.fromkeys(Kind, Confidence.DEFINITE) | {
    Kind.EXCLUSION_POSSIBLE: Confidence.POSSIBLE,
    Kind.CROSSED: Confidence.INFERRED,
    Kind.CURFEW_UNVERIFIED: Confidence.POSSIBLE,
}


class Op(IntEnum):
    """What a change does to its occurrence."""

    OPEN = 1  # an occurrence begins: a new alert row, or back to *new* on the row that is not closed
    AMEND = 2  # kind, severity, confidence, event_at or late differ from what was said
    END = 3  # it is over; ended_us says since when
    RESUME = 4  # back within the re-entry time: the same occurrence, active again, nobody is paged twice
    WITHDRAW = 5  # late data showed that it never was


NO_EVENTS: Final = empty_events()


class Change(NamedTuple):
    """One change to one occurrence of one alert.

    The alert is found by ``(wearer, family, zone)`` (zone 0 where the kind has none) and not being closed; the occurrence by
    ``(tag, occurrence_us)``, the ``event_at`` it was first raised with, which never changes, while ``event_at_us`` may be
    amended. All the fields after ``occurrence_us`` are the occurrence as it now stands, whichever the op; but live judging does
    not know all that late data has told of it, nor that late data has opened it already, so whoever keeps it keeps the gravest
    kind and, unless it is ``retold``, the earliest event.
    """

    op: Op
    wearer: int
    tag: int
    zone: int
    occurrence_us: int
    kind: Kind
    severity: int  # 1 (P1) to 4
    confidence: Confidence
    late: bool
    event_at_us: int  # first fix of the occurrence
    detected_us: int  # lane time when it was raised
    ended_us: int | None  # first fix that showed it over
    zone_version: int
    order: int
    due_acknowledge_us: int | None
    due_contact_us: int | None
    due_decision_us: int | None
    changed_us: int  # lane time of this change
    reason: str  # one sentence for the alert's history: what showed it
    evidence: Array  # (k,) FIX rows that showed it; copied into the alert
    distance_m: float  # signed distance of the last evidence row, NaN where it has none
    events: Array = NO_EVENTS  # (j,) EVENT rows that showed it; copied into the alert
    held_under: Family | None = None  # the cause it follows from, an alert of the same wearer
    released: bool = False  # it follows from that cause no more: the cause is over, and this is not
    retold: bool = False  # by late data, which knows what came before and after: it may begin later than was said, too
    again_us: int = 10 * MINUTE_US  # back within this is the same, also where another tag of the wearer's says so
    cleared_us: int | None = None  # when the device said that it is over, of what is so only once it was inspected


class Judged(NamedTuple):
    """What the judge made of a batch.

    ``fixes`` are those given, in identity order, with quality and flags set: they are stored as judged. ``requalified``
    are (r,) FIX rows stored earlier as implausible that a later fix has confirmed.
    """

    fixes: Array
    changes: tuple[Change, ...]
    requalified: Array


class Occurrence(NamedTuple):
    """An occurrence as the store knows it: what late data is compared with."""

    wearer: int
    tag: int
    zone: int
    kind: Kind
    occurrence_us: int
    event_at_us: int
    ended_us: int | None
    detected_us: int
    late: bool
    severity: int
    zone_version: int
    order: int


def kept(told: Occurrence | None, change: Change) -> Occurrence:
    """An occurrence as it is known after a change: live judging does not know all that late data has told of it."""
    event_us, kind, severity = change.event_at_us, change.kind, change.severity
    if told is not None:
        event_us = event_us if change.retold else min(told.event_at_us, event_us)
        if told.severity < severity:
            kind, severity = told.kind, told.severity
    return Occurrence(
        change.wearer,
        change.tag,
        change.zone,
        kind,
        change.occurrence_us,
        event_us,
        change.ended_us,
        change.detected_us,
        change.late,
        severity,
        change.zone_version,
        change.order,
    )
