"""`cordon replay` on real traces and a miniature: every entry an oracle is certain of, none that never was, every row counted."""

import csv
import gzip
import json
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cordon.replay import worded
from model.instant import MINUTE_US, parse
from tests.cordon import miniature
from tests.cordon.counted import Counted, counted
from tests.integration.system import COMMAND, ROOT
from tests.oracle import entries

DATA = ROOT.parent / "shared" / "data"
ZONES = Path(__file__).with_name("zones")
LONG_S = 280

pytestmark = pytest.mark.xdist_group("replay")


def replay(trace: Path, zones: Path, *options: str) -> Any:
    done = subprocess.run(
        [*COMMAND, "replay", str(trace), "--zones", str(zones), "--speed", "max", "--json", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG_S,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("Expected `int`, got `str` - at `$.tag`", "tag is no whole number"),
        ("Expected `int | null`, got `str` - at `$.seq`", "seq is no whole number"),
        ("Expected `float`, got `str` - at `$.lon`", "lon is no number"),
        ("Expected `float | null`, got `str` - at `$.accuracy_m`", "accuracy_m is no number"),
        ("lat 91 is outside -90 to 90", "lat 91 is outside -90 to 90"),
    ],
)
def test_what_is_no_number_is_told_in_words(reason: str, told: str) -> None:
    assert worded(reason) == told


def check_rows(report: Any, expected: Counted, refused: Mapping[int, str]) -> None:
    """Every row is accounted for, once."""
    assert (report["sent"], report["duplicate"]) == (expected.sent, expected.duplicate)
    lines = {one["line"]: one["reason"] for one in report["rejected"]}
    assert len(lines) == len(report["rejected"])
    assert sorted(lines) == sorted({*refused, *expected.conflicting})
    for line, reason in refused.items():
        assert reason in lines[line]
    assert report["stored"] == len(expected.rows)
    assert report["sent"] == report["stored"] + report["duplicate"] + len(report["rejected"])


def check_alerts(report: Any, expected: Counted, features: list[Any], folder: Path) -> dict[tuple[int, int], list[Any]]:
    """What is certain has its alert, what never was near has none; the alerts by (tag, zone)."""
    kept = folder / "kept.csv"
    with kept.open("w", newline="") as file:
        writer = csv.DictWriter(file, expected.rows[0][1].keys())
        writer.writeheader()
        writer.writerows(row for _, row in expected.rows)
    oracle = entries.expected_entries(entries.read(kept), features)
    own = {place: feature["properties"]["tag"] for place, feature in enumerate(features) if "tag" in feature["properties"]}
    certain = {pair: at_us for pair, at_us in oracle.certain.items() if own.get(pair[1], pair[0]) == pair[0]}
    near = {pair for pair in oracle.near if own.get(pair[1], pair[0]) == pair[0]}
    alerts: dict[tuple[int, int], list[Any]] = {}
    for alert in (alert for alert in report["alerts"] if alert["zone"] is not None):
        alerts.setdefault((alert["tag"], alert["zone"]), []).append(alert)
    entered = {pair for pair, raised in alerts.items() if any(a["kind"] == "exclusion" and stands(a) for a in raised)}
    assert certain
    assert certain.keys() - entered == set(), "entered, and no alert"
    assert alerts.keys() - near == set(), "an alert, and never near"
    silent = {alert["tag"] for alert in report["alerts"] if alert["kind"] == "no_contact"}
    assert silent == silent_tags(expected, features)
    return alerts


def silent_tags(expected: Counted, features: list[Any]) -> set[int]:
    """Tags of which nothing was heard for ten minutes, or for an hour where no zone of theirs protects a victim."""
    everyone = [feature["properties"] for feature in features]
    clock_us, heard, silent = 0, dict[int, int](), set[int]()

    def patience_us(tag: int) -> int:
        own = [zone for zone in everyone if zone.get("tag", tag) == tag]
        return (10 if any(zone.get("purpose") != "area" for zone in own) else 60) * MINUTE_US

    for _, row in expected.rows:
        tag, received = int(row["tag"]), row.get("received_at")
        clock_us = max(clock_us, parse(received) if received else parse(row["fix_at"]))
        silent |= {tag} if tag in heard and clock_us - heard[tag] >= patience_us(tag) else set()
        heard[tag] = clock_us
    return silent | {tag for tag, at_us in heard.items() if clock_us + MINUTE_US - at_us >= patience_us(tag)}


def stands(alert: Any) -> bool:
    return bool(alert["condition"] != "withdrawn")


def features_of(zones: Path) -> list[Any]:
    found: list[Any] = json.loads(zones.read_text())["features"]
    return found


@cache
def miniature_report() -> Any:
    return replay(miniature.FOLDER / "trace.csv.gz", miniature.FOLDER / "zones.geojson")


def test_the_miniature_is_what_its_generator_writes() -> None:
    made = miniature.miniature()
    assert gzip.decompress((miniature.FOLDER / "trace.csv.gz").read_bytes()) == made.trace
    assert json.loads((miniature.FOLDER / "zones.geojson").read_text()) == made.zones
    assert json.loads((miniature.FOLDER / "refused.json").read_text()) == {str(line): why for line, why in made.refused.items()}


def test_miniature(tmp_path: Path) -> None:
    refused = miniature.miniature().refused
    expected = counted(miniature.FOLDER / "trace.csv.gz", refused)
    assert (len(refused) > 10, expected.duplicate > 20, expected.conflicting) == (True, True, [])
    report = miniature_report()
    check_rows(report, expected, refused)
    alerts = check_alerts(report, expected, features_of(miniature.FOLDER / "zones.geojson"), tmp_path)
    assert set(alerts) >= {(miniature.GREENWICH, 0), (miniature.HOLED, 1), (miniature.HOLED, 4), (miniature.DATELINE, 3)}
    (late,) = alerts[miniature.LATE, 2]
    assert (late["kind"], late["late"], late["condition"]) == ("exclusion", True, "ended")
    assert late["detected_at"] > late["ended_at"]
    assert not any(tag == miniature.AWAY for tag, _ in alerts)


REAL = [
    ("liverpool_buses_2026", "uk_wards_liverpool", DATA / "zones"),
    ("liverpool_buses_2026", "uk_lsoa_liverpool", DATA / "zones"),
    ("aalto_people_2016", "helsinki", ZONES),
    ("austin_buses", "austin", ZONES),
]


LONG = "austin_buses"  # 331,290 rows: of these a third of the vehicles, whole


def part(trace: Path, kept: Path) -> Path:
    """A third of a trace's tags, with all of their rows."""
    with gzip.open(trace, "rt", newline="") as whole, gzip.open(kept, "wt", newline="", compresslevel=1) as file:
        reader = csv.DictReader(whole)
        writer = csv.DictWriter(file, reader.fieldnames or ())
        writer.writeheader()
        writer.writerows(row for row in reader if int(row["tag"]) % 3 == 0)
    return kept


@pytest.mark.skipif(not DATA.is_dir(), reason="the real traces are not beside this clone; the miniature stands in for them")
@pytest.mark.parametrize(("trace", "zones", "folder"), REAL, ids=lambda value: value if isinstance(value, str) else "")
def test_real(trace: str, zones: str, folder: Path, tmp_path: Path) -> None:
    path = DATA / "traces" / f"{trace}.csv.gz"
    if trace == LONG:
        path = part(path, tmp_path / path.name)
    where = folder / f"{zones}.geojson"
    expected = counted(path)
    report = replay(path, where)
    check_rows(report, expected, {})
    check_alerts(report, expected, features_of(where), tmp_path)
