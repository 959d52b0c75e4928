"""Writes the miniature of a recorded trace that every clone can replay: seven invented tags, five drawn zones, every kind of row.

``python -m tests.cordon.miniature`` writes it again, byte for byte.
"""

import csv
import gzip
import io
import json
import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDER: Final = Path(__file__).with_name("miniature")
SEED: Final = 20260322
BEGIN: Final = datetime(2026, 3, 22, 9, 0, tzinfo=UTC)
STEP_S: Final = 30
COLUMNS: Final = ("tag", "seq", "fix_at", "received_at", "lon", "lat", "accuracy_m", "battery_pct")
METRES: Final = 111_000.0  # a degree of latitude

# Tags by what they do. Nobody's real numbers.
GREENWICH, HOLED, PASSING, DATELINE, LATE, DISORDERED, AWAY = range(990000000000001, 990000000000008)

Point = tuple[float, float]
Row = dict[str, Any]


class Miniature(NamedTuple):
    """A trace's bytes, its zones, and what is known of it because it was made so."""

    trace: bytes  # CSV, not compressed
    zones: dict[str, Any]
    refused: dict[int, str]  # by line of the file: part of the reason the door must give


def polygon(*rings: Sequence[Point]) -> dict[str, Any]:
    """Closed rings as GeoJSON."""
    return {"type": "Polygon", "coordinates": [[list(point) for point in (*ring, ring[0])] for ring in rings]}


def zones() -> dict[str, Any]:
    """Five zones: over longitude 0, bent with a hole, a circle, over longitude 180, and a circle for one tag only."""
    bent = [(-2.99, 53.4), (-2.97, 53.4), (-2.97, 53.404), (-2.982, 53.404), (-2.982, 53.41), (-2.99, 53.41)]
    hole = [(-2.989, 53.401), (-2.989, 53.403), (-2.984, 53.403), (-2.984, 53.401)]
    west, east = ((179.995, 180.0), (-180.0, -179.995))
    parts = [[[[x0, -16.805], [x1, -16.805], [x1, -16.795], [x0, -16.795], [x0, -16.805]]] for x0, x1 in (west, east)]
    shapes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (polygon([(-0.004, 51.476), (0.004, 51.476), (0.004, 51.48), (-0.004, 51.48)]), {"name": "Park"}),
        (polygon(bent, hole), {"name": "Bend", "purpose": "area"}),
        ({"type": "Point", "coordinates": [-2.94, 53.41]}, {"name": "School", "radius_m": 200}),
        ({"type": "MultiPolygon", "coordinates": parts}, {"name": "Island"}),
        ({"type": "Point", "coordinates": [-2.97, 53.402]}, {"name": "Only for one", "radius_m": 150, "tag": HOLED}),
    ]
    features = [{"type": "Feature", "properties": named, "geometry": shape} for shape, named in shapes]
    return {"type": "FeatureCollection", "features": features}


def walk(tag: int, mps: float, *way: Point, begin: datetime = BEGIN, accuracy_m: float = 0.0, dice: random.Random) -> list[Row]:
    """Fixes every ``STEP_S`` along a way; a place named twice is a rest of three minutes."""
    rows: list[Row] = []
    at = begin
    for (lon, lat), (lon_to, lat_to) in pairwise(way):
        kx = METRES * math.cos(math.radians(lat))
        turn = (lon_to - lon + 180) % 360 - 180  # the short way round, over longitude 180 too
        length_m = math.hypot(turn * kx, (lat_to - lat) * METRES)
        steps = max(1, round(length_m / (mps * STEP_S))) if length_m else 6
        for step in range(steps):
            x, y = lon + turn * step / steps, lat + (lat_to - lat) * step / steps
            accuracy = accuracy_m or round(dice.uniform(4, 12), 1)
            rows.append(
                {
                    "tag": tag,
                    "seq": len(rows) + 1,
                    "fix_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
                    "lon": round((x + 180) % 360 - 180, 6),
                    "lat": round(y, 6),
                    "accuracy_m": accuracy,
                    "battery_pct": dice.randrange(30, 101),
                }
            )
            at += timedelta(seconds=STEP_S)
    return rows


def tracks(dice: random.Random) -> tuple[list[Row], list[Row]]:
    """What came as it was taken, and the block that came 40 minutes late."""
    live = [
        *walk(GREENWICH, 3, (-0.02, 51.478), (0.0, 51.478), (0.0, 51.478), (0.02, 51.4785), dice=dice),
        # Into the arm, over the hole, out, back within ten minutes, far away and back an hour later; and the zone of its own.
        *walk(HOLED, 4, (-3.0, 53.402), (-2.9865, 53.402), (-2.9865, 53.402), (-2.965, 53.402), (-2.965, 53.402),
              (-2.976, 53.402), (-2.93, 53.39), (-2.9, 53.38), (-2.976, 53.402), (-2.96, 53.402), dice=dice),
        # Past the circle 400 m from its edge, then rests near it with a receiver that does not know where it is.
        *walk(PASSING, 5, (-2.95, 53.405), (-2.93, 53.405), dice=dice),
        *walk(PASSING, 5, (-2.93, 53.405), (-2.93, 53.405), begin=BEGIN + timedelta(hours=1), accuracy_m=900.0, dice=dice),
        *walk(DATELINE, 6, (179.98, -16.8), (179.998, -16.8), (-179.998, -16.801), (-179.998, -16.801), (-179.97, -16.8),
              dice=dice),
        *walk(DISORDERED, 4, (-2.995, 53.408), (-2.986, 53.408), (-2.986, 53.408), (-2.986, 53.42), dice=dice),
        *walk(AWAY, 8, (-2.9, 53.5), (-2.8, 53.5), (-2.9, 53.5), dice=dice),
    ]  # fmt: skip
    there: tuple[Point, ...] = ((-2.95, 53.41), (-2.94, 53.41), (-2.94, 53.41), (-2.92, 53.41), (-2.9, 53.41), (-2.86, 53.41))
    whole = walk(LATE, 4, *there, dice=dice)
    inside = [row for row in whole if -2.9475 < row["lon"] < -2.93]
    live += [row for row in whole if row not in inside]
    return sorted(live, key=lambda row: (row["fix_at"], row["tag"])), inside


def disordered(rows: list[Row], dice: random.Random) -> list[Row]:
    """One tag's rows in pairs the wrong way round, here and there."""
    rows = list(rows)
    own = [place for place, row in enumerate(rows) if row["tag"] == DISORDERED]
    for first, second in zip(own[::2], own[1::2], strict=False):
        if dice.random() < 0.6:
            rows[first], rows[second] = rows[second], rows[first]
    return rows


def spoilt(row: Row) -> Iterator[tuple[Row, str]]:
    """Rows that cannot be kept, each with part of the reason."""
    yield row | {"lon": -33.9, "lat": 151.2, "seq": 9001}, "lat 151.2 is not between -90 and 90; are lon and lat swapped?"
    yield row | {"lon": 200.5, "seq": 9002}, "lon 200.5 is not between -180 and 180"
    yield row | {"lon": "nan", "seq": 9003}, "lon is nan"
    yield row | {"lon": "east", "seq": 9004}, "Expected `float`, got `str` - at `$.lon`"
    yield row | {"lat": "", "seq": 9005}, "missing required field `lat`"
    yield row | {"tag": "", "seq": 9006}, "missing required field `tag`"
    yield row | {"tag": -5, "seq": 9007}, "$.tag"
    yield row | {"fix_at": "1970-01-01T00:00:10Z", "seq": 9008}, "is before 2000"
    told = row | {"received_at": row["fix_at"]}
    yield told | {"fix_at": "2061-01-01T00:00:00Z", "seq": 9009}, "is over a day after it was received"
    yield told | {"fix_at": "yesterday", "seq": 9010}, "$.fix_at"
    yield told | {"fix_at": row["fix_at"].removesuffix("Z"), "seq": 9011}, "$.fix_at"
    yield told | {"fix_at": "2019-05-01T10:00:00Z", "seq": 9012}, "older than the oldest day kept"
    yield row | {"accuracy_m": -3.0, "seq": 9013}, "accuracy_m -3.0 is not"
    yield row | {"battery_pct": 300, "seq": 9014}, "battery_pct 300"
    # Times at and, in UTC, beyond the calendar's end.
    yield row | {"fix_at": "9999-12-31T23:59:59-14:00", "seq": 9015}, "is over a day after it was received"
    yield (
        row | {"received_at": "9999-12-31T23:59:59Z", "seq": 9016},
        "received_at 9999-12-31T23:59:59Z is not between 2000 and 9000",
    )


def miniature() -> Miniature:
    """The same bytes each time."""
    dice = random.Random(SEED)
    live, late = tracks(dice)
    rows = disordered(live, dice)
    rows[len(rows) * 3 // 4 : len(rows) * 3 // 4] = late
    told: list[tuple[Row, str]] = [(row, "") for row in rows]
    # A row in eleven comes again some rows later, some more than once; three come again and say something else.
    for place in range(len(told) - 1, 0, -11):
        row = told[place][0]
        for _ in range(dice.choice((1, 1, 2))):
            told.insert(min(len(told), place + dice.randrange(1, 60)), (row, ""))
    for place in (40, 90, 140):
        row = told[place][0]
        told.insert(place + 25, (row | {"lon": row["lon"] + 0.001}, "stored before with other content"))
    kinds = len(list(spoilt(live[0])))
    for number in range(kinds):
        place = (number + 1) * len(told) // (kinds + 2)
        near = next(row for row, reason in reversed(told[:place]) if not reason)
        told.insert(place, list(spoilt(near))[number])
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(row for row, _ in told)
    refused = {line: reason for line, (_, reason) in enumerate(told, start=2) if reason}
    return Miniature(text.getvalue().encode(), zones(), refused)


def main() -> None:
    """Write the three files."""
    made = miniature()
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "trace.csv.gz").write_bytes(gzip.compress(made.trace, mtime=0))
    (FOLDER / "zones.geojson").write_text(json.dumps(made.zones) + "\n")
    (FOLDER / "refused.json").write_text(json.dumps(made.refused, indent=1) + "\n")


if __name__ == "__main__":
    main()
