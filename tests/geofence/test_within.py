"""Which zones cover which fixes is what ``evaluate`` says of it, boundary included, for any kind of zone and order of fixes."""

import numpy as np
import pytest
import shapely

from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from geofence.within import within
from model.fix import FIX, empty_fixes
from model.instant import FOREVER_US, MINUTE_US
from model.zone import Assignment
from tests.geofence.check import fixes_at, index_of, no_last, zone
from tests.geofence.small_world import small_world


def test_it_says_what_evaluate_says() -> None:
    index, fixes = small_world()
    hits = evaluate(index, fixes, no_last(1))
    covered = hits[hits["covered"]]
    assert len(covered) > 50
    for threads in (1, 2):
        said = within(index, fixes, threads)
        for name in ("fix_row", "zone", "version"):
            np.testing.assert_array_equal(said[name], covered[name])
    order = np.random.default_rng(5).permutation(len(fixes))
    mixed = within(index, fixes[order])
    pairs = {(int(row), int(zone)) for row, zone in zip(order[mixed["fix_row"]], mixed["zone"], strict=True)}
    assert pairs == {(int(row), int(zone)) for row, zone in zip(covered["fix_row"], covered["zone"], strict=True)}


def test_the_boundary_is_inside_and_said() -> None:
    square = shapely.box(-3.0, 53.0, -2.9, 53.1)
    points = np.array([[-3.0, 53.05], [-2.9, 53.1], [-2.95, 53.05], [np.nextafter(-3.0, -4.0), 53.05]])
    said = within(index_of([zone(1, square)]), fixes_at(1, points, 5.0))
    assert said["fix_row"].tolist() == [0, 1, 2]
    assert said["boundary"].tolist() == [True, True, False]


def test_more_zones_than_there_was_room_for_are_all_said() -> None:
    many = [zone(number, shapely.box(-3.0, 53.0, -2.9, 53.1)) for number in range(1, 41)]
    index = ZoneIndex.build(many, [Assignment(1, of.id, 0, FOREVER_US) for of in many])
    fixes = fixes_at(1, np.tile([[-2.95, 53.05]], (50, 1)), 5.0, MINUTE_US)
    for said in (within(index, fixes), evaluate(index, fixes, no_last(1))):
        assert said["zone"].tolist() == list(range(1, 41)) * 50
        assert said["fix_row"].tolist() == np.repeat(np.arange(50), 40).tolist()


def test_nothing_in_nothing_out_and_what_is_no_fix_is_refused() -> None:
    index = index_of([zone(1, shapely.box(-3.0, 53.0, -2.9, 53.1))])
    assert len(within(index, np.zeros(0, FIX))) == 0
    with pytest.raises(ValueError, match="one-dimensional"):
        within(index, np.zeros(3))
    with pytest.raises(ValueError, match="row 0"):
        within(index, empty_fixes(1))


@pytest.mark.parametrize("stranger", [0, 1])
def test_a_large_batch_out_of_order_is_put_in_order_alike_by_any_number_of_threads(stranger: int) -> None:
    square = shapely.box(-3.0, 53.0, -2.9, 53.1)
    index = ZoneIndex.build([zone(1, square)], [Assignment(tag, 1, 0, FOREVER_US) for tag in range(1, 31)])
    dice = np.random.default_rng(7)
    fixes = empty_fixes(40_000)
    fixes["tag"] = dice.integers(1, 31 + stranger, len(fixes))  # one tag more than the index knows, or none
    # Mostly in order, some late, some of one instant: these keep the order they came in.
    fixes["fix_at_us"] = (10 + np.arange(len(fixes)) // 50) * MINUTE_US - dice.integers(0, 2, len(fixes)) * 3 * MINUTE_US
    fixes["lon"], fixes["lat"] = dice.uniform(-3.05, -2.85, len(fixes)), dice.uniform(52.95, 53.15, len(fixes))
    fixes["accuracy_m"] = 5.0
    order = np.lexsort((fixes["fix_at_us"], fixes["tag"]))
    known = shapely.covers(square, shapely.points(fixes["lon"], fixes["lat"])) & (fixes["tag"] < 31)
    for threads in (1, 2, 3):
        assert within(index, fixes, threads)["fix_row"].tolist() == order[known[order]].tolist()
