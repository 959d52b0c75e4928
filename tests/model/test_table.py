"""A table against a plain dict of bytes: whatever was put, dropped and put again in between."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model.arrays import Array
from model.state import MOTION, PAIR
from model.table import Table

# Of more tags than lie together, most with one record, some with several.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "drop", "clear"]),
        st.sampled_from([*range(1, 150), *(75 * [150, 151])]),
        st.integers(1, 4),
        st.integers(1, 2**40),
    ),
    max_size=400,
)


@given(STEPS)
@example([("put", 1, 3, 1), ("put", 1, 2, 2), ("put", 1, 4, 3), ("drop", 1, 2, 0), ("put", 2, 1, 4)])
@example([("put", tag, 1, tag) for tag in range(1, 151)] + [("clear", tag, 1, 1) for tag in range(60, 70)] + [("put", 150, 2, 1)])
def test_what_was_put_is_there_until_it_is_dropped(steps: list[tuple[str, int, int, int]]) -> None:
    table, kept = Table(PAIR, "zone"), dict[tuple[int, int], bytes]()
    for what, tag, zone, value in steps:
        if what == "put":
            record = pair(tag, zone, value)
            table.put(record)
            kept[tag, zone] = record.tobytes()
        elif what == "clear":
            table.clear(tag)
            kept = {key: record for key, record in kept.items() if key[0] != tag}
        elif kept.pop((tag, zone), None) is not None:
            table.drop(tag, zone)
        else:
            with pytest.raises(KeyError):
                table.drop(tag, zone)
    assert len(table) == len(kept)
    assert sorted(table.tags) == sorted({tag for tag, _ in kept})
    assert {(int(one["tag"][0]), int(one["zone"][0])): one.tobytes() for one in table} == kept
    for tag in range(1, 152):
        own = sorted(key for key in kept if key[0] == tag)
        assert (tag in table) == bool(own)
        assert table.numbers(tag) == [zone for _, zone in own]
        assert [one.tobytes() for one in table.of_tag(tag)] == [kept[key] for key in own]
        assert [table[key].tobytes() for key in own] == [kept[key] for key in own]
        assert [zone for zone in range(1, 5) if table.get(tag, zone) is not None] == [zone for _, zone in own]
    again = Table(PAIR, "zone")
    again.load(table.of_tags(sorted(table.tags)).tobytes())
    assert again.of_tags(sorted(table.tags)).tobytes() == b"".join(kept[key] for key in sorted(kept))


def test_a_record_is_changed_in_place_and_what_was_put_is_a_copy() -> None:
    table, record = Table(PAIR, "zone"), pair(1, 2, 3)
    table.put(record)
    record["event_us"] = 4
    for held in table.of_tag(1):
        assert held["event_us"][0] == 3
        held["event_us"] = 5
    assert table[1, 2]["event_us"][0] == 5


def test_where_a_tag_has_one_record_at_most_it_has_no_number() -> None:
    table = Table(MOTION, None)
    record = np.zeros(1, MOTION)
    record["tag"], record["motion_us"] = 7, 8
    table.put(record)
    record["motion_us"] = 9
    table.put(record)
    assert (len(table), table.numbers(7), table.numbers(8)) == (1, [0], [])
    assert table[7, 0]["motion_us"][0] == 9
    with pytest.raises(KeyError):
        table[8, 0]
    table.drop(7)
    assert table.get(7) is None


def pair(tag: int, zone: int, value: int) -> Array:
    """A (1,) PAIR whose every byte says which it is."""
    record = np.frombuffer(value.to_bytes(8, "little") * (PAIR.itemsize // 8), PAIR).copy()
    record["tag"], record["zone"] = tag, zone
    return record
