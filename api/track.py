"""Turns stored fixes into the bytes of GeoJSON, CSV or GPX, a piece at a time, so that no file is ever whole in memory."""

import csv
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from api import fix
from api.fields import Row
from model.instant import show
from store.pool import Record

JSON: Final = "application/json"
GEOJSON: Final = "application/geo+json"
CSV: Final = "text/csv"
GPX: Final = "application/gpx+xml"

COLUMNS: Final = (
    "tag",
    "fix_at",
    "received_at",
    "seq",
    "lon",
    "lat",
    "accuracy_m",
    "speed_mps",
    "heading_deg",
    "hdop",
    "source",
    "quality",
    "flags",
    "battery_pct",
    "satellites",
    "gateway",
)

Pieces = AsyncIterator[Sequence[Record]]


def _json(row: Row) -> dict[str, Any]:
    """A fix as plain JSON values, in the order of ``COLUMNS``."""
    known = fix.fields(row) | {"gateway": row["gateway"]}
    known["fix_at"], known["received_at"] = show(known["fix_at"]), show(known["received_at"])
    return {name: known[name] for name in COLUMNS}


async def geojson(pieces: Pieces, following: str | None) -> AsyncGenerator[bytes, None]:
    """A FeatureCollection of Points (RFC 7946); ``next`` stands beside its features."""
    yield b'{"type":"FeatureCollection","next":' + json.dumps(following).encode() + b',"features":['
    comma = ""
    async for rows in pieces:
        features = []
        for row in rows:
            known = _json(row)
            point = {"type": "Point", "coordinates": [known["lon"], known["lat"]]}
            features.append(json.dumps({"type": "Feature", "geometry": point, "properties": known}, separators=(",", ":")))
        yield (comma + ",\n".join(features)).encode()
        comma = ",\n"
    yield b"]}"


async def comma_separated(pieces: Pieces, _: str | None) -> AsyncGenerator[bytes, None]:
    """CSV (RFC 4180) with a header row; absent values are empty, flags parted by spaces."""
    yield (",".join(COLUMNS) + "\r\n").encode()
    async for rows in pieces:
        text = io.StringIO()
        writer = csv.writer(text)
        for row in rows:
            known = _json(row)
            known["flags"] = " ".join(known["flags"])
            writer.writerow([_cell(value) for value in known.values()])
        yield text.getvalue().encode()


async def gpx(pieces: Pieces, _: str | None) -> AsyncGenerator[bytes, None]:
    """GPX 1.1: one track, a segment for each change of tag. No name leaves in it, only the tag's number."""
    yield (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<gpx version="1.1" creator="Cordon" xmlns="http://www.topografix.com/GPX/1/1"><trk>\n'
    )
    tag = None
    async for rows in pieces:
        lines = []
        for row in rows:
            if row["tag"] != tag:
                lines.append(("</trkseg>\n" if tag is not None else f"<name>tag {row['tag']}</name>\n") + "<trkseg>")
                tag = row["tag"]
            known = _json(row)
            inner = f"<time>{known['fix_at']}</time><src>{escape(known['source'])}</src>"
            if known["satellites"] is not None:
                inner += f"<sat>{known['satellites']}</sat>"
            if known["hdop"] is not None:
                inner += f"<hdop>{known['hdop']}</hdop>"
            lines.append(f'<trkpt lat="{known["lat"]!r}" lon="{known["lon"]!r}">{inner}</trkpt>')
        yield ("\n".join(lines) + "\n").encode()
    yield (b"</trkseg>\n" if tag is not None else b"") + b"</trk></gpx>\n"


def _cell(value: Any) -> Any:
    """A cell's value. A spreadsheet must not take a gateway's name for a formula."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return "'" + value
    return value


WRITERS: Final[dict[str, Callable[[Pieces, str | None], AsyncGenerator[bytes, None]]]] = {
    GEOJSON: geojson,
    CSV: comma_separated,
    GPX: gpx,
}


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV (RFC 4180) of a few rows, with a header row."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def chosen(accept: str) -> str | None:
    """The media type of fixes to answer with: between equals GeoJSON, then CSV, then GPX; also for ``application/json``."""
    return accepted(accept, tuple(WRITERS))


def accepted(accept: str, offers: Sequence[str]) -> str | None:
    """The media type to answer with (RFC 9110 section 12.5.1), None where none of ours is wanted.

    The most wanted one, between equals the first offered. ``application/json`` is content with GeoJSON.
    """
    best, best_quality = None, 0.0
    for offered in offers:
        quality = _quality(accept, offered)
        if offered == GEOJSON:
            quality = max(quality, _quality(accept, JSON))
        if quality > best_quality:
            best, best_quality = offered, quality
    return best


def _quality(accept: str, offered: str) -> float:
    """How much a media type is wanted: that of the most specific range that names it."""
    ranges = {"*/*": 1, offered.partition("/")[0] + "/*": 2, offered: 3}
    found, specific = 0.0, 0
    for part in (accept or "*/*").lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if ranges.get(name, 0) > specific:
            found, specific = quality, ranges[name]
    return found
