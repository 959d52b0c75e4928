"""Reports: the same however the time is cut, in order, batched as tags do, prompt where it matters."""

import hashlib
from itertools import pairwise

import numpy as np

from bench.upload import EVENTS, REPORT, reports, town
from bench.violations import SECOND_US
from tests.bench.conftest import FRIDAY_US, Day, fixes_of

HOUR_US = 3600 * SECOND_US


def test_a_day_cut_anywhere_is_the_same_day(demo_day: Day) -> None:
    """Stopped and started again, by another process, at odd moments: the world goes on as if nothing had been."""
    other = town(7, 200, demo=True)
    cuts = [0, 1, 7_000_003, 3_599_999_999, 3_600_000_000, 2 * HOUR_US + 17, 3 * HOUR_US]
    parts = [reports(other, FRIDAY_US + a, FRIDAY_US + b) for a, b in pairwise(cuts)]
    again = np.concatenate(parts)
    again = again[~np.isin(again["row"], other.mishaps.rows)]  # a wrong clock tells no time to cut at: test_mishaps has them
    whole = demo_day.reports[demo_day.reports["fix_at_us"] < FRIDAY_US + 3 * HOUR_US]
    whole = whole[~np.isin(whole["row"], other.mishaps.rows)]
    assert len(again) == len(whole)
    order = ["tag", "fix_at_us", "event"]
    assert np.sort(again, order=order).tobytes() == np.sort(whole, order=order).tobytes()


def test_reproducible_by_seed() -> None:
    def digest(seed: int) -> str:
        return hashlib.sha256(reports(town(seed, 50), FRIDAY_US, FRIDAY_US + HOUR_US).tobytes()).hexdigest()

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)


def test_a_fix_is_reported_once_and_never_before_it_is_taken(demo_day: Day) -> None:
    fixes = fixes_of(demo_day)
    assert len(np.unique(fixes[["tag", "fix_at_us", "seq", "source"]])) == len(fixes)
    assert (fixes["upload_us"] > fixes["fix_at_us"]).all()
    same = fixes["tag"][1:] == fixes["tag"][:-1]
    assert (np.diff(fixes["upload_us"])[same] >= 0).all(), "a tag uploads in the order it took them"
    assert (np.diff(fixes["seq"])[same] > 0).all()
    assert (np.diff(demo_day.reports["upload_us"]) >= 0).all()


def test_a_compliant_tag_reports_once_a_minute_in_batches(demo_day: Day) -> None:
    fleet = demo_day.town.fleet
    planned = np.isin(np.arange(200), demo_day.town.plans.rows)
    fixes = fixes_of(demo_day)
    gaps_s = np.diff(fixes["fix_at_us"]) / 1e6
    quiet = (fixes["tag"][1:] == fixes["tag"][:-1]) & ~planned[fixes["row"][1:]]
    assert 0.96 < (gaps_s[quiet] == 60).mean() < 1
    assert (gaps_s[quiet] % 60 == 0).all()
    assert gaps_s[quiet].max() < 600
    for size in (1, 5, 10):
        rows = np.flatnonzero((fleet.batch == size) & ~planned)
        assert len(rows) > 5
        mine = fixes[np.isin(fixes["row"], rows)]
        _, together = np.unique(mine[["tag", "upload_us"]], return_counts=True)
        assert np.median(together) == size
    late = fixes["upload_us"] - fixes["fix_at_us"] > 300 * SECOND_US
    assert 0.02 < late.mean() < 0.2


def test_speeds_between_reports_are_never_implausible(demo_day: Day, plain_day: Day) -> None:
    """Not over 70 m/s once both accuracies are taken off, so no fix of this fleet is called a jump."""
    for day in (demo_day, plain_day):
        fixes = fixes_of(day)
        fleet = day.town.fleet
        x, y = fleet.metres(fixes["row"], fixes["lon"], fixes["lat"])
        away = (
            np.hypot(np.diff(x), np.diff(y)) - np.maximum(10, fixes["accuracy_m"][1:]) - np.maximum(10, fixes["accuracy_m"][:-1])
        )
        same = fixes["tag"][1:] == fixes["tag"][:-1]
        assert (away / (np.diff(fixes["fix_at_us"]) / 1e6))[same].max() < 35


def test_batteries_tell_of_themselves(demo_day: Day) -> None:
    events = demo_day.reports[demo_day.reports["event"] != 0]
    words = [EVENTS[event] for event in events["event"].tolist()]
    for word in ("charging", "charging_clear"):
        assert 185 <= words.count(word) <= 215, "nearly everybody charges once, in the evening"
    assert words.count("battery_low") >= 1
    assert EVENTS[0] == ""
    assert (events["upload_us"] > events["fix_at_us"]).all()


def test_fleets_of_every_size_have_the_same_people() -> None:
    small = reports(town(7, 10), FRIDAY_US, FRIDAY_US + HOUR_US)
    large = reports(town(7, 3000), FRIDAY_US, FRIDAY_US + HOUR_US)
    shared = large[np.isin(large["row"], np.arange(10))]
    assert small.tobytes() == shared.tobytes()
    assert small.dtype == REPORT
