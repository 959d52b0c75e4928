"""Turns a lane into its synthetic wearer: the one who crosses a zone every minute so that we know that alerts still come.

A synthetic wearer, its order, activation and zone have ids below zero, its tag one beyond any hardware's. So whatever lists,
counts or exports wearers leaves it out by asking for ids above zero. No real id is ever taken for one of these: doors let such a
tag in from our own gateway alone, and nobody can be fitted with one.
"""

from typing import Final

import numpy as np

from model.lane import lane_of

GATEWAY: Final = "synthetic"  # the one that may send them
FIRST_TAG: Final = 1 << 62  # IMEIs and serial numbers end far below; a number of hardware from here on is refused
_LOOKED_AT: Final = 1 << 14  # numbers tried: of 256 lanes each is met some 64 times in as many


def wearer_of(lane: int) -> int:
    """Id of the wearer, order, activation and zone that belong to a lane's synthetic wearer."""
    return -1 - lane


def lane_of_wearer(wearer: int) -> int:
    """The lane a synthetic wearer belongs to."""
    return -1 - wearer


def tags_of(lanes: int) -> list[int]:
    """The synthetic tag of each of so many lanes: the first from ``FIRST_TAG`` on that the lane owns."""
    tags = np.arange(FIRST_TAG, FIRST_TAG + _LOOKED_AT, dtype=np.int64)
    owners, first = np.unique(lane_of(tags, lanes), return_index=True)
    assert len(owners) == lanes
    return [int(tag) for tag in tags[first]]
