"""Turns a recorded trace, CSV or CSV.GZ, into gateway frames in file order."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from alerts.rules import Rules
from ingest.rules import FIRST_YEAR_US, is_receivable
from model import instant
from model.errors import CordonError

INTEGERS: Final = ("tag", "seq", "satellites")
NUMBERS: Final = ("lon", "lat", "accuracy_m", "speed_mps", "heading_deg", "hdop", "battery_pct")
TEXTS: Final = ("fix_at", "received_at", "source", "gateway", "event")
REQUIRED: Final = ("tag", "fix_at", "lon", "lat")
SEPARATORS: Final = {";": "semicolons", "\t": "tabs"}  # what spreadsheets write where the comma is the decimal point

RULES: Final = Rules()

# Where a trace names no gateway, its rows come from this one.
GATEWAY: Final = "replay"


class Row(NamedTuple):
    """One row of a trace: the line it stood on, its gateway, where it goes in a frame, and the record itself."""

    line: int
    gateway: str
    place: str  # "fixes" or "events"
    record: dict[str, Any]


def read(path: Path) -> list[Row]:
    """All rows of a trace, in file order, each with ``received_at``: its own, else the newest ``fix_at`` so far.

    Fields that are no numbers, and times that no door takes, are left as they are, for the door to refuse by name.

    Raises
    ------
    CordonError
        If the file cannot be read, or its header lacks a column it needs.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise CordonError(f"{path} cannot be read as CSV or CSV.GZ: {reason}") from error
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        for sign, name in SEPARATORS.items():
            if sign in (reader.fieldnames or [""])[0]:
                raise CordonError(f"{path} separates its columns by {name}: separate them by commas")
        raise CordonError(f"{path} has no column {', '.join(missing)}; the first line names the columns: {', '.join(REQUIRED)}")
    return list(_rows(reader))


def moment(record: Mapping[str, Any], name: str) -> int | None:
    """A time of a record, microseconds since 1970 UTC; None where there is none that a trace can have been received at."""
    try:
        us = instant.parse(str(record.get(name, "")))
    except ValueError:
        return None
    return us if is_receivable(us) else None


def _rows(reader: "csv.DictReader[str]") -> Iterator[Row]:
    newest_us = FIRST_YEAR_US  # until a time is known, so that the door refuses whatever it reads otherwise than we do
    for fields in reader:
        record = {name: _value(name, text) for name, text in fields.items() if name in _KNOWN and text not in {"", None}}
        gateway = str(record.pop("gateway", GATEWAY))
        event = record.pop("event", None)
        fix_at_us = moment(record, "fix_at")
        received_us = moment(record, "received_at") if "received_at" in record else fix_at_us
        if fix_at_us is not None and received_us is not None:
            # Not later than it was received: a device whose clock is years ahead does not carry the trace's along.
            newest_us = max(newest_us, min(fix_at_us, received_us))
        received_at = record.setdefault("received_at", instant.show(newest_us))
        if event is None:
            yield Row(reader.line_num, gateway, "fixes", record)
        else:
            kept = {name: record[name] for name in ("tag", "seq") if name in record}
            yield Row(
                reader.line_num, gateway, "events", kept | {"kind": event, "at": record.get("fix_at"), "received_at": received_at}
            )


_KNOWN: Final = frozenset(INTEGERS + NUMBERS + TEXTS)


def _value(name: str, text: str) -> object:
    try:
        if name in INTEGERS:
            return int(text)
        if name in NUMBERS:
            return float(text)
    except ValueError:
        pass
    return text


def frames(rows: list[Row], records: int, *, mixed: bool = False) -> Iterator[list[Row]]:
    """Runs of at most ``records`` rows in file order, one frame each; from one gateway unless they may be ``mixed``.

    Within a frame a lane takes a tag's fixes in the order they were taken. So none holds fixes of one tag in order and out of it.
    """
    run: list[Row] = []
    newest_us: dict[object, int] = {}  # by tag, of the fixes so far
    here: dict[object, int] = {}  # by tag: when its fixes out of order in this frame were received, 0 where they are in order
    for row in rows:
        tag, fix_at_us = row.record.get("tag"), _judged_at(row)
        out_us = here.get(tag, 0)
        if fix_at_us is not None:
            out_us = (moment(row.record, "received_at") or 0) if fix_at_us < newest_us.get(tag, 0) else 0
            newest_us[tag] = max(newest_us.get(tag, 0), fix_at_us)
        mixes = here.get(tag, out_us) != out_us
        if run and (len(run) == records or mixes or not (mixed or row.gateway == run[0].gateway)):
            yield run
            run = []
            here.clear()
        if fix_at_us is not None:
            here[tag] = out_us
        run.append(row)
    if run:
        yield run


def _judged_at(row: Row) -> int | None:
    """When a fix was taken; None of what is judged when it comes: an event, or a fix from a wrong clock."""
    fix_at_us, received_us = moment(row.record, "fix_at"), moment(row.record, "received_at")
    if row.place != "fixes" or fix_at_us is None or received_us is None or fix_at_us - received_us > RULES.skew_us:
        return None
    return fix_at_us


def tags(rows: list[Row]) -> list[int]:
    """The tags a trace names, ascending; rows whose tag is no number are for the door to refuse."""
    return sorted({row.record["tag"] for row in rows if isinstance(row.record.get("tag"), int) and row.record["tag"] > 0})
