"""Zones: saved, versioned, ended, refused with the place and the reason; workers are told."""

import copy
import io
import math
from typing import Any

import pytest

from model.instant import SECOND_US, parse
from tests.api import given
from tests.api.client import Api
from tests.store import told


@pytest.fixture
async def wearer(api: Api) -> int:
    return int((await given.wearer(api))["wearer"])


def polygon(ring: list[list[float]], wearer: int, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"applies_to": {"wearer": wearer}, **properties},
    }


SQUARE = [[-2.99, 53.4], [-2.97, 53.4], [-2.97, 53.41], [-2.99, 53.41], [-2.99, 53.4]]
BOWTIE = [[-2.99, 53.4], [-2.97, 53.41], [-2.97, 53.4], [-2.99, 53.41], [-2.99, 53.4]]


async def put(api: Api, zone: int, body: Any, version: int | str | None, role: str = "officer") -> Any:
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return await api.call("PUT", f"/zones/{zone}", role, body, headers=headers)


async def test_a_zone_comes_back_as_it_was_sent_and_says_when_it_is_in_force(api: Api, wearer: int) -> None:
    sent = given.circle({"wearer": wearer}, purpose="area", buffer_m=100, confirm_fixes=3)
    answer = await api.post("/zones", sent, "officer")
    assert answer.status == 201
    saved = answer.json
    assert answer.headers["Location"] == f"/api/v1/zones/{saved['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert saved["geometry"] == sent["geometry"]
    assert saved["properties"] == {
        **sent["properties"], "kind": "exclusion", "schedule": None, "valid_from": None, "valid_to": None,
        "attendance": False, "position_checked": False,
    }  # fmt: skip
    assert 0.9 * SECOND_US <= parse(saved["in_force_from"]) - parse(saved["recorded_at"]) <= 1.1 * SECOND_US
    assert saved["recorded_by"]["name"] == "officer"
    again = await api.get(f"/zones/{saved['id']}")
    assert again.json == saved
    assert again.headers["ETag"] == '"1"'


async def test_workers_read_what_was_saved(api: Api, wearer: int) -> None:
    schedule = {"windows": [{"days": ["mon"], "from": "08:00", "to": "16:00"}]}
    saved = await api.make("/zones", polygon(SQUARE, wearer, schedule=schedule, valid_from="2026-11-01T00:00:00Z"))
    position = await api.store.pool.fetchval(
        "SELECT max(position) FROM feed_entry WHERE kind = 'control' AND ref = $1", saved["id"]
    )
    loaded = await told.load(api.store)
    [zone] = loaded.zones
    assert (zone.id, zone.version, zone.kind, zone.purpose) == (saved["id"], 1, "exclusion", "victim")
    assert zone.in_force_from_us == parse(saved["in_force_from"])
    assert zone.intervals
    assert all(end - start == 8 * 3600 * SECOND_US for start, end in zone.intervals)
    assert loaded.control_seq == position
    assert await api.store.pool.fetchval("SELECT control_seq FROM zone_version") == position
    assert [(a.tag, a.zone) for a in loaded.assignments] == [(given.TAG, saved["id"])]


async def test_a_zone_to_have_been_at_is_read_as_one(api: Api, wearer: int) -> None:
    schedule = {"windows": [{"days": ["mon"], "from": "08:00", "to": "16:00"}]}
    await api.make("/zones", polygon(SQUARE, wearer, kind="inclusion", schedule=schedule, attendance=True))
    await api.make("/zones", polygon(SQUARE, wearer, kind="inclusion", schedule=schedule))
    assert [zone.attendance for zone in (await told.load(api.store)).zones] == [True, False]


async def test_the_refusal_of_attendance_says_what_is_missing(api: Api, wearer: int) -> None:
    exclusion = await api.post("/zones", polygon(SQUARE, wearer, attendance=True), "officer")
    assert "attendance is asked of an inclusion zone: this one is of kind exclusion" in exclusion.json["errors"][0]["reason"]
    always = await api.post("/zones", polygon(SQUARE, wearer, attendance=True, kind="inclusion"), "officer")
    assert "say between which times the wearer has to be there" in always.json["errors"][0]["reason"]


async def test_the_time_zone_that_is_meant_is_said(api: Api, wearer: int) -> None:
    schedule = {"windows": [{"days": ["mon"], "from": "08:00", "to": "16:00"}]}
    saved = await api.make("/zones", polygon(SQUARE, wearer, schedule=schedule))
    assert saved["properties"]["schedule"]["timezone"] == "Europe/London"
    assert any("Europe/London" in advice for advice in saved["advice"])


async def test_each_save_is_a_version_and_old_ones_are_kept(api: Api, wearer: int) -> None:
    first = await api.make("/zones", given.circle({"wearer": wearer}))
    changed = copy.deepcopy(first)  # as a client would: what GET gave, edited
    changed["properties"]["radius_m"] = 500
    answer = await put(api, first["id"], changed, 1)
    assert answer.status == 200
    second = answer.json
    assert (second["version"], second["properties"]["radius_m"], answer.headers["ETag"]) == (2, 500, '"2"')
    versions = (await api.get(f"/zones/{first['id']}/versions")).json["items"]
    assert [version["version"] for version in versions] == [2, 1]
    assert versions[1]["in_force_to"] == second["in_force_from"]
    assert versions[1]["properties"]["radius_m"] == 300
    assert parse(second["in_force_from"]) > parse(first["in_force_from"])
    seqs = await api.store.pool.fetch("SELECT control_seq FROM zone_version ORDER BY version")
    newest = await api.store.pool.fetchval("SELECT max(position) FROM feed_entry")
    assert [row["control_seq"] for row in seqs] == [newest, newest]


async def test_deleting_ends_it_and_keeps_everything(api: Api, wearer: int) -> None:
    saved = await api.make("/zones", given.circle({"wearer": wearer}))
    path = f"/zones/{saved['id']}"
    assert (await api.call("DELETE", path, "officer")).status == 428
    assert (await api.call("DELETE", path, "officer", headers={"If-Match": '"7"'})).status == 412
    asked = await api.call("DELETE", path, "officer", headers={"If-Match": '"1"'})
    assert asked.status == 202
    await api.post(f"/changes/{asked.json['id']}/approve", role="supervisor")
    ended = await api.get(path)
    assert parse(ended.json["in_force_to"]) > parse(saved["in_force_from"])
    assert (await api.get("/zones")).json["items"] == []
    assert [item["id"] for item in (await api.get("/zones?ended=true")).json["items"]] == [saved["id"]]
    assert (await api.get(path)).json["in_force_to"] == ended.json["in_force_to"]
    again = await api.call("DELETE", path, "officer", headers={"If-Match": '"1"'})
    assert again.status == 409
    assert (await put(api, saved["id"], given.circle({"wearer": wearer}), 1)).status == 409
    kinds = await api.store.pool.fetch("SELECT kind, what FROM feed_entry WHERE ref = $1 AND what = 'zone'", saved["id"])
    assert [tuple(row) for row in kinds] == [("control", "zone")] * 2


async def test_an_edit_needs_the_version_that_was_read(api: Api, wearer: int) -> None:
    saved = await api.make("/zones", given.circle({"wearer": wearer}))
    assert (await put(api, saved["id"], given.circle({"wearer": wearer}), None)).status == 428
    assert (await put(api, saved["id"], given.circle({"wearer": wearer}), 1)).status == 200
    for stale in (1, 9, "nonsense", "*"):
        answer = await put(api, saved["id"], given.circle({"wearer": wearer}), stale)
        assert answer.status == 412, stale
        assert answer.json["type"] == "urn:cordon:stale"
    assert (await put(api, 999, given.circle({"wearer": wearer}), 1)).status == 404


async def test_lists_by_whom_they_are_for(api: Api, wearer: int) -> None:
    group = await api.make("/groups", {"name": "G", "wearers": [wearer]})
    ours = await api.make("/zones", given.circle({"wearer": wearer}))
    theirs = await api.make("/zones", given.circle({"group": group["id"]}, kind="inclusion"))
    everyone = await api.make("/zones", given.circle({"all": True}, kind="home"))

    async def ids(query: str) -> list[int]:
        return [item["id"] for item in (await api.get(f"/zones?{query}")).json["items"]]

    assert await ids("") == [ours["id"], theirs["id"], everyone["id"]]
    assert await ids(f"wearer={wearer}") == [ours["id"]]
    assert await ids(f"group={group['id']}") == [theirs["id"]]
    assert await ids("kind=home") == [everyone["id"]]
    page = (await api.get("/zones?limit=2")).json
    assert len(page["items"]) == 2
    assert [item["id"] for item in (await api.get(f"/zones?limit=2&cursor={page['next']}")).json["items"]] == [everyone["id"]]
    loaded = await told.load(api.store)
    assert loaded.shared == [everyone["id"]]


async def test_a_geometry_that_cannot_be_judged_by_is_refused_with_place_and_repair(api: Api, wearer: int) -> None:
    answer = await api.post("/zones", polygon(BOWTIE, wearer), "officer")
    assert answer.status == 422
    [wrong] = answer.json["errors"]
    assert wrong["field"] == "geometry"
    assert "crosses itself" in wrong["reason"]
    assert "-2.98" in wrong["reason"]
    repaired = polygon([], wearer) | {"geometry": answer.json["repair"]}
    assert (await api.post("/zones", repaired, "officer")).status == 201


async def test_a_zone_that_seems_swapped_is_saved_only_when_its_place_was_checked(api: Api, wearer: int) -> None:
    swapped = polygon([[lat, lon] for lon, lat in SQUARE], wearer)
    answer = await api.post("/zones", swapped, "officer")
    assert answer.status == 422
    [wrong] = answer.json["errors"]
    assert wrong["field"] == "geometry"
    assert "seem to be swapped: the other way round the zone lies in the British Isles near lon -2.98" in wrong["reason"]
    said = (await api.post("/zones/check", swapped, "operator")).json
    assert (said["valid"], said["reason"], said["repair"]["geometry"]) == (False, wrong["reason"], answer.json["repair"])
    righted = polygon([], wearer) | {"geometry": answer.json["repair"]}
    assert (await api.post("/zones/check", righted, "operator")).json["valid"] is True
    assert {tuple(point) for point in righted["geometry"]["coordinates"][0]} == {tuple(point) for point in SQUARE}

    checked = polygon(swapped["geometry"]["coordinates"][0], wearer, position_checked=True)
    assert (await api.post("/zones/check", checked, "operator")).json["valid"] is True
    saved = await api.make("/zones", checked)
    assert (saved["geometry"], saved["properties"]["position_checked"]) == (checked["geometry"], True)
    assert any("British Isles" in line for line in saved["advice"])


MONDAYS = {"windows": [{"days": ["mon"], "from": "08:00", "to": "16:00"}]}
REFUSED: list[tuple[str, Any, str]] = [
    ("no type", {"type": None}, "type"),
    ("unknown member", {"propertys": {}}, "propertys"),
    ("no geometry", {"geometry": None}, "geometry"),
    ("a line", {"geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}}, "geometry"),
    ("empty", {"geometry": {"type": "Polygon", "coordinates": []}}, "geometry"),
    ("a ring of nothing", {"geometry": {"type": "Polygon", "coordinates": [[]]}}, "geometry"),
    ("text for numbers", {"geometry": {"type": "Point", "coordinates": ["a", "b"]}}, "geometry"),
    ("out of range", {"geometry": {"type": "Point", "coordinates": [200, 53]}}, "geometry"),
    ("swapped", {"geometry": {"type": "Point", "coordinates": [53.4, -182.98]}}, "geometry"),
    ("too large a number", {"geometry": {"type": "Point", "coordinates": [10**400, 53]}}, "geometry"),
]
REFUSED_PROPERTIES: list[tuple[str, Any, str]] = [
    ("misspelt", {"radius": 300}, "properties.radius"),
    ("no radius", {"radius_m": None}, "properties.radius_m"),
    ("negative radius", {"radius_m": -1}, "properties.radius_m"),
    ("checked, in a word", {"position_checked": "yes"}, "properties.position_checked"),
    ("no one", {"applies_to": {}}, "properties.applies_to"),
    ("two", {"applies_to": {"wearer": 1, "all": True}}, "properties.applies_to"),
    ("all but false", {"applies_to": {"all": False}}, "properties.applies_to.all"),
    ("nobody known", {"applies_to": {"wearer": 999}}, "properties.applies_to.wearer"),
    ("no group known", {"applies_to": {"group": 999}}, "properties.applies_to.group"),
    ("kind", {"kind": "forbidden"}, "properties.kind"),
    ("purpose", {"purpose": "x"}, "properties.purpose"),
    ("buffer", {"buffer_m": -5}, "properties.buffer_m"),
    ("attended from afar", {"attendance": True, "schedule": MONDAYS}, "properties"),
    ("attended at no time", {"attendance": True, "kind": "inclusion"}, "properties"),
    ("attended, in a word", {"attendance": "yes", "kind": "inclusion", "schedule": MONDAYS}, "properties.attendance"),
    ("confirm", {"confirm_fixes": 0}, "properties.confirm_fixes"),
    ("time without a zone", {"valid_from": "2026-11-22T08:00:00"}, "properties.valid_from"),
    ("year one", {"valid_from": "0001-01-01T00:00:00Z"}, "properties.valid_from"),
    ("a number for a time", {"valid_from": 5}, "properties.valid_from"),
    ("backwards", {"valid_from": "2026-11-22T08:00:00Z", "valid_to": "2026-11-22T07:00:00Z"}, "properties"),
    ("no windows", {"schedule": {"windows": []}}, "properties.schedule"),
    ("no such day", {"schedule": {"windows": [{"days": ["monday"], "from": "08:00", "to": "09:00"}]}}, "properties.schedule"),
    ("misspelt schedule", {"schedule": {"window": []}}, "properties.schedule"),
    ("a list for a schedule", {"schedule": []}, "properties.schedule"),
    ("a name of nothing", {"name": "  "}, "properties.name"),
    ("a name with a zero byte", {"name": "a\0"}, "properties.name"),
]


async def test_every_refusal_names_the_place(api: Api, wearer: int) -> None:
    whole = [(name, given.circle({"wearer": wearer}) | change, field) for name, change, field in REFUSED]
    inner = [
        (name, given.circle({"wearer": wearer}, **change), field)
        for name, change, field in REFUSED_PROPERTIES
        if "applies_to" not in change
    ]
    for name, change, field in REFUSED_PROPERTIES:
        if "applies_to" in change:
            inner.append((name, given.circle(change["applies_to"]), field))
    for name, body, field in whole + inner:
        answer = await api.post("/zones", body, "officer")
        assert answer.status == 422, (name, answer.body)
        assert answer.json["errors"][0]["field"] == field, (name, answer.json)
        assert answer.json["errors"][0]["reason"], name
    assert await api.store.pool.fetchval("SELECT count(*) FROM zone") == 0


async def test_a_polygon_has_no_radius(api: Api, wearer: int) -> None:
    answer = await api.post("/zones", polygon(SQUARE, wearer, radius_m=5))
    assert answer.json["errors"][0]["field"] == "properties.radius_m"


async def test_heights_and_what_stands_after_them_are_left_out(api: Api, wearer: int) -> None:
    body = given.circle({"wearer": wearer})
    body["geometry"]["coordinates"] = [-2.98, 53.4, 12.0, "\0"]
    saved = await api.make("/zones", body)
    assert saved["geometry"]["coordinates"] == [-2.98, 53.4]
    assert any("Heights" in advice for advice in saved["advice"])


async def test_checking_says_what_saving_would(api: Api) -> None:
    good = (await api.post("/zones/check", {"type": "Feature", "geometry": polygon(SQUARE, 1)["geometry"]}, "operator")).json
    assert (good["valid"], good["reason"], good["repair"]) == (True, None, None)
    bad = (await api.post("/zones/check", polygon(BOWTIE, 1), "operator")).json
    assert bad["valid"] is False
    assert "crosses itself" in bad["reason"]
    again = (await api.post("/zones/check", bad["repair"], "operator")).json
    assert again["valid"] is True
    nothing = (await api.post("/zones/check", {"type": "Feature", "geometry": None}, "operator")).json
    assert (nothing["valid"], nothing["repair"]) == (False, None)
    huge = (await api.post("/zones/check", {"geometry": {"type": "Point", "coordinates": [10**400, 1]}}, "operator")).json
    assert huge["valid"] is False
    assert await api.store.pool.fetchval("SELECT count(*) FROM zone") == 0


async def test_a_large_zone_is_taken_and_an_enormous_body_is_not(api: Api, wearer: int) -> None:
    ring = [[-2.98 + math.cos(t * math.tau / 40_000) / 100, 53.4 + math.sin(t * math.tau / 40_000) / 100] for t in range(40_000)]
    answer = await api.post("/zones", polygon([*ring, ring[0]], wearer), "officer")
    assert answer.status == 201
    enormous = await api.call(
        "POST", "/zones", "officer", data=io.BytesIO(b" " * 9_000_000), headers={"Content-Type": "application/json"}
    )
    assert enormous.status == 413
    assert enormous.headers["Content-Type"] == "application/problem+json"
