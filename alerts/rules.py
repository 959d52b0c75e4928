"""The numbers of DOMAIN.md that the judge goes by: defaults, one place, versioned as a whole."""

from typing import NamedTuple

from model.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US


class Rules(NamedTuple):
    """Thresholds, with their units in their names. A new set is a new version."""

    version: int = 1
    late_us: int = 5 * MINUTE_US  # received this long after fix_at: late
    skew_us: int = 2 * MINUTE_US  # fix_at this long after received_us: the tag's clock is wrong
    plausible_mps: float = 70.0  # faster than this between two fixes, accuracies taken off: implausible
    low_accuracy_m: float = 150.0  # a 95 % radius above this is shown as low accuracy; its verdict follows from the radius itself
    raise_within_m: float = 150.0  # a possible verdict raises only with the centre this near the zone
    leave_fixes: int = 2  # definite-outside fixes in a row that end a condition
    leave_far_m: float = 50.0  # one fix farther outside than this (or the zone's buffer) ends it alone
    reenter_us: int = 10 * MINUTE_US  # back within this: the same occurrence
    cross_gap_us: int = 5 * MINUTE_US  # a path is inferred only between fixes at most this far apart
    fresh_late_us: int = 30 * MINUTE_US  # a late entry younger than this is P1
    whereabouts_us: int = 10 * MINUTE_US  # a fix speaks for this long; after it whereabouts are unknown
    history_us: int = 2 * HOUR_US  # how far around late data the tag's stored fixes are judged again
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


class Clocks(NamedTuple):
    """Minutes people have, counted from when the occurrence was raised; None where no clock runs."""

    acknowledge_min: int | None
    contact_min: int | None
    decision_min: int | None


# By severity. P1 is the victim-zone row of DOMAIN.md's table: acknowledge 2, contact 5, police 10.
CLOCKS = {1: Clocks(2, 5, 10), 2: Clocks(10, None, None), 3: Clocks(60, None, None), 4: Clocks(None, None, None)}
