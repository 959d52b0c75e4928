"""Two versions of a zone become in what the newer one asks less of the wearer, one sentence."""

from collections.abc import Mapping
from typing import Any, Final

from geofence.contains import contains
from model import timetable
from model.instant import BEGINNING_US, FOREVER_US, from_us
from model.relaxing import given_up
from model.timetable import Timetable

_ALWAYS: Final = {"windows": [{"days": list(timetable.DAYS), "from": "00:00", "to": "24:00"}], "timezone": "UTC"}


def relaxed(old: Mapping[str, Any], new: Mapping[str, Any], now_us: int) -> str | None:
    """In what ``new`` relaxes ``old``; None where it does not.

    An exclusion zone relaxes as it gets smaller, a home or an inclusion zone as it gets larger; moved, each does. Where it cannot
    be told, as of a circle that becomes a polygon, it counts as relaxed.

    Parameters
    ----------
    old, new : ``kind, purpose, wkb, radius_m, buffer_m, confirm_fixes, schedule, valid_from_us, valid_to_us, wearer, group,
        everyone, attendance`` of each
    now_us : schedules are compared for a year from here, microseconds
    """
    if old["kind"] != new["kind"]:
        return f"It would be of the kind {new['kind']}, no longer {old['kind']}."
    if not new["everyone"] and any(old[name] != new[name] for name in ("wearer", "group", "everyone")):
        return "It would be for somebody else."
    return _place(old, new) or _grading(old, new) or _time(old, new, now_us)


def _place(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    was, would = (old["wkb"], old["radius_m"]), (new["wkb"], new["radius_m"])
    if was == would:
        return None
    if old["kind"] == "exclusion":
        return None if contains(*would, *was) else "It would no longer cover all that it covers."
    return None if contains(*was, *would) else "It would reach beyond what it covers."


def _grading(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    if old["purpose"] == "victim" and new["purpose"] != "victim":
        return "It would no longer be a victim's."
    if new["buffer_m"] < old["buffer_m"]:
        return f"Its buffer would be {new['buffer_m']:g} m, no longer {old['buffer_m']:g}."
    if new["confirm_fixes"] > old["confirm_fixes"]:
        return f"It would take {new['confirm_fixes']} possible fixes to raise an alert, no longer {old['confirm_fixes']}."
    if new["attendance"] and not old["attendance"]:
        return "To have been there once would do."
    return None


def _time(old: Mapping[str, Any], new: Mapping[str, Any], now_us: int) -> str | None:
    if _from(new) > max(_from(old), now_us):
        return "It would hold from later on."
    if _to(new) < _to(old):
        return "It would hold for less long."
    if new["schedule"] is None or new["schedule"] == old["schedule"]:
        return None
    was, would = (timetable.parse(one["schedule"] or _ALWAYS, "UTC") for one in (old, new))
    if not isinstance(was, Timetable) or not isinstance(would, Timetable):
        return "Its schedule would be another."  # one that was saved by an older Cordon and is not read any more
    lost = given_up(was, would, now_us)
    return None if lost is None else f"It would not hold from {from_us(lost[0]):%a %d %B %Y %H:%M} UTC on."


def _from(zone: Mapping[str, Any]) -> int:
    return BEGINNING_US if zone["valid_from_us"] is None else int(zone["valid_from_us"])


def _to(zone: Mapping[str, Any]) -> int:
    return FOREVER_US if zone["valid_to_us"] is None else int(zone["valid_to_us"])
