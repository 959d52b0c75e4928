"""Points on the borders of cells, at the ends of runs and of rows are located as GEOS has it; grids keep within their bounds."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence import grid
from geofence.covers import covers
from geofence.index import ZoneIndex
from tests.chance import times
from tests.geofence import strategies
from tests.geofence.check import index_of, zone
from tests.oracle import plane


def on_borders(index: ZoneIndex, seed: int, most: int = 3000) -> Any:
    """(n, 2) points on the borders and corners of the cells of the only zone's grid, and one ulp to either side."""
    rng = np.random.default_rng(seed)
    s = index.plan.shapes.shape[0]
    columns = s["west"] + np.arange(s["columns"] + 1) / s["per_lon"]
    rows = s["south"] + np.arange(s["rows"] + 1) / s["per_lat"]
    lon = np.concatenate([columns, rng.uniform(s["west"], s["east"], len(columns)), index.plan.shapes.x])
    lat = np.concatenate([rows, rng.uniform(s["south"], s["north"], len(rows)), index.plan.shapes.y])
    points = np.column_stack([rng.choice(lon, most), rng.choice(lat, most)])
    return np.column_stack(
        [strategies.towards(points[:, k], 1) if way else points[:, k] for k, way in enumerate(rng.choice(2, 2))]
    )


def wrongly_placed(geometry: Any, seed: int) -> list[Any]:
    """Points on borders of cells that are seen on the other side than GEOS does."""
    index = index_of([zone(1, geometry)])
    points = on_borders(index, seed)
    points = points[np.abs(points[:, 0]) <= 180.0]
    said = covers(index, 1, points[:, 0], points[:, 1])
    wrong: list[Any] = points[said != plane.covers(geometry, points[:, 0], points[:, 1])].tolist()
    return wrong


@given(geometry=strategies.zones(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=times(80), deadline=None)
def test_points_on_the_borders_of_cells_agree_with_geos(geometry: Any, seed: int) -> None:
    assert wrongly_placed(geometry, seed) == []


def jagged(corners: int, low: float = 0.7, turns: float = 0.0) -> Any:
    """A ring of spikes; with ``turns`` above 0 a spiral band, whose rows have many runs."""
    rng = np.random.default_rng(corners)
    turn = np.linspace(0.0, 2.0 * np.pi, corners, endpoint=False)
    radius = 0.05 * (low + (1.0 - low) * rng.random(corners))
    if turns == 0.0:
        return shapely.Polygon(np.column_stack([-2.0 + radius * np.cos(turn), 53.0 + radius * np.sin(turn)]))
    way = np.linspace(0.5, 1.0, corners // 2)
    arm = [np.column_stack([r * np.cos(turns * 2 * np.pi * way), r * np.sin(turns * 2 * np.pi * way)]) for r in (way, way * 1.02)]
    return shapely.Polygon(np.concatenate([arm[0], arm[1][::-1]]) * 0.05 + (-2.0, 53.0))


# A row of a horizontal side cut into thousands; a zone of more corners than 16 bits count; one of a metre; holes in a lattice.
HARD = {
    "flat": shapely.Polygon([*((-2.0 + i * 1e-6, 53.0) for i in range(3000)), (-1.9, 53.1), (-2.1, 53.1)]),
    "spiral": jagged(4000, turns=9.0),
    "spikes": jagged(3000, low=0.2),
    "many": jagged(66_000, low=0.999),
    "metre": shapely.box(-2.0, 53.0, -2.0 + 1.5e-5, 53.0 + 1e-5),
    "thread": shapely.Polygon([(-2.0, 53.0), (-1.0, 53.5), (-1.0, 53.5 + 1e-9), (-2.0, 53.0 + 1e-9)]),
    "sieve": shapely.Polygon(
        shapely.box(0.0, 51.0, 0.3, 51.3).exterior,
        [
            shapely.box(0.02 * i, 51.0 + 0.02 * j, 0.02 * i + 0.01, 51.01 + 0.02 * j).exterior
            for i in range(1, 14)
            for j in range(1, 14)
        ],
    ),
}


# Teeth as high as the zone: each of their edges lies in nearly every row.
TEETH = [(-2.0 + 0.001 * i + 0.0005 * k, 53.1 if k else 53.0) for i in range(200) for k in (0, 1)]
COMB = shapely.Polygon([*TEETH, (-1.8, 53.0), (-1.8, 52.99), (-2.0, 52.99)])


@pytest.mark.parametrize("name", HARD)
def test_hard_grids_agree_with_geos(name: str) -> None:
    geometry = HARD[name]
    assert shapely.is_valid(geometry)
    assert wrongly_placed(geometry, 1) == []
    points = strategies.placed(geometry, 2, 3000)
    said = covers(index_of([zone(1, geometry)]), 1, points[:, 0], points[:, 1])
    np.testing.assert_array_equal(said, plane.covers(geometry, points[:, 0], points[:, 1]))


def test_grids_keep_within_their_bounds() -> None:
    for geometry in HARD.values():
        s = index_of([zone(1, geometry)]).plan.shapes.shape[0]
        assert 1 <= s["columns"] <= grid.WIDEST
        assert 1 <= s["rows"] <= grid.HIGHEST
        assert s["cells"] <= max(grid.CELLS * s["vertices"], grid.FEWEST)


@pytest.mark.parametrize("name", ["comb", *HARD])
def test_room_for_a_zone_is_counted_first_and_is_what_it_takes(name: str) -> None:
    """Where there is none, room is made once: enough, not an entry more, and what was drawn before stays."""
    shapes = index_of([zone(1, COMB if name == "comb" else HARD[name])]).plan.shapes
    s, wide = shapes.shape[0], 2 if len(shapes.x) >= grid.WIDE else 1
    own = grid.draft(shapes.shape)
    run, edge, entry = np.arange(5, dtype=np.int32), np.arange(7, dtype=np.uint16), np.empty(1, np.int64)
    small = grid.Draft(run, edge, own.mark, own.begin, entry, entry.copy())
    assert not grid.draw(s, shapes.x, shapes.y, shapes.ring, shapes.cell, small, 5, 7)
    made = grid.roomier(small, s, shapes.y, shapes.ring, 5, 7)
    assert grid.draw(s, shapes.x, shapes.y, shapes.ring, shapes.cell, made, 5, 7)
    assert len(made.entry) == len(made.tally) == s["edges"] // wide
    assert (len(made.run), len(made.edge)) == (5 + s["rows"] + len(made.entry) + 1, 7 + s["edges"])
    assert made.run[:5].tolist() == run.tolist()
    assert made.edge[:7].tolist() == edge.tolist()
    np.testing.assert_array_equal(made.run[5 : 5 + s["runs"]], shapes.run)
    np.testing.assert_array_equal(made.edge[7:], shapes.edge)


def test_a_run_ends_where_no_edge_leads_into_the_next_cell() -> None:
    shapes = index_of([zone(1, COMB)]).plan.shapes
    s, run = shapes.shape[0], shapes.run
    row = int((53.05 - s["south"]) * s["per_lat"])
    edges = np.diff(run[s["rows"] + run[row] : s["rows"] + run[row + 1] + 1] >> 1)
    assert edges.sum() >= 400, "all teeth are in that row"
    assert edges.max() <= 40, "and none of its runs goes on over more than a few of them"
