"""The load generator's frames are read as they were meant, its people keep clear of their fences, and its account adds up."""

import numpy as np

from bench import frame
from bench.load import Load, Plan, summary
from bench.workloads.copying import encoded
from bench.workloads.crowd import CLEAR_M, crowd, document
from ingest.frame import Frame, decode
from model.instant import parse
from store.copy import FIXES

NOW_US = parse("2026-11-22T08:00:00Z")
PEOPLE = crowd(50)


def load(**changes: object) -> Load:
    plan = Plan(50, 4, 20, 1, 1, None, 0.0, 100, 0.5, 2.0, 0)._replace(**changes)
    return Load(PEOPLE, plan, "")


def test_a_frame_of_ours_is_read_as_it_was_meant() -> None:
    rows = load().made(0, NOW_US)
    got = decode(frame.frame(b"gw-bench", 9, rows))
    assert isinstance(got, Frame)
    assert (got.gateway, got.sequence, len(got.events)) == ("gw-bench", 9, 0)
    for name in frame.FIX.names or ():
        np.testing.assert_array_equal(got.fixes[name], rows[name])


def test_the_baseline_s_rows_are_the_same_fixes_in_the_order_of_the_key() -> None:
    rows = load().made(0, NOW_US)[::-1]
    stored = FIXES.decode(encoded(rows, 3))
    assert stored["tag"].tolist() == sorted(rows["tag"].tolist())
    assert set(stored["gateway"].tolist()) == {3}
    for name in ("lon", "lat", "seq", "fix_at_us", "accuracy_m", "battery_pct"):
        np.testing.assert_array_equal(stored[name], rows[::-1][name] if name != "tag" else None)


def test_people_at_home_keep_clear_of_their_fences_and_go_deep_into_them() -> None:
    world = document(PEOPLE, NOW_US)
    assert (len(world["wearers"]), len(world["zones"])) == (50, 250)
    for row in range(50):
        lon, lat = PEOPLE.at(np.array([row]), NOW_US)
        for fence in range(5):
            x, y = PEOPLE.inside(row, fence)
            apart_m = np.hypot((lon[0] - x) * 111_320 * np.cos(np.radians(lat[0])), (lat[0] - y) * 111_320)
            assert apart_m > CLEAR_M - 40


def test_outings_are_told_with_their_first_and_last_fix_and_the_one_that_decides() -> None:
    made = load(rate=50.0)
    made.started_us = NOW_US
    for round_ in range(4):
        made.made(round_, NOW_US + round_ * 1_000_000)
    tag, fence, first_us, last_us, decided_us = made.outings[0]
    assert (fence, first_us, last_us) == (0, NOW_US, NOW_US + 2_000_000)
    row = PEOPLE.town.tags.tolist().index(tag)
    assert decided_us == NOW_US + int((50 + row // 20 * 20) / 50 * 1e6)
    assert len({outing[:2] for outing in made.outings}) == len(made.outings) == 7


def test_an_account_says_what_came_back_and_what_did_not() -> None:
    made = load()
    made.account.due_s[:], made.account.sent_s[:] = 0.0, 0.0
    made.account.answered_s[:11], made.account.accepted[:11], made.account.stored[:11] = 2.0, 20, 19
    said = summary(made)
    assert (said["sent"], said["accepted"], said["stored"], said["unanswered"]) == (200, 220, 209, 20)
    assert said["accepted_by_round"] == [60, 60, 60, 40]
    assert said["rate"] == 110
