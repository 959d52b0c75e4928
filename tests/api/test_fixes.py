"""Fixes out: three formats, in order of time, in pages, of a wearer only while they wore the tag, and always noted."""

import csv
import io
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest

from api.track import CSV, GEOJSON, GPX, chosen
from model.fix import Flag, Source
from model.instant import MINUTE_US, show
from tests.api import given
from tests.api.client import Api

DAY = "from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z"


async def read(api: Api, query: str, **headers: str) -> Any:
    answer = await api.get(f"/fixes?{query}", "operator", headers=headers)
    assert answer.status == 200, answer.body
    return answer


def times(answer: Any) -> list[str]:
    return [feature["properties"]["fix_at"] for feature in answer.json["features"]]


async def test_a_fix_as_geojson(api: Api) -> None:
    row = given.fix()
    row["flags"] = Flag.LATE | Flag.DISORDERED
    row["speed_mps"] = 1.1
    row["source"] = Source.WIFI
    row["battery_pct"] = 81
    await given.fixes(api.store, row)
    answer = await read(api, f"tag={given.TAG}&{DAY}")
    assert answer.headers["Content-Type"] == GEOJSON
    collection = answer.json
    assert (collection["type"], collection["next"]) == ("FeatureCollection", None)
    [feature] = collection["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [-2.98, 53.4]}
    assert feature["properties"] == {
        "tag": given.TAG, "fix_at": "2026-11-22T08:00:00Z", "received_at": "2026-11-22T08:00:01Z", "seq": 0, "lon": -2.98,
        "lat": 53.4, "accuracy_m": 6.0, "speed_mps": 1.1, "heading_deg": None, "hdop": None, "source": "wifi", "quality": "ok",
        "flags": ["late", "disordered"], "battery_pct": 81, "satellites": None, "gateway": "gw-1",
    }  # fmt: skip


async def test_csv_and_gpx_say_the_same(api: Api) -> None:
    await given.fixes(api.store, given.track(5))
    plain = times(await read(api, f"tag={given.TAG}&{DAY}"))
    answer = await read(api, f"tag={given.TAG}&{DAY}", Accept=CSV)
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [row["fix_at"] for row in rows] == plain
    assert (rows[0]["tag"], rows[0]["lat"], rows[0]["speed_mps"]) == (str(given.TAG), "53.4", "")
    answer = await read(api, f"tag={given.TAG}&{DAY}", Accept=GPX)
    tree = ET.fromstring(answer.body)
    space = {"g": "http://www.topografix.com/GPX/1/1"}
    points = tree.findall(".//g:trkseg/g:trkpt", space)
    assert [point.findtext("g:time", namespaces=space) for point in points] == plain
    assert float(points[2].get("lon", "")) == -2.98 + 2e-5


async def test_nothing_is_well_formed_too(api: Api) -> None:
    assert (await read(api, f"tag=5&{DAY}")).json["features"] == []
    assert ET.fromstring((await read(api, f"tag=5&{DAY}", Accept=GPX)).body) is not None
    assert len((await read(api, f"tag=5&{DAY}", Accept=CSV)).body.decode().splitlines()) == 1


async def test_pages_hold_each_fix_once_in_order(api: Api) -> None:
    rows = given.track(25)
    rows["fix_at_us"][10:14] = rows["fix_at_us"][10]  # the same instant, told apart by seq
    await given.fixes(api.store, rows)
    whole = (await read(api, f"tag={given.TAG}&{DAY}")).json["features"]
    assert len(whole) == 25
    paged: list[Any] = []
    link = f"/api/v1/fixes?tag={given.TAG}&{DAY}&limit=4"
    while True:
        answer = await api.get("/" + link, "operator")
        assert len(answer.json["features"]) <= 4
        paged += answer.json["features"]
        if "Link" not in answer.headers:
            assert answer.json["next"] is None
            break
        assert answer.json["next"] in answer.headers["Link"]
        link = answer.headers["Link"].partition(">")[0].removeprefix("<")
    assert paged == whole


async def test_more_than_one_read_of_the_database(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.fixes.PIECE", 7)
    await given.fixes(api.store, given.track(30))
    got = times(await read(api, f"tag={given.TAG}&{DAY}&limit=20"))
    assert got == [show(given.AT_US + i * MINUTE_US) for i in range(20)]
    assert len(times(await read(api, f"tag={given.TAG}&{DAY}"))) == 30


async def test_the_span_is_half_open(api: Api) -> None:
    await given.fixes(api.store, given.track(3))
    got = times(await read(api, f"tag={given.TAG}&from=2026-11-22T08:00:00Z&to=2026-11-22T08:02:00Z"))
    assert got == ["2026-11-22T08:00:00Z", "2026-11-22T08:01:00Z"]


async def test_a_wearer_s_fixes_are_those_while_they_wore_the_tag(api: Api) -> None:
    """The tag goes from one to another at 08:10; the first then wears a second tag. Somebody else's fixes are never shown."""
    first, second = [(await api.make("/wearers", {"name": name}))["id"] for name in ("First", "Second")]
    for wearer in (first, second, second):  # two orders of one wearer show nothing twice
        order = {"wearer": wearer, "type": "bail", "timezone": "Europe/London", "starts": "2026-01-01T00:00:00Z"}
        await api.make("/orders", order)
    for wearer, tag, since, until in (
        (first, given.TAG, "2026-11-22T08:00:00Z", "2026-11-22T08:10:00Z"),
        (second, given.TAG, "2026-11-22T08:10:00Z", None),
        (first, 77, "2026-11-22T08:12:00Z", None),
    ):
        await api.make("/activations", {"wearer": wearer, "tag": tag, "from": since, "to": until})
    before = given.track(3, from_us=given.AT_US - 5 * MINUTE_US)  # nobody wore it
    await given.fixes(api.store, np.concatenate([before, given.track(20), given.track(20, tag=77)]))

    async def of(wearer: int, more: str = DAY) -> list[tuple[int, str]]:
        features = (await read(api, f"wearer={wearer}&{more}")).json["features"]
        return [(feature["properties"]["tag"], feature["properties"]["fix_at"][11:16]) for feature in features]

    assert await of(first) == [(given.TAG, f"08:{n:02}") for n in range(10)] + [(77, f"08:{n:02}") for n in range(12, 20)]
    assert await of(second) == [(given.TAG, f"08:{n:02}") for n in range(10, 20)]
    assert await of(first, "from=2026-11-22T08:08:00Z&to=2026-11-22T08:13:00Z") == [
        (given.TAG, "08:08"),
        (given.TAG, "08:09"),
        (77, "08:12"),
    ]
    gpx = (await read(api, f"wearer={first}&{DAY}", Accept=GPX)).body
    assert gpx.count(b"<trkseg>") == gpx.count(b"</trkseg>") == 2
    assert b"First" not in gpx  # no name leaves


async def test_who_looked_at_whose_is_noted(api: Api) -> None:
    who = await given.wearer(api)
    await read(api, f"wearer={who['wearer']}&{DAY}", Accept=CSV)
    [noted] = (await api.get(f"/audit?subject=fixes/wearer/{who['wearer']}")).json["items"]
    assert (noted["actor"]["name"], noted["action"], noted["details"]["format"]) == ("operator", "read", CSV)
    assert (noted["details"]["from"], noted["details"]["to"]) == ("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z")


async def test_refusals(api: Api) -> None:
    for query, field in (
        ("", "tag"),
        ("tag=1&wearer=1", "tag"),
        ("tag=0", "tag"),
        ("tag=1&from=2026-11-23T00:00:00Z&to=2026-11-22T00:00:00Z", "to"),
        ("tag=1&from=2026-01-01T00:00:00Z&to=2026-11-22T00:00:00Z", "from"),
        ("tag=1&from=now", "from"),
        ("tag=1&limit=0", "limit"),
        ("tag=1&limit=100001", "limit"),
        ("tag=1&cursor=WzFd", "cursor"),
    ):
        answer = await api.get(f"/fixes?{query}")
        assert answer.status == 422, query
        assert answer.json["errors"][0]["field"] == field, query
    assert (await api.get("/fixes?wearer=999")).status == 404
    refused = await api.get("/fixes?tag=1", headers={"Accept": "application/pdf"})
    assert refused.status == 406
    assert "text/csv" in refused.json["detail"]


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", GEOJSON),
        ("*/*", GEOJSON),
        ("application/json", GEOJSON),
        ("text/csv", CSV),
        ("text/*", CSV),
        ("application/gpx+xml", GPX),
        ("application/geo+json;q=0.5, text/csv;q=0.9", CSV),
        ("text/html,application/xhtml+xml,*/*;q=0.8", GEOJSON),
        ("*/*;q=0.1, application/geo+json;q=0, application/json;q=0", CSV),
        ("Text/CSV; charset=utf-8", CSV),
        ("text/csv;q=nonsense", None),
        ("application/pdf", None),
    ],
)
def test_what_is_chosen(accept: str, answered: str | None) -> None:
    assert chosen(accept) == answered
