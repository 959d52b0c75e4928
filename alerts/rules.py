"""The numbers of DOMAIN.md that the judge goes by, and which of them each number that may be set is."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from model.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from model.setting import Value, Values


class Rules(NamedTuple):
    """Thresholds, with their units in their names; their defaults are those of DOMAIN.md."""

    version: int = 1
    late_us: int = 5 * MINUTE_US  # received this long after fix_at: late
    skew_us: int = 2 * MINUTE_US  # fix_at this long after received_us: the tag's clock is wrong
    plausible_mps: float = 70.0  # faster than this between two fixes, accuracies taken off: implausible
    low_accuracy_m: float = 150.0  # a 95 % radius above this is shown as low accuracy; its verdict follows from the radius itself
    raise_within_m: float = 150.0  # a possible verdict raises only with the centre this near the zone
    leave_fixes: int = 2  # definite-outside fixes in a row that end a condition
    leave_far_m: float = 50.0  # one fix farther outside than this (or the zone's buffer) ends it alone
    reenter_us: int = 10 * MINUTE_US  # back within this: the same occurrence
    fresh_late_us: int = 30 * MINUTE_US  # a late entry younger than this is P1
    whereabouts_us: int = 10 * MINUTE_US  # a fix speaks for this long; after it whereabouts are unknown
    history_us: int = 2 * HOUR_US  # how far around late data the tag's stored fixes are judged again
    curfew_us: int = 13 * HOUR_US  # likewise at most, where a curfew asks: a night's window when the clocks go back
    strap_us: int = 10 * SECOND_US  # a strap open this long is cut, open for less it was opened briefly
    brief_us: int = 7 * DAY_US  # the third brief opening within this is P1
    visit_us: int = 2 * HOUR_US  # a visit accounts for an opened strap or case for so long from sign-in
    silent_us: int = 60 * MINUTE_US  # without any message: no contact
    silent_guarded_us: int = 10 * MINUTE_US  # likewise where a victim is to be protected
    silent_home_us: int = 120 * MINUTE_US  # likewise where the wearer was last proven to be at home and has not moved
    jammed_us: int = 2 * MINUTE_US  # jamming or shielding this long is told
    clear_us: int = DAY_US  # how long a clear is remembered, for openings that come after it
    battery_low_pct: int = 10
    battery_low_us: int = 15 * MINUTE_US  # so low, and not charging, for this long
    battery_dead_pct: int = 5  # silent with so much at last: the battery is dead
    consistent_m: float = 150.0  # a possible fix is consistent with being there, at home or at an appointment, up to this radius
    contact_us: int = 10 * MINUTE_US  # a message says for this long that the tag is in contact
    beacon_us: int = 5 * MINUTE_US  # the home's beacon out of range this long contradicts presence
    beacon_far_m: float = 500.0  # a definite fix farther outside home, its accuracy taken off, is believed against the beacon
    absent_us: int = 30 * MINUTE_US  # away this long: P2
    unverified_us: int = 30 * MINUTE_US  # presence unknown this long, inside a window
    approach_us: int = 5 * MINUTE_US  # within a victim zone's buffer for this long
    exit_fixes: int = 2  # definite-outside fixes in a row that show a wearer gone from where they are to be
    lost_us: int = 10 * MINUTE_US  # without a location while heard from and moving, of the time within ``lost_within_us``
    lost_within_us: int = 60 * MINUTE_US
    lost_least_us: int = 5 * MINUTE_US  # less than this between two locations is their usual distance, and counts for nothing
    lost_grace_us: int = 10 * MINUTE_US  # for a location to come before it is told
    fault_skew_us: int = 15 * MINUTE_US  # fix_at this long after received_us: a fault of the tag
    fault_us: int = DAY_US  # so many faults within this are told, and a time as long without one ends it
    faults: int = 3
    # Severities, 1 (P1) to 4, where nothing makes it graver.
    no_contact_level: int = 2
    no_location_level: int = 2
    jamming_level: int = 2
    battery_low_level: int = 3
    battery_dead_level: int = 2
    strap_brief_level: int = 2
    tag_fault_level: int = 4
    area_level: int = 2  # an area zone
    possible_level: int = 2  # perhaps inside, of a victim's zone
    possible_area_level: int = 4
    crossed_level: int = 2
    crossed_area_level: int = 4
    approach_level: int = 3
    exit_level: int = 2
    attendance_level: int = 3
    unverified_level: int = 2
    # Minutes that people have, by severity, counted from when the occurrence was raised; None where no clock runs. P1 is the
    # victim-zone row of DOMAIN.md's table: acknowledge 2, contact 5, police 10.
    acknowledge_p1_min: int | None = 2
    acknowledge_p2_min: int | None = 10
    acknowledge_p3_min: int | None = 60
    contact_p1_min: int | None = 5
    contact_p2_min: int | None = None
    decision_p1_min: int | None = 10
    decision_p2_min: int | None = None


class Clocks(NamedTuple):
    """Minutes people have, counted from when the occurrence was raised; None where no clock runs."""

    acknowledge_min: int | None
    contact_min: int | None
    decision_min: int | None


def clocks(rules: Rules, level: int) -> Clocks:
    """The minutes of a severity."""
    return (
        Clocks(rules.acknowledge_p1_min, rules.contact_p1_min, rules.decision_p1_min),
        Clocks(rules.acknowledge_p2_min, rules.contact_p2_min, rules.decision_p2_min),
        Clocks(rules.acknowledge_p3_min, None, None),
        Clocks(None, None, None),
    )[level - 1]


CLOCKS: Final = {level: clocks(Rules(), level) for level in (1, 2, 3, 4)}

PEOPLE: Final = ("_p1_min", "_p2_min", "_p3_min")  # how the names of the minutes that people have end

# Which of the rules each number that may be set is, and how many of the rule's units its own unit has.
SET: Final[Mapping[str, tuple[str, int]]] = {
    "no_contact.standard_min": ("silent_us", MINUTE_US),
    "no_contact.victim_min": ("silent_guarded_us", MINUTE_US),
    "no_contact.home_min": ("silent_home_us", MINUTE_US),
    "no_contact.severity": ("no_contact_level", 1),
    "strap.open_s": ("strap_us", SECOND_US),
    "strap.visit_min": ("visit_us", MINUTE_US),
    "strap_brief.repeat_d": ("brief_us", DAY_US),
    "strap_brief.severity": ("strap_brief_level", 1),
    "jamming.after_min": ("jammed_us", MINUTE_US),
    "jamming.severity": ("jamming_level", 1),
    "battery_low.percent": ("battery_low_pct", 1),
    "battery_low.after_min": ("battery_low_us", MINUTE_US),
    "battery_low.severity": ("battery_low_level", 1),
    "battery_dead.percent": ("battery_dead_pct", 1),
    "battery_dead.severity": ("battery_dead_level", 1),
    "no_location.without_min": ("lost_us", MINUTE_US),
    "no_location.within_min": ("lost_within_us", MINUTE_US),
    "no_location.grace_min": ("lost_grace_us", MINUTE_US),
    "no_location.severity": ("no_location_level", 1),
    "tag_fault.count": ("faults", 1),
    "tag_fault.within_h": ("fault_us", HOUR_US),
    "tag_fault.severity": ("tag_fault_level", 1),
    "exclusion.late_min": ("fresh_late_us", MINUTE_US),
    "exclusion.leave_fixes": ("leave_fixes", 1),
    "exclusion.area_severity": ("area_level", 1),
    "exclusion_possible.victim_severity": ("possible_level", 1),
    "exclusion_possible.area_severity": ("possible_area_level", 1),
    "crossed.victim_severity": ("crossed_level", 1),
    "crossed.area_severity": ("crossed_area_level", 1),
    "approach.dwell_min": ("approach_us", MINUTE_US),
    "approach.severity": ("approach_level", 1),
    "inclusion_exit.fixes": ("exit_fixes", 1),
    "inclusion_exit.severity": ("exit_level", 1),
    "attendance_missed.severity": ("attendance_level", 1),
    "curfew_absence.p2_min": ("absent_us", MINUTE_US),
    "curfew_unverified.after_min": ("unverified_us", MINUTE_US),
    "curfew_unverified.severity": ("unverified_level", 1),
    "curfew.beacon_min": ("beacon_us", MINUTE_US),
    "again.within_min": ("reenter_us", MINUTE_US),
} | {f"clocks.{name}": (name, 1) for name in Rules._fields if name.endswith(PEOPLE)}


def ruled(rules: Rules, values: Values) -> Rules:
    """The rules with some numbers set otherwise; those that no lane judges by are left out."""
    found = {SET[key][0]: None if value is None else round(value * SET[key][1]) for key, value in values.items() if key in SET}
    return rules._replace(**found)  # type: ignore[arg-type]


def unruled(rules: Rules) -> dict[str, Value]:
    """The numbers that may be set, as the rules have them."""
    fields = rules._asdict()
    return {key: None if fields[name] is None else fields[name] / factor for key, (name, factor) in SET.items()}
