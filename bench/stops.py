"""Turns a recorded trace into a zone round each place where somebody stayed: the hardest zones for people who move as they do.

Everyone enters and leaves each of theirs, and what makes alerts flap, standing still under a roof, happens at its very edge.
"""

import csv
import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

STAY_S: Final = 600.0  # so long within reach of where they came to stand is a stop
REACH_M: Final = 100.0
SURE_M: Final = 50.0  # fixes less accurate than this do not place a stop
RADIUS_M: Final = 150.0
SAME_M: Final = 300.0  # stops nearer than this are one place, come to again

_METRES: Final = 111_195.0  # of a degree of latitude


class Stop(NamedTuple):
    """One place of one tag."""

    tag: int
    lon: float
    lat: float
    stays: int  # how often they came


def read(path: Path) -> dict[int, Any]:
    """By tag, (n, 3) seconds since 1970 UTC, lon, lat of the fixes that are accurate enough, in order of time."""
    body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    found: dict[int, list[tuple[float, float, float]]] = {}
    for row in csv.DictReader(body.decode().splitlines()):
        if row.get("event") or float(row.get("accuracy_m") or 25.0) > SURE_M:
            continue
        at_s = datetime.fromisoformat(row["fix_at"]).timestamp()
        found.setdefault(int(row["tag"]), []).append((at_s, float(row["lon"]), float(row["lat"])))
    return {tag: np.array(sorted(rows)) for tag, rows in sorted(found.items())}


def stops(fixes: dict[int, Any]) -> list[Stop]:
    """Every place where somebody stayed, by tag, in the order in which they first came."""
    found: list[Stop] = []
    for tag, rows in fixes.items():
        own: list[Stop] = []
        for lon, lat in _stays(rows):
            near = next((at for at, one in enumerate(own) if _apart_m(lon, lat, one.lon, one.lat) < SAME_M), None)
            if near is None:
                own.append(Stop(tag, round(lon, 6), round(lat, 6), 1))
            else:
                own[near] = own[near]._replace(stays=own[near].stays + 1)
        found += own
    return found


def _stays(rows: Any) -> list[tuple[float, float]]:
    """The middles of the stays of one tag."""
    found, first = [], 0
    while first < len(rows):
        away_m = _apart_m(rows[first:, 1], rows[first:, 2], rows[first, 1], rows[first, 2])
        left = np.flatnonzero(away_m > REACH_M)
        end = first + int(left[0]) if len(left) else len(rows)
        if rows[end - 1, 0] - rows[first, 0] >= STAY_S:
            found.append((float(np.median(rows[first:end, 1])), float(np.median(rows[first:end, 2]))))
            first = end
        else:
            first += 1
    return found


def _apart_m(lon: Any, lat: Any, other_lon: Any, other_lat: Any) -> Any:
    east = (lon - other_lon) * np.cos(np.radians(other_lat))
    return np.hypot(east, lat - other_lat) * _METRES


def features(places: list[Stop], purpose: str = "area") -> dict[str, Any]:
    """A GeoJSON document of circles, each for its own tag alone."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"name": f"stop {number}", "tag": one.tag, "purpose": purpose, "radius_m": RADIUS_M},
                "geometry": {"type": "Point", "coordinates": [one.lon, one.lat]},
            }
            for number, one in enumerate(places)
        ],
    }


def days(fixes: dict[int, Any]) -> float:
    """Person-days: for each tag from its first fix to its last."""
    return float(sum(rows[-1, 0] - rows[0, 0] for rows in fixes.values()) / 86_400)


def write(path: Path, out: Path, purpose: str) -> tuple[list[Stop], float]:
    """Write the zones of a trace; its stops and person-days."""
    fixes = read(path)
    places = stops(fixes)
    out.write_text(json.dumps(features(places, purpose)))
    return places, days(fixes)
