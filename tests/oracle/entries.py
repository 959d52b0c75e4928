"""A recorded trace and zones become the entries that must have an alert, and the pairs that may have one."""

import csv
import gzip
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely

ASSUMED_M = 25.0  # what a GNSS fix without accuracy is taken to have
FLOOR_M = 10.0
NEAR_M = 150.0  # a possible entry may be raised with its centre this near
GAP_US = 300_000_000
FAST_MPS = 70.0
# Room for what two honest ways of measuring may differ by: distances are measured on a plane through the zone's middle here.
SHARE, METRES = 0.01, 1.0


class Trace(NamedTuple):
    """Rows of a trace in file order."""

    tag: Any  # (n,) int64
    at_us: Any  # (n,) int64, microseconds since 1970 UTC
    lon: Any  # (n,) float64 degrees
    lat: Any  # (n,) float64 degrees
    accuracy_m: Any  # (n,) float64, assumed where the file has none


class Expected(NamedTuple):
    """By (tag, place of the feature in its file)."""

    certain: dict[tuple[int, int], int]  # entered beyond doubt: fix_at of the first such fix, microseconds since 1970 UTC
    near: set[tuple[int, int]]  # came so near, or may have passed through, that an alert may be right; all others must have none


def read(path: Path) -> Trace:
    """A trace from CSV or CSV.GZ; rows that are device events are left out."""
    body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = [row for row in csv.DictReader(body.decode().splitlines()) if not row.get("event")]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    at = [datetime.fromisoformat(row["fix_at"]) - epoch for row in rows]
    return Trace(
        np.array([int(row["tag"]) for row in rows], np.int64),
        np.array([(d.days * 86_400 + d.seconds) * 1_000_000 + d.microseconds for d in at], np.int64),
        np.array([float(row["lon"]) for row in rows]),
        np.array([float(row["lat"]) for row in rows]),
        np.array([float(row.get("accuracy_m") or ASSUMED_M) for row in rows]),
    )


def expected_entries(trace: Trace, features: Sequence[Mapping[str, Any]]) -> Expected:
    """What a replay of a trace against zones, each an exclusion zone for every tag, must and may raise.

    Certain: a fix whose centre GEOS covers, deeper inside than its accuracy, reached from the fixes before it (by time and in
    the file) at a speed anybody can have driven. Near: any fix within its accuracy and 150 m of the zone, or any way between
    fixes at most five minutes apart that meets it. Between the two an alert may be there or not.
    """
    order = np.lexsort((np.arange(len(trace.tag)), trace.at_us, trace.tag))
    by_time = Trace(*(column[order] for column in trace))
    filed = np.argsort(trace.tag, kind="stable")
    by_file = Trace(*(column[filed] for column in trace))
    plausible = np.zeros(len(order), bool)
    plausible[order] = _reachable(by_time)
    in_file = np.zeros(len(order), bool)
    in_file[filed] = _reachable(by_file)
    plausible &= in_file
    ways = [_ways(by_time, 1), _ways(by_time, 2), _ways(by_file, 1)]
    certain: dict[tuple[int, int], int] = {}
    near: set[tuple[int, int]] = set()
    a = np.maximum(trace.accuracy_m, FLOOR_M)
    for z, feature in enumerate(features):
        d = signed_m(feature, trace.lon, trace.lat)
        sure = plausible & (d <= -(a * (1 + SHARE) + METRES))
        first = np.flatnonzero(sure[order])
        tags, at = np.unique(by_time.tag[first], return_index=True)
        certain.update(zip(((tag, z) for tag in tags.tolist()), by_time.at_us[first[at]].tolist(), strict=True))
        reached = d <= np.minimum(a, NEAR_M) * (1 + SHARE) + METRES
        near.update((tag, z) for tag in np.unique(trace.tag[reached]).tolist())
        for way_tags, lines in ways:
            near.update((tag, z) for tag in _met(feature, way_tags, lines))
    return Expected(certain, near)


def signed_m(feature: Mapping[str, Any], lon: Any, lat: Any) -> Any:
    """(n,) signed metres to a zone's boundary, infinite beyond half a kilometre: shapely covers, and distance on a plane."""
    geometry, radius_m = _geometry(feature)
    west, south, east, north = shapely.bounds(geometry)
    kx, ky = _scale((south + north) / 2)
    reach = (500.0 + radius_m) / 100_000.0
    close = (lon > west - 2 * reach) & (lon < east + 2 * reach) & (lat > south - reach) & (lat < north + reach)
    out = np.full(len(lon), np.inf)
    points = shapely.points(lon[close], lat[close])
    plane = shapely.transform(geometry, lambda c: c * (kx, ky))
    scaled = shapely.points(lon[close] * kx, lat[close] * ky)
    if radius_m > 0:
        out[close] = shapely.distance(plane, scaled) - radius_m
        return out
    shapely.prepare(geometry)
    border = shapely.boundary(plane)
    out[close] = np.where(shapely.covers(geometry, points), -1.0, 1.0) * shapely.distance(border, scaled)
    return out


def _geometry(feature: Mapping[str, Any]) -> tuple[Any, float]:
    geometry = shapely.geometry.shape(feature["geometry"])
    return geometry, float(feature["properties"]["radius_m"]) if geometry.geom_type == "Point" else 0.0


def _scale(lat: Any) -> tuple[Any, Any]:
    """Metres a degree of longitude and of latitude measure (WGS84 radii)."""
    s, a, e2 = np.sin(np.radians(lat)), 6378137.0, 0.00669437999014
    w = np.sqrt(1 - e2 * s * s)
    return np.radians(a * np.cos(np.radians(lat)) / w), np.radians(a * (1 - e2) / w**3)


def _steps(trace: Trace, back: int) -> tuple[Any, Any, Any]:
    """For each row but the first ``back``: whether it is the same tag's, seconds since that row, metres from it."""
    kx, ky = _scale(trace.lat[back:])
    m = np.hypot((trace.lon[back:] - trace.lon[:-back]) * kx, (trace.lat[back:] - trace.lat[:-back]) * ky)
    return trace.tag[back:] == trace.tag[:-back], (trace.at_us[back:] - trace.at_us[:-back]) / 1e6, m


def _reachable(trace: Trace) -> Any:
    """(n,) whether each row was reached from the one before it at a speed that leaves no doubt; the first of a tag was."""
    same, seconds, m = _steps(trace, 1)
    easy = m <= 0.85 * FAST_MPS * np.abs(seconds)
    return np.concatenate([[True], ~same | easy])


def _ways(trace: Trace, back: int) -> tuple[Any, Any]:
    """Tags of the ways along which a crossing might be inferred, and a tree of their lines."""
    same, seconds, _ = _steps(trace, back)
    rows = np.flatnonzero(same & (np.abs(seconds) <= GAP_US / 1e6))
    points = np.column_stack([trace.lon, trace.lat])
    return trace.tag[rows], shapely.STRtree(shapely.linestrings(np.stack([points[rows], points[rows + back]], axis=1)))


def _met(feature: Mapping[str, Any], tags: Any, lines: shapely.STRtree) -> list[int]:
    geometry, radius_m = _geometry(feature)
    kx, ky = _scale(shapely.bounds(geometry)[3])
    grown = (
        geometry if radius_m == 0 else shapely.transform(geometry.buffer(1.0), lambda c: _circle(c, geometry, radius_m, kx, ky))
    )
    met: list[int] = np.unique(tags[lines.query(grown, predicate="intersects")]).tolist()
    return met


def _circle(unit: Any, centre: Any, radius_m: float, kx: float, ky: float) -> Any:
    """A unit circle of degrees round a centre as one a little wider than ``radius_m``."""
    middle = np.array([centre.x, centre.y])
    return middle + (unit - middle) * np.array([1.03 * radius_m / kx, 1.03 * radius_m / ky])
