"""The tables in docs/geometry.md, which anybody can read and question, row by row."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from model.fix import Quality
from model.hit import Verdict
from model.instant import MINUTE_US, SECOND_US
from tests.geofence.check import fixes_at, index_of, no_last, zone

PAGE = Path(__file__).parents[2] / "docs" / "geometry.md"
SAID = {Verdict.OUTSIDE: "is outside", Verdict.POSSIBLE: "may be inside", Verdict.INSIDE: "is inside"}

# A zone of about 2 by 3 km with a hole of about 400 m in its middle, on the equator's scale of metres a degree. Its edges are
# binary fractions, so that a way can run exactly along them.
WEST, EAST, SOUTH, NORTH = 10.0, 10.0 + 5 * 2.0**-8, 0.0, 7 * 2.0**-8
HOLE = (10.008, 0.013, 10.012, 0.017)
ZONE = shapely.box(WEST, SOUTH, EAST, NORTH) - shapely.box(*HOLE)
CIRCLE = (10.0, 0.1)
RADIUS_M = 300.0
LON_DEGREE_M, LAT_DEGREE_M = 111_319.49, 110_574.0


def rows(*columns: str, least: int) -> list[Any]:
    """The rows of the page's tables whose columns look like these patterns."""
    found = re.findall(r"^\| " + r" \| ".join(columns) + r" \|$", PAGE.read_text(), re.MULTILINE)
    assert len(found) >= least, "the table has lost its form"
    return found


def index(where: str, buffer_m: float = 0.0) -> ZoneIndex:
    """The zone that the words speak of."""
    if "circle" in where:
        return index_of([zone(1, shapely.Point(CIRCLE), RADIUS_M, buffer_m=buffer_m)])
    return index_of([zone(1, ZONE, buffer_m=buffer_m)])


def centre(words: str) -> tuple[float, float]:
    """A place in the words of the tables; distances are from the western edge, or inward from the hole's."""
    named = {
        "on the edge": (WEST, 0.015),
        "on a corner": (WEST, SOUTH),
        "on the edge of the hole": (HOLE[0], 0.015),
        "on a corner of the hole": (HOLE[2], HOLE[3]),
        "in the middle of the circle": CIRCLE,
    }
    if words in named:
        return named[words]
    m, side = re.fullmatch(r"(\d+) m (inside the hole|inside|outside|from the middle of the circle)", words).groups()  # type: ignore[union-attr]
    step = int(m) / LON_DEGREE_M
    return {
        "inside": (WEST + step, 0.015),
        "outside": (WEST - step, 0.015),
        "inside the hole": (HOLE[0] + step, 0.015),
        "from the middle of the circle": (CIRCLE[0] + step, CIRCLE[1]),
    }[side]


@pytest.mark.parametrize(
    ("where", "accuracy", "covered", "said"), rows(r"([^|]+)", r"(\d+ m)", r"(yes|no)", r"([^|]+)", least=25)
)
def test_verdict(where: str, accuracy: str, covered: str, said: str) -> None:
    hits = evaluate(index(where), fixes_at(1, np.array([centre(where)]), float(accuracy[:-2])), no_last(1))
    if said == "nothing is said":
        assert len(hits) == 0
        return
    (hit,) = hits
    assert SAID[Verdict(hit["verdict"])] == said
    assert bool(hit["covered"]) == (covered == "yes")


@pytest.mark.parametrize(("where", "ring", "said"), rows(r"([^|]+)", r"(none|\d+ m)", r"([^|]+)", least=10))
def test_ring(where: str, ring: str, said: str) -> None:
    buffer_m = 0.0 if ring == "none" else float(ring[:-2])
    hits = evaluate(index(where, buffer_m), fixes_at(1, np.array([centre(where)])), no_last(1))
    if said == "nothing is said":
        assert len(hits) == 0
        return
    (hit,) = hits
    in_ring = hit["verdict"] == Verdict.OUTSIDE and hit["distance_m"] <= buffer_m
    assert SAID[Verdict(hit["verdict"])] + (", in the ring" if in_ring else "") == said


MIDDLE, ASIDE = 0.02, 300.0 / LON_DEGREE_M  # a latitude clear of the hole; 300 m
HALL = 0.015  # the latitude of the hole's middle
PLACES = {
    "300 m west of the zone": (WEST - ASIDE, MIDDLE),
    "300 m east of the zone": (EAST + ASIDE, MIDDLE),
    "300 m east of the zone, after a jump elsewhere": (EAST + ASIDE, MIDDLE),
    "inside the zone": (10.01, MIDDLE),
    "on the eastern edge": (EAST, MIDDLE),
    "south-west of a corner": (WEST - 2.0**-9, NORTH - 2.0**-9),
    "north-east past that corner": (WEST + 2.0**-9, NORTH + 2.0**-9),
    "west of the northern edge, in line with it": (WEST - 2.0**-9, NORTH),
    "east of it, along the edge": (EAST + 2.0**-9, NORTH),
    "in the hole, at its west": (HOLE[0] + 0.001, HALL),
    "in the hole, at its east": (HOLE[2] - 0.001, HALL),
    "in the hole": (10.01, HALL),
    "300 m west of the circle": (CIRCLE[0] - (RADIUS_M + 300.0) / LON_DEGREE_M, CIRCLE[1]),
    "300 m east of the circle": (CIRCLE[0] + (RADIUS_M + 300.0) / LON_DEGREE_M, CIRCLE[1]),
    "west of the circle, 301 m north of its middle": (CIRCLE[0] - 0.005, CIRCLE[1] + 301.0 / LAT_DEGREE_M),
    "east of it, 301 m north of its middle": (CIRCLE[0] + 0.005, CIRCLE[1] + 301.0 / LAT_DEGREE_M),
}


@pytest.mark.parametrize(
    ("start", "end", "between", "said"), rows(r"([^|]+)", r"([^|]+)", r"([\d mins]+)", r"(crossed|not crossed)", least=14)
)
def test_crossed(start: str, end: str, between: str, said: str) -> None:
    minutes, seconds = (int((re.search(rf"(\d+) {unit}", between) or ["", "0"])[1]) for unit in ("min", "s"))
    gap_us = minutes * MINUTE_US + seconds * SECOND_US
    fixes = fixes_at(1, np.array([PLACES[start], PLACES[end]]), step_us=gap_us)
    if "after a jump" in end:
        jump = fixes_at(1, np.array([(20.0, 20.0)]))
        jump["fix_at_us"], jump["quality"] = fixes["fix_at_us"][0] + 1, Quality.IMPLAUSIBLE
        fixes = np.concatenate([fixes[:1], jump, fixes[1:]])
    hits = evaluate(index(start), fixes, no_last(1))
    assert ("crossed" if hits["crossed"].any() else "not crossed") == said
