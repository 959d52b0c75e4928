"""A state told of another's changes equals it bit for bit, and notices when one is missing."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model.fix import FIX
from model.lane import lane_of
from model.state import (
    ABSENCE,
    BEACON,
    BLOCK_TAGS,
    CONTACT,
    DEVICE,
    FAULT,
    LOST,
    MOTION,
    PAIR,
    PLACE,
    PRESENCE,
    SIGNAL,
    TAG,
    State,
    digest_of,
    rebuilt,
    spread,
)

OTHERS = {"place": (PLACE, "event_us"), "motion": (MOTION, "motion_us"), "lost": (LOST, "spell"), "fault": (FAULT, "last_us")}
OTHERS |= {"home": (PRESENCE, "shown_us"), "beacon": (BEACON, "moved_us"), "absence": (ABSENCE, "event_us")}
OTHERS |= {"contact": (CONTACT, "from_us")}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["tag", "doubt", "no doubt", "pair", "drop", "device", "signal", "drop signal", *OTHERS]),
        st.integers(1, 6),
        st.integers(1, 3),
        st.integers(0, 9),
    ),
    max_size=30,
)


def act(state: State, what: str, tag: int, zone: int, value: int) -> None:
    row = state.rows(np.array([tag]))[0]
    if what == "tag":
        state.tags["newest_us"][row] = value
        state.tags["last"]["lon"][row] = value / 7
    elif what == "doubt":
        doubt = np.zeros(1, FIX)
        doubt["tag"], doubt["lat"] = tag, value
        state.doubts.put(doubt)
    elif what == "no doubt":
        state.doubts.clear(tag)
    elif what == "pair":
        record = np.zeros(1, PAIR)
        record["tag"], record["zone"], record["run"] = tag, zone, value
        state.put(state.pairs, record)
    elif what == "device":
        record = np.zeros(1, DEVICE)
        record["tag"], record["strap"]["at_us"] = tag, value
        state.put_device(record)
    elif what == "signal":
        record = np.zeros(1, SIGNAL)
        record["tag"], record["signal"], record["event_us"] = tag, zone, value
        state.put(state.signals, record)
    elif what in OTHERS:
        dtype, name = OTHERS[what]
        record = np.zeros(1, dtype)
        record["tag"] = tag
        record[name] = value
        if "zone" in dtype.names:
            record["zone"] = zone
        state.put(next(table for table in state.tables if table.dtype == dtype), record)
    elif what == "drop signal" and state.signals.get(tag, zone) is not None:
        state.drop(state.signals, tag, zone)
    elif what == "drop" and state.pairs.get(tag, zone) is not None:
        state.drop(state.pairs, tag, zone)


@given(st.lists(STEPS, max_size=6))
@example([[("doubt", 1, 1, 2), ("doubt", 2, 1, 2)], [("no doubt", 1, 1, 0), ("tag", 2, 1, 1)]])
def test_deltas_make_an_equal_state(commits: list[list[tuple[str, int, int, int]]]) -> None:
    state, follower = State(), State()
    for steps in commits:
        for step in steps:
            act(state, *step)
        follower.apply(state.take_delta())
        assert follower.digest() == state.digest()
        assert follower.take_delta() == b"", "what was applied is no change of one's own"
        assert {row // BLOCK_TAGS for row in range(follower.count)} >= follower.touched


@given(STEPS, STEPS)
def test_a_snapshot_and_what_came_after_it_make_an_equal_state(
    before: list[tuple[str, int, int, int]], after: list[tuple[str, int, int, int]]
) -> None:
    state = State()
    for step in before:
        act(state, *step)
    state.take_delta()
    kept = rebuilt([(number, state.block(number)) for number in state.blocks()], 0, 0)
    for step in after:
        act(state, *step)
    kept.apply(state.take_delta())
    assert kept.digest() == state.digest()


def test_a_missing_delta_is_noticed() -> None:
    state, follower = State(), State()
    act(state, "tag", 1, 0, 5)
    state.take_delta()
    act(state, "tag", 2, 0, 5)
    with pytest.raises(ValueError, match="tag 2 stands in row 0, not in row 1"):
        follower.apply(state.take_delta())


def test_nothing_changed_is_nothing_to_tell() -> None:
    state = State()
    assert state.take_delta() == b""
    state.apply(b"")
    assert state.count == 0


def test_spread_over_other_lanes_every_tag_keeps_what_is_remembered_of_it() -> None:
    tags = np.arange(1, 3001)
    before = [State() for _ in range(3)]
    for lane, state in enumerate(before):
        own = tags[lane_of(tags, 3) == lane]
        rows = state.rows(own)
        state.tags["newest_us"][rows] = 10 * own
        for tag in own[::7].tolist():
            for zone in (1, 2):
                pair = np.zeros(1, PAIR)
                pair["tag"], pair["zone"], pair["event_us"] = tag, zone, tag + zone
                state.put(state.pairs, pair)
            device, signal = np.zeros(1, DEVICE), np.zeros(1, SIGNAL)
            device["tag"], device["low_us"] = tag, tag
            signal["tag"], signal["signal"], signal["event_us"] = tag, 4, tag
            state.put_device(device)
            state.put(state.signals, signal)
        state.watermark_us, state.control_seq, state.listening_us = 100 + lane, 7 - lane, 50 + lane
    after = spread(before, 5)
    assert [state.count for state in after] == np.bincount(lane_of(tags, 5)).tolist()
    for lane, state in enumerate(after):
        own = state.tags[: state.count]
        assert set(lane_of(own["tag"], 5).tolist()) == {lane}
        assert (own["newest_us"] == 10 * own["tag"]).all()
        assert (state.watermark_us, state.control_seq, state.listening_us) == (102, 5, 52)
        assert all(lane_of(np.array([tag]), 5)[0] == lane for tag in (*state.devices.tags, *state.signals.tags))
        assert state.take_touched() == list(state.blocks()), "a snapshot has all of it"
    for number in range(len(after[0].tables)):
        kept, was = (sorted(one.tobytes() for state in states for one in state.tables[number]) for states in (after, before))
        assert kept == was


def test_blocks_are_put_back_in_order_and_each_tag_once() -> None:
    state = State()
    state.rows(np.arange(1, BLOCK_TAGS + 3, dtype=np.int64))
    bodies = [state.block(number) for number in state.blocks()]
    assert rebuilt(list(enumerate(bodies)), 0, 0).digest() == state.digest()
    for wrong in ([(1, bodies[1])], [(0, bodies[0]), (1, bodies[0])], [(0, bodies[0]), (0, bodies[1])]):
        with pytest.raises(ValueError, match="snapshot block"):
            rebuilt(wrong, 0, 0)


class Older(State):
    """A state as a version before wrote it: without its last table."""

    def __init__(self) -> None:
        super().__init__()
        self.others, self.tables = self.others[:-1], self.tables[:-1]


def test_what_an_older_version_kept_is_taken_as_it_was_and_written_anew() -> None:
    older = Older()
    older.rows(np.arange(1, BLOCK_TAGS + 3, dtype=np.int64))
    act(older, "pair", 1, 2, 3)
    act(older, "home", 2, 1, 7)
    blocks = [(number, older.block(number)) for number in older.blocks()]
    older.take_delta()
    act(older, "home", 3, 1, 9)
    delta = older.take_delta()
    assert digest_of(blocks, 5, 6) != digest_of([blocks[0], (1, blocks[1][1][:-1])], 5, 6)
    state = rebuilt(blocks, older.watermark_us, older.control_seq)
    assert digest_of(blocks, 0, 0) != state.digest(), "today it would be written otherwise"
    assert state.take_touched() == [0], "so the block that would be is kept anew"
    state.apply(delta)
    assert {number: table.of_tags([1, 2, 3]).tobytes() for number, table in enumerate(state.tables[:-1])} == {
        number: table.of_tags([1, 2, 3]).tobytes() for number, table in enumerate(older.tables)
    }
    assert not len(state.contacts)
    blocks = [(number, state.block(number)) for number in state.blocks()]
    assert digest_of(blocks, 0, 0) == state.digest()


@given(st.lists(STEPS, max_size=4), st.lists(st.integers(0, 8), max_size=12))
def test_tags_are_found_in_any_order_with_what_they_have(
    commits: list[list[tuple[str, int, int, int]]], asked: list[int]
) -> None:
    state = State()
    for steps in commits:
        for step in steps:
            act(state, *step)
        rows = state.find(np.array(asked, np.int64))
        assert rows.tolist() == [state.row_of.get(tag, -1) for tag in asked]
        assert state.at(rows)["tag"].tolist() == [tag if tag in state.row_of else 0 for tag in asked]
        for tables in (state.tables, (state.pairs,), (state.devices, state.signals)):
            assert state.has(rows, *tables).tolist() == [any(tag in table for table in tables) for tag in asked]
        state.take_delta()
    blocks = [(number, state.block(number)) for number in state.blocks()]
    again = rebuilt(blocks, state.watermark_us, state.control_seq)
    rows = again.find(np.array(asked, np.int64))
    assert again.has(rows, again.pairs).tolist() == [tag in state.pairs for tag in asked]


@given(st.lists(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2)), min_size=1, unique_by=lambda one: one[0]), max_size=6))
def test_what_is_kept_of_a_tag_is_read_again_with_its_doubt(batches: list[list[tuple[int, int]]]) -> None:
    state, kept = State(), dict[int, bytes]()
    for number, batch in enumerate(batches):
        tags = np.array([tag for tag, _ in batch])
        records = state.at(state.rows(tags))
        for record, (tag, doubted) in zip(records, batch, strict=True):
            record["newest_us"], record["last"]["lat"] = number, tag / 7
            record["doubt"] = np.zeros((), FIX)
            if doubted:
                record["doubt"]["tag"], record["doubt"]["lon"] = tag, doubted / 3 + number
        state.keep(state.rows(tags), records)
        kept |= {tag: record.tobytes() for (tag, _), record in zip(batch, records, strict=True)}
        known = np.array([*kept])
        assert [record.tobytes() for record in state.at(state.find(known))] == [*kept.values()]


def test_of_who_was_never_seen_nothing_is_known_though_all_rows_are_in_use() -> None:
    state = State()
    state.rows(np.arange(1, len(state.tags) + 1))
    assert state.count == len(state.tags)
    assert state.at(np.array([-1])).tobytes() == bytes(TAG.itemsize)
