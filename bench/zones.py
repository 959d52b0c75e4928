"""Turns a fleet into exclusion zones that no compliant wearer ever comes near, drawn for any tag when it is asked for."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.chance import F64, U64, Draw, between, bits, unit
from bench.city import metres_per_degree, on_land
from bench.fleet import FARTHEST_M, I64, PLACES, Fleet
from bench.receiver import MOVING_ERROR_M, STILL_ERROR_M
from bench.routine import LEGS, corner
from bench.shape import CIRCLE, HOLED, PARTED, PLAIN, Shape, bound_m, outline

# A possible entry may be raised on a fix whose centre is within 150 m of the zone; 30 m more pays for the metric of the frame.
RAISE_M: Final = 150.0
MARGIN_M: Final = 30.0

# No compliant wearer's place or way comes nearer to the bound of an own zone than this, metres. Indoors a fix can be a cell's.
STILL_CLEAR_M: Final = STILL_ERROR_M + RAISE_M + MARGIN_M
MOVING_CLEAR_M: Final = MOVING_ERROR_M + RAISE_M + MARGIN_M
APART_M: Final = 500.0  # between the bounds of one wearer's zones, so that an excursion to one can keep clear of the others

PER_TAG: Final = 5  # zones a tag where it is not the demo, as the benchmarks of DESIGN.md section 4 have it
DEMO_OWNERS: Final = 40  # wearers with a zone of their own in the demo
_DEMO_VICTIMS: Final = 0.75  # share of zones that protect a victim rather than an area
_TRIES: Final = 96
_CHUNK: Final = 4096  # wearers placed at a time: 48 route pieces each stay in the cache

# Zones for everybody in the demo, where nobody's routine leads: lon, lat, metres, corners.
_SHARED: Final = (
    ("all-1", "Old Aerodrome, closed site", -2.806, 53.417, 420.0, 24),
    ("all-2", "Kettle Lane Showground", -2.926, 53.499, 300.0, 0),
)

_STREET_NAMES: Final = (
    "Lantern Yard,Thimble Court,Marrow Street,Pepperpot Lane,Quill Gardens,Saltbox Row,Tinder Close,Umbrella Walk,Velvet Mews,"
    "Whistle Hill,Yarrow Steps,Acorn Passage,Bobbin Square,Candle Terrace,Doorstep Road,Ember Crescent,Fiddle Green,Gosling Way"
)
_STREETS: Final = _STREET_NAMES.split(",")


class Sites(NamedTuple):
    """Where some wearers' zones are, each (n, zones): metres about the wearer's home."""

    key: U64
    x: F64
    y: F64
    size_m: F64
    form: npt.NDArray[np.int64]
    corners: npt.NDArray[np.int64]
    bound_m: F64
    victim: npt.NDArray[np.bool_]
    found: npt.NDArray[np.bool_]  # False: this wearer's life leaves no room for it (only where it must be on the city's land)


class Zone(NamedTuple):
    """One exclusion zone. ``x, y`` is its centre in metres about the home of ``row``; a shared zone has row -1 and degrees."""

    ref: str
    name: str
    purpose: str  # "victim" or "area"
    row: int
    x: float
    y: float
    bound_m: float
    shape: Shape


class Zones:
    """All zones of a fleet, made when asked for."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.per_tag = 1 if fleet.demo else PER_TAG
        self._sites: dict[int, Sites] = {}
        self.shared = tuple(_shared(fleet.seed)) if fleet.demo else ()
        self.owners = np.arange(fleet.size)
        if fleet.demo:
            everyone = place(fleet, self.owners, 1)
            self.owners = np.flatnonzero(everyone.found[:, 0])[:DEMO_OWNERS]

    def sites(self, rows: Iterable[int]) -> None:
        """Place the zones of these rows, all at once: much faster than one wearer at a time."""
        if len(self._sites) > 100_000:
            self._sites.clear()
        new = np.array(sorted({row for row in rows if row not in self._sites}), np.int64)
        if len(new):
            placed = place(self.fleet, new, self.per_tag)
            for at, row in enumerate(new.tolist()):
                self._sites[row] = Sites(*(column[at] for column in placed))

    def of(self, row: int) -> Sites:
        """The (zones,) sites of one wearer; all ``found`` False where the wearer has no zone of their own."""
        self.sites([row])
        sites = self._sites[row]
        if self.fleet.demo and row not in self.owners:
            return sites._replace(found=np.zeros_like(sites.found))
        return sites

    def placed(self, row: int) -> bool:
        """Whether a wearer's life leaves room for a zone, be it one of the demo's owners or not."""
        self.sites([row])
        return bool(self._sites[row].found[0])

    def zone(self, row: int, number: int) -> Zone:
        """One zone of one wearer, with its outline."""
        sites = self.of(row)
        shape = outline(sites.key[number], int(sites.form[number]), float(sites.size_m[number]), int(sites.corners[number]))
        purpose = "victim" if sites.victim[number] else "area"
        draw = int(sites.key[number] % np.uint64(len(_STREETS) * 90))
        name = f"{1 + draw // len(_STREETS)} {_STREETS[draw % len(_STREETS)]}"
        where = float(sites.x[number]), float(sites.y[number]), float(sites.bound_m[number])
        return Zone(f"z{row + 1}-{number + 1}", name, purpose, row, *where, shape)

    def centre(self, zone: Zone, row: int) -> tuple[float, float]:
        """A zone's centre in metres about the home of ``row``."""
        if zone.row >= 0:
            return zone.x, zone.y
        x, y = self.fleet.metres(row, zone.x, zone.y)
        return float(x), float(y)

    def rings(self, zone: Zone) -> tuple[tuple[F64, ...], ...]:
        """The zone's polygons as open rings of lon, lat degrees, rounded to a centimetre."""
        lon, lat, east, north = self._anchor(zone)
        metre = np.array([1 / east, 1 / north])
        return tuple(tuple(np.round(ring * metre + [lon, lat], 7) for ring in part) for part in zone.shape.parts)

    def middle(self, zone: Zone) -> tuple[float, float]:
        """The zone's centre in lon, lat degrees, rounded to a centimetre."""
        lon, lat, _, _ = self._anchor(zone)
        return round(lon, 7), round(lat, 7)

    def _anchor(self, zone: Zone) -> tuple[float, float, float, float]:
        if zone.row < 0:
            east, north = metres_per_degree(np.array([zone.y]))
            return zone.x, zone.y, float(east[0]), float(north[0])
        lon, lat = self.fleet.degrees(zone.row, zone.x, zone.y)
        return float(lon), float(lat), float(self.fleet.east[zone.row]), float(self.fleet.north[zone.row])


def _shared(seed: int) -> Iterable[Zone]:
    for number, (ref, name, lon, lat, size_m, corners) in enumerate(_SHARED):
        key = bits(np.uint64(seed & 0xFFFF_FFFF_FFFF_FFFF), Draw.ZONE, -1, number)[0]
        shape = outline(key, PLAIN if corners else CIRCLE, size_m, corners)
        yield Zone(ref, name, "area", -1, lon, lat, size_m, shape)


def place(fleet: Fleet, rows: Any, per_tag: int) -> Sites:
    """Place ``per_tag`` zones for each of (n,) rows, clear of their lives and of each other.

    A candidate is drawn, tested, and drawn again a little farther out; the same for a row whichever rows it is asked for with.
    """
    rows = np.asarray(rows, np.int64)
    parts = [_placed(fleet, rows[at : at + _CHUNK], per_tag) for at in range(0, len(rows), _CHUNK)]
    return Sites(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _placed(fleet: Fleet, rows: Any, per_tag: int) -> Sites:
    key = bits(fleet.key[rows][:, None], Draw.ZONE, np.arange(per_tag))
    form, size, corners = _forms(key, fleet.demo)
    bound = bound_m(form, size)
    x, y = np.full(key.shape, np.inf), np.full(key.shape, np.inf)
    found = np.zeros(key.shape, np.bool_)
    for zone in range(per_tag):
        left: I64 = np.arange(len(rows))
        for attempt in range(_TRIES):
            root = bits(key[left, zone], Draw.WHERE, attempt)
            distance = between(1300, 3600 if fleet.demo else 4500, root, 0) + attempt * 20
            bearing = between(0, 2 * np.pi, root, 1)
            try_x, try_y = distance * np.sin(bearing), distance * np.cos(bearing)
            gap = clearance(fleet, rows[left], try_x, try_y) - bound[left, zone]
            others = np.hypot(x[left] - try_x[:, None], y[left] - try_y[:, None]) - bound[left] - bound[left, zone, None]
            good = (gap >= 0) & (others >= APART_M).all(axis=1)
            if fleet.demo:
                lon, lat = fleet.degrees(rows[left], try_x, try_y)
                good &= on_land(fleet.cities, fleet.city[rows[left]], lon, lat)
            x[left[good], zone], y[left[good], zone] = try_x[good], try_y[good]
            found[left[good], zone] = True
            left = left[~good]
            if not len(left):
                break
        if len(left) and not fleet.demo:
            # Beyond everything: each zone in a sixth of the circle of its own, so that they are apart from each other too.
            far = FARTHEST_M * 1.3 + STILL_CLEAR_M + bound[left, zone]
            turn = 2 * np.pi * zone / (per_tag + 1)
            x[left, zone], y[left, zone] = far * np.sin(turn), far * np.cos(turn)
            found[left, zone] = True
    victim = unit(key, Draw.FORM, 9) < _DEMO_VICTIMS
    return Sites(key, x, y, size, form, corners, bound, victim, found)


def _forms(key: U64, demo: bool) -> tuple[Any, F64, Any]:
    """Form, size in metres and corners of zones by their keys."""
    forms = np.array([PLAIN, HOLED, PARTED, CIRCLE])
    shares = [0.5, 0.65, 0.8] if demo else [0.8, 0.9, 1.0]  # the benchmarks' zones are polygons
    form = forms[np.searchsorted(shares, unit(key, Draw.FORM, 0), side="right")]
    low = np.array([150.0, 150.0, 260.0, 150.0])[form]  # by the form's number: circle, plain, holed, parted
    high = np.array([300.0, 350.0, 420.0, 240.0])[form]
    size = np.round(low + (high - low) * unit(key, Draw.FORM, 1))
    most = 60 if demo else 200
    corners = np.floor(8 * (most / 8) ** unit(key, Draw.FORM, 2)).astype(np.int64)  # few corners are commoner than many
    return form, size, corners


def clearance(fleet: Fleet, rows: Any, x: F64, y: F64) -> F64:
    """Metres by which points (n,) keep clear of the compliant lives of ``rows``: what is left of the nearest clearance.

    Home and places ask for STILL_CLEAR_M, the ways between them for MOVING_CLEAR_M; below 0 is too near.
    """
    number = np.arange(LEGS + 1)
    place = np.arange(PLACES)
    corner_x, corner_y = corner(fleet, rows[:, None, None], place[None, :, None], number[None, None, :])
    dx, dy = x[:, None, None] - corner_x, y[:, None, None] - corner_y
    still = np.hypot(dx[..., [0, LEGS]], dy[..., [0, LEGS]]).min(axis=(1, 2))
    step_x, step_y = np.diff(corner_x, axis=2), np.diff(corner_y, axis=2)
    share = (dx[..., :-1] * step_x + dy[..., :-1] * step_y) / np.maximum(step_x**2 + step_y**2, 1e-9)
    share = np.clip(share, 0, 1)
    way = np.hypot(dx[..., :-1] - share * step_x, dy[..., :-1] - share * step_y).min(axis=(1, 2))
    return np.asarray(np.minimum(still - STILL_CLEAR_M, way - MOVING_CLEAR_M))
