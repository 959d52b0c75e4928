"""Days monitored, against an oracle that looks at every piece of evidence by itself."""

from datetime import date
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from model.billing import Day, Stretch, Worn, days, stretches
from model.instant import HOUR_US, from_us, parse

BEGINS_US = parse("2026-10-24T00:00:00Z")  # clocks go back in Europe on the 25th, in America on 1 November
FIRST, END = date(2026, 10, 25), date(2026, 10, 31)
ZONES = ("Europe/London", "America/New_York", "Pacific/Auckland", "Asia/Kathmandu", "America/Havana")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Worn], list[tuple[int, int]]]:
    """Orders and tags of two people, and evidence: (tag, time). Each tag is one person's."""
    worn = []
    for order in range(1, draw(st.integers(1, 5)) + 1):
        wearer, zone, organisation = draw(st.integers(1, 2)), draw(st.sampled_from(ZONES)), draw(st.integers(1, 2))
        starts = BEGINS_US + draw(st.integers(0, 100)) * HOUR_US
        for tag in draw(st.sets(st.integers(0, 1), min_size=1)):
            from_us = starts + draw(st.integers(0, 60)) * HOUR_US
            to_us = from_us + draw(st.integers(1, 90)) * HOUR_US
            worn.append(Worn(wearer, 10 * wearer + tag, order, starts, organisation, zone, from_us, to_us))
    evidence = draw(st.lists(st.tuples(st.sampled_from([10, 11, 20, 21]), st.integers(0, 2 * 200)), max_size=30))
    return worn, [(tag, BEGINS_US + half * HOUR_US // 2) for tag, half in evidence]


def oracle(worn: list[Worn], evidence: list[tuple[int, int]]) -> list[Day]:
    first: dict[tuple[date, int], int] = {}
    for tag, at_us in sorted(evidence, key=lambda one: one[1]):
        if not any(span.tag == tag and span.from_us <= at_us < span.to_us for span in worn):
            continue
        wearer = tag // 10
        on = [span for span in worn if span.wearer == wearer and span.from_us <= at_us < span.to_us]
        governs = min(on, key=lambda span: (span.order_starts_us, span.order))
        day = from_us(at_us).astimezone(ZoneInfo(governs.timezone)).date()
        if FIRST <= day < END:
            first.setdefault((day, wearer), governs.organisation)
    return [Day(*key, organisation) for key, organisation in sorted(first.items())]


@given(worlds())
def test_a_person_has_a_day_once_and_only_for_what_was_heard(world: tuple[list[Worn], list[tuple[int, int]]]) -> None:
    worn, evidence = world

    def seen(given: list[Stretch]) -> list[int | None]:
        return [
            min((at for tag, at in evidence if tag == one.tag and one.from_us <= at < one.to_us), default=None) for one in given
        ]

    given_ = stretches(worn, FIRST, END)
    found = days(given_, seen)  # type: ignore[arg-type]
    assert found == oracle(worn, evidence)
    assert len({(day.day, day.wearer) for day in found}) == len(found)
    for one in given_:
        for other in given_:
            apart = one.to_us <= other.from_us or other.to_us <= one.from_us
            assert one is other or one.tag != other.tag or apart, "an instant of a tag belongs to one date"


def test_midnight_is_the_governing_order_s() -> None:
    span = Worn(1, 5, 1, 0, 1, "Europe/London", parse("2026-10-25T22:00:00Z"), parse("2026-10-26T02:00:00Z"))
    both = [span, span._replace(order=2, order_starts_us=1, timezone="Asia/Tokyo", organisation=2)]
    assert [(one.day.day, one.to_us - one.from_us, one.organisation) for one in stretches(both, FIRST, END)] == [
        (25, 2 * HOUR_US, 1),
        (26, 2 * HOUR_US, 1),
    ]
