"""The population: reproducible by seed, the same person whatever the number, living on land."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import shapely

from bench.city import CITIES, LIVERPOOL, land, metres_per_degree, on_land
from bench.fleet import FARTHEST_M, Fleet, build

LSOA = Path(__file__).resolve().parents[3] / "shared" / "data" / "zones" / "uk_lsoa_liverpool.geojson"

# Where the Mersey's dock wall runs: lat, lon, each hundredth of a degree, from the boundaries of Liverpool's statistical areas.
WATERFRONT = np.array(
    [
        (53.35, -2.900),
        (53.36, -2.929),
        (53.37, -2.954),
        (53.38, -2.977),
        (53.39, -2.988),
        (53.40, -2.994),
        (53.41, -3.002),
        (53.42, -3.005),
        (53.43, -3.007),
        (53.44, -3.001),
        (53.45, -3.003),
        (53.47, -3.015),
        (53.50, -3.055),
    ]
)


def digest(fleet: Fleet) -> str:
    arrays = [column for column in fleet if isinstance(column, np.ndarray)]
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def test_a_seed_gives_the_same_fleet_and_another_seed_another() -> None:
    assert digest(build(7, 500)) == digest(build(7, 500))
    assert digest(build(7, 500)) != digest(build(8, 500))
    assert digest(build(-3, 500)) == digest(build(-3, 500))


def test_a_person_does_not_depend_on_how_many_there_are() -> None:
    small, large = build(7, 100), build(7, 70_000)  # over one chunk
    for name in ("key", "tag", "lon", "lat", "place_x", "place_y", "phase_s", "batch"):
        assert np.array_equal(getattr(small, name), getattr(large, name)[:100])


def test_tags_differ_and_have_a_valid_check_digit() -> None:
    fleet = build(7, 70_000)
    assert len(np.unique(fleet.tag)) == 70_000
    for tag in fleet.tag[:200].tolist():
        digits = [int(digit) for digit in str(tag)]
        assert len(digits) == 15
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
        assert (sum(digits[0::2]) + sum(doubled)) % 10 == 0


@pytest.mark.parametrize("count", [0, -1, 10_000_001])
def test_an_impossible_number_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 10,000,000"):
        build(7, count)


def test_homes_and_places_are_in_their_city() -> None:
    for fleet in (build(7, 3000), build(7, 3000, True)):
        assert on_land(fleet.cities, fleet.city, fleet.lon, fleet.lat).all()
        rows = np.arange(fleet.size)
        for place in range(4):
            lon, lat = fleet.degrees(rows, fleet.place_x[:, place], fleet.place_y[:, place])
            # float32 metres: a place on the outline itself may round a millimetre over it
            lon += (fleet.cities.middle[fleet.city, 0] - lon) * 1e-6
            lat += (fleet.cities.middle[fleet.city, 1] - lat) * 1e-6
            assert on_land(fleet.cities, fleet.city, lon, lat).all()
        assert np.hypot(fleet.place_x, fleet.place_y).max() <= FARTHEST_M + 1
    shares = np.bincount(build(7, 20_000).city) / 20_000
    assert np.allclose(shares, [city.share for city in CITIES], atol=0.02)


def test_outlines_are_convex_and_turn_left() -> None:
    for city in CITIES:
        polygon = shapely.Polygon(city.outline)
        assert polygon.exterior.is_ccw
        assert polygon.convex_hull.equals(polygon)
    assert len(land(CITIES).upto) == len(CITIES)


def test_the_demos_city_is_dry() -> None:
    for lon, lat in LIVERPOOL.outline:
        shore = np.interp(lat, WATERFRONT[:, 0], WATERFRONT[:, 1])
        east, _ = metres_per_degree(np.array([lat]))
        assert (lon - shore) * east[0] > 250, (lon, lat)


@pytest.mark.skipif(not LSOA.exists(), reason="the survey boundaries are not on this machine; the waterfront above is")
def test_the_waterfront_is_where_the_survey_has_it() -> None:
    areas = shapely.union_all([shapely.geometry.shape(one["geometry"]) for one in _features()])
    for lat, lon in WATERFRONT[(WATERFRONT[:, 0] > 53.355) & (WATERFRONT[:, 0] < 53.445)]:
        west = areas.intersection(shapely.LineString([(-3.1, lat), (-2.7, lat)])).bounds[0]
        assert west == pytest.approx(lon, abs=0.002)


def _features() -> list[dict[str, object]]:
    import json

    return list(json.loads(LSOA.read_text())["features"])


def test_metres_per_degree_agree_with_the_geodesic() -> None:
    from geographiclib.geodesic import Geodesic

    for lat in (0.0, 35.0, 53.4, 70.0):
        east, north = metres_per_degree(np.array([lat]))
        assert east[0] == pytest.approx(Geodesic.WGS84.Inverse(lat, -0.0005, lat, 0.0005)["s12"] * 1000, rel=1e-5)
        assert north[0] == pytest.approx(Geodesic.WGS84.Inverse(lat - 5e-4, 0, lat + 5e-4, 0)["s12"] * 1000, rel=1e-5)
