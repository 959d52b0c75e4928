"""Turns a seed and a number into a population: who lives where, goes where, walks how fast, wears which tag."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.chance import F64, U64, Draw, between, bits, unit
from bench.city import CITIES, LIVERPOOL, City, Land, homes, land, metres_per_degree, on_land

I64 = npt.NDArray[np.int64]

PLACES: Final = 4  # 0 work, 1..3 errands: shops, friends, appointments
_CHUNK: Final = 1 << 16  # tags at a time while building: bounded memory, and arrays that stay in the cache
_TRIES: Final = 6  # for a place on land, each nearer home than the last

# Distances from home as the crow flies, metres. Nobody lives further from anything than FARTHEST_M.
WORK_M: Final = (700.0, 5000.0)
ERRAND_M: Final = (300.0, 2500.0)
FARTHEST_M: Final = 5000.0

_TAG_BASE: Final = 99_000_700_000_000  # an IMEI's first 14 digits; type code 990007 here is ours alone, no device has it


class Fleet(NamedTuple):
    """The population as arrays, one row a tag. Positions are metres east and north of the wearer's own home.

    A frame of its own for each wearer keeps distances true to 0.2 % within 12 km and makes straight lines straight in
    lon/lat too, which is what a zone's edge is.
    """

    seed: int
    demo: bool
    cities: Land
    key: U64  # (n,) root of all the wearer's chance
    tag: I64  # (n,) 15-digit tag ids with a valid check digit
    city: npt.NDArray[np.int8]  # (n,) row of cities
    lon: F64  # (n,) home, degrees
    lat: F64  # (n,) home, degrees
    east: F64  # (n,) metres a degree of longitude at home
    north: F64  # (n,) metres a degree of latitude at home
    place_x: npt.NDArray[np.float32]  # (n, PLACES) metres east of home
    place_y: npt.NDArray[np.float32]  # (n, PLACES) metres north of home
    phase_s: npt.NDArray[np.int8]  # (n,) 0..59: the second of the minute this tag reports at
    batch: npt.NDArray[np.int8]  # (n,) 1, 5 or 10: minutes it collects before it uploads

    @property
    def size(self) -> int:
        """Number of tags."""
        return len(self.tag)

    def degrees(self, rows: Any, x: Any, y: Any) -> tuple[F64, F64]:
        """lon, lat degrees of points x, y metres from the homes of ``rows``."""
        return self.lon[rows] + x / self.east[rows], self.lat[rows] + y / self.north[rows]

    def metres(self, rows: Any, lon: Any, lat: Any) -> tuple[F64, F64]:
        """Metres east and north of the homes of ``rows`` of points in degrees."""
        return (lon - self.lon[rows]) * self.east[rows], (lat - self.lat[rows]) * self.north[rows]


def build(seed: int, count: int, demo: bool = False) -> Fleet:
    """The fleet of a seed. Row i is the same person whatever ``count`` is.

    Parameters
    ----------
    seed : any integer.
    count : tags, 1 to 10 million (the tag number's digits).
    demo : everybody lives in the demo's one city.
    """
    if not 1 <= count <= 10_000_000:
        raise ValueError(f"a fleet has 1 to 10,000,000 tags, not {count}")
    cities: tuple[City, ...] = (LIVERPOOL,) if demo else CITIES
    ground = land(cities)
    parts = [_people(seed, ground, np.arange(at, min(at + _CHUNK, count))) for at in range(0, count, _CHUNK)]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Fleet(seed, demo, ground, *columns)


def _people(seed: int, cities: Land, index: I64) -> tuple[Any, ...]:
    key = bits(np.uint64(seed & 0xFFFF_FFFF_FFFF_FFFF), Draw.TAG, index)
    city, lon, lat = homes(cities, key)
    east, north = metres_per_degree(lat)
    place_x = np.empty((len(index), PLACES), np.float32)
    place_y = np.empty((len(index), PLACES), np.float32)
    for place in range(PLACES):
        near, far = WORK_M if place == 0 else ERRAND_M
        x, y = _place(cities, city, (lon, lat, east, north), bits(key, Draw.PLACE, place), near, far)
        place_x[:, place], place_y[:, place] = x, y
    batch = np.array([1, 5, 10], np.int8)[np.searchsorted([0.35, 0.85], unit(key, Draw.BATCH), side="right")]
    phase = (60 * unit(key, Draw.PHASE)).astype(np.int8)
    return key, _tags(index), city.astype(np.int8), lon, lat, east, north, place_x, place_y, phase, batch


def _place(cities: Land, city: Any, home: tuple[F64, ...], key: U64, near: float, far: float) -> tuple[F64, F64]:
    """A place (n,) metres from each home, on the city's land; the last try is on the way to the city's middle."""
    lon, lat, east, north = home
    x = (cities.middle[city, 0] - lon) * east
    y = (cities.middle[city, 1] - lat) * north
    inward = np.clip(between(near, far, key, 0), 0, np.hypot(x, y)) / np.maximum(np.hypot(x, y), 1)
    x, y = x * inward, y * inward
    left = np.arange(len(key))
    for attempt in range(_TRIES):
        root = bits(key[left], attempt + 1)
        distance = between(near, far - (far - near) * attempt / _TRIES, root, 0)
        bearing = between(0, 2 * np.pi, root, 1)
        try_x, try_y = distance * np.sin(bearing), distance * np.cos(bearing)
        good = on_land(cities, city[left], lon[left] + try_x / east[left], lat[left] + try_y / north[left])
        x[left[good]], y[left[good]] = try_x[good], try_y[good]
        left = left[~good]
        if not len(left):
            break
    return x, y


def _tags(index: I64) -> I64:
    """15-digit tag ids with the Luhn check digit an IMEI ends with."""
    body = _TAG_BASE + index
    total = np.zeros(len(index), np.int64)
    rest = body.copy()
    for at in range(14):
        digit = rest % 10
        rest //= 10
        if at % 2 == 0:  # counted from the right of the 14 digits: these are doubled
            digit = digit * 2
            digit = digit // 10 + digit % 10
        total += digit
    return body * 10 + (10 - total % 10) % 10
