"""Each tag's places go to its own lane, in order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.lane import lane_of, of_lanes


@given(st.lists(st.integers(1, 2**62), max_size=40), st.integers(1, 9))
def test_places_are_those_of_the_lanes(tags: list[int], lanes: int) -> None:
    given_tags = np.array(tags, np.int64)
    whole = lane_of(given_tags, lanes)
    found = of_lanes(given_tags, lanes)
    assert [places.tolist() for places in found] == [np.flatnonzero(whole == lane).tolist() for lane in range(lanes)]
