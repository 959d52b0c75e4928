"""An order before and after a variation becomes what of it is relaxed, in words: what a second person has to approve."""

from collections.abc import Mapping
from typing import Any, Final

from model.instant import FOREVER_US

# Statuses that give authority to judge. At large, a wearer is monitored more than ever.
IN_FORCE: Final = ("active", "unlawfully_at_large")


def relaxed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What the wearer would be asked less of, or for a shorter time; empty where nothing is.

    Parameters
    ----------
    before, after : ``status``, ``starts``, ``ends`` (microseconds, None: open) and ``risk``, all of them
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
    return found


def _end(order: Mapping[str, Any]) -> int:
    ends: int | None = order["ends"]
    return FOREVER_US if ends is None else ends
