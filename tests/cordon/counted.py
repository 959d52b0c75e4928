"""A trace's rows become what a store must make of them, counted with a dictionary."""

import csv
import gzip
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

CONTENT = ("lon", "lat", "accuracy_m", "speed_mps", "heading_deg", "hdop", "satellites", "battery_pct")


class Counted(NamedTuple):
    """What a trace has to come to."""

    rows: list[tuple[int, dict[str, str]]]  # line of the file, fields: those stored, repeats left out
    sent: int
    duplicate: int
    conflicting: list[int]  # lines: said before, otherwise


def read(path: Path) -> list[tuple[int, dict[str, str]]]:
    """All rows with the line each stands on."""
    body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(enumerate(csv.DictReader(body.decode().splitlines()), start=2))


def counted(path: Path, bad: Collection[int] = ()) -> Counted:
    """Count; ``bad`` are the lines that cannot be kept by themselves."""
    seen: dict[Any, list[Any]] = {}
    rows, duplicate, conflicting = [], 0, []
    everything = read(path)
    for line, row in everything:
        if line in bad:
            continue
        identity = (int(row["tag"]), datetime.fromisoformat(row["fix_at"]), int(row.get("seq") or 0), row.get("source") or "gnss")
        content = [(name, float(row[name])) for name in CONTENT if row.get(name)]
        first = seen.setdefault(identity, content)
        if first is content:
            rows.append((line, row))
        elif first == content:
            duplicate += 1
        else:
            conflicting.append(line)
    return Counted(rows, len(everything), duplicate, conflicting)
