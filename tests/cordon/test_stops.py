"""Real people with a zone round every place where they stayed: each entry told, none that was not, no flapping."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import stops
from model.instant import SECOND_US
from tests.cordon.counted import counted
from tests.cordon.test_replay import DATA, check_alerts, check_rows, features_of, replay
from tests.oracle import entries
from tests.oracle.occurrences import Seen, occurrences

TRACE = DATA / "traces" / "aalto_people_2016.csv.gz"
METRE = 1 / 111_195.0


def walk(*parts: tuple[float, float, float]) -> Any:
    """(n, 3) fixes a quarter of a minute apart: from and to so many metres north, over so many seconds."""
    ends_s = np.cumsum([0.0, *(length_s for *_, length_s in parts)])
    corners = [*(from_m for from_m, *_ in parts), parts[-1][1]]
    at_s = np.arange(0, ends_s[-1], 15)
    return np.stack([at_s, 0 * at_s, np.interp(at_s, ends_s, corners) * METRE], axis=1)


def test_a_place_is_where_somebody_stayed_for_ten_minutes_however_often() -> None:
    way = walk((0, 0, 900), (0, 2000, 600), (2000, 2000, 500), (2000, 5000, 900), (5000, 5010, 700), (5010, 0, 900), (0, 0, 700))
    found = stops.stops({7: way})
    assert [(round(one.lat / METRE, -2), one.stays) for one in found] == [(0, 2), (5000, 1)]
    (feature, _) = stops.features(found)["features"]
    assert feature["properties"]["tag"] == 7


def made_people(trace: Path) -> Path:
    """Three people's morning: home, a shop, work; a fix a quarter of a minute, with the jitter of people under roofs."""
    dice = np.random.default_rng(4711)
    with trace.open("w") as file:
        print("tag,fix_at,lon,lat,accuracy_m", file=file)
        for person in range(3):
            way = [
                (0, 0, 1500),
                (0, 900, 300),
                (900, 900, 1200),
                (900, 2500, 600),
                (2500, 2500, 2400),
                (2500, 0, 900),
                (0, 0, 1500),
            ]
            for at_s, east, north in walk(*way[person % 2 :]).tolist():
                accuracy_m = dice.choice([5.0, 10.0, 30.0, 80.0])
                lon, lat = (dice.normal(0, accuracy_m / 3, 2) * METRE + (24.8 + person / 10 + east, north)).tolist()
                at = datetime.fromtimestamp(1_770_000_000 + at_s, UTC).isoformat()
                print(f"{900_000_000_000_101 + person},{at},{lon:.6f},{60 + lat:.6f},{accuracy_m}", file=file)
    return trace


@pytest.mark.xdist_group("replay")
def test_made_people_round_their_stops(tmp_path: Path) -> None:
    """The miniature of the next test, which always runs."""
    places, told = round_stops(made_people(tmp_path / "people.csv"), tmp_path)
    assert len(places) == 9
    assert len(told) >= 8, "who came to a place is told of"


@pytest.mark.skipif(not TRACE.exists(), reason="the real traces are not beside this clone; made people stand in for them")
@pytest.mark.xdist_group("replay")
def test_helsinki_round_its_stops(tmp_path: Path) -> None:
    places, _ = round_stops(TRACE, tmp_path)
    assert (len(places), round(stops.days(stops.read(TRACE)), 2)) == (20, 2.12)


def round_stops(trace: Path, folder: Path) -> tuple[list[stops.Stop], dict[tuple[int, int], list[Any]]]:
    """Replay a trace with a zone round each stop of it; the places, and what was told of each."""
    zones = folder / "stops.geojson"
    places, _ = stops.write(trace, zones, "area")
    expected, features = counted(trace), features_of(zones)
    report = replay(trace, zones)
    check_rows(report, expected, {})
    told = check_alerts(report, expected, features, folder)
    kept = entries.read(folder / "kept.csv")
    for place, feature in enumerate(features):
        tag = feature["properties"]["tag"]
        own = np.flatnonzero(kept.tag == tag)
        own = own[np.argsort(kept.at_us[own], kind="stable")]
        away_m = entries.signed_m(feature, kept.lon[own], kept.lat[own])
        at_s = (kept.at_us[own] // SECOND_US).tolist()
        track = [Seen(*one) for one in zip(at_s, away_m.tolist(), kept.accuracy_m[own].tolist(), strict=True)]
        stays = sum(alert["occurrences"] for alert in told.get((tag, place), ()) if alert["kind"].startswith("exclusion"))
        assert stays <= len(occurrences(track)), (place, "told more often than anybody came")
    kinds = Counter(alert["kind"] for alert in report["alerts"])
    assert sum(kinds.values()) <= 1.5 * sum(one.stays for one in places), kinds
    return places, told
