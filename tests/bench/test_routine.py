"""The compliant day: home at night, plausible speeds, continuous, any instant alone, a million at once."""

import tracemalloc

import numpy as np
import pytest

from bench.fleet import build
from bench.routine import locate
from tests.bench.conftest import DAY_US, FRIDAY_US

STEP_US = 10_000_000


@pytest.fixture(scope="module")
def tracks() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x, y, speed, still of 100 wearers each ten seconds of Friday and Saturday."""
    fleet = build(3, 100)
    times = FRIDAY_US + np.arange(0, 2 * DAY_US, STEP_US)
    there = locate(fleet, np.repeat(np.arange(100), len(times)), np.tile(times, 100))
    return tuple(part.reshape(100, -1) for part in (there.x, there.y, there.speed_mps, there.still))  # type: ignore[return-value]


def test_everybody_sleeps_at_home(tracks: tuple[np.ndarray, ...]) -> None:
    x, y, _, still = tracks
    night = np.r_[0 : 6 * 360, 22 * 360 : 30 * 360]
    assert (x[:, night] == 0).all()
    assert (y[:, night] == 0).all()
    assert still[:, night].all()
    assert (np.hypot(x, y).max(axis=1) > 100).mean() > 0.95, "nearly everybody goes out in two days"


def test_speeds_are_plausible_and_positions_continuous(tracks: tuple[np.ndarray, ...]) -> None:
    x, y, speed, still = tracks
    step_mps = np.hypot(np.diff(x), np.diff(y)) / (STEP_US / 1e6)
    assert step_mps.max() < 35
    assert speed.max() < 35
    assert speed[still].max() == 0
    walker = np.array([s[s > 0].max() < 3 for s in np.where(still, 0, speed) if (s > 0).any()])
    assert 0.05 < walker.mean() < 0.95, "some only walk, some drive"
    walking = np.concatenate([s[(s > 0.1)] for s in speed if 0 < s.max() < 3])
    assert 1.2 < walking.mean() < 1.6
    driving = speed[speed > 3]
    assert 7 < driving.mean() < 15


def test_reported_speed_is_that_of_the_track() -> None:
    fleet = build(3, 100)
    rows = np.arange(100)
    errors = []
    for at in range(FRIDAY_US + 8 * 3_600_000_000, FRIDAY_US + 11 * 3_600_000_000, 300_000_000):
        now, soon = locate(fleet, rows, at), locate(fleet, rows, at + 10_000)
        moving = ~now.still & ~soon.still
        dx, dy = (soon.x - now.x)[moving], (soon.y - now.y)[moving]
        errors.append(np.hypot(dx, dy) / 0.01 - now.speed_mps[moving])
        heading = np.degrees(np.arctan2(dx, dy)) % 360
        off = np.abs((heading - now.heading_deg[moving] + 180) % 360 - 180)
        assert np.median(off) < 1 if moving.any() else True
    assert len(np.concatenate(errors)) > 20
    assert np.quantile(np.abs(np.concatenate(errors)), 0.9) < 0.1


def test_an_instant_alone_is_the_same_as_in_company() -> None:
    fleet = build(3, 5000)
    rows = np.arange(5000)
    at = FRIDAY_US + 8 * 3_600_000_000 + 123
    whole = locate(fleet, rows, at)
    some = rows[::7]
    part = locate(fleet, some, np.full(len(some), at))
    for one, other in zip(whole, part, strict=True):
        assert np.array_equal(one[::7], other, equal_nan=one.dtype.kind == "f")


def test_weekends_have_no_work() -> None:
    fleet = build(3, 2000)
    rows = np.arange(2000)
    for day, low, high in ((0, 0.35, 0.55), (1, 0.0, 0.0)):  # Friday, Saturday
        there = locate(fleet, rows, FRIDAY_US + day * DAY_US + 11 * 3_600_000_000)
        at_work = (np.hypot(there.x - fleet.place_x[:, 0], there.y - fleet.place_y[:, 0]) < 0.01).mean()
        assert low <= at_work <= high


def test_a_large_fleet_is_located_in_bounded_memory() -> None:
    """The same code for a million; here a fifth of it, at under 500 bytes a tag above what the fleet itself holds."""
    fleet = build(3, 200_000)
    tracemalloc.start()
    there = locate(fleet, np.arange(fleet.size), FRIDAY_US + 8 * 3_600_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(there.x) == 200_000
    assert peak < 500 * 200_000
