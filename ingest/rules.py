"""Turns columns of records into those that can be kept and why the others cannot: one set of rules for every door."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from ingest.decoded import Limits
from model.arrays import I64, Array, Bool
from model.event import EventKind
from model.fix import ASSUMED_ACCURACY_M, Flag, Source
from model.instant import DAY_US, show
from model.synthetic import FIRST_TAG

# Largest number a 32-bit column holds.
FLOAT32_MAX: Final = 3.4e38

# Before this no tag of ours was made: a receiver without a time yet says 1970 or 1980.
FIRST_YEAR_US: Final = 946_684_800_000_000  # 2000-01-01

# From here on no trace was received: what is later is a slip, and the calendar ends soon after.
LAST_YEAR_US: Final = 221_845_392_000_000_000  # 9000-01-01

# A tag's clock may run ahead; the judge flags it from two minutes on. A day ahead is no clock at all.
AHEAD_US: Final = DAY_US

# Farther than any place is from any other: a larger radius says nothing, and one beyond 32 bits would be stored as infinite.
FARTHEST_M: Final = 2e7

# User-range error of a GNSS receiver, metres at hdop 1, and from one sigma to 95 % (DOMAIN.md: 5 m x hdop x 2).
METRES_PER_HDOP: Final = 10.0

_ASSUMED_M: Final = np.array([ASSUMED_ACCURACY_M[source] for source in Source], np.float32)
_KINDS: Final = np.array([int(kind) for kind in EventKind], np.int64)


class Rule(NamedTuple):
    """One thing that makes a record worthless.

    ``broken`` is true where it is so, of rows with the names of FIX or EVENT in columns at least as wide. ``reason`` says it of
    one record, with that record's values by name.
    """

    broken: Callable[[Array, Limits], Bool]
    reason: str


def _within(low: float, high: float, name: str) -> Callable[[Array, Limits], Bool]:
    """Broken where a column is neither absent (NaN) nor between two bounds, both good."""
    return lambda rows, _: ~(((rows[name] >= low) & (rows[name] <= high)) | np.isnan(rows[name]))


def _count(high: int, name: str) -> Callable[[Array, Limits], Bool]:
    """Broken where a column is neither absent (-1) nor between 0 and a bound, both good."""
    return lambda rows, _: (rows[name] < -1) | (rows[name] > high)


def _times(name: str, column: str) -> tuple[Rule, ...]:
    """What makes a time worthless. That of receipt comes first: the others are measured from it."""
    return (
        Rule(
            lambda rows, _: (rows["received_us"] < FIRST_YEAR_US) | (rows["received_us"] >= LAST_YEAR_US),
            "received_at {received_at} is not between 2000 and 9000: nothing of ours was received then",
        ),
        Rule(lambda rows, _: rows[column] < FIRST_YEAR_US, f"{name} {{{name}}} is before 2000: the device had no time yet"),
        Rule(
            lambda rows, _: rows[column] > rows["received_us"] + AHEAD_US,
            f"{name} {{{name}}} is over a day after it was received ({{received_at}}): the device's clock is wrong",
        ),
        Rule(
            lambda rows, limits: rows[column] < rows["received_us"] - limits.oldest_us,
            f"{name} {{{name}}} is older than the oldest day kept ({{oldest_days}} days)",
        ),
    )


_NAMES: Final = (
    Rule(lambda rows, _: rows["tag"] <= 0, "tag {tag} is not above 0"),
    Rule(
        lambda rows, limits: (rows["tag"] >= FIRST_TAG) & (not limits.synthetic),
        f"tag {{tag}} is not below {FIRST_TAG}: from there on numbers are those of Cordon's own synthetic wearers",
    ),
    Rule(lambda rows, _: rows["seq"] < 0, "seq {seq} is below 0"),
)

# In this order: a record that breaks several is refused for the first.
FIX_RULES: Final = (
    *_NAMES,
    Rule(lambda rows, _: ~np.isfinite(rows["lon"]), "lon is {lon}, not a number of degrees"),
    Rule(lambda rows, _: ~np.isfinite(rows["lat"]), "lat is {lat}, not a number of degrees"),
    Rule(
        lambda rows, _: (np.abs(rows["lat"]) > 90) & (np.abs(rows["lat"]) <= 180) & (np.abs(rows["lon"]) <= 90),
        "lat {lat} is not between -90 and 90; are lon and lat swapped?",
    ),
    Rule(lambda rows, _: np.abs(rows["lat"]) > 90, "lat {lat} is not between -90 and 90"),
    Rule(lambda rows, _: np.abs(rows["lon"]) > 180, "lon {lon} is not between -180 and 180"),
    *_times("fix_at", "fix_at_us"),
    Rule(
        lambda rows, _: (rows["source"] < 0) | (rows["source"] >= len(Source)),
        f"source {{source}} is not one of 0 to {len(Source) - 1}",
    ),
    *(
        Rule(_within(0, FLOAT32_MAX, name), f"{name} {{{name}}} is not a number of at least 0")
        for name in ("speed_mps", "heading_deg", "hdop")
    ),
    Rule(_within(0, FARTHEST_M, "accuracy_m"), f"accuracy_m {{accuracy_m}} is not a number of metres from 0 to {FARTHEST_M:.0f}"),
    Rule(_count(100, "battery_pct"), "battery_pct {battery_pct} is not between 0 and 100"),
    Rule(_count(999, "satellites"), "satellites {satellites} is not between 0 and 999"),
)

EVENT_RULES: Final = (
    *_NAMES,
    Rule(lambda rows, _: ~np.isin(rows["kind"], _KINDS), "event kind {kind} is not known"),
    *_times("at", "at_us"),
    Rule(_count(32767, "value"), "value {value} is not between 0 and 32767"),
)


def broken(rows: Array, rules: Sequence[Rule], limits: Limits) -> I64:
    """(n,) int64: the number of the first rule each row breaks, ``len(rules)`` where it breaks none."""
    first: I64 = np.full(len(rows), len(rules), np.int64)
    for number in range(len(rules) - 1, -1, -1):
        first[rules[number].broken(rows, limits)] = number
    return first


def reason(rule: Rule, values: Mapping[str, Any], limits: Limits) -> str:
    """Why a record was refused, in words its sender can act on; ``values`` are its own, times as RFC 3339 text."""
    return rule.reason.format_map({**values, "oldest_days": limits.oldest_us // DAY_US})


def values(record: Any) -> dict[str, Any]:
    """The values of one FIX or EVENT record as ``reason`` shows them."""
    own = {name: record[name] for name in record.dtype.names}
    times = {name.removesuffix("_us"): shown(int(own[name])) for name in own if name.endswith("_us")}
    # A record's time of receipt is a plain column; its field in a frame is called as the others are.
    return own | times | {"received_at": times["received"]}


def shown(us: int) -> str:
    """RFC 3339 text of a time, or its number where the calendar does not reach."""
    try:
        return show(us)
    except OverflowError:
        return f"{us} us"


def assume_accuracy(fixes: Array) -> None:
    """Give (n,) FIX rows without a radius one, flagged: by hdop where a GNSS receiver said it, else by source."""
    rows = np.flatnonzero(np.isnan(fixes["accuracy_m"]))
    if not len(rows):
        return
    source, hdop = fixes["source"][rows], fixes["hdop"][rows]
    by_hdop = np.minimum(np.float32(METRES_PER_HDOP) * np.minimum(hdop, np.float32(FARTHEST_M)), np.float32(FARTHEST_M))
    fixes["accuracy_m"][rows] = np.where((source == Source.GNSS) & ~np.isnan(hdop), by_hdop, _ASSUMED_M[source])
    fixes["flags"][rows] |= Flag.ACCURACY_ASSUMED


def is_receivable(us: int) -> bool:
    """Whether a trace can have been received at a time, microseconds since 1970 UTC."""
    return FIRST_YEAR_US <= us < LAST_YEAR_US
