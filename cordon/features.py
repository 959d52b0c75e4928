"""Turns GeoJSON features, as a file holds them, into zones ready to be written, or says which one cannot be and why."""

from collections.abc import Mapping
from typing import Any

from geofence.feature import parse
from model.batch import Rejected
from model.errors import CordonError
from model.zone import Purpose, ZoneKind
from store.world import NewZone


def zone(feature: Mapping[str, Any], *, wearer: int | None, in_force_from_us: int, called: str) -> NewZone:
    """A zone of one feature; an exclusion zone without a purpose counts as a victim's (DOMAIN.md).

    Parameters
    ----------
    wearer : row of the world's wearers, None for everyone
    called : the feature's place in its file, for the message

    Raises
    ------
    CordonError
        If its geometry or a property cannot be used.
    """
    geometry = parse(feature)
    if isinstance(geometry, Rejected):
        raise CordonError(f"{called}: {geometry.reason}")
    properties = dict(feature.get("properties") or {})
    kind, purpose = properties.get("kind") or ZoneKind.EXCLUSION, properties.get("purpose") or Purpose.VICTIM
    if kind not in set(ZoneKind):
        raise CordonError(f"{called}: kind {kind!r} is not one of {', '.join(ZoneKind)}")
    if purpose not in set(Purpose):
        raise CordonError(f"{called}: purpose {purpose!r} is not one of {', '.join(Purpose)}")
    return NewZone(
        wearer,
        str(properties.get("name") or called),
        geometry.wkb,
        {"type": "Feature", "geometry": feature["geometry"], "properties": properties},
        in_force_from_us,
        kind,
        purpose,
        geometry.radius_m,
        _number(properties, "buffer_m", 0.0, called),
        int(_number(properties, "confirm_fixes", 2, called)),
        attendance=_attendance(properties, called),
    )


def _attendance(properties: Mapping[str, Any], called: str) -> bool:
    """Such a file has no schedules, so no zone of it can say when somebody had to be there."""
    if properties.get("attendance") in (None, False):
        return False
    raise CordonError(f"{called}: attendance needs a schedule: write a world with the zone in it, and give --world")


def _number(properties: Mapping[str, Any], name: str, default: float, called: str) -> float:
    value = properties.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise CordonError(f"{called}: {name} {value!r} is not a number of at least 0")
    return float(value)
