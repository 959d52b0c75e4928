"""What comes late is judged the same whether or not those of whom nothing can come are passed over."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alerts import late
from model.alert import Change
from model.fix import Source
from model.instant import SECOND_US
from model.zone import Purpose, Zone, ZoneKind
from tests.alerts.story import Memory, Story, zone_of
from tests.alerts.test_properties import BOTH, WILD, Row, texts, told
from tests.chance import times

PROFILE = settings(max_examples=times(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
ZONES = [
    zone_of(),
    zone_of(buffer_m=300.0),
    zone_of(purpose=Purpose.AREA, confirm_fixes=1),
    zone_of(kind=ZoneKind.INCLUSION, purpose=Purpose.AREA),
]


# Perhaps inside, twice in a row; what came late shows that it was not in a row.
NEVER_WAS = [Row(60, metres, 10.0, Source.GNSS) for metres in (0.0, 5000.0, 0.0, 5000.0)]


@PROFILE
@given(
    st.lists(WILD, min_size=1, max_size=40),
    st.sampled_from(ZONES),
    st.lists(st.booleans(), min_size=40, max_size=40),
    st.lists(st.integers(1, 9), min_size=1, max_size=9),
)
@example(NEVER_WAS, ZONES[0], [False, True] + 38 * [False], [1])
def test_whom_it_does_not_concern_nothing_comes_of(rows: list[Row], zone: Zone, kept: list[bool], sizes: list[int]) -> None:
    """Some fixes come when all others are there, in batches; once with every tag compared, once with those that matter."""
    story = Story(zone, monitored=BOTH)
    fixes = told(story, rows)
    held = np.array(kept[: len(fixes)])
    after, now_us = fixes[held].copy(), int(fixes["received_us"].max())
    batches = [fixes[row : row + 1] for row in np.flatnonzero(~held)]
    first = 0
    for size in sizes * len(after):
        if first < len(after):
            now_us += 700 * SECOND_US
            after["received_us"][first : first + size] = now_us
            batches.append(after[first : first + size])
            first += size

    def taken() -> tuple[list[Change], Memory]:
        memory, changes = Memory(), list[Change]()
        for batch in batches:
            changes += memory.take(story.world, batch)
        return changes, memory

    changes, memory = taken()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(late, "_concerned", lambda turn, *_: turn)
        everybody, whole = taken()
    assert texts(changes) == texts(everybody)
    assert memory.kept() == whole.kept()
    assert memory.state.digest() == whole.state.digest()
