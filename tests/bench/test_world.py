"""The WORLD document: CONTRACT.md's form, refs that lead somewhere, geometry that shapely takes, invented names."""

from collections import Counter

import numpy as np
import shapely

from bench.fleet import FARTHEST_M
from bench.routine import locate
from bench.upload import town
from bench.world import AWAY, NIGHTS, document, name
from model import timetable
from tests.bench.conftest import DAY_US, FRIDAY_US, Day


def test_the_demos_world(demo_day: Day) -> None:
    world = document(demo_day.town, FRIDAY_US)
    assert list(world) == ["wearers", "orders", "activations", "zones", "curfews", "visits", "pauses", "settings"]
    refs = {one["ref"] for one in world["wearers"]}
    assert len(refs) == len({one["name"] for one in world["wearers"]}) == 202
    assert {one["wearer"] for one in world["orders"]} == refs
    assert {one["wearer"] for one in world["activations"]} == refs - {"w202"}, "one is waited for to be fitted"
    assert not set(demo_day.town.fleet.tag.tolist()) & {one["tag"] for one in world["activations"] if one["wearer"] == "w201"}
    assert [visit["wearer"] for visit in world["visits"]] == ["w1"]
    assert world["activations"][0] == {
        "wearer": "w1",
        "tag": int(demo_day.town.fleet.tag[0]),
        "from": "2026-03-20T00:00:00Z",
        "to": None,
    }
    kinds = Counter(one["properties"]["kind"] for one in world["zones"])
    # Two are bailed to an address of their own; three live near a victim, three far off one; four are asked to be somewhere.
    assert kinds == {"home": 202, "exclusion": 48, "inclusion": 4}
    assert len({one["ref"] for one in world["zones"]}) == 254
    exclusions = [one for one in world["zones"] if one["properties"]["kind"] == "exclusion"]
    assert Counter(one["properties"]["purpose"] for one in exclusions)["victim"] > 20
    assert {one["geometry"]["type"] for one in exclusions} == {"Point", "Polygon", "MultiPolygon"}
    assert any(len(one["geometry"]["coordinates"]) > 1 for one in exclusions if one["geometry"]["type"] == "Polygon"), "holes"
    for one in world["zones"]:
        shape = shapely.geometry.shape(one["geometry"])
        assert shape.is_valid
        assert (one["geometry"]["type"] == "Point") == (one["properties"].get("radius_m", 0) > 0)
        assert one["properties"]["applies_to"] == {"all": True} or one["properties"]["applies_to"]["wearer"] in refs
        west, south, east, north = shape.bounds
        assert -3.0 < west <= east < -2.75
        assert 53.35 < south <= north < 53.52


def test_the_demos_curfews(demo_day: Day) -> None:
    """Those who keep theirs are home at night, summer and winter; of the two who never do, one is asked for at any minute."""
    fleet, plans = demo_day.town.fleet, demo_day.town.plans
    unheard = {f"o{row + 1}" for row in demo_day.town.mishaps.of["curfew_unverified"].tolist()}
    curfews = [one for one in document(demo_day.town, FRIDAY_US)["curfews"] if one["order"] not in unheard]
    assert len({curfew["ref"] for curfew in curfews}) == len(curfews) == len(AWAY) + NIGHTS
    rows = np.array([int(curfew["order"][1:]) - 1 for curfew in curfews])
    assert not set(rows.tolist()) & set(plans.rows.tolist())
    tables = [timetable.parse(curfew, "Europe/London") for curfew in curfews]
    summer_us = FRIDAY_US + 120 * DAY_US
    for from_us in (FRIDAY_US, summer_us):
        for row, table in zip(rows[len(AWAY) :], tables[len(AWAY) :], strict=True):
            for low, high in timetable.expand(table, from_us, from_us + DAY_US).tolist():
                at_us = np.arange(low, high, 60_000_000)
                there = locate(fleet, np.full(len(at_us), row), at_us)
                assert np.hypot(there.x, there.y).max() == 0, (row, low)
        asked = [timetable.expand(table, from_us, from_us + DAY_US) for table in tables[: len(AWAY)]]
        minutes = np.arange(from_us, from_us + DAY_US, 60_000_000)
        inside = [(spans[:, :1] <= minutes) & (minutes < spans[:, 1:]) for spans in asked]
        assert np.concatenate(inside).any(axis=0).all(), "no curfew to break at some minute"
    addresses = {one["ref"]: one for one in document(demo_day.town, FRIDAY_US)["zones"]}
    for row, curfew in zip(rows[: len(AWAY)], curfews, strict=False):
        lon, lat = addresses[curfew["home"]]["geometry"]["coordinates"]
        assert np.hypot(*fleet.metres(row, lon, lat)) > FARTHEST_M + 1000


def test_elsewhere_each_tag_has_five_polygons() -> None:
    world = document(town(11, 40), FRIDAY_US)
    assert world["curfews"] == world["visits"] == []
    exclusions = [one for one in world["zones"] if one["properties"]["kind"] == "exclusion"]
    assert Counter(one["properties"]["applies_to"]["wearer"] for one in exclusions) == {f"w{row + 1}": 5 for row in range(40)}
    shapes = [shapely.geometry.shape(one["geometry"]) for one in exclusions]
    assert all(shape.is_valid and shape.geom_type in {"Polygon", "MultiPolygon"} for shape in shapes)
    corners = np.array([len(shapely.get_parts(shape)[0].exterior.coords) - 1 for shape in shapes])
    assert corners.min() >= 8
    assert 100 < corners.max() <= 200


def test_the_same_seed_writes_the_same_world() -> None:
    assert document(town(7, 60, True), FRIDAY_US) == document(town(7, 60, True), FRIDAY_US)


def test_names_are_told_apart() -> None:
    assert len({name(index) for index in range(5000)}) == 5000
