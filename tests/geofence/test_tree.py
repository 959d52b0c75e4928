"""A packed tree finds the boxes that a query box meets, all of them and no other, and looks at few more."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.tree import DEPTH, pack, search
from tests.chance import times


class Counting:
    """Boxes that count which of them were looked at."""

    def __init__(self, boxes: Any) -> None:
        self.boxes = boxes
        self.rows: set[int] = set()

    def __getitem__(self, at: tuple[int, int]) -> float:
        self.rows.add(int(at[0]))
        return float(self.boxes[at])


def found(tree: Any, query: Any) -> list[int]:
    """Items that meet a query box, in order."""
    items = np.empty(len(tree.item), np.int64)
    count = search(tree, *map(float, query), np.empty((DEPTH, 2), np.int64), items)
    return sorted(items[:count].tolist())


@given(count=st.integers(0, 700), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=times(60), deadline=None)
def test_all_boxes_that_meet_are_found_and_no_other(count: int, seed: int) -> None:
    """On a grid, so that many touch."""
    rng = np.random.default_rng(seed)
    low = rng.integers(-20, 20, (count, 2)).astype(float)
    boxes = np.hstack([low, low + rng.integers(0, 4, (count, 2))])
    items = rng.permutation(count) + 7
    tree = pack(boxes, items)
    for west, south in rng.integers(-22, 22, (20, 2)).tolist():
        query = (west, south, west + int(rng.integers(0, 3)), south + int(rng.integers(0, 3)))
        meet = (boxes[:, 0] <= query[2]) & (boxes[:, 2] >= query[0]) & (boxes[:, 1] <= query[3]) & (boxes[:, 3] >= query[1])
        assert found(tree, query) == sorted(items[meet].tolist())


@pytest.mark.parametrize("count", [100, 10_000, 100_000])
def test_zones_far_away_cost_next_to_nothing(count: int) -> None:
    """Of however many, no more are looked at than the children on the way down to the near one; in their midst hardly more."""
    low = np.random.default_rng(3).uniform((-3.0, 55.0), (1.0, 59.0), (count, 2))
    boxes = np.vstack([np.hstack([low, low + 0.01]), [(-2.0, 51.0, -1.99, 51.01)]])
    tree = pack(boxes, np.arange(count + 1))
    seen = Counting(tree.boxes)
    counted: Any = tree._replace(boxes=seen)  # type: ignore[arg-type]
    items = np.empty(count + 1, np.int64)
    plain: Any = getattr(search, "py_func", search)
    assert plain(counted, -1.995, 51.005, -1.995, 51.005, np.empty((DEPTH, 2), np.int64), items) == 1
    assert items[0] == count
    levels = len(tree.level_at) - 1
    assert len(seen.rows) <= 8 * levels
    seen.rows.clear()
    plain(counted, -1.0, 57.0, -1.0, 57.0, np.empty((DEPTH, 2), np.int64), items)
    assert len(seen.rows) <= 20 * levels, "among them"
    seen.rows.clear()
    assert plain(counted, 10.0, 10.0, 10.1, 10.1, np.empty((DEPTH, 2), np.int64), items) == 0
    assert len(seen.rows) == 1, "all of them are elsewhere"
