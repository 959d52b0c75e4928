"""The track oracle against stories worked out by hand: a circle of 100 m, fixes at distances east of its centre."""

from typing import Any

import pytest
import shapely

from tests.oracle import entries, plane
from tests.oracle.track import MINUTE_US, Fix, Seen, occurrences

CENTRE = shapely.Point(-2.98, 53.4)
M = MINUTE_US


def track(*metres: float | None, step_us: int = MINUTE_US) -> list[Fix]:
    """Fixes a minute apart, so many metres east of the centre, 10 m accuracy; None leaves a minute out."""
    out = []
    for i, east_m in enumerate(metres, start=1):
        if east_m is not None:
            there = plane.Geodesic.WGS84.Direct(53.4, -2.98, 90.0, east_m)
            out.append(Fix(i * step_us, there["lon2"], there["lat2"], 10.0))
    return out


@pytest.mark.parametrize(
    ("metres", "expected"),
    [
        ((500, 300, 200), []),
        ((500, 80, 70), [Seen("exclusion", 2 * M, 2 * M, None)]),
        ((500, 105, 500), []),  # possible once
        ((500, 105, 95, 108), [Seen("exclusion_possible", 2 * M, 3 * M, None)]),
        ((105, 95, 80), [Seen("exclusion", 1 * M, 2 * M, None)]),
        ((80, 115, 90, 115, 116), [Seen("exclusion", 1 * M, 1 * M, 4 * M)]),  # one fix just outside ends nothing
        ((80, 151), [Seen("exclusion", 1 * M, 1 * M, 2 * M)]),  # 51 m outside does
        ((80, 400, *[400] * 5, 80), [Seen("exclusion", 1 * M, 1 * M, None)]),  # back after six minutes
        ((80, 400, *[400] * 12, 80), [Seen("exclusion", 1 * M, 1 * M, 2 * M), Seen("exclusion", 15 * M, 15 * M, None)]),
        ((-400, 400), [Seen("crossed", 2 * M, 2 * M, 2 * M)]),
        ((-400, None, None, None, None, None, 400), []),  # six minutes apart: anything may have happened
        ((-4000, 4000), []),  # 133 m/s: not on this road
    ],
)
def test_stories(metres: Any, expected: list[Seen]) -> None:
    assert occurrences(track(*metres), CENTRE, 100.0) == expected


def test_entries_of_a_trace(tmp_path: Any) -> None:
    rows = ["tag,fix_at,lon,lat,accuracy_m,event"]
    for tag, metres in ((1, (500, 60, 40)), (2, (500, 105, 500)), (3, (500, 400)), (4, (-300, 300)), (5, (90_000, 10, 90_000))):
        rows += [f"{tag},2026-03-20T10:0{f.at_us // M}:00Z,{f.lon!r},{f.lat!r},10," for f in track(*metres)]
    rows.append("3,2026-03-20T10:09:00Z,,,,strap_tamper")
    path = tmp_path / "trace.csv"
    path.write_text("\n".join(rows))
    zone = {"properties": {"radius_m": 100.0}, "geometry": {"type": "Point", "coordinates": [-2.98, 53.4]}}
    expected = entries.expected_entries(entries.read(path), [zone])
    assert set(expected.certain) == {(1, 0)}
    assert expected.certain[1, 0] % (60 * M) == 2 * M
    assert expected.near == {(1, 0), (2, 0), (4, 0), (5, 0)}, "an impossible jump may alert, nobody has to"
