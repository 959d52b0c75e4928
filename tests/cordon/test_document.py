"""A WORLD document is checked as the API would check it, before anything is written, and says where it is wrong."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from cordon import document
from model.errors import CordonError
from model.instant import parse

TAG = 356307042441013
WORLD: dict[str, Any] = {
    "wearers": [{"ref": "w1", "name": "Test Wearer", "risk": "high"}, {"ref": "w2", "name": "Another"}],
    "orders": [
        {
            "ref": "o1",
            "wearer": "w1",
            "type": "bail",
            "timezone": "Europe/London",
            "starts": "2026-03-20T09:00:00Z",
            "ends": None,
        },
        {"ref": "o2", "wearer": "w2", "type": "licence", "timezone": "UTC", "starts": "2026-03-21T09:00:00Z"},
    ],
    "activations": [
        {"wearer": "w1", "tag": TAG, "from": "2026-03-20T10:00:00Z", "to": "2026-03-22T10:00:00Z"},
        {"wearer": "w2", "tag": TAG, "from": "2026-03-22T10:00:00Z", "to": None},
    ],
    "zones": [
        {
            "ref": "home1",
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [-2.98, 53.4]},
            "properties": {"kind": "home", "radius_m": 75, "applies_to": {"wearer": "w2"}},
        },
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [-2.9, 53.4]},
            "properties": {"radius_m": 200, "applies_to": {"all": True}, "valid_to": "2026-04-01T00:00:00Z"},
        },
    ],
    "curfews": [
        {"ref": "c1", "order": "o2", "home": "home1", "windows": [{"days": ["mon"], "from": "19:00", "to": "07:00"}]},
        {"order": "o2", "home": "home1", "grace_min": 0, "windows": [{"days": ["tue"], "from": "19:00", "to": "07:00"}]},
    ],
    "absences": [
        {"curfew": "c1", "from": "2026-03-23T19:00:00Z", "to": "2026-03-23T20:00:00Z", "authoriser": "Court", "reason": "Work."}
    ],
    "visits": [],
    "pauses": [],
    "settings": {},
}

AWAY = WORLD["absences"][0]


def changed(path: str, value: Any) -> dict[str, Any]:
    """The world with one thing else: ``orders.0.ends``."""
    made = copy.deepcopy(WORLD)
    *above, last = path.split(".")
    inside: Any = made
    for name in above:
        inside = inside[int(name)] if isinstance(inside, list) else inside[name]
    inside[last] = value
    return made


def written(tmp_path: Path, body: Any) -> Path:
    path = tmp_path / "world.json"
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    return path


async def test_refs_become_rows_and_everything_is_as_the_file_says(tmp_path: Path) -> None:
    begins_us = parse("2026-03-19T00:00:00Z")
    made = document.rows(await document.whole(written(tmp_path, WORLD)), begins_us)
    wearers, orders, worn, zones, curfews, visits, settings, tags = made
    assert (visits, settings, tags) == ([], [], [])
    things = [{"tag": TAG, "model": "M3", "network": "EE"}, {"tag": 7}]
    listing = document.rows(await document.whole(written(tmp_path, changed("tags", things))), begins_us)
    assert [tuple(one) for one in listing.tags] == [(TAG, "M3", "EE"), (7, "", "")]
    numbers = {"no_contact": {"standard_min": 45}}
    placed = numbers | {"types": {"bail": numbers}, "orders": {"o2": numbers}, "zones": {"home1": {"approach": {"dwell_min": 2}}}}
    saying = document.rows(await document.whole(written(tmp_path, changed("settings", placed))), begins_us)
    assert [(one.order_type, one.order, one.zone, dict(one.numbers)) for one in saying.settings] == [
        ("", None, None, {"no_contact.standard_min": 45}),
        ("bail", None, None, {"no_contact.standard_min": 45}),
        ("", 1, None, {"no_contact.standard_min": 45}),
        ("", None, 0, {"approach.dwell_min": 2}),
    ]
    assert [(wearer.name, wearer.details["risk"]) for wearer in wearers] == [("Test Wearer", "high"), ("Another", "standard")]
    assert [(order.wearer, order.type, order.status, order.timezone) for order in orders] == [
        (0, "bail", "active", "Europe/London"),
        (1, "licence", "active", "UTC"),
    ]
    assert (orders[0].starts_us, orders[0].ends_us) == (parse("2026-03-20T09:00:00Z"), None)
    assert [(one.wearer, one.tag, one.to_us) for one in worn] == [(0, TAG, parse("2026-03-22T10:00:00Z")), (1, TAG, None)]
    home, shared = zones
    assert (home.wearer, home.kind, home.radius_m, home.in_force_from_us) == (1, "home", 75.0, begins_us)
    assert (shared.wearer, shared.kind, shared.purpose, shared.valid_to_us) == (
        None,
        "exclusion",
        "victim",
        parse("2026-04-01T00:00:00Z"),
    )
    paused = changed("pauses", [{"wearer": "w1", "reason": "In hospital.", "until": "2026-03-23T20:00:00Z"}])
    assert document.rows(await document.whole(written(tmp_path, paused)), begins_us)[:4] == (wearers, orders, worn, zones)
    first, second = curfews
    assert (first.order, first.home, first.grace_min, second.grace_min, first.in_force_from_us) == (1, 0, 5, 0, begins_us)
    assert first.timetable == {"windows": WORLD["curfews"][0]["windows"], "exceptions": []}
    assert (first.absences, second.absences) == ([(parse(AWAY["from"]), parse(AWAY["to"]), "Court", "Work.")], [])


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("orders.0.wearer", "w9", "orders[0] (o1): wearer: none of the wearers has the ref 'w9'"),
        ("orders.1.timezone", "Europe/Atlantis", "orders[1] (o2): timezone: is no time zone: give an IANA name"),
        ("orders.0.ends", "2026-03-20T08:00:00Z", "orders[0] (o1): the order would end before it starts: correct one"),
        ("orders.0.status", "asleep", "orders[0] (o1): status: "),
        ("orders.0.starts", "yesterday", "orders[0] (o1): starts: write a time as 2026-11-22T08:00:00Z"),
        ("orders.0.colour", "red", "orders[0] (o1): colour: is not a field we know"),
        ("wearers.1.name", "", "wearers[1] (w2): name: "),
        ("activations.1.from", "2026-03-22T09:59:59Z", f"activations[1]: tag {TAG} is worn in that time by activations[0]"),
        ("activations.0.to", "2026-03-20T10:00:00Z", "activations[0]: the tag would come off before it was fitted"),
        ("zones.0.properties.applies_to", {"wearer": "w9"}, "zones[0] (home1): properties.applies_to.wearer: none of"),
        ("zones.1.properties.applies_to", {"group": 1}, "zones[1]: properties.applies_to.group: a world has no groups"),
        ("zones.0.properties.applies_to", "everyone", "zones[0] (home1): properties.applies_to: "),
        ("zones.1.properties.radius_m", -1, "zones[1]: properties.radius_m: "),
        ("zones.1.geometry", {"type": "LineString", "coordinates": []}, "zones[1]: geometry: "),
        ("curfews.0.home", "home9", "curfews[0] (c1): home: none of the zones has the ref 'home9'"),
        ("curfews.0.order", "o1", "curfews[0] (c1): home: that zone cannot be the home of this curfew: it is not that wearer's"),
        ("zones.0.properties.kind", "exclusion", "curfews[0] (c1): home: that zone cannot be the home of this curfew: it is of"),
        ("orders.1.status", "revoked", "curfews[0] (c1): its order is revoked: a curfew needs an order that still holds"),
        ("curfews.1.windows", [], "curfews[1]: windows: The timetable has no window"),
        ("curfews.1.windows.0.to", "18:00", "curfews[1]: windows: The curfew is too long: it asks for 23 hours on end"),
        ("curfews.1.windows.0.days", ["mon"], "curfews[1]: windows: it asks for the same hours at the same home as curfews[0]"),
        ("curfews.1.exceptions", [{"date": "2026-03-30", "windows": []}] * 2, "curfews[1]: exceptions: Exception 2"),
        ("absences.0.to", "2026-03-23T19:00:00Z", "absences[0]: the absence would end before it starts"),
        ("absences.0.curfew", "c2", "absences[0]: curfew: none of the curfews has the ref 'c2'"),
        ("wearers.1.ref", "w1", "the ref 'w1' is that of wearers[0] already"),
        ("wearers.1.ref", ["w1"], "wearers[1]: its ref is ['w1']"),
        ("wearers", {"w1": {}}, "wearers is not a list of objects"),
        ("visits", [{"wearer": "w1"}], "visits[0]: kind: is needed"),
        ("pauses", [{"wearer": "w9", "reason": "x", "until": "2026-03-23T20:00:00Z"}], "pauses[0]: wearer: none of the wearers"),
        ("settings", {"no_contact": {"standard_min": 4}}, "settings: no_contact.standard_min is 4, and may be 5 min to 1440 min"),
        ("settings", {"orders": {"o9": {}}}, "settings.orders.o9: none of the orders has the ref 'o9'"),
        ("settings", {"zones": []}, "settings.zones: is an object"),
        ("settings", [], "settings is not an object"),
        ("settings", {"types": {"licence": {"cap": {"day_h": 10}}}}, "curfews[0] (c1): windows: The curfew is too long"),
        ("tags", [{"tag": 7}, {"tag": 7}], "tags[1]: tag 7 is tags[0] already"),
        ("tags", [{"tag": 0}], "tags[0]: tag: "),
        ("waerers", [], "there is no list 'waerers' in a world"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_by_its_place(tmp_path: Path, path: str, value: Any, said: str) -> None:
    with pytest.raises(CordonError) as refused:
        await document.whole(written(tmp_path, changed(path, value)))
    assert said in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / "world.json"))


@pytest.mark.parametrize("body", ["{", "[]", "[" * 100_000])
async def test_a_file_that_is_no_world_is_refused_in_one_sentence(tmp_path: Path, body: str) -> None:
    with pytest.raises(CordonError, match="world"):
        await document.whole(written(tmp_path, body))


async def test_a_list_that_stands_there_twice_is_refused_and_not_half_of_it_read(tmp_path: Path) -> None:
    with pytest.raises(CordonError, match="'zones' stands twice in one object"):
        await document.whole(written(tmp_path, '{"zones": [], "wearers": [], "zones": []}'))


async def test_all_that_is_wrong_is_found() -> None:
    made = changed("orders.0.wearer", "w9")
    made["zones"][1]["geometry"] = None
    assert [item.place for item in document.wrong(await document.read(made, "it"))] == ["orders[0] (o1)", "zones[1]"]


async def test_of_one_item_too_all_is_said_that_is_wrong() -> None:
    order = {"ref": "o1", "wearer": "nobody", "type": "bail", "timezone": "Europe/Londn", "starts": "yesterday"}
    (item,) = (await document.read({"orders": [order]}, "it"))["orders"]
    assert item.reason.startswith("wearer: none of the wearers has the ref 'nobody'; ")
    assert "timezone: is no time zone" in item.reason
    assert "starts: " in item.reason


async def test_all_that_is_wrong_is_named_at_once_up_to_twenty(tmp_path: Path) -> None:
    made = changed("orders.0.wearer", "w9")
    made["zones"][1]["properties"]["radius_m"] = -1
    path = written(tmp_path, made)
    with pytest.raises(CordonError) as two:
        await document.whole(path)
    first, *faults = str(two.value).splitlines()
    assert first == f"{path}: 2 items are wrong, and nothing was done: correct them"
    assert [fault.split(":")[0] for fault in faults] == ["  orders[0] (o1)", "  zones[1]"]
    made["wearers"] += [{"name": ""} for _ in range(23)]
    with pytest.raises(CordonError) as many:
        await document.whole(written(tmp_path, made))
    first, *faults = str(many.value).splitlines()
    assert (first.partition(": ")[2][:8], len(faults), faults[19].split(":")[0]) == ("25 items", 21, "  wearers[21]")
    assert faults[-1] == "  and 5 more"
