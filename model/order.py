"""An order before and after a variation becomes what of it is relaxed, in words: what a second person has to approve."""

from collections.abc import Mapping
from typing import Any, Final

from model.instant import FOREVER_US, from_us
from model.relaxing import Span, lost

# Statuses that give authority to judge. At large, a wearer is monitored more than ever.
IN_FORCE: Final = ("active", "unlawfully_at_large")


def relaxed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What the wearer would be asked less of, or for a shorter time; empty where nothing is.

    Parameters
    ----------
    before, after : ``status``, ``starts``, ``ends`` (microseconds, None: open), ``risk``, ``type`` and ``timezone``, all of them;
        ``spans``: when it gives authority, half-open microseconds, in order, none touching another; ``curfews``: whether it has
        any
    """
    found = []
    if before["status"] in IN_FORCE and after["status"] not in IN_FORCE:
        found.append(f"monitoring would stop: {after['status'].replace('_', ' ')}")
    if _end(after) < _end(before):
        found.append("it would end earlier")
    if after["starts"] > before["starts"]:
        found.append("it would begin later")
    if before["risk"] == "high" and after["risk"] != "high":
        found.append("the risk would be lower")
    if before["type"] != after["type"]:
        # The type says how many hours the law allows, and what needs a second person.
        found.append(f"other rules would hold: those of the type {after['type']}, no longer {before['type']}")
    if before["timezone"] != after["timezone"] and before["curfews"]:
        found.append(f"its curfews' hours would be those of {after['timezone']}, no longer {before['timezone']}")
    gone = lost(before["spans"], after["spans"])
    if gone is not None and not found:
        found.append(f"monitoring would stop {_said(gone)}")
    return found


def _said(gone: Span) -> str:
    start, end = (from_us(us) for us in gone)
    return f"from {start:%d %B %Y %H:%M}" + ("" if gone[1] == FOREVER_US else f" to {end:%d %B %Y %H:%M}") + " UTC"


def _end(order: Mapping[str, Any]) -> int:
    ends: int | None = order["ends"]
    return FOREVER_US if ends is None else ends
