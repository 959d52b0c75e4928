"""Turns what the tags behind the demo's second gateway upload into when it arrives: that gateway stands still once an hour.

It is the gateway that fails, not the tags, so this is no part of the world: whoever sends says when the sending began. What came
in meanwhile is kept, and sent when the gateway is back.
"""

from typing import Any, Final

import numpy as np

from bench.fleet import I64
from bench.violations import SECOND_US

TAGS: Final = 26  # twenty make an outage (DOMAIN.md); some of any twenty-six are out of contact just then, or back early
AFTER_S: Final = 90  # heard at least twice by then, so that it is known how often each is usually heard from
STILL_S: Final = 13 * 60  # told after five minutes, and over before the silence of any of them is told by itself
EVERY_S: Final = 3600


def name(gateway: str) -> str:
    """The second gateway's."""
    return f"{gateway}-2"


def arrives_us(upload_us: Any, began_us: int) -> I64:
    """When what (n,) tags behind it upload arrives, microseconds since 1970 UTC; ``began_us`` is when the sending began."""
    since_us = upload_us - began_us - AFTER_S * SECOND_US
    into_us = since_us % (EVERY_S * SECOND_US)
    still = (since_us >= 0) & (into_us < STILL_S * SECOND_US)
    arrives_us: I64 = np.where(still, upload_us - into_us + STILL_S * SECOND_US, upload_us)
    return arrives_us
