"""Turns a town into people who live among their fences: where each tag is at any instant, and which fences it goes into when."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from bench.chance import F64, bits, unit
from bench.city import metres_per_degree
from bench.clock import show
from bench.workloads.town import FENCES, I64, RADIUS_M, SEED, Size, Town, town

CLEAR_M: Final = 800.0  # from home to the middle of a fence, at least: no fix at home is anywhere near one
WALK_M: Final = 25.0  # about home, in a circle
PACE_MPS: Final = 0.9
GATEWAY: Final = "gw-bench"


class Crowd(NamedTuple):
    """Tags at home, each with five fences round it. Arrays are a row a tag."""

    town: Town
    lon: F64  # (t,) home, degrees
    lat: F64
    phase: F64  # (t,) radians: where on the round about home it is at time 0
    order: I64  # (t,) in which order tags go out

    @property
    def size(self) -> int:
        return len(self.town.tags)

    def at(self, rows: Any, at_us: int) -> tuple[F64, F64]:
        """lon, lat of tags at home at an instant: on foot in a circle, so that no two fixes are the same."""
        east_m, north_m = metres_per_degree(self.lat[rows])
        turn = self.phase[rows] + (at_us % 3_600_000_000) / 1e6 * PACE_MPS / WALK_M
        return self.lon[rows] + WALK_M * np.cos(turn) / east_m, self.lat[rows] + WALK_M * np.sin(turn) / north_m

    def outing(self, number: int) -> tuple[int, int]:
        """Row and fence of the n-th outing: every tag once before any goes to its next fence."""
        return int(self.order[number % self.size]), number // self.size % FENCES

    def inside(self, row: int, fence: int) -> tuple[float, float]:
        """lon, lat deep inside a tag's fence."""
        lon, lat = self.town.middle[FENCES * row + fence]
        return float(lon), float(lat)


def crowd(tags: int) -> Crowd:
    """The crowd of a size; the same for ever, like the town it lives in."""
    world = town(Size(tags, 1))
    middle = world.middle.reshape(tags, FENCES, 2)
    root = bits(np.uint64(SEED))[0]
    row = np.arange(tags)
    lon, lat = middle[:, :, 0].mean(axis=1), middle[:, :, 1].mean(axis=1)
    for attempt in range(64):  # the middle of one's fences is mostly clear of them; else a few hundred metres off it is
        near = np.flatnonzero(_nearest_m(middle, lon, lat) < CLEAR_M)
        if not len(near):
            break
        east_m, north_m = metres_per_degree(lat[near])
        off_m = 40.0 * (attempt + 1)
        turn = 2 * np.pi * unit(root, 90, near, attempt)
        lon[near], lat[near] = (
            middle[near, :, 0].mean(axis=1) + off_m * np.cos(turn) / east_m,
            middle[near, :, 1].mean(axis=1) + off_m * np.sin(turn) / north_m,
        )
    return Crowd(world, lon, lat, 2 * np.pi * unit(root, 91, row), np.argsort(unit(root, 92, row), kind="stable"))


def _nearest_m(middle: Any, lon: F64, lat: F64) -> F64:
    east_m, north_m = metres_per_degree(lat)
    dx = (middle[:, :, 0] - lon[:, None]) * east_m[:, None]
    dy = (middle[:, :, 1] - lat[:, None]) * north_m[:, None]
    nearest: F64 = np.hypot(dx, dy).min(axis=1)
    return nearest


assert RADIUS_M[1] + WALK_M + 150.0 < CLEAR_M  # the reach beyond which a fence says nothing (DOMAIN.md)


def document(people: Crowd, start_us: int) -> dict[str, Any]:
    """The crowd's WORLD document (CONTRACT.md): an order and a tag each since ``start_us``, five exclusion zones each."""
    begins, tags = show(start_us), people.town.tags.tolist()
    order = {"type": "bail", "timezone": "Europe/London", "starts": begins, "ends": None, "status": "active", "risk": "standard"}
    return {
        "wearers": [{"ref": f"w{row}", "name": f"Wearer {row}"} for row in range(people.size)],
        "orders": [order | {"ref": f"o{row}", "wearer": f"w{row}"} for row in range(people.size)],
        "activations": [{"wearer": f"w{row}", "tag": tag, "from": begins, "to": None} for row, tag in enumerate(tags)],
        "zones": list(_zones(people)),
        "curfews": [],
        "visits": [],
        "pauses": [],
        "settings": {},
    }


def _zones(people: Crowd) -> Iterator[dict[str, Any]]:
    world = people.town
    corners = np.column_stack([world.lon, world.lat])
    for fence, (first, end) in enumerate(zip(world.ring_at[:-1].tolist(), world.ring_at[1:].tolist(), strict=True)):
        purpose = "victim" if fence % FENCES < 2 else "area"
        whose = {"wearer": f"w{fence // FENCES}"}
        properties = {"name": f"f{fence}", "kind": "exclusion", "purpose": purpose, "applies_to": whose}
        geometry = {"type": "Polygon", "coordinates": [corners[first:end].tolist()]}
        yield {"type": "Feature", "ref": f"f{fence}", "geometry": geometry, "properties": properties}
