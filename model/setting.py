"""The numbers that may be set, each with its unit, default and range; what is set where becomes what holds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from model.batch import Rejected
from model.instant import FOREVER_US

Scope = Literal["all", "type", "order", "zone"]
Value = float | bool | None  # None: no limit, where a name allows that

TAG: Final[tuple[Scope, ...]] = ("all", "type", "order")
ZONE: Final[tuple[Scope, ...]] = ("all", "type", "order", "zone")
LAW: Final[tuple[Scope, ...]] = ("type",)
LEVEL: Final = "P"  # the unit of a severity: 1 (P1) to 4


class Name(NamedTuple):
    """One number that may be set. ``stricter`` says which way asks more; None, where it is allowed, always asks the least."""

    kind: str  # of alert, or what else it belongs to
    name: str
    unit: str  # "min", "s", "h", "d", "%", "fixes", "times", LEVEL, "yes/no"
    default: Value
    least: float
    most: float
    stricter: Literal["less", "more"]
    scopes: tuple[Scope, ...]
    says: str
    optional: bool = False

    @property
    def key(self) -> str:
        """``no_contact.standard_min``."""
        return f"{self.kind}.{self.name}"

    @property
    def title(self) -> str:
        """``No contact, without any message``."""
        return f"{self.kind.replace('_', ' ').capitalize()}, {self.says}"


def _level(kind: str, default: int, scopes: tuple[Scope, ...], name: str = "severity", of: str = "") -> Name:
    says = of or "where it is not P1 for a reason of its own"
    return Name(kind, name, LEVEL, default, 1, 4, "less", scopes, f"severity, {says}")


NAMES: Final[Mapping[str, Name]] = {
    one.key: one
    for one in (
        Name("no_contact", "standard_min", "min", 60, 5, 1440, "less", TAG, "without any message"),
        Name(
            "no_contact", "victim_min", "min", 10, 2, 120, "less", TAG, "without any message, where a victim is to be protected"
        ),
        Name(
            "no_contact",
            "home_min",
            "min",
            120,
            5,
            1440,
            "less",
            TAG,
            "without any message, where last proven at home and not moving",
        ),
        _level("no_contact", 2, TAG),
        Name("strap", "open_s", "s", 10, 1, 60, "less", TAG, "open this long is cut, for less it was opened briefly"),
        Name("strap", "visit_min", "min", 120, 15, 480, "less", TAG, "a visit accounts for an open strap or case, from sign-in"),
        Name("strap_brief", "repeat_d", "d", 7, 1, 30, "more", TAG, "the third brief opening within this is P1"),
        _level("strap_brief", 2, TAG),
        Name("jamming", "after_min", "min", 2, 1, 60, "less", TAG, "jammed or shielded this long"),
        _level("jamming", 2, TAG),
        Name("battery_low", "percent", "%", 10, 5, 50, "more", TAG, "at or below, and not charging"),
        Name("battery_low", "after_min", "min", 15, 1, 240, "less", TAG, "for this long"),
        _level("battery_low", 3, TAG),
        Name("battery_dead", "percent", "%", 5, 1, 20, "more", TAG, "silent with so much at last"),
        _level("battery_dead", 2, TAG),
        Name("no_location", "without_min", "min", 10, 5, 120, "less", TAG, "moving and heard from without a location"),
        Name("no_location", "within_min", "min", 60, 10, 240, "more", TAG, "of so many"),
        Name("no_location", "grace_min", "min", 10, 0, 60, "less", TAG, "for a location to come before it is told"),
        _level("no_location", 2, TAG),
        Name("tag_fault", "count", "times", 3, 1, 3, "less", TAG, "faults of the tag"),
        Name("tag_fault", "within_h", "h", 24, 1, 168, "more", TAG, "within this; as long without one ends it"),
        _level("tag_fault", 4, TAG),
        Name(
            "exclusion", "late_min", "min", 30, 5, 240, "more", ZONE, "a late entry into a victim's zone younger than this is P1"
        ),
        Name("exclusion", "leave_fixes", "fixes", 2, 1, 10, "more", ZONE, "definite fixes outside, in a row, that end it"),
        _level("exclusion", 2, ZONE, "area_severity", "of an area zone"),
        _level("exclusion_possible", 2, ZONE, "victim_severity", "of a victim's zone"),
        _level("exclusion_possible", 4, ZONE, "area_severity", "of an area zone"),
        _level("crossed", 2, ZONE, "victim_severity", "of a victim's zone"),
        _level("crossed", 4, ZONE, "area_severity", "of an area zone"),
        Name("approach", "dwell_min", "min", 5, 1, 60, "less", ZONE, "within a victim zone's buffer"),
        _level("approach", 3, ZONE),
        Name("inclusion_exit", "fixes", "fixes", 2, 1, 10, "less", ZONE, "definite fixes outside, in a row, that raise it"),
        _level("inclusion_exit", 2, ZONE),
        _level("attendance_missed", 3, ZONE),
        Name("curfew_absence", "p2_min", "min", 30, 1, 720, "less", TAG, "away for so long is P2; the grace is the curfew's own"),
        Name("curfew_unverified", "after_min", "min", 30, 5, 720, "less", TAG, "presence unknown inside a window"),
        _level("curfew_unverified", 2, TAG),
        Name("curfew", "beacon_min", "min", 5, 1, 60, "less", TAG, "the home's beacon out of range contradicts presence"),
        Name("again", "within_min", "min", 10, 0, 120, "less", ZONE, "back within this is the same occurrence, of every kind"),
        Name("clocks", "acknowledge_p1_min", "min", 2, 1, 60, "less", ZONE, "for somebody to acknowledge a P1"),
        Name("clocks", "acknowledge_p2_min", "min", 10, 1, 240, "less", ZONE, "a P2"),
        Name("clocks", "acknowledge_p3_min", "min", 60, 1, 1440, "less", ZONE, "a P3"),
        Name("clocks", "contact_p1_min", "min", 5, 1, 120, "less", ZONE, "for a first contact, of a P1", optional=True),
        Name("clocks", "contact_p2_min", "min", None, 1, 480, "less", ZONE, "of a P2", optional=True),
        Name("clocks", "decision_p1_min", "min", 10, 1, 240, "less", ZONE, "for a decision (police), of a P1", optional=True),
        Name("clocks", "decision_p2_min", "min", None, 1, 960, "less", ZONE, "of a P2", optional=True),
        Name("cap", "day_h", "h", 20, 1, 24, "less", LAW, "the most hours a day that curfews may ask for", optional=True),
        Name("cap", "week_h", "h", 112, 1, 168, "less", LAW, "the most hours a week that curfews may ask for", optional=True),
        Name("second_person", "curfews", "yes/no", True, 0, 1, "more", LAW, "for what relaxes a curfew"),
        Name("second_person", "zones", "yes/no", True, 0, 1, "more", LAW, "for what relaxes a zone"),
        Name("second_person", "absence_h", "h", 24, 0, 8760, "less", LAW, "for an absence longer than this", optional=True),
    )
}
KINDS: Final = frozenset(one.kind for one in NAMES.values())

Values = Mapping[str, Value]  # by key


class Setting(NamedTuple):
    """One version of what is set in one place, as it is in force for wearers: what crosses between the store and the judge."""

    scope: Scope
    subject: int  # the order or the zone; 0 of the others
    version: int
    values: tuple[tuple[str, Value], ...]  # by key, in order
    in_force_from_us: int
    in_force_to_us: int = FOREVER_US
    order_type: str = ""  # of scope "type"
    orders: frozenset[int] = frozenset()  # of that type


def parse(document: Mapping[str, Any], scope: Scope) -> dict[str, Value] | Rejected:
    """``{"no_contact": {"standard_min": 45}}`` as values by key, all good for a place; else the first that is not, and why."""
    found: dict[str, Value] = {}
    for kind, numbers in document.items():
        if kind not in KINDS:
            return Rejected(f"nothing of the kind {kind!r} can be set: the kinds are {', '.join(sorted(KINDS))}", place=str(kind))
        if not isinstance(numbers, Mapping):
            return Rejected(f'{kind} has numbers by name: write {{"{kind}": {{{_first(kind)}: ...}}}}', place=kind)
        for name, value in numbers.items():
            known = NAMES.get(f"{kind}.{name}")
            if known is None:
                names = ", ".join(one.name for one in NAMES.values() if one.kind == kind)
                return Rejected(f"{kind} has no number {name!r}: it has {names}", place=f"{kind}.{name}")
            reason = _wrong(known, value, scope)
            if reason is not None:
                return Rejected(reason, place=known.key)
            found[known.key] = value
    return dict(sorted(found.items()))


def document(values: Values) -> dict[str, dict[str, Value]]:
    """The other way round."""
    found: dict[str, dict[str, Value]] = {}
    for key, value in sorted(values.items()):
        kind, name = key.split(".")
        found.setdefault(kind, {})[name] = value
    return found


def _first(kind: str) -> str:
    return next(f'"{one.name}"' for one in NAMES.values() if one.kind == kind)


def _wrong(known: Name, value: Any, scope: Scope) -> str | None:
    """Why a value cannot be set there, one sentence."""
    if scope not in known.scopes:
        where = " or ".join(_PLACES[one] for one in known.scopes)
        return f"{known.key} is set for {where}, not for {_PLACES[scope]}"
    if value is None:
        return None if known.optional else f"{known.key} cannot be without a value: leave it out, and what stands above it holds"
    if known.unit == "yes/no":
        return None if isinstance(value, bool) else f"{known.key} is true or false"
    whole = known.unit != "h"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return f"{known.key} is a {'whole ' if whole else ''}number ({_unit(known)})"
    if not known.least <= value <= known.most:
        return f"{known.key} is {value:g}, and may be {said(known, known.least)} to {said(known, known.most)}"
    return None


_PLACES: Final[Mapping[Scope, str]] = {"all": "everyone", "type": "an order type", "order": "an order", "zone": "a zone"}


def _unit(known: Name) -> str:
    return "severity, 1 to 4" if known.unit == LEVEL else known.unit


def said(known: Name, value: Value) -> str:
    """A value with its unit."""
    if value is None:
        return "no limit"
    if known.unit == "yes/no":
        return "yes" if value else "no"
    return f"P{value:g}" if known.unit == LEVEL else f"{value:g} {known.unit}"


def strictest(known: Name, values: Iterable[Value]) -> Value:
    """Of several values the one that asks most."""
    limited = [value for value in values if value is not None]
    if not limited:
        return None
    return min(limited) if known.stricter == "less" else max(limited)


def laxest(known: Name, values: Iterable[Value]) -> Value:
    """Of several values the one that asks least; None is no limit."""
    every = list(values)
    if None in every:
        return None
    limited = [value for value in every if value is not None]
    return max(limited) if known.stricter == "less" else min(limited)


def relaxes(known: Name, before: Value, after: Value) -> bool:
    """Whether a new value asks less than the old one."""
    return after != before and strictest(known, (before, after)) == before


def named_anew(old: Values, new: Values) -> set[str]:
    """The keys that a place says otherwise, for the first time, or no more."""
    return {key for key in {*old, *new} if key not in old or key not in new or old[key] != new[key]}


def relaxed(before: Values, after: Values) -> list[str]:
    """In what a change asks less, one sentence each; both hold every name that is in either."""
    return [
        f"{NAMES[key].title}: would be {said(NAMES[key], after[key])}, no longer {said(NAMES[key], before[key])}"
        for key in sorted(after)
        if relaxes(NAMES[key], before[key], after[key])
    ]


def effective(places: Sequence[tuple[str, Values]], names: Iterable[str] = NAMES) -> dict[str, tuple[Value, str]]:
    """Each name's value and the place that says it; the nearest place first, ``"default"`` where none does."""
    return {
        name: next(((values[name], place) for place, values in places if name in values), (NAMES[name].default, "default"))
        for name in names
    }
