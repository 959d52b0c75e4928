"""Turns a span of a town's life into a trace that `cordon replay` takes, and the list of what must be found in it."""

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench import relay
from bench.clock import show, texts
from bench.receiver import SOURCES
from bench.upload import EVENTS, REPORT, Town, reports
from bench.violations import SECOND_US
from bench.world import wearer

COLUMNS: Final = (
    "tag",
    "fix_at",
    "lon",
    "lat",
    "received_at",
    "accuracy_m",
    "speed_mps",
    "heading_deg",
    "hdop",
    "satellites",
    "battery_pct",
    "source",
    "seq",
    "gateway",
    "event",
)
_STEP_US: Final = 600 * SECOND_US
_NO_EVENT: Final = 0


def arriving(town: Town, from_us: int, to_us: int, history_us: int = 0) -> Iterator[Any]:
    """Everything taken in [from_us, to_us), as (n,) REPORT arrays in the order it reaches gateways, a span at a time.

    Parameters
    ----------
    history_us : the sending begins so long after ``from_us``, with all that should have arrived before, as a sender's does
    """
    began_us = from_us + history_us
    waiting = np.zeros(0, REPORT)
    for start_us in range(from_us, to_us, _STEP_US):
        end_us = min(start_us + _STEP_US, to_us)
        made = reports(town, start_us, end_us)
        behind = np.isin(made["row"], town.relayed)
        made["upload_us"][behind] = relay.arrives_us(made["upload_us"][behind], began_us)
        made["upload_us"] = np.maximum(made["upload_us"], began_us)
        waiting = np.concatenate([waiting, made])
        waiting = waiting[np.argsort(waiting["upload_us"], kind="stable")]
        # Nothing taken later can arrive before it was taken.
        done = int(np.searchsorted(waiting["upload_us"], end_us))
        yield waiting[:done]
        waiting = waiting[done:]
    yield waiting


def write(
    town: Town,
    from_us: int,
    to_us: int,
    path: Path,
    gateway: str,
    progress: Callable[[int], None] = lambda rows: None,
    history_us: int = 0,
) -> int:
    """Write the trace, gzipped where the name ends in ``.gz``; returns the number of rows. ``history_us`` as for ``arriving``.

    The same seed and times give the same bytes: gzip's own time of writing is left out.
    """
    total = 0
    with path.open("wb") as raw:
        binary = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) if path.suffix == ".gz" else raw
        with io.TextIOWrapper(binary, "utf-8", newline="") as text:  # type: ignore[type-var,unused-ignore]
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(COLUMNS)
            for some in arriving(town, from_us, to_us, history_us):
                writer.writerows(rows(some, np.where(np.isin(some["row"], town.relayed), relay.name(gateway), gateway)))
                total += len(some)
                progress(len(some))
    return total


def rows(some: Any, gateways: Any) -> Iterator[tuple[Any, ...]]:
    """CSV rows of (n,) REPORT, each with its gateway's name; an absent value is empty, an event has no position."""
    fix = some["event"] == _NO_EVENT
    gnss = fix & (some["satellites"] >= 0)
    columns = [
        some["tag"].tolist(),
        texts(some["fix_at_us"], "s"),
        _filled(some["lon"].round(6), fix),
        _filled(some["lat"].round(6), fix),
        texts(some["upload_us"], "ms"),
        _filled(some["accuracy_m"].astype(np.float64).round(1), fix),
        _filled(some["speed_mps"].astype(np.float64).round(1), gnss),
        _filled(some["heading_deg"].astype(np.float64), gnss & ~np.isnan(some["heading_deg"])),
        _filled(some["hdop"].astype(np.float64).round(1), gnss),
        _filled(some["satellites"], gnss),
        _filled(some["battery_pct"], fix),
        [SOURCES[source] if is_fix else "" for source, is_fix in zip(some["source"].tolist(), fix.tolist(), strict=True)],
        some["seq"].tolist(),
        gateways.tolist(),
        [EVENTS[event] for event in some["event"].tolist()],
    ]
    return zip(*columns, strict=True)


def _filled(values: Any, where: Any) -> list[Any]:
    return [value if good else "" for value, good in zip(values.tolist(), where.tolist(), strict=True)]


def expected(town: Town, from_us: int, to_us: int) -> list[dict[str, Any]]:
    """What a judge of the trace must find: a row for each spell of each plan with a moment in [from_us, to_us).

    ``kind`` is definite, possible or crossed for what must be raised, none for a near miss that must not. ``from`` and ``to``
    are when the wearer truly is inside (definite, crossed) or stands at the edge (possible, none). ``held`` is when the tag
    could not upload, null where it always could. A spell cut by either end of the trace has ``whole`` false.
    """
    found = []
    for plan in town.plans.overlapping(from_us, to_us):
        for begin_us, end_us in plan.spells:
            if end_us <= from_us or begin_us >= to_us:
                continue
            found.append(
                {
                    "tag": int(town.fleet.tag[plan.row]),
                    "wearer": wearer(plan.row),
                    "zone": plan.zone.ref,
                    "purpose": plan.zone.purpose,
                    "from": show(begin_us),
                    "to": show(end_us),
                    "kind": plan.story.kind,
                    "story": plan.story.word,
                    "held": [show(edge) for edge in plan.held_us] if plan.held_us[1] else None,
                    "whole": plan.begin_us >= from_us and plan.end_us <= to_us,
                }
            )
    return found
