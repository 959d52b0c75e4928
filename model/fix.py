"""A location point as gateways report it, as it is judged and as it is stored: one dtype, the same widths everywhere."""

from enum import IntEnum, IntFlag
from typing import Final

import numpy as np

from model.arrays import Array

# Absent values are NaN in floats and -1 in integers, so that a row has no holes: it is stored as it was judged.
FIX: Final = np.dtype(
    [
        ("tag", "<i8"),  # 64-bit tag id (IMEI where there is one), > 0; from the device
        ("fix_at_us", "<i8"),  # us since 1970 UTC, when the position was taken; from the device
        (
            "received_us",
            "<i8",
        ),  # us since 1970 UTC, when a door had it; from the door (from the sender in a replay)
        ("seq", "<i8"),  # the device's own counter, 0 where it has none; from the device
        ("lon", "<f8"),  # degrees WGS84, -180..180; from the device
        ("lat", "<f8"),  # degrees WGS84, -90..90; from the device
        (
            "accuracy_m",
            "<f4",
        ),  # 95 % radius in metres, as reported or assumed by source; the decoder converts. No floor yet
        ("speed_mps", "<f4"),  # metres a second, NaN absent; from the device
        ("heading_deg", "<f4"),  # degrees clockwise from true north, NaN absent; from the device
        ("hdop", "<f4"),  # dilution of precision, NaN absent; from the device
        ("gateway", "<i4"),  # row of table gateway; from the store, by the gateway's name
        ("flags", "<i4"),  # Flag bits; from the decoder and the judge
        ("source", "<i2"),  # Source; from the device
        ("quality", "<i2"),  # Quality; from the judge
        ("battery_pct", "<i2"),  # 0..100, -1 absent; from the device
        ("satellites", "<i2"),  # count used, -1 absent; from the device
    ]
)

# What makes two reports the same fix (DESIGN.md section 3.3), in the order batches are sorted by.
IDENTITY: Final = ("tag", "fix_at_us", "seq", "source")

# What must agree between two reports of one identity; what Cordon itself adds (received_us, gateway, quality, flags) may differ.
CONTENT: Final = ("lon", "lat", "accuracy_m", "speed_mps", "heading_deg", "hdop", "battery_pct", "satellites")


class Source(IntEnum):
    """What a position was computed from."""

    GNSS = 0
    WIFI = 1
    CELL = 2
    RF = 3


class Quality(IntEnum):
    """Whether a fix may be definite; flagged, never dropped (DOMAIN.md)."""

    OK = 0
    LOW_ACCURACY = 1
    IMPLAUSIBLE = 2  # a jump no vehicle makes
    SKEWED = 3  # fix_at more than 2 min after received_us


class Flag(IntFlag):
    """Facts about one fix."""

    LATE = 1  # received over 5 min after fix_at
    ACCURACY_ASSUMED = 2  # the device gave none: from hdop, or by source
    UNASSIGNED = 4  # no activation names this tag at fix_at
    DISORDERED = 8  # older than the newest fix already held for the tag


# 95 % radius by source where a device gives neither accuracy nor hdop (DOMAIN.md), metres.
ASSUMED_ACCURACY_M: Final = {Source.GNSS: 25.0, Source.WIFI: 75.0, Source.CELL: 1500.0, Source.RF: 30.0}

# No receiver is better than this in a street; verdicts use max(accuracy_m, this).
ACCURACY_FLOOR_M: Final = 10.0


def empty_fixes(n: int = 0) -> Array:
    """(n,) FIX rows with every optional field absent."""
    fixes = np.zeros(n, FIX)
    for name in ("speed_mps", "heading_deg", "hdop", "accuracy_m"):
        fixes[name] = np.nan
    fixes["battery_pct"] = -1
    fixes["satellites"] = -1
    return fixes
