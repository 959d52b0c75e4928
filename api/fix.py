"""Turns stored fixes, rows of the table or FIX arrays, into the JSON of one location point."""

import math
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.fields import Instant, Row
from model.arrays import Array
from model.fix import Flag, Quality, Source

SOURCES = {source.value: source.name.lower() for source in Source}
QUALITIES = {quality.value: quality.name.lower() for quality in Quality}


class Fix(BaseModel):
    """One location point; null where the device gave nothing."""

    tag: int
    fix_at: Instant
    received_at: Instant
    seq: int
    lon: float | None = Field(description="degrees, WGS84")
    lat: float | None = Field(description="degrees, WGS84")
    accuracy_m: float | None = Field(description="95 % radius, metres")
    speed_mps: float | None
    heading_deg: float | None
    hdop: float | None
    source: Literal["gnss", "wifi", "cell", "rf"]
    quality: Literal["ok", "low_accuracy", "implausible", "skewed"]
    flags: list[Literal["late", "accuracy_assumed", "unassigned", "disordered"]]
    battery_pct: int | None
    satellites: int | None
    gateway: str | None


def present(value: float) -> float | None:
    """A float column's value, None where it is NaN; 32-bit values without the tail of a 64-bit one."""
    return None if math.isnan(value) else float(f"{value:.6g}")


def flag_names(flags: int) -> list[str]:
    """The words of flag bits."""
    return [flag.name.lower() for flag in Flag if flag & flags and flag.name]


def fields(row: Row) -> dict[str, Any]:
    """A fix from anything with the columns of table ``fix``, times in microseconds."""
    return {
        "tag": row["tag"],
        "fix_at": row["fix_at"],
        "received_at": row["received_at"],
        "seq": row["seq"],
        "lon": row["lon"],
        "lat": row["lat"],
        "accuracy_m": present(row["accuracy_m"]),
        "speed_mps": present(row["speed_mps"]),
        "heading_deg": present(row["heading_deg"]),
        "hdop": present(row["hdop"]),
        "source": SOURCES[row["source"]],
        "quality": QUALITIES[row["quality"]],
        "flags": flag_names(row["flags"]),
        "battery_pct": None if row["battery_pct"] < 0 else row["battery_pct"],
        "satellites": None if row["satellites"] < 0 else row["satellites"],
    }


def fixes_of(rows: Array) -> list[Fix]:
    """(n,) FIX rows as JSON; the gateway's name is not in them."""
    renamed = {"fix_at_us": "fix_at", "received_us": "received_at"}
    names = [renamed.get(name, name) for name in rows.dtype.names or ()]
    return [Fix(gateway=None, **fields(dict(zip(names, row, strict=True)))) for row in rows.tolist()]
