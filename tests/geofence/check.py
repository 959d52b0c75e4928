"""The one comparison of an evaluator with the oracle: real code must pass it, every mutant must fail it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import shapely

from geofence.index import ZoneIndex
from model.fix import FIX, empty_fixes
from model.hit import Verdict
from model.instant import FOREVER_US, HOUR_US
from model.zone import Assignment, Purpose, Zone, ZoneKind
from tests.oracle import plane

Evaluate = Callable[[ZoneIndex, Any, Any], Any]


def zone(number: int, geometry: Any, radius_m: float = 0.0, **more: Any) -> Zone:
    """A zone that always holds."""
    fields: dict[str, Any] = {"buffer_m": 0.0, "in_force_from_us": 0, "version": 1} | more
    return Zone(
        id=number, kind=ZoneKind.EXCLUSION, purpose=Purpose.AREA, wkb=shapely.to_wkb(geometry), radius_m=radius_m, **fields
    )


def index_of(zones: Sequence[Zone]) -> ZoneIndex:
    """Each zone for a tag of its own, of the same number."""
    return ZoneIndex.build(zones, [Assignment(z.id, z.id, 0, FOREVER_US) for z in zones])


def fixes_at(tag: int, points: Any, accuracy_m: float = 5.0, step_us: int = HOUR_US) -> Any:
    """(n,) FIX of one tag at (n, 2) points, an hour apart so that no path joins them."""
    fixes = empty_fixes(len(points))
    fixes["tag"] = tag
    fixes["fix_at_us"] = step_us * (1 + np.arange(len(points)))
    fixes["received_us"] = fixes["fix_at_us"]
    fixes["lon"], fixes["lat"] = np.asarray(points, float).T
    fixes["accuracy_m"] = accuracy_m
    return fixes


def no_last(tags: int) -> Any:
    """(k,) FIX that says: nothing came before."""
    return np.zeros(tags, FIX)


def covered(evaluate: Evaluate, geometries: Sequence[Any], points: Sequence[Any]) -> list[Any]:
    """What an evaluator says of each geometry's own points: (n,) bool each."""
    index = index_of([zone(i + 1, geometry) for i, geometry in enumerate(geometries)])
    fixes = np.concatenate([fixes_at(i + 1, own) for i, own in enumerate(points)])
    hits = evaluate(index, fixes, no_last(len(points)))
    said = np.zeros(len(fixes), bool)
    said[hits["fix_row"]] = hits["covered"]
    return np.split(said, np.cumsum([len(own) for own in points])[:-1])


def wrongly_covered(evaluate: Evaluate, geometries: Sequence[Any], points: Sequence[Any]) -> list[str]:
    """Every point an evaluator sees on the other side than GEOS does; empty where it is right."""
    wrong = []
    for geometry, own, said in zip(geometries, points, covered(evaluate, geometries, points), strict=True):
        expected = plane.covers(geometry, own[:, 0], own[:, 1])
        wrong += [f"{own[i].tolist()!r} said {said[i]} for {geometry.wkt[:200]}" for i in np.flatnonzero(said != expected)]
    return wrong


def wrongly_measured(
    evaluate: Evaluate, geometry: Any, points: Any, accuracy_m: float = 5.0, radius_m: float = 0.0, whole: Any = None
) -> list[str]:
    """Every point whose distance, verdict or presence differs from the oracle's beyond what DOMAIN.md allows.

    ``whole`` is the same geometry as the oracle should see it: of one split at the 180° meridian the one in one piece.
    """
    fixes = fixes_at(1, points, accuracy_m)
    hits = evaluate(index_of([zone(1, geometry, radius_m)]), fixes, no_last(1))
    rows = {int(hit["fix_row"]): hit for hit in hits}
    reach = max(accuracy_m, plane.FLOOR_M, plane.REACH_M)
    wrong = []
    for i, (lon, lat) in enumerate(np.asarray(points, float).tolist()):
        d = plane.signed_m(geometry if whole is None else whole, radius_m, lon, lat)
        allowed = max(0.1, 0.001 * abs(d))
        hit = rows.get(i)
        if hit is None:
            if d <= reach - allowed:
                wrong.append(f"({lon!r}, {lat!r}) has no row at {d:.3f} m")
            continue
        if d > reach + allowed:
            wrong.append(f"({lon!r}, {lat!r}) has a row at {d:.3f} m")
        if abs(hit["distance_m"] - d) > allowed:
            wrong.append(f"({lon!r}, {lat!r}) said {hit['distance_m']:.3f} m, is {d:.3f} m")
        sure = abs(abs(d) - max(accuracy_m, plane.FLOOR_M)) > allowed
        if sure and Verdict(hit["verdict"]).name.lower() != plane.verdict(d, accuracy_m):
            wrong.append(f"({lon!r}, {lat!r}) said {Verdict(hit['verdict']).name} at {d:.3f} m with {accuracy_m:g} m")
    return wrong
