"""Mishaps: each kind anew in any ten minutes, the same however time is cut, and only to wearers with nothing else to do."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from bench.mishaps import MISHAPS, PLACES, SLOT_S, Mishap
from bench.upload import EVENTS, reports, town
from bench.violations import SECOND_US
from bench.world import AWAY, NIGHTS, UNHEARD_ORDER, document, wearer
from model import timetable
from model.batch import Rejected
from tests.bench.conftest import FRIDAY_US, Day

KINDS = {mishap.name: mishap for mishap in MISHAPS}
SLOT_US = SLOT_S * SECOND_US


def told(day: Day, name: str) -> Any:
    """All that is reported by those to whom it happens, by time."""
    own = day.reports[np.isin(day.reports["row"], day.town.mishaps.of[name])]
    return own[np.argsort(own["upload_us"], kind="stable")]


def test_nobody_has_two_things_to_do(demo_day: Day) -> None:
    mishaps = demo_day.town.mishaps
    rows = np.concatenate(list(mishaps.of.values()))
    assert len(np.unique(rows)) == len(rows) == sum(one.wearers for one in MISHAPS) + sum(count for _, count in PLACES)
    assert not set(rows.tolist()) & set(demo_day.town.plans.rows.tolist())
    asked = {int(curfew["order"][1:]) - 1 for curfew in document(demo_day.town, FRIDAY_US)["curfews"]}
    unheard = set(mishaps.of["curfew_unverified"].tolist())
    assert len(asked - unheard) == len(AWAY) + NIGHTS
    assert set(rows.tolist()) & asked == unheard
    assert not set(demo_day.town.relayed.tolist()) & {*asked, *rows.tolist(), *demo_day.town.plans.rows.tolist()}
    assert (demo_day.town.fleet.batch[rows] == 1).all(), "they upload at once"


def test_cut_anywhere_they_are_the_same(demo_day: Day) -> None:
    other = town(7, 200, demo=True)
    cuts = [0, 1, 65_000_003, 599_999_999, 600_000_000, 1_300_000_017, 3_600_000_000]
    parts = [reports(other, FRIDAY_US + low, FRIDAY_US + high) for low, high in pairwise(cuts)]
    whole = reports(demo_day.town, FRIDAY_US, FRIDAY_US + cuts[-1])
    order = ["tag", "upload_us", "fix_at_us", "event"]
    assert np.sort(np.concatenate(parts), order=order).tobytes() == np.sort(whole, order=order).tobytes()


@pytest.mark.parametrize("mishap", [one for one in MISHAPS if one.events], ids=lambda one: one.name)
def test_its_events_come_in_every_ten_minutes(demo_day: Day, mishap: Mishap) -> None:
    own = told(demo_day, mishap.name)
    for word, _ in mishap.events:
        at_us = own["fix_at_us"][own["event"] == EVENTS.index(word)]
        assert np.diff(np.sort(at_us)).max() == SLOT_US, word
        assert len(at_us) >= 86_400 // SLOT_S - 3


@pytest.mark.parametrize("mishap", [one for one in MISHAPS if one.without], ids=lambda one: one.name)
def test_whoever_is_without_takes_no_fix(demo_day: Day, mishap: Mishap) -> None:
    own = told(demo_day, mishap.name)
    turns = demo_day.town.mishaps.turns(mishap, FRIDAY_US, FRIDAY_US + 86_000 * SECOND_US)
    low, high = mishap.without or (0, 0)
    for row, begin_us in turns:
        here = own[(own["row"] == row) & (own["fix_at_us"] >= begin_us + low * SECOND_US)]
        here = here[here["fix_at_us"] < begin_us + high * SECOND_US]
        assert not (here["event"] == 0).any()
    contacts = own[own["event"] == EVENTS.index("contact")]
    assert bool(len(contacts)) == bool(mishap.every_minute)


def test_an_empty_battery_stays_so_for_longer_than_it_takes_to_be_told(demo_day: Day) -> None:
    own = told(demo_day, "battery_low")
    fixes = own[own["event"] == 0]
    for row, begin_us in demo_day.town.mishaps.turns(KINDS["battery_low"], FRIDAY_US, FRIDAY_US + 80_000 * SECOND_US):
        since_s = (fixes["fix_at_us"][fixes["row"] == row] - begin_us) / SECOND_US
        low = fixes["battery_pct"][fixes["row"] == row][(since_s >= 0) & (since_s < 1100)]
        assert (low <= 10).all()


def test_a_wrong_clock_is_a_fault_of_the_tag(demo_day: Day) -> None:
    own = told(demo_day, "tag_fault")
    own = own[own["event"] == 0]
    ahead = own[own["fix_at_us"] - own["upload_us"] >= 15 * 60 * SECOND_US]
    assert len(ahead) > 2.8 * 86_400 / SLOT_S, "three a slot, but for fixes that are missed"
    assert len(np.unique(own[["tag", "fix_at_us", "seq"]])) == len(own), "and no identity is used twice"


def test_the_zones_they_need(demo_day: Day) -> None:
    world = document(demo_day.town, FRIDAY_US)
    of = demo_day.town.mishaps.of
    for name in ("approach", "no_contact"):
        theirs = {f"w{row + 1}" for row in of[name].tolist()}
        zones = [zone["properties"] for zone in world["zones"] if zone["properties"]["applies_to"].get("wearer") in theirs]
        exclusions = [zone for zone in zones if zone["kind"] == "exclusion"]
        assert len(exclusions) == len(theirs)
        assert {zone["purpose"] for zone in exclusions} == {"victim"}
        assert all((zone["buffer_m"] > 0) == (name == "approach") for zone in exclusions)
    inclusions = [zone["properties"] for zone in world["zones"] if zone["properties"]["kind"] == "inclusion"]
    assert sorted(zone["attendance"] for zone in inclusions) == [False, False, True, True]


def test_nobody_vouches_for_the_unheard_while_they_are_asked_to_be_at_home(demo_day: Day) -> None:
    """Their last fix speaks for ten minutes, and their window is over before they are heard again."""
    world, town = document(demo_day.town, FRIDAY_US), demo_day.town
    curfews = {int(curfew["order"][1:]) - 1: timetable.parse(curfew, "Europe/London") for curfew in world["curfews"]}
    types = {one["wearer"]: one["type"] for one in world["orders"]}
    own = told(demo_day, "curfew_unverified")
    own = own[own["event"] == 0]
    rows = town.mishaps.of["curfew_unverified"].tolist()
    for row in rows:
        assert types[wearer(row)] == UNHEARD_ORDER
        table = curfews[row]
        assert not isinstance(table, Rejected)
        windows = timetable.expand(table, FRIDAY_US + 3_600 * SECOND_US, FRIDAY_US + 80_000 * SECOND_US)
        assert len(windows) > 20
        heard = own["upload_us"][own["row"] == row]
        for begin_us, end_us in windows.tolist():
            assert not ((heard >= begin_us - 600 * SECOND_US) & (heard < end_us)).any()
    begins = sorted(
        begin_us % (3_600 * SECOND_US)
        for row in rows
        for begin_us, _ in timetable.expand(curfews[row], FRIDAY_US, FRIDAY_US + 3_600 * SECOND_US).tolist()
    )
    assert np.diff(begins).max() == SLOT_US, "one in any ten minutes"
    assert list(world["settings"]["types"]) == [UNHEARD_ORDER]


def test_elsewhere_there_are_none() -> None:
    assert not len(town(7, 200).mishaps.rows) + len(town(7, 200).relayed)
    assert not len(town(7, 30, demo=True).mishaps.rows), "too few wearers to have them without a plan"
