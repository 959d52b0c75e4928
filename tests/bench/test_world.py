"""The WORLD document: CONTRACT.md's form, refs that lead somewhere, geometry that shapely takes, invented names."""

from collections import Counter

import numpy as np
import shapely

from bench.upload import town
from bench.world import document, name
from tests.bench.conftest import FRIDAY_US, Day


def test_the_demos_world(demo_day: Day) -> None:
    world = document(demo_day.town, FRIDAY_US)
    assert list(world) == ["wearers", "orders", "activations", "zones", "curfews", "visits", "pauses", "settings"]
    refs = {one["ref"] for one in world["wearers"]}
    assert len(refs) == len({one["name"] for one in world["wearers"]}) == 200
    assert {one["wearer"] for one in world["orders"]} == {one["wearer"] for one in world["activations"]} == refs
    assert world["activations"][0] == {
        "wearer": "w1",
        "tag": int(demo_day.town.fleet.tag[0]),
        "from": "2026-03-20T00:00:00Z",
        "to": None,
    }
    kinds = Counter(one["properties"]["kind"] for one in world["zones"])
    assert kinds == {"home": 200, "exclusion": 42}
    assert len({one["ref"] for one in world["zones"]}) == 242
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


def test_elsewhere_each_tag_has_five_polygons() -> None:
    world = document(town(11, 40), FRIDAY_US)
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
