"""What several sources say of one moment, and its sums, against somebody who looks at every moment."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from alerts.compliance import Part, Why, cut, sums, worst
from alerts.timeline import Standing, Stretch

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
