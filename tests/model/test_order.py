"""What of a variation a second person has to approve."""

from typing import Any, Final

import pytest

from model.instant import FOREVER_US, parse
from model.order import relaxed

ORDER: dict[str, Any] = {
    "status": "active", "starts": 100, "ends": None, "risk": "high", "type": "bail", "timezone": "Europe/London",
    "spans": [(100, FOREVER_US)], "curfews": True,
}  # fmt: skip
DAY: Final = (parse("2026-03-20T12:00:00Z"), parse("2026-03-21T12:00:00Z"))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"status": "in_custody"}, ["monitoring would stop: in custody"]),
        ({}, {"status": "completed", "ends": 200}, ["monitoring would stop: completed", "it would end earlier"]),
        ({}, {"status": "unlawfully_at_large"}, []),
        ({"status": "pending"}, {"status": "active"}, []),
        ({"status": "in_custody"}, {"status": "completed"}, []),
        ({}, {"ends": 200}, ["it would end earlier"]),
        ({"ends": 200}, {"ends": 199}, ["it would end earlier"]),
        ({"ends": 200}, {"ends": 201}, []),
        ({"ends": 200}, {"ends": None}, []),
        ({}, {"starts": 101}, ["it would begin later"]),
        ({}, {"starts": 99}, []),
        ({}, {"risk": "standard"}, ["the risk would be lower"]),
        ({"risk": "standard"}, {"risk": "high"}, []),
        ({}, {"type": "licence"}, ["other rules would hold: those of the type licence, no longer bail"]),
        ({}, {"timezone": "Asia/Tokyo"}, ["its curfews' hours would be those of Asia/Tokyo, no longer Europe/London"]),
        ({"curfews": False}, {"timezone": "Asia/Tokyo"}, []),
        ({"spans": [DAY]}, {"spans": []}, ["monitoring would stop from 20 March 2026 12:00 to 21 March 2026 12:00 UTC"]),
        ({"spans": [(DAY[0], FOREVER_US)]}, {"spans": [DAY]}, ["monitoring would stop from 21 March 2026 12:00 UTC"]),
        ({"spans": [DAY]}, {"spans": [(DAY[0] - 1, DAY[1] + 1)]}, []),
    ],
)
def test_only_what_asks_less_of_a_wearer_is_relaxed(before: dict[str, Any], after: dict[str, Any], said: list[str]) -> None:
    known = ORDER | before
    assert relaxed(known, known | after) == said
