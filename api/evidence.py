"""Turns one alert and everything around it into what an auditor or a court asks for, the same verdict computed again included."""

from collections.abc import Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from alerts.record import Basis, Judged, again
from alerts.review import Shown
from alerts.rules import PEOPLE, Rules, clocks
from alerts.sighting import Said
from api import alert as shape
from api.alert import Alert, Happening, Severity
from api.fields import Instant, Person, Row, person
from api.fix import Fix, fixes_of
from model.zone import Zone
from store.controls import zone_at
from store.evidence import Bundle, Place
from store.heads import Signed, day_text

Says = Literal["inside", "possible", "outside", "far", "silent"]

WORDS: Final[dict[Said, Says]] = {
    Said.INSIDE: "inside",
    Said.POSSIBLE: "possible",
    Said.OUTSIDE: "outside",
    Said.FAR: "far",
    Said.SILENT: "silent",
}

VERDICT: Final[dict[str, Any]] = {
    "what": "opened",
    "kind": "exclusion",
    "severity": "P1",
    "zone_version": 1,
    "event_at": "2026-11-22T08:00:00Z",
    "ended_at": None,
    "late": False,
    "distance_m": -35.2,
}
EXAMPLE: Final[dict[str, Any]] = {
    "alert": shape.SUMMARY,
    "equal": True,
    "judged": [
        {
            "position": 4711,
            "text": "Definitely inside School, 35 m from its edge.",
            "fixes": [
                shape.FULL["evidence"][0]["fixes"][0] | {"says": "inside", "distance_m": -35.2, "judged_at": VERDICT["event_at"]}
            ],
            "recorded": VERDICT,
            "again": VERDICT,
            "equal": True,
            "differences": [],
            "beyond": None,
            "chain": {
                "lane": 2,
                "commit": 812,
                "at": "2026-11-22T08:00:02Z",
                "link": "9f" * 32,
                "head": {
                    "day": "2026-11-22",
                    "commit": 4103,
                    "link": "c4" * 32,
                    "key": "a1b2c3d4e5f60718",
                    "signature": "5e" * 64,
                },
            },
        }
    ],
    "zones": [
        {
            "id": 4,
            "version": 1,
            "feature": {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [-2.98, 53.4]},
                "properties": {"name": "School"},
            },
            "in_force_from": "2026-11-20T09:00:01Z",
            "in_force_to": None,
            "recorded_at": "2026-11-20T09:00:00Z",
            "recorded_by": {"id": 2, "name": "officer"},
        }
    ],
    "orders": [
        {
            "id": 3,
            "type": "bail",
            "status": "active",
            "timezone": "Europe/London",
            "risk": "standard",
            "starts": "2026-11-01T00:00:00Z",
            "ends": None,
            "version": 1,
        }
    ],
    "fitted": [{"tag": 356307042441013, "from": "2026-11-01T10:00:00Z", "to": None}],
    "rules": {"version": 1, "leave_fixes": 2},
    "clocks": {"P1": {"acknowledge_min": 2, "contact_min": 5, "decision_min": 10}},
    "history": shape.FULL["history"],
    "looked": [{"at": "2026-11-22T08:01:10Z", "actor": {"id": 1, "name": "operator"}, "action": "read"}],
}


class JudgedFix(Fix):
    """A copied fix, and what it says of the zone when it is judged again."""

    says: Says | None = Field(description="by the words of docs/alerts.md; null: not judged again")
    distance_m: float | None = Field(description="to the boundary, metres, negative inside; null: far away")
    judged_at: Instant | None = Field(description="fix_at, or received_at where the tag's clock was wrong")


class Verdict(BaseModel):
    """What is said of an occurrence."""

    what: str
    kind: str
    severity: Severity
    zone_version: int | None
    event_at: Instant
    ended_at: Instant | None
    late: bool
    distance_m: float | None


class Head(BaseModel):
    """The signed end of a lane's day."""

    day: str
    commit: int
    link: str
    key: str = Field(description="which public key checks the signature (`cordon signing show`)")
    signature: str = Field(description="Ed25519, hex, over the bytes that docs/evidence.md gives")


class Link(BaseModel):
    """Where in the chain an entry stands."""

    lane: int
    commit: int
    at: Instant
    link: str
    head: Head | None = Field(description="the first signed after it; null until its day is over and signed")


class Judgement(BaseModel):
    """One entry of the machine's in the history, and the same verdict again."""

    position: int
    text: str
    fixes: list[JudgedFix]
    recorded: Verdict
    again: Verdict | None
    equal: bool | None = Field(description="null where the copied fixes alone cannot tell; `beyond` says why")
    differences: list[str]
    beyond: str | None
    chain: Link | None


class ZoneVersion(BaseModel):
    """A zone version as it was in force."""

    id: int
    version: int
    feature: dict[str, Any] = Field(description="GeoJSON, as it was accepted")
    in_force_from: Instant
    in_force_to: Instant | None
    recorded_at: Instant
    recorded_by: Person | None


class OrderRow(BaseModel):
    """An order by whose authority it was judged, as it stands now."""

    id: int
    type: str
    status: str
    timezone: str
    risk: str
    starts: Instant
    ends: Instant | None
    version: int


class Fitted(BaseModel):
    """When the wearer wore a tag."""

    tag: int
    since: Instant = Field(serialization_alias="from")
    until: Instant | None = Field(serialization_alias="to")


class Looked(BaseModel):
    """Who looked at the alert, or did something to it."""

    at: Instant
    actor: Person | None
    action: str


class EvidenceBundle(BaseModel):
    """All that an alert was judged by."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    alert: Alert
    equal: bool = Field(description="whether nothing differs: entries beyond the copied fixes apart")
    judged: list[Judgement]
    zones: list[ZoneVersion]
    orders: list[OrderRow]
    fitted: list[Fitted]
    rules: dict[str, float] = Field(description="the judge's numbers when the alert was raised, units in their names")
    clocks: dict[str, dict[str, int | None]] = Field(description="minutes that people have, by severity")
    history: list[Happening]
    looked: list[Looked]


def judged_again(bundle: Bundle) -> list[Judged]:
    """Every entry of the machine's once more; takes a processor, not the loop."""
    alert, evidence, history = bundle.detail[:3]

    def zone(version: int, around_us: int) -> Zone | None:
        row = bundle.versions.get((alert["zone"], version))
        return None if row is None else zone_at(row, around_us)

    return again(alert, history, evidence, zone, _basis(bundle))


def _basis(bundle: Bundle) -> Basis:
    return Basis(Rules(), bundle.settings, bundle.spans)


def answer(bundle: Bundle, judged: Sequence[Judged], forever_us: int) -> EvidenceBundle:
    """The whole of it as JSON values."""
    about = bundle.detail.alert
    rules = _basis(bundle).at(about["wearer"] or 0, about["zone"], about["detected_at"])
    return EvidenceBundle(
        alert=shape.alert(bundle.detail.alert),
        equal=all(one.review.equal is not False for one in judged),
        judged=[_judgement(one, bundle.places.get(one.position)) for one in judged],
        zones=[_zone(row, forever_us) for _, row in sorted(bundle.versions.items())],
        orders=[OrderRow(**dict(row)) for row in bundle.orders],
        fitted=[Fitted(tag=row["tag"], since=row["fitted_from"], until=row["fitted_to"]) for row in bundle.fitted],
        rules={name: value for name, value in rules._asdict().items() if not name.endswith(PEOPLE)},
        clocks={f"P{level}": clocks(rules, level)._asdict() for level in (1, 2, 3, 4)},
        history=shape.full(bundle.detail).history,
        looked=[
            Looked(at=row["at"], actor=person(row["actor"], row["actor_name"]), action=row["action"]) for row in bundle.looked
        ],
    )


def _judgement(judged: Judged, place: Place | None) -> Judgement:
    now, change, shown = judged.entry, judged.review.change, judged.review.shown
    recorded = Verdict(
        what=now.what,
        kind=now.kind,
        severity=_severity(now.severity),
        zone_version=now.zone_version or None,
        event_at=now.event_at_us,
        ended_at=now.ended_us,
        late=now.late,
        distance_m=_metres(now.distance_m),
    )
    once_more = None
    if change is not None:
        once_more = Verdict(
            what=now.what if judged.review.equal else change.op.name.lower(),
            kind=change.kind,
            severity=_severity(change.severity),
            zone_version=change.zone_version or None,
            event_at=change.event_at_us,
            ended_at=change.ended_us,
            late=change.late,
            distance_m=_metres(change.distance_m),
        )
    return Judgement(
        position=judged.position,
        text=now.reason,
        fixes=[_fix(fix, shown[i] if i < len(shown) else None) for i, fix in enumerate(fixes_of(now.evidence))],
        recorded=recorded,
        again=once_more,
        equal=judged.review.equal,
        differences=list(judged.review.differences),
        beyond=judged.review.beyond or None,
        chain=None if place is None else _link(place),
    )


def _fix(fix: Fix, shown: Shown | None) -> JudgedFix:
    known = {name: getattr(fix, name) for name in Fix.model_fields}
    if shown is None:
        return JudgedFix(says=None, distance_m=None, judged_at=None, **known)
    return JudgedFix(says=WORDS[shown.said], distance_m=_metres(shown.distance_m), judged_at=shown.at_us, **known)


def _link(place: Place) -> Link:
    head = None if place.head is None else _head(place.head)
    return Link(lane=place.lane, commit=place.commit_no, at=place.at_us, link=place.link.hex(), head=head)


def _head(signed: Signed) -> Head:
    head = signed.head
    return Head(
        day=day_text(head.day), commit=head.commit_no, link=head.link.hex(), key=signed.key, signature=signed.signature.hex()
    )


def _zone(row: Row, forever_us: int) -> ZoneVersion:
    return ZoneVersion(
        id=row["zone"],
        version=row["version"],
        feature=row["feature"],
        in_force_from=row["in_force_from"],
        in_force_to=None if row["in_force_to"] >= forever_us else row["in_force_to"],
        recorded_at=row["recorded_at"],
        recorded_by=person(row["recorded_by"], row["recorded_name"]),
    )


def _severity(level: int) -> Severity:
    levels: tuple[Severity, ...] = ("P1", "P2", "P3", "P4")
    return levels[level - 1]


def _metres(value: float) -> float | None:
    return None if value != value else round(value, 3)  # noqa: PLR0124 (NaN)
