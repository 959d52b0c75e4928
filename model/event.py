"""A device event: strap, case, battery, motion, beacon; each kind with its clear."""

from enum import IntEnum
from typing import Final

import numpy as np

from model.arrays import Array

EVENT: Final = np.dtype(
    [
        ("tag", "<i8"),  # 64-bit tag id; from the device
        ("at_us", "<i8"),  # us since 1970 UTC; from the device
        ("received_us", "<i8"),  # us since 1970 UTC; from the door
        ("seq", "<i8"),  # the device's own counter, 0 where it has none
        ("gateway", "<i4"),  # row of table gateway
        ("kind", "<i2"),  # EventKind
        ("value", "<i2"),  # kind's own number (battery percent, beacon id), -1 absent
    ]
)


class EventKind(IntEnum):
    """What a device can say of itself. A clear is its kind + 1, so that pairs need no table."""

    STRAP_TAMPER = 10
    STRAP_TAMPER_CLEAR = 11
    CASE_TAMPER = 20
    CASE_TAMPER_CLEAR = 21
    BATTERY_LOW = 30
    BATTERY_LOW_CLEAR = 31
    BATTERY_CRITICAL = 40
    BATTERY_CRITICAL_CLEAR = 41
    CHARGING = 50
    CHARGING_CLEAR = 51
    NO_GNSS = 60
    NO_GNSS_CLEAR = 61
    JAMMING = 70
    JAMMING_CLEAR = 71
    SHIELDING = 80
    SHIELDING_CLEAR = 81
    MOTION = 90
    MOTION_CLEAR = 91
    HOME_UNIT_MOVED = 100
    HOME_UNIT_MOVED_CLEAR = 101
    HOME_UNIT_NO_MAINS = 110
    HOME_UNIT_NO_MAINS_CLEAR = 111
    POWER_OFF = 120
    POWER_OFF_CLEAR = 121
    BEACON_IN = 130
    BEACON_OUT = 132
    CONTACT = 140

    @property
    def word(self) -> str:
        """The contract's word for it: ``strap_tamper``."""
        return self.name.lower()


EVENT_BY_WORD: Final = {kind.word: kind for kind in EventKind}


def sent_us(events: Array) -> Array:
    """When EVENT rows of any shape were sent, int64 us since 1970 UTC: no later than each was received."""
    sent: Array = np.minimum(events["at_us"], events["received_us"])
    return sent


def empty_events(n: int = 0) -> Array:
    """(n,) EVENT rows with every optional field absent."""
    events = np.zeros(n, EVENT)
    events["value"] = -1
    return events
