"""Turns alert rows into the alert of the contract, for lists, the stream and one alert in full."""

from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from api.fields import Instant, Person, Row, person, readable
from api.fix import Fix, fixes_of
from api.roles import May
from api.token import Caller
from model.alert import OURS, Condition, Confidence, Handling
from model.arrays import Array
from model.event import EVENT, EventKind
from model.fix import FIX
from store.alerts import Detail

Severity = Literal["P1", "P2", "P3", "P4"]
Clock = Literal["acknowledge", "contact", "decision"]
CLOCKS: Final[tuple[Clock, ...]] = ("acknowledge", "contact", "decision")

SUMMARY: Final[dict[str, Any]] = {
    "id": 12,
    "kind": "exclusion",
    "severity": "P1",
    "condition": "active",
    "handling": "new",
    "level": 0,
    "escalated_to": None,
    "owner": None,
    "wearer_id": 7,
    "wearer": "Test Wearer",
    "subject": None,
    "reason": None,
    "order_id": 3,
    "officer": {"id": 2, "name": "officer"},
    "tag": 356307042441013,
    "zone_id": 4,
    "zone_version": 1,
    "zone_name": "School",
    "zone_purpose": "victim",
    "event_at": "2026-11-22T08:00:00Z",
    "since": "2026-11-22T08:00:00Z",
    "detected_at": "2026-11-22T08:00:02Z",
    "ended_at": None,
    "cleared_at": None,
    "nearest_m": None,
    "late": False,
    "confidence": "definite",
    "occurrences": 1,
    "due": {"acknowledge": "2026-11-22T08:02:02Z", "contact": "2026-11-22T08:05:02Z", "decision": "2026-11-22T08:10:02Z"},
    "next_due": "2026-11-22T08:02:02Z",
    "unanswered_since": "2026-11-22T08:00:02Z",
    "running": ["acknowledge", "contact", "decision"],
    "returns_at": None,
    "callback_at": None,
    "paused": None,
    "held_under": None,
    "outcome": None,
    "closed_at": None,
    "version": "c1-h1",
}
FULL: Final[dict[str, Any]] = SUMMARY | {
    "evidence": [
        {
            "position": 4711,
            "zone_id": 4,
            "zone_version": 1,
            "distance_m": -35.2,
            "events": [],
            "fixes": [
                {
                    "tag": 356307042441013,
                    "fix_at": "2026-11-22T08:00:00Z",
                    "received_at": "2026-11-22T08:00:01Z",
                    "seq": 7,
                    "lon": -2.98,
                    "lat": 53.4,
                    "accuracy_m": 6.0,
                    "speed_mps": 1.2,
                    "heading_deg": None,
                    "hdop": None,
                    "source": "gnss",
                    "quality": "ok",
                    "flags": [],
                    "battery_pct": 81,
                    "satellites": None,
                    "gateway": None,
                }
            ],
        }
    ],
    "history": [
        {
            "position": 4711,
            "at": "2026-11-22T08:00:02Z",
            "actor": None,
            "what": "opened",
            "text": "Definitely inside School, 35 m from its edge.",
            "details": {},
        }
    ],
    "listed": [],
}


class About(StrEnum):
    """What an alert is about, which decides who sees it."""

    WEARER = "wearer"
    FLEET = "fleet"  # many tags at once, nobody by name
    OURS = "ours"  # the system itself


class Scope(NamedTuple):
    """Which alerts somebody sees."""

    people: bool
    ours: bool

    def covers(self, what: About) -> bool:
        """Whether an alert about this is among them."""
        return self.people if what is About.WEARER else self.ours if what is About.OURS else True


def scope(caller: Caller) -> Scope:
    """Of a role: wearers' alerts where wearers may be seen; the system's own where they are asked for."""
    return Scope(caller.may(May.SEE_WEARERS), caller.may(May.SEE_OUTAGES))


def about(row: Row) -> About:
    """What an alert's row is about."""
    if row["wearer"] is not None:
        return About.WEARER
    return About.OURS if row["kind"] in OURS else About.FLEET


class Due(BaseModel):
    """The clocks of the last occurrence; null where no clock runs."""

    acknowledge: Instant | None
    contact: Instant | None
    decision: Instant | None


class Paused(BaseModel):
    """Why nobody is paged about an alert, and until when."""

    id: int
    until: Instant
    reason: str


class Alert(BaseModel):
    """An alert as the queue and the stream show it."""

    model_config = ConfigDict(json_schema_extra={"examples": [SUMMARY]})

    id: int
    kind: str = Field(description="exclusion, exclusion_possible, crossed, ... (DOMAIN.md)")
    severity: Severity
    condition: Condition = Field(description="the machine's axis")
    handling: Handling = Field(description="people's axis; new again when an occurrence happens that nobody has handled")
    level: int = Field(description="how far it was escalated, for clocks that nobody stopped in time")
    escalated_to: str | None = Field(
        description="to whom, last: duty_officer, duty_manager, police, responsible_officer, engineer"
    )
    owner: Person | None
    wearer_id: int | None = Field(description="null where it concerns no one wearer: monitoring_down, fleet_outage, undelivered")
    wearer: str | None = Field(description="the wearer's name; of anything but an alert `wearer` is the id")
    subject: str | None = Field(
        description="what it concerns instead, where there may be several at once: a gateway's name, a channel's"
    )
    reason: str | None = Field(description="of paperwork: order_without_activation, activation_without_order, unowned, ...")
    order_id: int | None
    officer: Person | None = Field(description="who answers for the order now: its officer, or who covers them")
    tag: int | None = Field(description="the tag of the last occurrence")
    zone_id: int | None
    zone_version: int | None
    zone_name: str | None
    zone_purpose: str | None
    event_at: Instant = Field(description="the first fix of the first occurrence")
    since: Instant = Field(description="the first fix of the last occurrence")
    detected_at: Instant
    ended_at: Instant | None = Field(description="the first fix that showed the last occurrence over")
    cleared_at: Instant | None = Field(
        description="of a strap or a case: when the tag said it was closed again; active all the same, until somebody inspects it"
    )
    nearest_m: float | None = Field(description="of an approach: the nearest that it was judged to be to the zone, metres")
    late: bool = Field(description="raised from data received over five minutes after it was taken")
    confidence: Confidence
    occurrences: int
    due: Due
    next_due: Instant | None = Field(
        description="the earliest clock still running; of several calls that nobody answered those of the oldest run on"
    )
    unanswered_since: Instant | None = Field(
        description="while it is new: when the oldest call was made that nobody has answered, however often it called since"
    )
    running: list[Clock] = Field(description="the clocks that nobody has stopped yet; none while an outage holds it")
    returns_at: Instant | None = Field(description="in somebody's hands: when it is new again, unless a step is logged before")
    callback_at: Instant | None = Field(description="when the first call that is owed about it is due")
    paused: Paused | None = Field(description="the pause by which nobody is paged about it just now")
    held_under: int | None = Field(description="the alert it follows from: a dead battery or an outage holds the silence")
    outcome: str | None
    closed_at: Instant | None
    version: str = Field(description="the ETag: one number for the machine's changes, one for people's")


class Event(BaseModel):
    """A device event as it was stored."""

    tag: int
    kind: str = Field(description="strap_tamper, strap_tamper_clear, ...")
    at: Instant
    received_at: Instant


class Evidence(BaseModel):
    """What one change of the alert was judged by."""

    position: int
    zone_id: int | None
    zone_version: int | None
    distance_m: float | None = Field(description="of the last fix to the zone's boundary, metres, negative inside")
    fixes: list[Fix]
    events: list[Event] = Field(description="what the device said of itself")


class Happening(BaseModel):
    """One thing that happened to the alert, by machine (no actor) or people."""

    position: int
    at: Instant
    actor: Person | None
    what: str
    text: str
    details: dict[str, Any]


class Listed(BaseModel):
    """One tag of an outage's list."""

    tag: int
    wearer_id: int | None = Field(description="who wore it then; null where the caller may not see wearers")
    wearer: str | None = Field(description="the wearer's name")
    check_first: bool | None = Field(
        description="a victim is to be protected from its wearer: check on them by hand first; null as the wearer is"
    )
    since: Instant = Field(description="overdue since")
    back_at: Instant | None = Field(description="when it was heard again")
    silence: int | None = Field(
        description="the alert of its silence that is, or was, held under this one; null as the wearer is"
    )


class FullAlert(Alert):
    """An alert with what it was judged by and what happened to it."""

    model_config = ConfigDict(json_schema_extra={"examples": [FULL]})

    evidence: list[Evidence]
    history: list[Happening]
    listed: list[Listed] = Field(description="of an outage: its tags, those still silent first, a victim's first of all")
    escalation_told: Literal["delivered", "waiting", "nobody"] | None = Field(
        None, description="whether a channel took the newest escalation: to whom it is due is not whom it reached"
    )


class ChangedAlert(Alert):
    """What the stream sends."""

    change: str = Field(description="what happened: opened, amended, ended, acknowledged, ...")


def version(row: Row) -> str:
    """The version of both axes."""
    return f"c{row['condition_version']}-h{row['handling_version']}"


def _fields(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "kind": row["kind"],
        "severity": f"P{row['severity']}",
        "condition": row["condition"],
        "handling": row["state"],
        "level": row["raised_to"],
        "escalated_to": row["escalated_to"] if row["raised_to"] else None,
        "owner": person(row["owner"], row["owner_name"]),
        "wearer_id": row["wearer"],
        "wearer": row["wearer_name"],
        "subject": row["subject"] or None,
        "reason": row["reason"] or None,
        "order_id": row["monitoring_order"] or None,
        "officer": person(row["officer"], row["officer_name"]),
        "tag": row["tag"] or None,
        "zone_id": row["zone"] or None,
        "zone_version": row["zone_version"] or None,
        "zone_name": row["zone_name"],
        "zone_purpose": row["zone_purpose"],
        "event_at": row["event_at"],
        "since": row["event_at"] if row["again_at"] is None else row["again_at"],
        "detected_at": row["detected_at"],
        "ended_at": row["ended_at"],
        "cleared_at": row["cleared_at"],
        "nearest_m": row["nearest_m"],
        "late": row["late"],
        "confidence": row["confidence"],
        "occurrences": row["occurrences"],
        "due": Due(acknowledge=row["due_acknowledge"], contact=row["due_contact"], decision=row["due_decision"]),
        "next_due": row["next_due"],
        "unanswered_since": row["unanswered_since"],
        "running": [clock for clock in CLOCKS if row[f"{clock}_by"] is not None],
        "returns_at": row["returns_at"],
        "callback_at": row["callback_at"],
        "paused": None if row["pause"] is None else Paused(id=row["pause"], until=row["pause_until"], reason=row["pause_reason"]),
        "held_under": row["held_by"],
        "outcome": row["outcome"],
        "closed_at": row["closed_at"],
        "version": version(row),
    }


def alert(row: Row) -> Alert:
    """As the queue lists it."""
    return Alert(**_fields(row))


def changed(row: Row, what: str) -> ChangedAlert:
    """As the stream sends it."""
    return ChangedAlert(change=what, **_fields(row))


def _event(event: Array) -> Event:
    kind = EventKind(int(event["kind"])).word
    return Event(tag=int(event["tag"]), kind=kind, at=int(event["at_us"]), received_at=int(event["received_us"]))


def full(detail: Detail, *, people: bool = False) -> FullAlert:
    """With evidence and history; ``people``: whether whoever asks may see wearers."""
    evidence = [
        Evidence(
            position=row["position"],
            zone_id=row["zone"] or None,
            zone_version=row["zone_version"] or None,
            distance_m=row["distance_m"],
            fixes=fixes_of(np.frombuffer(row["fixes"], FIX)),
            events=[_event(event) for event in np.frombuffer(row["events"], EVENT)],
        )
        for row in detail.evidence
    ]
    history = [
        Happening(
            position=row["position"],
            at=row["at"],
            actor=person(row["actor"], row["actor_name"]),
            what=row["what"],
            text=row["text"],
            details=readable(row["details"]),
        )
        for row in detail.history
    ]
    listed = [
        Listed(
            wearer_id=row["wearer"] if people else None,
            wearer=row["wearer_name"] if people else None,
            check_first=row["guarded"] if people else None,
            silence=row["silence"] if people else None,
            **{name: row[name] for name in ("tag", "since", "back_at")},
        )
        for row in detail.listed
    ]
    return FullAlert(evidence=evidence, history=history, listed=listed, escalation_told=detail.told, **_fields(detail.alert))
