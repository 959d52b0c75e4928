"""In what a version of a zone asks less than the one before."""

from typing import Any, Final

import pytest
import shapely

from geofence.relaxing import relaxed
from model.instant import DAY_US, parse

NOW_US: Final = parse("2026-03-20T12:00:00Z")
SQUARE: Final = shapely.to_wkb(shapely.box(-3.0, 53.4, -2.98, 53.42))
LARGER: Final = shapely.to_wkb(shapely.box(-3.01, 53.4, -2.98, 53.42))
MOVED: Final = shapely.to_wkb(shapely.box(-3.01, 53.4, -2.99, 53.42))
# Beside the 180° meridian: a place west of it and one east of it, what lies about both, and what reaches on to 112° W.
WEST_OF: Final = shapely.to_wkb(shapely.box(179.2, -17.0, 179.4, -16.8))
EAST_OF: Final = shapely.to_wkb(shapely.box(-179.4, -17.0, -179.2, -16.8))
ISLANDS: Final = shapely.to_wkb(shapely.MultiPolygon([shapely.box(179, -18, 179.5, -16), shapely.box(-179.5, -18, -179, -16)]))
ABOUT: Final = shapely.to_wkb(shapely.MultiPolygon([shapely.box(179, -18, 180, -16), shapely.box(-180, -18, -179, -16)]))
FAR: Final = shapely.to_wkb(shapely.MultiPolygon([shapely.box(179, -18, 180, -16), shapely.box(-180, -18, -112.3, -16)]))
CENTRE: Final = shapely.to_wkb(shapely.Point(-2.98, 53.4))
BESIDE: Final = shapely.to_wkb(shapely.Point(-2.98, 53.4009))  # 100 m north
NIGHTS: Final = {"windows": [{"days": ["fri"], "from": "19:00", "to": "07:00"}], "timezone": "Europe/London"}
LONGER: Final = {"windows": [{"days": ["fri"], "from": "18:00", "to": "07:00"}], "timezone": "Europe/London"}
LATER: Final = {"windows": [{"days": ["fri"], "from": "20:00", "to": "09:00"}], "timezone": "Europe/London"}

EXCLUSION: Final[dict[str, Any]] = {
    "kind": "exclusion", "purpose": "victim", "wkb": SQUARE, "radius_m": 0.0, "buffer_m": 50.0, "confirm_fixes": 2,
    "schedule": None, "valid_from_us": None, "valid_to_us": None, "wearer": 1, "group": None, "everyone": False,
    "attendance": False,
}  # fmt: skip
HOME: Final = EXCLUSION | {"kind": "home", "purpose": "area", "wkb": CENTRE, "radius_m": 75.0}
INCLUSION: Final = EXCLUSION | {"kind": "inclusion", "purpose": "area", "schedule": NIGHTS}


@pytest.mark.parametrize(
    ("before", "change", "said"),
    [
        (EXCLUSION, {"name": "Another name"}, None),
        (EXCLUSION, {"wkb": LARGER}, None),
        (EXCLUSION | {"wkb": LARGER}, {"wkb": SQUARE}, "no longer cover all"),
        (EXCLUSION, {"wkb": MOVED}, "no longer cover all"),
        (EXCLUSION | {"wkb": WEST_OF}, {"wkb": ISLANDS}, None),
        (EXCLUSION | {"wkb": EAST_OF}, {"wkb": ISLANDS}, None),
        (EXCLUSION | {"wkb": WEST_OF}, {"wkb": FAR}, None),
        (EXCLUSION | {"wkb": EAST_OF}, {"wkb": FAR}, None),
        (EXCLUSION | {"wkb": ISLANDS}, {"wkb": ABOUT}, None),
        (EXCLUSION | {"wkb": ISLANDS}, {"wkb": FAR}, None),
        (EXCLUSION | {"wkb": ABOUT}, {"wkb": FAR}, None),
        (EXCLUSION | {"wkb": FAR}, {"wkb": ABOUT}, "no longer cover all"),
        (EXCLUSION | {"wkb": ABOUT}, {"wkb": ISLANDS}, "no longer cover all"),
        (EXCLUSION | {"wkb": ISLANDS}, {"wkb": WEST_OF}, "no longer cover all"),
        (EXCLUSION | {"wkb": ISLANDS}, {"wkb": EAST_OF}, "no longer cover all"),
        (EXCLUSION | {"wkb": WEST_OF}, {"wkb": EAST_OF}, "no longer cover all"),
        (INCLUSION | {"wkb": ISLANDS}, {"wkb": EAST_OF}, None),
        (INCLUSION | {"wkb": ISLANDS}, {"wkb": WEST_OF}, None),
        (EXCLUSION, {"wkb": CENTRE, "radius_m": 90_000.0}, "no longer cover all"),
        (EXCLUSION | {"wkb": CENTRE, "radius_m": 300.0}, {"radius_m": 299.0}, "no longer cover all"),
        (EXCLUSION | {"wkb": CENTRE, "radius_m": 300.0}, {"radius_m": 301.0}, None),
        (EXCLUSION | {"wkb": CENTRE, "radius_m": 300.0}, {"wkb": BESIDE}, "no longer cover all"),
        (EXCLUSION | {"wkb": CENTRE, "radius_m": 300.0}, {"wkb": BESIDE, "radius_m": 399.0}, "no longer cover all"),
        (EXCLUSION | {"wkb": CENTRE, "radius_m": 300.0}, {"wkb": BESIDE, "radius_m": 401.0}, None),
        (EXCLUSION, {"purpose": "area"}, "no longer be a victim's"),
        (EXCLUSION | {"purpose": "area"}, {"purpose": "victim"}, None),
        (EXCLUSION, {"buffer_m": 49.0}, "buffer would be 49 m, no longer 50"),
        (EXCLUSION, {"buffer_m": 51.0}, None),
        (EXCLUSION, {"confirm_fixes": 3}, "3 possible fixes"),
        (EXCLUSION, {"confirm_fixes": 1}, None),
        (EXCLUSION, {"schedule": NIGHTS}, "would not hold from Fri 20 March 2026 12:00"),
        (EXCLUSION | {"schedule": NIGHTS}, {"schedule": None}, None),
        (EXCLUSION | {"schedule": NIGHTS}, {"schedule": LONGER}, None),
        (EXCLUSION | {"schedule": NIGHTS}, {"schedule": LATER}, "would not hold from Fri 20 March 2026 19:00"),
        (EXCLUSION, {"valid_to_us": NOW_US + DAY_US}, "for less long"),
        (EXCLUSION, {"valid_from_us": NOW_US + DAY_US}, "from later on"),
        (EXCLUSION, {"valid_from_us": NOW_US - DAY_US}, None),
        (EXCLUSION, {"kind": "inclusion"}, "of the kind inclusion"),
        (EXCLUSION, {"wearer": 2}, "somebody else"),
        (EXCLUSION, {"wearer": None, "group": 1}, "somebody else"),
        (EXCLUSION, {"wearer": None, "everyone": True}, None),
        (HOME, {"radius_m": 20_000.0}, "beyond what it covers"),
        (HOME, {"radius_m": 50.0}, None),
        (HOME, {"wkb": BESIDE}, "beyond what it covers"),
        (INCLUSION, {"wkb": LARGER}, "beyond what it covers"),
        (INCLUSION | {"wkb": LARGER}, {"wkb": SQUARE}, None),
        (INCLUSION, {"attendance": True}, "once would do"),
        (INCLUSION | {"attendance": True}, {"attendance": False}, None),
    ],
)
def test_only_what_asks_less_relaxes(before: dict[str, Any], change: dict[str, Any], said: str | None) -> None:
    found = relaxed(before, before | change, NOW_US)
    assert found is None if said is None else said in str(found), found
