"""What tags say of where they are: errors that keep to the accuracy beside them, sources, batteries."""

import numpy as np

from bench.fleet import build
from bench.receiver import CELL, CELL_M, GNSS, WIFI, WORST, Reported, battery, report
from bench.violations import SECOND_US
from tests.bench.conftest import FRIDAY_US

MINUTES = 2 * 1440


def some(still: bool, forced_m: float = np.nan) -> Reported:
    """Two days of 100 tags, a report each minute, all truly at their own homes."""
    fleet = build(5, 100)
    rows = np.repeat(np.arange(100), MINUTES)
    times = np.tile(FRIDAY_US + np.arange(MINUTES) * 60 * SECOND_US, 100)
    zero = np.zeros(len(rows))
    return report(fleet, rows, times, (zero, zero), np.full(len(rows), still), (zero + forced_m, zero + forced_m))


def test_errors_keep_to_the_accuracy_reported() -> None:
    for said in (some(True), some(False), some(False, 12.0)):
        share = np.hypot(said.x, said.y) / said.accuracy_m
        assert 0.945 < (share <= 1).mean() < 0.955, "accuracy_m is the 95 % radius"
        assert share.max() <= WORST + 1e-9
        assert abs(np.mean(said.x / said.accuracy_m)) < 0.02
        # a normal's median radius is 1.1774 sigmas
        assert abs(np.median(share) - 1.1774 / 2.4477) < 0.02
        for source in (GNSS, WIFI):
            mine = share[said.source == source]
            assert len(mine) == 0 or 0.92 < (mine <= 1).mean() < 0.98


def test_errors_of_neighbouring_minutes_are_alike() -> None:
    said = some(False, 10.0)
    x = said.x.reshape(100, -1)
    near = np.corrcoef(x[:, :-1].ravel(), x[:, 1:].ravel())[0, 1]
    far = np.corrcoef(x[:, :-30].ravel(), x[:, 30:].ravel())[0, 1]
    assert near > 0.4
    assert abs(far) < 0.05


def test_indoors_stand_ins_are_rarer_and_worse() -> None:
    said = some(True)
    assert 0.05 < (said.source == WIFI).mean() < 0.2
    assert 0.002 < (said.source == CELL).mean() < 0.02
    assert said.accuracy_m[said.source == CELL].min() >= CELL_M[0]
    assert 0.97 < said.heard.mean() < 0.995
    outdoors = some(False)
    assert not (outdoors.source == CELL).any(), "a cell's radius on the way could seem to be in a zone"
    assert np.median(outdoors.accuracy_m) < np.median(said.accuracy_m)


def test_only_satellites_have_dilution_and_counts() -> None:
    said = some(True)
    gnss = said.source == GNSS
    assert (said.satellites[gnss] >= 4).all()
    assert (said.satellites[~gnss] == -1).all()
    assert np.isnan(said.hdop[~gnss]).all()
    assert (said.hdop[gnss] >= 0.6).all()


def test_batteries_drain_and_are_charged_in_the_evening() -> None:
    fleet = build(5, 400)
    times = FRIDAY_US + np.arange(0, 6 * 1440, 5) * 60 * SECOND_US
    charge = battery(fleet, np.repeat(np.arange(400), len(times)), np.tile(times, 400))
    percent = charge.percent.reshape(400, -1)
    charging = charge.charging.reshape(400, -1)
    assert percent.min() >= 1
    assert percent.max() <= 100
    rises = np.diff(percent) > 0
    assert not (rises & ~charging[:, :-1] & ~charging[:, 1:]).any(), "only charging fills it"
    assert (np.diff(percent).min(axis=1) >= -2).all(), "it drains, it does not fall"
    hour = (times % (86_400 * SECOND_US)) / 3.6e9
    evening = charging[:, (hour > 19.5) & (hour < 23.2)].sum()
    assert evening / charging.sum() > 0.9
    lowest = percent.min(axis=1)
    assert 0.02 < (lowest <= 30).mean() < 0.6, "some run low"
    assert (lowest <= 15).any(), "a forgotten charge runs very low"
