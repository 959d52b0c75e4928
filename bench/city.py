"""Turns a random number into a place on land where somebody could live."""

from typing import Any, Final, NamedTuple

import numpy as np

from bench.chance import F64, Draw, bits, unit

_TRIES: Final = 24  # a convex outline fills half its box or more: 2**-24 of homes fall back to its middle


class City(NamedTuple):
    """A convex outline in lon, lat degrees, anticlockwise, wholly on land; and its share of the fleet."""

    name: str
    outline: tuple[tuple[float, float], ...]
    share: float


def _round(name: str, lon: float, lat: float, radius_m: float, share: float) -> City:
    """A city as an octagon of the given radius."""
    east, north = metres_per_degree(np.array([lat]))
    turns = np.arange(8) * np.pi / 4
    lons = lon + radius_m / east[0] * np.cos(turns)
    lats = lat + radius_m / north[0] * np.sin(turns)
    return City(name, tuple(zip(lons.tolist(), lats.tolist(), strict=True)), share)


def metres_per_degree(lat: F64) -> tuple[F64, F64]:
    """Metres a degree of longitude and of latitude on WGS84 at each latitude (series of the meridian arc, to 1 cm a degree)."""
    phi = np.radians(lat)
    east = 111_412.84 * np.cos(phi) - 93.5 * np.cos(3 * phi) + 0.118 * np.cos(5 * phi)
    north = 111_132.92 - 559.82 * np.cos(2 * phi) + 1.175 * np.cos(4 * phi) - 0.0023 * np.cos(6 * phi)
    return east, north


# The demo's city: Liverpool from its inner districts eastward, drawn a few hundred metres inland of the Mersey.
LIVERPOOL: Final = City(
    "Liverpool",
    (
        (-2.965, 53.393),
        (-2.935, 53.378),
        (-2.890, 53.372),
        (-2.850, 53.385),
        (-2.850, 53.440),
        (-2.900, 53.475),
        (-2.970, 53.475),
        (-2.992, 53.450),
        (-2.985, 53.412),
    ),
    0.08,
)

# The rest are only somewhere for large fleets to be, so that neighbours are as dense as in life.
CITIES: Final = (
    LIVERPOOL,
    _round("Birmingham", -1.89, 52.48, 9000, 0.17),
    _round("Manchester", -2.23, 53.47, 8000, 0.14),
    _round("Leeds", -1.55, 53.80, 7000, 0.11),
    _round("Sheffield", -1.47, 53.38, 6000, 0.08),
    _round("Bradford", -1.77, 53.79, 5000, 0.06),
    _round("Nottingham", -1.16, 52.96, 6000, 0.09),
    _round("Leicester", -1.13, 52.63, 6000, 0.08),
    _round("Coventry", -1.51, 52.41, 5000, 0.07),
    _round("Stoke", -2.18, 53.01, 6000, 0.06),
    _round("Derby", -1.47, 52.92, 5000, 0.06),
)


class Land(NamedTuple):
    """Cities as arrays: half planes of every outline, their boxes and their middles."""

    edge: F64  # (cities, sides, 3): a*lon + b*lat + c >= 0 inside; short outlines repeat a side
    low: F64  # (cities, 2) box corner, degrees
    size: F64  # (cities, 2) box size, degrees
    middle: F64  # (cities, 2) degrees
    upto: F64  # (cities,) running sum of shares, ends at 1


def land(cities: tuple[City, ...]) -> Land:
    """The arrays of some cities."""
    sides = max(len(city.outline) for city in cities)
    edge = np.empty((len(cities), sides, 3))
    box = np.empty((len(cities), 2, 2))
    middle = np.empty((len(cities), 2))
    for at, city in enumerate(cities):
        ring = np.array(city.outline)
        step = np.roll(ring, -1, axis=0) - ring
        planes = np.stack([-step[:, 1], step[:, 0], step[:, 1] * ring[:, 0] - step[:, 0] * ring[:, 1]], axis=1)
        edge[at] = np.resize(planes, (sides, 3))
        box[at] = ring.min(axis=0), ring.max(axis=0)
        middle[at] = ring.mean(axis=0)
    upto = np.cumsum([city.share for city in cities])
    return Land(edge, box[:, 0], box[:, 1] - box[:, 0], middle, upto / upto[-1])


def on_land(cities: Land, city: Any, lon: F64, lat: F64) -> Any:
    """Whether each point is inside its city's outline; ``city`` is (n,) rows of ``cities``, boundary inside."""
    edge = cities.edge[city]
    value = edge[..., 0] * lon[:, None] + edge[..., 1] * lat[:, None] + edge[..., 2]
    return (value >= 0).all(axis=1)


def homes(cities: Land, key: Any) -> tuple[Any, F64, F64]:
    """A city (n,) and a home's lon, lat (n,) degrees for each (n,) uint64 key, spread evenly over the city."""
    city = np.minimum(np.searchsorted(cities.upto, unit(key, Draw.CITY), side="right"), len(cities.upto) - 1)
    lon, lat = cities.middle[city, 0].copy(), cities.middle[city, 1].copy()
    left = np.arange(len(city))
    for attempt in range(_TRIES):
        root = bits(key[left], Draw.HOME, attempt)
        try_lon = cities.low[city[left], 0] + cities.size[city[left], 0] * unit(root, 0)
        try_lat = cities.low[city[left], 1] + cities.size[city[left], 1] * unit(root, 1)
        good = on_land(cities, city[left], try_lon, try_lat)
        lon[left[good]], lat[left[good]] = try_lon[good], try_lat[good]
        left = left[~good]
        if not len(left):
            break
    return city, lon, lat
