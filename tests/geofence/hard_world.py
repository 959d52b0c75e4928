"""Zones and points of the workload `adversarial`, of every kind in one index, judged and compared with GEOS; run by test_hard."""

import json
import sys
from typing import Any

import numba
import numpy as np
import shapely

from bench.workloads.placed import KINDS, made, place
from geofence import order, parts, within
from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from model.instant import FOREVER_US, HOUR_US
from model.zone import Assignment
from tests.geofence.check import fixes_at, no_last, zone


def hard_world(points: int) -> tuple[ZoneIndex, Any, Any]:
    """An index, (n,) FIX in the order of time with so many about zones of each kind, and (n,) whether GEOS has them covered.

    Each zone is that of a tag of its own, whose fixes are hours apart.
    """
    zones: list[Any] = []
    of, lon, lat = [], [], []
    for kind in KINDS:
        shapes, root = made(kind._replace(many=min(kind.many, 5)))
        put = place(shapes, points, root)
        of.append(len(zones) + put.zone)
        lon.append(put.lon)
        lat.append(put.lat)
        zones += shapes.tolist()
    turns = np.argsort(np.tile(np.arange(points), len(KINDS)), kind="stable")  # so that no tag's come together
    row, x, y = (np.concatenate(part)[turns] for part in (of, lon, lat))
    fixes = fixes_at(0, np.column_stack([x, y]), step_us=HOUR_US)
    fixes["tag"] = 1 + row
    numbers = range(1, len(zones) + 1)
    index = ZoneIndex.build(
        [zone(number, shape) for number, shape in zip(numbers, zones, strict=True)],
        [Assignment(number, number, 0, FOREVER_US) for number in numbers],
    )
    shapely.prepare(zones)
    return index, fixes, shapely.intersects_xy(np.array(zones)[row], x, y)


def judged(points: int, piece: int) -> dict[str, Any]:
    """How many of so many points of each kind are seen on another side than by GEOS, by one thread and by two.

    ``piece`` is how many fixes threads take at a time, so that two have something to share of few.
    """
    index, fixes, covered = hard_world(points)
    last = no_last(len(np.unique(fixes["tag"])))
    parts._CHUNK = order._MANY = within._PIECE = piece  # type: ignore[misc]
    hits = [evaluate(index, fixes, last, threads) for threads in (1, 2)]
    covers = [within.within(index, fixes, threads) for threads in (1, 2)]
    wrong = [int(np.count_nonzero(_said(rows, len(fixes)) != covered)) for rows in (*hits, *covers)]
    same = [hits[0].tobytes() == hits[1].tobytes(), covers[0].tobytes() == covers[1].tobytes()]
    return {"points": len(fixes), "covered": int(covered.sum()), "pieces": len(fixes) // piece, "wrong": wrong, "same": same}


def _said(rows: Any, count: int) -> Any:
    """(count,) whether each fix is covered by its one zone: by HIT rows, or by COVER rows."""
    out = np.zeros(count, bool)
    out[rows["fix_row"]] = rows["covered"] if "covered" in rows.dtype.names else True
    return out


def main() -> None:
    """As JSON: whether the compiler is off, and what was judged."""
    print(json.dumps({"off": bool(numba.config.DISABLE_JIT), **judged(*map(int, sys.argv[1:]))}))


if __name__ == "__main__":
    main()
