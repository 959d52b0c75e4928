"""The demo's town and one day of it, worked out once for all tests of the fleet: nothing in them is changed by reading."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from bench.upload import Town, reports, town
from bench.violations import SECOND_US

DAY_US = 86_400 * SECOND_US
FRIDAY_US = 1_773_964_800 * SECOND_US  # 2026-03-20T00:00:00Z


class Day(NamedTuple):
    """A town and all that was reported on one day of it."""

    town: Town
    from_us: int
    to_us: int
    reports: Any


@pytest.fixture(scope="session")
def demo_day() -> Day:
    """200 wearers of the demo on a Friday."""
    made = town(7, 200, demo=True)
    return Day(made, FRIDAY_US, FRIDAY_US + DAY_US, reports(made, FRIDAY_US, FRIDAY_US + DAY_US))


@pytest.fixture(scope="session")
def plain_day() -> Day:
    """150 wearers with five zones each, in many cities, half of them with a plan."""
    made = town(11, 150)
    made.plans._share = 0.5
    return Day(made, FRIDAY_US, FRIDAY_US + DAY_US, reports(made, FRIDAY_US, FRIDAY_US + DAY_US))


def fixes_of(day: Day, *, everybody: bool = False) -> Any:
    """The day's fixes ordered by tag and time, of all whom no mishap befalls, or of everybody."""
    fixes = day.reports[day.reports["event"] == 0]
    fixes = fixes if everybody else fixes[~np.isin(fixes["row"], day.town.mishaps.rows)]
    return fixes[np.lexsort((fixes["fix_at_us"], fixes["tag"]))]
