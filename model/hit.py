"""What the geofence says of one fix and one zone."""

from enum import IntEnum
from typing import Final

import numpy as np

# A row exists for every (fix, zone in force for its wearer) that lies within reach of the zone, or crossed it.
# No row means: outside, and farther from it than max(accuracy, buffer, REACH_M).
HIT: Final = np.dtype(
    [
        ("fix_row", "<i8"),  # row of the judged FIX array
        ("zone", "<i8"),  # zone id
        (
            "distance_m",
            "<f8",
        ),  # signed metres to the boundary, negative inside, 0 on it; exact to 0.1 % or 0.1 m up to 20 km
        ("version", "<i4"),  # zone version, chosen by fix_at
        (
            "verdict",
            "<i2",
        ),  # Verdict, from distance and accuracy alone; the judge lowers it for source and quality
        ("crossed", "?"),  # the path from the tag's previous fix passes through the zone, both ends outside
        ("covered", "?"),  # the centre is inside or on the boundary, exactly as GEOS covers
    ]
)

# How far outside a zone a fix still has a row: what a possible entry may be raised on (150 m) and leaving (50 m) need, DOMAIN.md.
REACH_M: Final = 150.0


class Verdict(IntEnum):
    """Three-valued, ordered by how far in: d signed distance, a accuracy (floored)."""

    OUTSIDE = 0  # d > a
    POSSIBLE = 1  # -a < d <= a
    INSIDE = 2  # d <= -a
