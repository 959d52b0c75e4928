"""Zones become shapes: rings in one frame of longitude, and what finds a point's place and its nearest edge; flat arrays."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import shapely

from geofence import chain, grid, wkb
from geofence.kernel import Record, kernel, lean
from geofence.metric import metres_per_degree, span_deg
from geofence.parts import each
from model.arrays import I64, Array, plain
from model.zones import Zones

_SEAM_DEG: Final = 180.0
_TURN_DEG: Final = 360.0
# Numbers this large and larger are as coarse as those a turn away: the turn is exact. East of 128° W it would round.
_COARSE_DEG: Final = 128.0
_TURN: Final = np.array([_TURN_DEG, 0.0])
_PIECE: Final = 1 << 18  # vertices that a thread compiles at once

# One zone's geometry: its box, its grid, and where its entries in the arrays of ``Shapes`` begin and how many they are.
SHAPE: Final = np.dtype(
    [
        ("west", "<f8"),  # degrees, of its own frame of longitude: beyond 180 or -180 where it is on both sides of that meridian
        ("south", "<f8"),
        ("east", "<f8"),  # of a circle these hold all of it
        ("north", "<f8"),
        ("per_lon", "<f8"),  # columns of its grid a degree
        ("per_lat", "<f8"),  # rows
        ("radius_m", "<f8"),  # 0 for polygons
        ("vertex_at", "<i8"),
        ("ring_at", "<i8"),
        ("chain_at", "<i8"),
        ("box_at", "<i8"),
        ("cell_at", "<i8"),
        ("run_at", "<i8"),
        ("edge_at", "<i8"),
        ("vertices", "<i4"),  # 1 for circles: the centre
        ("rings", "<i4"),
        ("chains", "<i4"),
        ("boxes", "<i4"),
        ("cells", "<i4"),
        ("runs", "<i4"),  # entries of ``run``
        ("edges", "<i4"),  # entries of ``edge``
        ("columns", "<i4"),
        ("rows", "<i4"),
    ]
)
_PARTS: Final = (  # of SHAPE: where an array's entries begin, how many they are
    ("vertex_at", "vertices"),
    ("ring_at", "rings"),
    ("chain_at", "chains"),
    ("box_at", "boxes"),
    ("cell_at", "cells"),
    ("run_at", "runs"),
    ("edge_at", "edges"),
)


class Shapes(NamedTuple):
    """Geometries, one after the other. What their arrays mean is told where they are made: ``wkb``, ``chain``, ``grid``."""

    shape: Array  # (n,) SHAPE
    x: Array  # (v,) float64 degrees longitude, rings closed, outer rings and holes alike (even-odd)
    y: Array  # (v,) float64 degrees latitude
    ring: Array  # (r, 2) int32, first and last but one coordinate of each ring, counted from the shape's first
    chain: Array  # (c,) int32, first edge of each chain, counted likewise, and how many
    box: Array  # (b, 4) float32 degrees west, south, east, north from the shape's south-western corner: of chains, then of those
    cell: Array  # (g,) uint8, rows of cells from south to north
    run: Array  # (q,) int32, each row's first run; then where each run's edges begin and the state after it, and the end
    edge: Array  # (e,) uint16, edges of each run

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(part.nbytes for part in self)


def compile_shapes(zones: Zones, threads: int = 1) -> Shapes:
    """The shapes of a table's outlines, in their order; the same for any number of threads.

    Coordinates keep their order and value, so that containment stays what GEOS says of the same geometry. Only a zone on both
    sides of the 180° meridian is joined: its parts on one of them move by 360 degrees, exactly, and where it was split the seam,
    no edge of the zone, disappears.

    Raises
    ------
    ValueError
        If a geometry is not a polygon, multipolygon or a point with a radius: ``geofence.feature.parse`` lets no other through.
    """
    of, body, at = zones.outlines
    body = _fixed(body)
    radius_m = zones.row["radius_m"][of]
    size = _sizes(body, at, radius_m, threads)
    odd = np.flatnonzero(size[:, 1] == 0)
    if len(odd):
        body, at = _replaced(body, at, odd, [_plain(zones.row[of[i]], _one(body, at, i)) for i in odd.tolist()])
        size = _sizes(body, at, radius_m, threads)
    shapes = _compile(body, at, radius_m, size, threads)
    wide = np.flatnonzero((shapes.shape["east"] - shapes.shape["west"] > _TURN_DEG / 2) & (shapes.shape["radius_m"] == 0.0))
    if not len(wide):
        return shapes
    whole = [shapely.to_wkb(joined(shapely.from_wkb(_one(body, at, i))), byte_order=1) for i in wide.tolist()]
    body, at = _flat(whole)
    again = _compile(body, at, radius_m[wide], _sizes(body, at, radius_m[wide], threads), threads)
    part = np.zeros(len(of), np.int64)
    row = np.arange(len(of))
    part[wide], row[wide] = 1, np.arange(len(wide))
    return gathered((shapes, again), part, row)


def _sizes(body: Array, at: I64, radius_m: Array, threads: int) -> I64:
    """(n, 2) coordinates and rings of each geometry, no rings where it is not plain."""
    size = np.empty((len(at), 2), np.int64)
    cut = np.linspace(0, len(at), threads + 1).astype(np.int64).tolist()
    each(lambda k: wkb.count(body, at, radius_m, size, cut[k], cut[k + 1]), threads, threads)
    return size


def _one(body: Array, at: I64, i: int) -> bytes:
    return bytes(body[at[i, 0] : at[i, 1]])


def _flat(bodies: Sequence[bytes]) -> tuple[Array, I64]:
    end = np.cumsum(np.fromiter(map(len, bodies), np.int64, len(bodies)))
    return np.frombuffer(b"".join(bodies), np.uint8), np.column_stack([np.append(0, end)[: len(end)], end])


def _replaced(body: Array, at: I64, which: I64, by: Sequence[bytes]) -> tuple[Array, I64]:
    """The geometries with some of them replaced: the others are put behind."""
    other, places = _flat(by)
    at = at.copy()
    at[which] = places + len(body)
    return _fixed(np.concatenate([body, other])), at


def _fixed(body: Array) -> Array:
    """The same, not to be written: for what may be written kernels are compiled anew, which nobody has warmed."""
    fixed = body.view()
    fixed.flags.writeable = False
    return fixed


def _plain(row: Record, body: bytes) -> bytes:
    """The WKB of a zone as ``wkb.read`` takes it, whatever it was written by; a geometry that is no zone is refused."""
    called = f"zone {row['id']} version {row['version']}"
    geometry = shapely.from_wkb(body)
    if shapely.is_empty(geometry):
        raise ValueError(f"{called} is empty")
    circle = isinstance(geometry, shapely.Point) and row["radius_m"] > 0
    if not circle and (not isinstance(geometry, shapely.Polygon | shapely.MultiPolygon) or row["radius_m"] > 0):
        raise ValueError(f"{called} is a {type(geometry).__name__} with radius {row['radius_m']:g} m")
    return shapely.to_wkb(geometry, byte_order=1, output_dimension=2)


def joined(geometry: shapely.Geometry) -> shapely.Geometry:
    """A geometry on both sides of the 180° meridian as one, with longitudes beyond 180 or beyond -180; any other as it is.

    Its western parts move, or its eastern ones where those reach so far east that moving them would round. Of a zone up to 90
    degrees wide one of the two is exact, and so is a fix moved likewise: one that rounds lies beyond its end before and after.
    """
    west, _, east, _ = shapely.bounds(geometry)
    if not east - west > _TURN_DEG / 2:
        return geometry
    parts = shapely.get_parts(geometry)
    ends = shapely.bounds(parts)[:, 2]
    western = ends < 0.0
    if np.max(ends[western], initial=-_SEAM_DEG) < -_COARSE_DEG:
        moved = [*parts[~western], *shapely.transform(parts[western], lambda points: points + _TURN)]
    else:
        moved = [*shapely.transform(parts[~western], lambda points: points - _TURN), *parts[western]]
    if (west, east) == (-_SEAM_DEG, _SEAM_DEG):
        return shapely.union_all(moved)  # where it was split, parts have a side in common
    first, _, last, _ = shapely.total_bounds(moved)
    return shapely.MultiPolygon(moved) if last - first < east - west else geometry


def gathered(parts: Sequence[Shapes], part: I64, row: I64) -> Shapes:
    """Shapes of several, in any order: the i-th is shape ``row[i]`` of ``parts[part[i]]``. Copied in stretches."""
    begins, ends = np.zeros(len(part), np.int64), np.zeros(len(part), np.int64)
    for k, of in enumerate(parts):
        mine = part == k
        begins[mine] = of.shape["vertex_at"][row[mine]]
        ends[mine] = begins[mine] + of.shape["vertices"][row[mine]]
    cut = np.flatnonzero((np.diff(part) != 0) | (np.diff(row) != 1) | (begins[1:] != ends[:-1])) + 1
    starts = np.concatenate([[0], cut])[: len(cut) + bool(len(part))]
    stretches = [
        (parts[part[first]], int(row[first]), int(row[last - 1]) + 1)
        for first, last in zip(starts.tolist(), [*cut.tolist(), len(part)], strict=False)
    ]
    shape = _concatenated(parts[0].shape, [of.shape[first:stop] for of, first, stop in stretches])
    arrays = []
    for k, (at, many) in enumerate(_PARTS):
        pieces = [_piece(of.shape, first, stop, at, many) for of, first, stop in stretches]
        for field in _FIELDS[k]:
            own = [getattr(of, field)[piece] for (of, _, _), piece in zip(stretches, pieces, strict=True)]
            arrays.append(_concatenated(getattr(parts[0], field), own))
        counts = shape[many].astype(np.int64)
        shape[at] = np.cumsum(counts) - counts
    return Shapes(shape, *arrays)


_FIELDS: Final = (("x", "y"), ("ring",), ("chain",), ("box",), ("cell",), ("run",), ("edge",))  # whose places _PARTS gives
_SPARE: Final = 8  # a grown array has room for an eighth more


def with_room(used: int) -> int:
    """How long an array is to be of which so much is used."""
    return used + used // _SPARE


class Room:
    """Arrays with room behind what is used of them, so that the shapes of a control change are put there and nothing is copied.

    Shapes that were made in it see their own beginning of each array alone, and it stays as it is: who judges by them goes on.
    Only the newest shapes of a room can be followed; others are copied into a room of their own.
    """

    def __init__(self) -> None:
        self._whole: dict[str, Array] = {}
        self._used: dict[str, int] = {}

    def grown(self, field: str, own: Array, fresh: Array) -> Array:
        """``own`` with ``fresh`` behind it."""
        stop = len(own) + len(fresh)
        whole = self._whole.get(field)
        ours = whole is not None and np.shares_memory(whole[:1], own[:1]) and self._used[field] == len(own)
        if whole is None or not ours or stop > len(whole):
            whole = self.put(field, stop, own.dtype, own.shape[1:])
            whole[: len(own)] = own
        whole[len(own) : stop] = fresh
        self._used[field] = stop
        return whole[:stop]

    def put(self, field: str, used: int, dtype: np.dtype[Any], beside: tuple[int, ...] = ()) -> Array:
        """A new array in place of the field's, with room behind so many entries."""
        whole = np.empty((with_room(used), *beside), dtype)
        self.take(field, whole, used)
        return whole

    def take(self, field: str, whole: Array, used: int) -> None:
        """Have an array as the field's, of which so much is used."""
        self._whole[field], self._used[field] = whole, used


def extended(own: Shapes, room: Room, fresh: Shapes, part: I64, row: I64) -> tuple[Shapes, Room]:
    """Shapes of two, as ``gathered`` makes them, and the room they are in: ``own`` stay where they are, ``fresh`` are put behind.

    What nobody refers to any more stays as well, until that is more than half: then all are copied, and close up.
    """
    shape = np.empty(len(part), SHAPE)
    new = part == 1
    shape[new] = fresh.shape[row[new]]
    cut = np.flatnonzero((np.diff(part) != 0) | (np.diff(row) != 1)) + 1
    for first, stop in zip([0, *cut.tolist()], [*cut.tolist(), len(part)], strict=True):
        if first < stop and part[first] == 0:
            plain(shape[first:stop])[:] = plain(own.shape[row[first] : row[stop - 1] + 1])
    if len(own.x) + len(fresh.x) > 2 * int(shape["vertices"].sum()):
        return gathered((own, fresh), part, row), Room()
    arrays = []
    for k, (at, _) in enumerate(_PARTS):
        shape[at][new] += len(getattr(own, _FIELDS[k][0]))
        arrays += [room.grown(field, getattr(own, field), getattr(fresh, field)) for field in _FIELDS[k]]
    return Shapes(shape, *arrays), room


def _piece(shape: Array, first: int, stop: int, at: str, many: str) -> slice:
    return slice(int(shape[at][first]), int(shape[at][stop - 1]) + int(shape[many][stop - 1]))


def _concatenated(like: Array, pieces: Iterable[Array]) -> Array:
    """A new array of all pieces; of none, an empty one like ``like``."""
    return np.concatenate([like[:0], *pieces])


def _compile(body: Array, at: Array, radius_m: Array, size: Array, threads: int) -> Shapes:
    """The shapes of counted geometries, made in pieces that threads share; the same for any number of them."""
    shape = np.zeros(len(size), SHAPE)
    shape["radius_m"], shape["vertices"], shape["rings"] = radius_m, size[:, 0], size[:, 1]
    vertices, rings, *_ = _place(shape)
    x, y, ring = np.empty(vertices, np.float64), np.empty(vertices, np.float64), np.empty((rings, 2), np.int32)
    pieces = -(-vertices // _PIECE)
    cut = np.searchsorted(shape["vertex_at"], np.arange(pieces + 1) * _PIECE).tolist()
    cut[-1] = len(shape)
    each(lambda k: _read(shape, body, at, x, y, ring, cut[k], cut[k + 1]), pieces, threads)
    _, _, chains, boxes, cells, *_ = _place(shape)
    link, box, cell = np.empty(chains, np.int32), np.empty((boxes, 4), np.float32), np.empty(cells, np.uint8)
    drawn = each(lambda k: _draw(shape, x, y, ring, link, box, cell, cut[k], cut[k + 1]), pieces, threads)
    _place(shape)
    run, edge = (_joined([part[k] for part in drawn], dtype, threads) for k, dtype in enumerate((np.int32, np.uint16)))
    return Shapes(shape, x, y, ring, link, box, cell, run, edge)


def _joined(pieces: Sequence[Array], dtype: type, threads: int) -> Array:
    """Arrays one after another, by all threads: a fresh array's first touch costs more than what is written there."""
    at = np.cumsum([0, *map(len, pieces)]).tolist()
    whole = np.empty(at[-1], dtype)

    def put(k: int) -> None:
        whole[at[k] : at[k + 1]] = pieces[k]

    each(put, len(pieces), threads)
    return whole


@lean
def _place(shape: Array) -> tuple[int, int, int, int, int, int, int]:
    """Set where each shape's entries of each array begin, as far as it is known how many it has; how many there are in all.

    All in one reading: a hundred thousand shapes do not fit the cache.
    """
    vertices = rings = chains = boxes = cells = runs = edges = 0
    for i in range(len(shape)):
        s = shape[i]
        s["vertex_at"], s["ring_at"], s["chain_at"], s["box_at"] = vertices, rings, chains, boxes
        s["cell_at"], s["run_at"], s["edge_at"] = cells, runs, edges
        vertices, rings, chains, boxes = vertices + s["vertices"], rings + s["rings"], chains + s["chains"], boxes + s["boxes"]
        cells, runs, edges = cells + s["cells"], runs + s["runs"], edges + s["edges"]
    return vertices, rings, chains, boxes, cells, runs, edges


@kernel
def _read(shape: Array, body: Array, at: Array, x: Array, y: Array, ring: Array, first: int, stop: int) -> None:
    """Set coordinates, rings and boxes of shapes ``first .. stop``, and how many of all else they have that is known then."""
    for i in range(first, stop):
        s = shape[i]
        wkb.read(body, at[i, 0], s["vertex_at"], x, y, ring, s["ring_at"])
        _frame(s, x, y)
        if s["radius_m"] == 0.0:
            s["chains"] = chain.chains_of(ring, s["ring_at"], s["ring_at"] + s["rings"])
            s["boxes"] = chain.boxes_of(s["chains"])
            s["cells"] = s["columns"] * s["rows"]


@kernel
def _draw(
    shape: Array, x: Array, y: Array, ring: Array, link: Array, box: Array, cell: Array, first: int, stop: int
) -> tuple[Array, Array]:
    """Set chains, boxes and cells of shapes ``first .. stop``; their entries of ``run`` and ``edge``."""
    draft = grid.draft(shape[first:stop])
    runs = edges = 0
    for i in range(first, stop):
        s = shape[i]
        if s["radius_m"] == 0.0:
            chain.link(s, x, y, ring, link, box)
            while not grid.draw(s, x, y, ring, cell, draft, runs, edges):
                draft = grid.roomier(draft, s, y, ring, runs, edges)
        runs += s["runs"]
        edges += s["edges"]
    return draft.run[:runs], draft.edge[:edges]


@kernel
def _frame(s: Record, x: Array, y: Array) -> None:
    """Set a shape's box, and its grid's columns, rows and scale where it is a polygon."""
    first, stop = s["vertex_at"], s["vertex_at"] + s["vertices"]
    west = east = x[first]
    south = north = y[first]
    for i in range(first + 1, stop):
        west, east = min(west, x[i]), max(east, x[i])
        south, north = min(south, y[i]), max(north, y[i])
    if s["radius_m"] > 0.0:
        lon_deg, lat_deg = span_deg(s["radius_m"], max(abs(south), abs(north)))
        west, south, east, north = west - lon_deg, south - lat_deg, east + lon_deg, north + lat_deg
    s["west"], s["south"], s["east"], s["north"] = west, south, east, north
    if s["radius_m"] == 0.0:
        # Geometry off the globe (published cases of containment) gets a grid all the same; at a pole degrees have no width.
        lon_m, lat_m = metres_per_degree(min(max((south + north) * 0.5, -89.0), 89.0))
        grid.lay(s, lon_m, lat_m)
