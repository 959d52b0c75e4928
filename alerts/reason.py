"""What a fix showed becomes one plain sentence for an alert's history: times, distances to the edge, never a position."""

from math import isnan

from alerts.sighting import Sighting
from model.fix import Source
from model.instant import DAY_US, HOUR_US, MINUTE_US, from_us

# What else than satellites a position is by, as people say it.
_BY = {Source.WIFI: "Wi-Fi", Source.CELL: "mobile masts", Source.RF: "radio"}


def clock(us: int) -> str:
    """UTC time of day: ``08:00:05``."""
    return from_us(us).strftime("%H:%M:%S")


def shown(seen: Sighting) -> str:
    """What the fix shows: ``8 m outside at 08:00:05, accuracy 30 m``."""
    accuracy_m = float(seen.fix["accuracy_m"][0])
    source = Source(int(seen.fix["source"][0]))
    text = f"{_place(seen.distance_m)} at {clock(seen.at_us)}, accuracy {accuracy_m:.0f} m"
    if source is not Source.GNSS:
        text += f" by {_BY[source]}"
    if seen.skewed:
        text += ", by time of receipt as the tag's clock is wrong"
    elif seen.late:
        text += f", known {minutes(seen.lane_us - seen.at_us)} later"
    return text


def minutes(us: int) -> str:
    """``4 min``, or ``under a minute``; what is longer in its two largest units: ``1 h 5 min``, ``7 days 17 h``."""
    if us < MINUTE_US:
        return "under a minute"
    if us < HOUR_US:
        return f"{us // MINUTE_US} min"
    if us < DAY_US:
        return _pair(f"{us // HOUR_US} h", us % HOUR_US // MINUTE_US, "min")
    days = us // DAY_US
    return _pair(f"{days} day{'s' if days > 1 else ''}", us % DAY_US // HOUR_US, "h")


def _pair(whole: str, rest: int, unit: str) -> str:
    return f"{whole} {rest} {unit}" if rest else whole


def possible(seen: Sighting, first_us: int, count: int) -> str:
    """Why possible fixes raised something."""
    if seen.alone and count == 1:
        return f"last known position, {minutes(seen.at_us - int(seen.fix['fix_at_us'][0]))} old, may be inside: {shown(seen)}"
    if count == 1:
        return f"may be inside: {shown(seen)}"
    return f"may be inside, by {count} fixes in a row since {clock(first_us)}: {shown(seen)}"


def over(seen: Sighting, first_us: int, count: int, changed: bool) -> str:
    """Why a condition ended."""
    if changed:
        return f"outside the zone as it was changed: {shown(seen)}"
    if count > 1:
        return f"outside by {count} fixes in a row since {clock(first_us)}: {shown(seen)}"
    return f"outside: {shown(seen)}"


def unheld(event_us: int) -> str:
    """Why what was told had no authority."""
    return f"as is known now, no order allowed judging at {clock(event_us)}"


def lapsed(seen: Sighting, wearer: int, at_us: int) -> str:
    """Why a condition ended without anybody having been seen outside."""
    if seen.authority is None:
        return f"no order allowed judging at {clock(at_us)}"
    if seen.authority.wearer != wearer:
        return f"the tag was another wearer's at {clock(at_us)}"
    return f"the zone no longer applied at {clock(at_us)}"


def not_over(seen: Sighting) -> str:
    """Why a condition goes on that was said to be over."""
    return f"as is known now, it was not over then: {shown(seen)}"


def crossed(seen: Sighting) -> str:
    """Why a crossing is inferred."""
    start_us = int(seen.before["fix_at_us"][0])
    return f"inferred from the path between fixes at {clock(start_us)} and {clock(seen.at_us)}, both outside"


def _place(distance_m: float) -> str:
    if isnan(distance_m):
        return "far outside"
    return f"inside by {-distance_m:.0f} m" if distance_m <= 0.0 else f"{distance_m:.0f} m outside"
