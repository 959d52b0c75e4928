"""What several sources say of one moment, and its sums, against somebody who looks at every moment."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.compliance import Kept, Part, Why, compliance, cut, sums, worst
from alerts.rules import Rules
from alerts.timeline import Standing, Stretch
from model.event import EventKind, empty_events
from model.fix import empty_fixes
from model.instant import BEGINNING_US, FOREVER_US, MINUTE_US
from model.setting import Setting
from tests.alerts.story import TAG, WEARER, Scripted, curfew_of, home_of, terms_of, us

# Written here anew: the gravest first, and whether somebody was monitored at all last.
ORDER = ["apparent_non_compliance", "unverified", "consistent", "compliant", "not_monitored"]
SAID = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12), st.sampled_from(Standing)), max_size=12)


def looked(said: list[tuple[int, int, Standing]], at: int) -> Standing | None:
    here = {standing.value for low, high, standing in said if low <= at < high}
    return next((Standing(word) for word in ORDER if word in here), None)


@given(SAID)
def test_of_each_moment_the_worst_is_said_once(spans: list[tuple[int, int, Standing]]) -> None:
    said = [(low, low + lasts, standing) for low, lasts, standing in spans]
    found = worst(said)
    for at in range(60):
        here = [one.standing for one in found if one.from_us <= at < one.to_us]
        assert here == [looked(said, at)] * (looked(said, at) is not None)
    assert found == sorted(found)
    for one, other in pairwise(found):
        assert one.to_us < other.from_us or one.standing is not other.standing, "what touches and says the same is one"


@given(SAID, st.integers(0, 20), st.integers(1, 30))
def test_sums_count_each_moment_of_a_day_once(spans: list[tuple[int, int, Standing]], begin: int, lasts: int) -> None:
    said = [(low, low + length, standing) for low, length, standing in spans]
    parts = [Part(low, high, standing, Why.CURFEW) for low, high, standing in said]
    days = [(begin, begin + lasts), (begin + lasts, 60)]
    for (low, high), lasted in zip(days, sums(parts, days), strict=True):
        seen = [looked(said, at) for at in range(low, high)]
        assert lasted == {standing: seen.count(standing) for standing in Standing}


def test_what_is_cut_keeps_what_it_rests_on() -> None:
    part = Part(10, 20, Standing.APPARENT, Why.INSIDE, 3, 0, 7)
    assert list(cut([part, Part(0, 5, Standing.COMPLIANT, Why.CURFEW)], 5, 15)) == [part._replace(to_us=15)]
    assert worst([(1, 1, Standing.APPARENT)]) == list[Stretch]()


def night(*told: tuple[str, EventKind], settings: tuple[Setting, ...] = ()) -> list[tuple[str, str, Standing]]:
    """The record of an evening of which some events and a message every five minutes are stored; as times of the day."""
    every = us("18:00") + np.arange(0, 5 * 60, 5) * MINUTE_US
    events = empty_events(len(told) + len(every))
    events["tag"], events["kind"] = TAG, [*(kind for _, kind in told), *(EventKind.CONTACT for _ in every)]
    events["at_us"] = events["received_us"] = [*(us(at) for at, _ in told), *every]
    curfew = curfew_of(("18:30", "22:00"))
    world = Scripted.of(terms_of(home_of(), curfews=[curfew], settings=settings), Rules(), {})
    kept = Kept(empty_fixes(), events, (), [(BEGINNING_US, FOREVER_US)], ())
    found = compliance(world, WEARER, kept, us("18:30"), us("22:00"))
    return [(_clock(part.from_us), _clock(part.to_us), part.standing) for part in found.parts]


def _clock(at_us: int) -> str:
    minutes = (at_us - us("00:00")) // MINUTE_US
    return f"{minutes // 60:02}:{minutes % 60:02}"


def beacon_min(minutes: float, start: str = "", stop: str = "") -> Setting:
    span = us(start) if start else BEGINNING_US, us(stop) if stop else FOREVER_US
    return Setting("all", 0, 1, (("curfew.beacon_min", minutes),), *span, "", frozenset())


@pytest.mark.parametrize(
    ("settings", "away"),
    [
        ((), [("19:00", "19:12")]),
        ((beacon_min(15, "12:00"),), []),
        ((beacon_min(15, "19:03"),), []),
        ((beacon_min(15, "19:05"),), []),
        ((beacon_min(15, "12:00", "19:12"),), []),
        ((beacon_min(15, "12:00", "19:08"),), [("19:00", "19:12")]),
        ((beacon_min(15, "19:30"),), [("19:00", "19:12")]),
    ],
    ids=["default", "from noon", "in between", "at the very instant", "until it is over", "made stricter", "afterwards"],
)
def test_the_record_of_each_moment_goes_by_what_was_set_then(settings: tuple[Setting, ...], away: list[tuple[str, str]]) -> None:
    beacon = [("18:00", EventKind.BEACON_IN), ("19:00", EventKind.BEACON_OUT), ("19:12", EventKind.BEACON_IN)]
    found = night(*beacon, settings=settings)
    assert [span[:2] for span in found if span[2] is Standing.APPARENT] == away
