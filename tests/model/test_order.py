"""What of a variation a second person has to approve."""

from typing import Any

import pytest

from model.order import relaxed

ORDER: dict[str, Any] = {"status": "active", "starts": 100, "ends": None, "risk": "high"}


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
    ],
)
def test_only_what_asks_less_of_a_wearer_is_relaxed(before: dict[str, Any], after: dict[str, Any], said: list[str]) -> None:
    known = ORDER | before
    assert relaxed(known, known | after) == said
