"""A GeoJSON feature becomes a geometry fit to judge by, or the place and the reason why it is not, in an officer's words."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from math import isfinite
from typing import Any, Final, NamedTuple, cast

import numpy as np
import shapely

from geofence import fault
from geofence.fault import Fault, point_name, ring_name, where
from geofence.shape import joined
from model.arrays import Array
from model.batch import Rejected
from model.fix import ACCURACY_FLOOR_M

POINTS_MOST: Final = 100_000  # of a zone: more is a map, not a zone; drawing and judging stay quick
POINTS_THINNED: Final = 250_000  # of a zone at most that is offered with fewer points
LAT_MOST_DEG: Final = 85.0  # nearer to a pole, degrees of longitude shrink too fast for distances to be vouched for
AREA_LEAST_M2: Final = 1.0  # less is a slip of the hand
AREA_MOST_KM2: Final = 1_000_000.0  # larger than any state of the United States but Alaska: a slip of the hand too
AREA_LARGE_KM2: Final = 5_000.0  # as large as Norfolk: worth a second look
WIDTH_MOST_DEG: Final = 90.0
RADIUS_LEAST_M: Final = 1.0
RADIUS_MOST_M: Final = 100_000.0

# A point may be left out that lies no farther from the line between its neighbours: a tenth of a metre, one, not quite three.
# As that is done three times over at most, no line moves by more than the ten metres that the best of fixes is wrong by.
_OFF_DEG: Final = (1e-6, 1e-5, 2.5e-5)
_TIMES: Final = 3
_RING_LEAST: Final = 4  # points of a ring, its first repeated

_TURN_DEG: Final = 1_000.0  # beyond any angle somebody might have meant: British National Grid and web maps have such numbers

# Where the wearers of this system's users live: west, south, east, north. A zone elsewhere that lies here with longitude and
# latitude exchanged was very likely given the wrong way round.
_LIKELY: Final = {"the British Isles": (-11.0, 49.0, 2.5, 61.5), "the United States": (-125.0, 24.0, -66.0, 50.0)}


class Geometry(NamedTuple):
    """What a zone is judged by, and what its author should know about it."""

    wkb: bytes  # WGS84 lon/lat polygon or multipolygon, split at the 180° meridian (RFC 7946); a point where radius_m is above 0
    radius_m: float  # of a circle, by the geodesic; 0 for polygons
    advice: tuple[str, ...]  # sentences; the geometry is valid nevertheless


class _Ring(NamedTuple):
    """One ring as given, less its repeated points."""

    part: int  # polygon of the multipolygon, from 0
    ring: int  # 0 the outer ring, then holes
    points: Array  # (n, 2) float64 lon, lat; first and last equal
    numbers: Array  # (n,) int64, each point's place as given, from 1


def parse(feature: Mapping[str, Any]) -> Geometry | Rejected:
    """Validate a GeoJSON Feature, or a bare Polygon or MultiPolygon.

    A polygon across the 180° meridian may be split there, as RFC 7946 asks, or have edges whose longitudes jump by more than 180
    degrees; the second is split here, and its author told so. Repeated points are left out, with advice. A zone that lies where
    nobody is watched, but where somebody would be with longitude and latitude exchanged, is refused until its author says that it
    was checked. Everything else that is not a valid geometry is refused: nobody is watched by a guess.

    Parameters
    ----------
    feature : Polygon, MultiPolygon, or Point with ``properties.radius_m`` (metres, above 0); rings closed, longitude first.
        ``properties.position_checked`` true: it lies where it says, even if it looks swapped

    Returns
    -------
    Geometry, or Rejected with one sentence that names the place and the reason.
    """
    try:
        kind, coordinates, properties = _opened(feature)
        if kind == "Point":
            return _circle(coordinates, properties.get("radius_m"), _is_checked(properties))
        return _polygons(coordinates if kind == "MultiPolygon" else [coordinates], _is_checked(properties))
    except Fault as found:
        return Rejected(str(found), place="zones")


def repair(feature: Mapping[str, Any]) -> dict[str, Any] | None:
    """The nearest valid feature to offer for one that ``parse`` refuses; None where it is valid, or nothing can be offered.

    Exchanges longitude and latitude where all points say so or the zone's place does, brings longitudes within ±180, closes
    rings and takes rings apart where they cross or touch themselves. Of too many points those are left out that lie nearly in
    line with their neighbours; no line moves by more than ten metres. A point that is not a number, or a missing radius, cannot
    be guessed.
    """
    if isinstance(parse(feature), Geometry):
        return None
    try:
        kind, coordinates, properties = _opened(feature)
        if kind == "Point":
            rebuilt: shapely.Geometry = shapely.Point(_righted(np.array([_pair(coordinates, "The centre")]))[0])
        else:
            rebuilt = _rebuilt(coordinates if kind == "MultiPolygon" else [coordinates])
        if not _is_checked(properties) and _elsewhere(shapely.bounds(rebuilt).tolist()) is not None:
            rebuilt = shapely.orient_polygons(shapely.transform(rebuilt, lambda points: points[:, ::-1]))
    except (Fault, shapely.errors.GEOSException):  # GEOS gives up on a tangle whose crossings lie too close to tell apart
        return None
    offered = {"type": "Feature", "geometry": cast(Any, rebuilt).__geo_interface__, "properties": dict(properties)}
    return offered if isinstance(parse(offered), Geometry) else None


def _opened(feature: Mapping[str, Any]) -> tuple[str, Any, Mapping[str, Any]]:
    """Type, coordinates and properties of a feature or a bare geometry."""
    if not isinstance(feature, Mapping):
        raise Fault("A zone is a GeoJSON Feature: an object with type, geometry and properties.")
    geometry: Any = feature
    properties: Any = {}
    if feature.get("type") == "Feature":
        geometry = feature.get("geometry")
        properties = feature.get("properties") or {}
    if not isinstance(geometry, Mapping) or not isinstance(properties, Mapping):
        raise Fault("The feature has no geometry: give a Polygon, a MultiPolygon, or a Point with properties.radius_m.")
    kind = geometry.get("type")
    if kind not in {"Polygon", "MultiPolygon", "Point"}:
        raise Fault(f"A zone cannot be a {kind}: give a Polygon, a MultiPolygon, or a Point with properties.radius_m.")
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, Sequence) or isinstance(coordinates, str) or len(coordinates) == 0:
        raise Fault(f"The {kind} is empty: it has no coordinates.")
    return kind, coordinates, properties


# ---------------------------------------------------------------- circles


def _circle(coordinates: Any, radius: Any, checked: bool) -> Geometry:
    lon, lat = _pair(coordinates, "The centre")
    _check_range(lon, lat, "The centre")
    if radius is None:
        raise Fault("A Point is a circle's centre: give its radius in metres as properties.radius_m.")
    if isinstance(radius, bool) or not isinstance(radius, int | float) or not isfinite(radius):
        raise Fault(f"The radius {radius!r} is not a number of metres.")
    if not RADIUS_LEAST_M <= radius <= RADIUS_MOST_M:
        raise Fault(f"The radius is {radius:g} m: it must be from {RADIUS_LEAST_M:g} m to {RADIUS_MOST_M:,.0f} m.")
    advice = _swapped((lon, lat, lon, lat), checked)
    if radius <= ACCURACY_FLOOR_M:
        advice.append(_tiny(f"The radius is {radius:g} m"))
    if len(coordinates) > 2:
        advice.append("Heights were left out: a zone has none.")
    return Geometry(shapely.Point(lon, lat).wkb, float(radius), tuple(advice))


# ---------------------------------------------------------------- polygons


def _polygons(polygons: Sequence[Any], checked: bool) -> Geometry:
    rings = list(_rings(polygons))
    advice = []
    repeated = sum(int(ring.numbers[-1]) - len(ring.numbers) for ring in rings)
    if repeated:
        advice.append(f"{repeated} repeated {'point was' if repeated == 1 else 'points were'} left out.")
    if any(len(point) > 2 for part in polygons for ring in part for point in ring):
        advice.append("Heights were left out: a zone has none.")
    jumps = {ring.part for ring in rings if np.any(np.abs(np.diff(ring.points[:, 0])) > 180.0)}
    rings = [_unwrapped(ring, len(polygons)) if ring.part in jumps else ring for ring in rings]
    for ring in rings:
        _check_spikes(ring, len(polygons))
    geometry = _assembled(rings, len(polygons))
    _check_valid(geometry, rings, len(polygons))
    _check_size(geometry, advice)
    if jumps:
        geometry = _split(geometry)
        _check_valid(geometry, rings, len(polygons))  # parts that were apart only because one had longitudes beyond 180
        advice.append("The zone crosses the 180° meridian: it was split there into parts on both sides, and is judged as one.")
    advice += _swapped(shapely.bounds(geometry).tolist(), checked)
    return Geometry(shapely.to_wkb(geometry), 0.0, tuple(advice))


def _rings(polygons: Sequence[Any]) -> Iterator[_Ring]:
    """Every ring with its points checked one by one and repeats left out."""
    total = 0
    for p, part in enumerate(polygons):
        if not _is_list(part) or len(part) == 0:
            raise Fault(f"{'The polygon' if len(polygons) == 1 else f'Part {p + 1}'} is empty: it has no rings.")
        for r, ring in enumerate(part):
            name = ring_name(p, r, len(polygons))
            if not _is_list(ring) or len(ring) == 0:
                raise Fault(f"{name} is empty: it has no points.")
            total += len(ring)
            if total > POINTS_MOST:
                passed = f"{name[0].lower()}{name[1:]} passes it{_at(ring[POINTS_MOST - total])}"
                raise Fault(f"The zone has more than {POINTS_MOST:,} points ({passed}): simplify it.")
            points = _plain(ring)
            if points is None:
                points = np.array([_checked(point, i, name) for i, point in enumerate(ring)])
            yield _closed(points, p, r, name)


def _at(point: Any) -> str:
    """`` at lon -0.127800, lat 51.507400``, or nothing where a point that nobody has looked at yet is none."""
    try:
        return f" at {where(_checked(point, 0, 'The ring'))}"
    except Fault:
        return ""


def _plain(ring: Sequence[Any]) -> Array | None:
    """(n, 2) the points of a ring none of which ``_checked`` would refuse; None where it has to look at each."""
    if not all(type(point) is list and len(point) == 2 for point in ring):
        return None
    if not {type(value) for point in ring for value in point} <= {float, int}:
        return None
    try:
        points = np.array(ring, np.float64)
    except OverflowError:
        return None
    farthest = np.abs(points).max(axis=0)
    return points if farthest[0] <= 180.0 and farthest[1] <= LAT_MOST_DEG else None


def _closed(points: Array, part: int, ring: int, name: str) -> _Ring:
    if len(points) == 1 or not np.array_equal(points[0], points[-1]):
        raise Fault(
            f"{name} is open: it begins at {where(points[0])} and ends at {where(points[-1])}. Repeat its first point at its end."
        )
    keep = np.append(True, np.any(points[1:] != points[:-1], axis=1))
    others = points[np.any(points != points[0], axis=1)]
    different = 1 + (len(others) > 0) + bool(np.any(others != others[:1]))  # three, or more
    if different < 3:
        raise Fault(f"{name} has only {different} different {'point' if different == 1 else 'points'}: an area needs at least 3.")
    return _Ring(part, ring, points[keep], np.flatnonzero(keep) + 1)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _checked(point: Any, i: int, name: str) -> tuple[float, float]:
    named = point_name(i + 1, name)
    lon, lat = _pair(point, named)
    _check_range(lon, lat, named)
    return lon, lat


def _pair(point: Any, named: str) -> tuple[float, float]:
    if not _is_list(point) or len(point) < 2:
        raise Fault(f"{named} is not a position: give [longitude, latitude].")
    lon, lat = point[0], point[1]
    for value, axis in ((lon, "longitude"), (lat, "latitude")):
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise Fault(f"{named}: its {axis} {value!r} is not a number.")
    return float(lon), float(lat)


def _check_range(lon: float, lat: float, named: str) -> None:
    if max(abs(lon), abs(lat)) > _TURN_DEG:
        raise Fault(
            f"{named} ({lon:.10g}, {lat:.10g}) is no place in degrees: these seem to be metres of a map grid. "
            "Give longitude and latitude (WGS84)."
        )
    if abs(lat) > 90.0:
        swapped = abs(lat) <= 180.0 and abs(lon) <= 90.0
        hint = " Longitude and latitude seem to be swapped: GeoJSON puts longitude first." if swapped else ""
        raise Fault(f"{named}: its latitude {lat:g} is outside -90 to 90.{hint}")
    if abs(lon) > 180.0:
        wrapped = abs(lon) <= 360.0  # some tools count from 0 to 360, or on over the 180° meridian; nobody goes round twice
        slip = "Is a digit or the decimal point wrong, or is it a latitude?"
        hint = f"Write it as {(lon + 180.0) % 360.0 - 180.0:g}." if wrapped else slip
        raise Fault(f"{named}: its longitude {lon:g} is outside -180 to 180. {hint}")
    if abs(lat) > LAT_MOST_DEG:
        raise Fault(
            f"{named}: latitude {lat:g} is within {90.0 - LAT_MOST_DEG:g}° of a pole: distances there cannot be vouched for."
        )


def _unwrapped(ring: _Ring, parts: int) -> _Ring:
    """The ring with its western longitudes moved by 360 degrees: exactly up to 128° W, by less than two nanometres off beyond."""
    points = ring.points.copy()
    points[points[:, 0] < 0.0, 0] += 360.0
    if np.any(np.abs(np.diff(points[:, 0])) > 180.0) or np.ptp(points[:, 0]) > 180.0:
        i = int(np.argmax(np.abs(np.diff(ring.points[:, 0]))))
        first, then = (f"point {ring.numbers[k]} ({where(ring.points[k])})" for k in (i, i + 1))
        name = ring_name(ring.part, ring.ring, parts)
        raise Fault(f"{name} goes round the globe or spans more than half of it: see its line from {first} to {then}.")
    return ring._replace(points=points)


def _check_spikes(ring: _Ring, parts: int) -> None:
    at = fault.spike(ring.points)
    if at is not None:
        name = ring_name(ring.part, ring.ring, parts)
        if fault.straight(ring.points):
            ends = min(ring.points.tolist()), max(ring.points.tolist())
            raise Fault(f"{name} encloses no area: all its points lie on one line from {where(ends[0])} to {where(ends[1])}.")
        named = point_name(int(ring.numbers[at]), name)
        raise Fault(f"{named} ({where(ring.points[at])}) is a spike: the line runs out to it and straight back. Remove it.")


def _assembled(rings: Sequence[_Ring], parts: int) -> shapely.Geometry:
    polygons = []
    for _, own in groupby(rings, key=lambda ring: ring.part):
        outer, *holes = (ring.points for ring in own)
        polygons.append(shapely.Polygon(outer, holes))
    return polygons[0] if parts == 1 else shapely.MultiPolygon(polygons)


def _check_valid(geometry: shapely.Geometry, rings: Sequence[_Ring], parts: int) -> None:
    if not shapely.is_valid(geometry):
        named = [(ring_name(ring.part, ring.ring, parts), ring.points, ring.numbers) for ring in rings]
        raise Fault(fault.sentence(shapely.is_valid_reason(geometry), named))


def _check_size(geometry: shapely.Geometry, advice: list[str]) -> None:
    whole = joined(geometry)
    west, south, east, north = shapely.bounds(whole)
    if east - west > WIDTH_MOST_DEG:
        points = shapely.get_coordinates(whole)
        ends = (where(points[at]) for at in (points[:, 0].argmin(), points[:, 0].argmax()))
        wide = f"{east - west:.0f} degrees of longitude wide, from {' to '.join(ends)}"
        raise Fault(f"The zone is {wide}: that is no place. Are its points in order?")
    area_m2 = float(shapely.area(shapely.transform(geometry, _metres)))
    if area_m2 < AREA_LEAST_M2:
        raise Fault(f"The zone covers {area_m2:.2g} square metres at {where((west, south))}: too small to be a place.")
    if area_m2 > AREA_MOST_KM2 * 1e6:
        large = f"{area_m2 / 1e6:,.0f} square kilometres: more than {AREA_MOST_KM2:,.0f} is no zone"
        raise Fault(f"The zone covers {large}. It reaches from {where((west, south))} to {where((east, north))}.")
    if area_m2 > AREA_LARGE_KM2 * 1e6:
        advice.append(f"The zone covers {area_m2 / 1e6:,.0f} square kilometres: is that meant?")
    if area_m2 <= np.pi * ACCURACY_FLOOR_M**2:
        advice.append(_tiny(f"The zone covers {area_m2:.0f} square metres"))


def _metres(points: Array) -> Array:
    """Equal-area metres (Lambert's cylindrical projection on the sphere of equal area): the area to within half a percent."""
    radius_m = 6_371_007.0
    out: Array = np.column_stack([np.radians(points[:, 0]) * radius_m, np.sin(np.radians(points[:, 1])) * radius_m])
    return out


def _split(geometry: shapely.Geometry) -> shapely.Geometry:
    """A geometry with longitudes beyond 180 as RFC 7946 writes it."""
    if shapely.bounds(geometry)[2] <= 180.0:
        return geometry
    left = shapely.intersection(geometry, shapely.box(-180.0, -90.0, 180.0, 90.0))
    right = shapely.intersection(geometry, shapely.box(180.0, -90.0, 540.0, 90.0))
    right = shapely.transform(right, lambda points: points - np.array([360.0, 0.0]))
    return _areas([left, right])


def _areas(geometries: Sequence[shapely.Geometry]) -> shapely.Geometry:
    """The polygons among geometries, points and lines left out."""
    parts = shapely.get_parts(shapely.get_parts(geometries))
    polygons = [part for part in parts if isinstance(part, shapely.Polygon) and not shapely.is_empty(part)]
    if not polygons:
        raise Fault("Nothing with an area is left of the zone.")
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


# ---------------------------------------------------------------- advice


def _tiny(what: str) -> str:
    return (
        f"{what}: no fix is better than {ACCURACY_FLOOR_M:g} m, so nobody can ever be said to be inside, only that they may be."
    )


def _is_checked(properties: Mapping[str, Any]) -> bool:
    """Whether the author says that the zone lies where it says."""
    return properties.get("position_checked") is True


def _elsewhere(box: Sequence[float]) -> str | None:
    """Where a zone lies with longitude and latitude exchanged, if that is somewhere likely and its own place is not."""
    west, south, east, north = box
    for name, (w, s, e, n) in _LIKELY.items():
        if w <= south and north <= e and s <= west and east <= n:
            return f"{name} near {where(((south + north) / 2.0, (west + east) / 2.0))}"
    return None


def _swapped(box: Sequence[float], checked: bool) -> list[str]:
    """Refuse a zone that looks swapped, which would watch nobody; advice where its author has checked it."""
    place = _elsewhere(box)
    if place is None:
        return []
    if checked:
        return [f"Checked as it is; with longitude and latitude exchanged the zone would lie in {place}."]
    raise Fault(
        f"Longitude and latitude seem to be swapped: the other way round the zone lies in {place}. "
        "If it is really there, set properties.position_checked to true."
    )


# ---------------------------------------------------------------- repair


def _rebuilt(polygons: Sequence[Any]) -> shapely.Geometry:
    _check_thinnable(polygons)
    parts = []
    for drawn in _thinned([_readable(part, p, len(polygons)) for p, part in enumerate(polygons)]):
        rings = drawn
        if any(np.any(np.abs(np.diff(points[:, 0])) > 180.0) for points in drawn):
            rings = [
                np.column_stack([np.where(points[:, 0] < 0, points[:, 0] + 360.0, points[:, 0]), points[:, 1]])
                for points in drawn
            ]
        if any(len(points) < _RING_LEAST for points in rings):
            raise Fault("too few points")
        # Ring by ring, so that a hole stays a hole: one that lies outside its outer ring takes nothing away.
        shell, *holes = shapely.make_valid(
            [shapely.Polygon(points) for points in rings], method="structure", keep_collapsed=False
        )
        parts.append(shapely.difference(shell, shapely.union_all(holes)) if holes else shell)
    return shapely.orient_polygons(_split(_areas([shapely.union_all(parts)])))


def _readable(part: Any, number: int, parts: int) -> list[Array]:
    """The rings of a polygon as (n, 2) arrays, closed, longitude first and within ±180."""
    if not _is_list(part) or len(part) == 0:
        raise Fault("not a polygon")
    rings = []
    for r, ring in enumerate(part):
        name = ring_name(number, r, parts)
        if not _is_list(ring) or not 3 <= len(ring) <= POINTS_THINNED:
            raise Fault(f"{name} cannot be repaired")
        points = _righted(np.array([_pair(point, point_name(i + 1, name)) for i, point in enumerate(ring)]))
        rings.append(points if np.array_equal(points[0], points[-1]) else np.vstack([points, points[:1]]))
    return rings


def _check_thinnable(polygons: Sequence[Any]) -> None:
    """Give up before any point is looked at where too many would be left, however many were left out: of each ring four."""
    lengths = [len(ring) for part in polygons if _is_list(part) for ring in part if _is_list(ring)]
    if sum(lengths) > POINTS_THINNED or _RING_LEAST * len(lengths) > POINTS_MOST:
        raise Fault("too many points")


def _thinned(parts: list[list[Array]]) -> list[list[Array]]:
    """The rings of all polygons; where they have too many points, with fewer."""
    rings = [ring for own in parts for ring in own]
    points, counts = np.concatenate(rings), np.array([len(ring) for ring in rings])
    if len(points) <= POINTS_MOST:
        return parts
    for off_deg in _OFF_DEG if len(points) <= POINTS_THINNED else ():
        thin, left = points, counts
        for _ in range(_TIMES):
            thin, left = _fewer(thin, left, off_deg)
            if len(thin) <= POINTS_MOST:
                each = iter(np.split(thin, np.cumsum(left)[:-1]))
                return [[next(each) for _ in own] for own in parts]
    raise Fault("too many points")


def _fewer(points: Array, counts: Array, off_deg: float) -> tuple[Array, Array]:
    """Rings without those of their every other point that lie no farther from the line between their neighbours.

    A ring of which fewer than four points would be left stays as it is.

    Parameters
    ----------
    points : (n, 2) float64 degrees, closed rings one after another
    counts : (r,) int64, points of each
    """
    first = np.cumsum(counts) - counts
    place = np.arange(len(points)) - np.repeat(first, counts)
    b = np.flatnonzero((place % 2 == 1) & (place < np.repeat(counts, counts) - 1))
    from_a, along = points[b] - points[b - 1], points[b + 1] - points[b - 1]
    t = np.clip((from_a * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), np.finfo(float).tiny), 0.0, 1.0)
    keep = np.ones(len(points), np.bool_)
    keep[b] = np.hypot(*(t[:, None] * along - from_a).T) > off_deg
    keep |= np.repeat(np.add.reduceat(keep, first, dtype=np.int64) < _RING_LEAST, counts)
    return points[keep], np.add.reduceat(keep, first, dtype=np.int64)


def _righted(points: Array) -> Array:
    """Points with longitude and latitude exchanged where they must have been, and longitudes within ±180."""
    lon, lat = points[:, 0], points[:, 1]
    if np.any(np.abs(lat) > 90.0) and np.all(np.abs(lon) <= 90.0) and np.all(np.abs(lat) <= 180.0):
        lon, lat = lat, lon
    return np.column_stack([np.where(np.abs(lon) > 180.0, (lon + 180.0) % 360.0 - 180.0, lon), lat])
