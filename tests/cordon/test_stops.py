"""Real people with a zone round every place where they stayed: each entry told, none that was not, no flapping."""

from collections import Counter
from pathlib import Path

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


def walk(*parts: tuple[float, float, float]) -> object:
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


@pytest.mark.skipif(not TRACE.exists(), reason="the real traces are not beside this clone")
@pytest.mark.xdist_group("replay")
def test_helsinki_round_its_stops(tmp_path: Path) -> None:
    zones = tmp_path / "stops.geojson"
    places, days = stops.write(TRACE, zones, "area")
    assert (len(places), round(days, 2)) == (20, 2.12)
    expected, features = counted(TRACE), features_of(zones)
    report = replay(TRACE, zones)
    check_rows(report, expected, {})
    told = check_alerts(report, expected, features, tmp_path)
    trace = entries.read(tmp_path / "kept.csv")
    for place, feature in enumerate(features):
        tag = feature["properties"]["tag"]
        own = np.flatnonzero(trace.tag == tag)
        own = own[np.argsort(trace.at_us[own], kind="stable")]
        away_m = entries.signed_m(feature, trace.lon[own], trace.lat[own])
        at_s = (trace.at_us[own] // SECOND_US).tolist()
        track = [Seen(*one) for one in zip(at_s, away_m.tolist(), trace.accuracy_m[own].tolist(), strict=True)]
        stays = sum(alert["occurrences"] for alert in told.get((tag, place), ()) if alert["kind"].startswith("exclusion"))
        assert stays <= len(occurrences(track)), (place, "told more often than anybody came")
    kinds = Counter(alert["kind"] for alert in report["alerts"])
    assert sum(kinds.values()) <= 1.5 * sum(one.stays for one in places), kinds
