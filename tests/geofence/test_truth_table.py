"""The table in docs/geometry.md, which anybody can read and question, row by row."""

import re
from pathlib import Path

import numpy as np
import pytest
import shapely

from geofence.evaluate import evaluate
from tests.geofence.check import fixes_at, index_of, no_last, zone

PAGE = Path(__file__).parents[2] / "docs" / "geometry.md"
SAID = {0: "is outside", 1: "may be inside", 2: "is inside"}

# A zone of about 2 by 3 km with a hole of about 400 m in its middle, on the equator's scale of metres a degree.
WEST, EAST, SOUTH, NORTH = 10.0, 10.02, 0.0, 0.03
HOLE = (10.008, 0.013, 10.012, 0.017)
ZONE = shapely.box(WEST, SOUTH, EAST, NORTH) - shapely.box(*HOLE)
LON_DEGREE_M = 111_319.49


def rows() -> list[tuple[str, str, str, str]]:
    found = re.findall(r"^\| ([^|]+) \| (\d+ m) \| (yes|no) \| ([^|]+) \|$", PAGE.read_text(), re.MULTILINE)
    assert len(found) >= 15, "the table has lost its form"
    return found


def centre(words: str) -> tuple[float, float]:
    """A place in the words of the table; distances are from the western edge, or inward from the hole's."""
    named = {
        "on the edge": (WEST, 0.015),
        "on a corner": (WEST, SOUTH),
        "on the edge of the hole": (HOLE[0], 0.015),
        "on a corner of the hole": (HOLE[2], HOLE[3]),
    }
    if words in named:
        return named[words]
    m, side = re.fullmatch(r"(\d+) m (inside the hole|inside|outside)", words).groups()  # type: ignore[union-attr]
    step = int(m) / LON_DEGREE_M
    return {"inside": (WEST + step, 0.015), "outside": (WEST - step, 0.015), "inside the hole": (HOLE[0] + step, 0.015)}[side]


@pytest.mark.parametrize(("where", "accuracy", "covered", "said"), rows())
def test_row(where: str, accuracy: str, covered: str, said: str) -> None:
    hits = evaluate(index_of([zone(1, ZONE)]), fixes_at(1, np.array([centre(where)]), float(accuracy[:-2])), no_last(1))
    if said == "nothing is said":
        assert len(hits) == 0
        return
    (hit,) = hits
    assert SAID[int(hit["verdict"])] == said
    assert bool(hit["covered"]) == (covered == "yes")
