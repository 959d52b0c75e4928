"""Rings of a zone become a grid of cells that are outside, inside or on the border; a point is located by the edges of a few."""

from typing import Final

import numpy as np

from geofence.kernel import Record, ask, inlined, kernel, lean
from geofence.orientation import orientation
from model.arrays import Array

INSIDE: Final = 1
BOUNDARY: Final = 0
OUTSIDE: Final = -1

# Beyond this share of its terms the sign of a determinant is the one ``orientation`` finds.
FILTER: Final = 1e-15

# What a cell holds: that it lies outside, inside, or the number of its run in its row, from here on.
_OUT: Final = 0
_IN: Final = 1
_RUN: Final = 2

CELLS: Final = 8  # a vertex: eight bytes beside the sixteen of its coordinates
FEWEST: Final = 16
MOST: Final = 1 << 18  # a quarter of a megabyte for the largest of zones
MANY: Final = 256  # vertices, from which on
FLAT: Final = (
    4.0  # a cell is so many times as wide as high: a sixth less time a point, while compiling a small zone would take longer
)
WIDEST: Final = 254  # columns: each may have a run of its own, and so many numbers are left in a byte
HIGHEST: Final = 2048  # rows
FINEST_DEG: Final = 1e-9  # a cell's least width and height, a tenth of a millimetre: far above any rounding
WORD: Final = 62  # cells of a row whose bits share a word: a sign is never among them
_ALL: Final = (1 << WORD) - 1
WIDE: Final = 1 << 16  # vertices from which on the number of an edge takes two of the 16-bit words


@inlined
def locate(s: Record, x: Array, y: Array, cell: Array, run: Array, edge: Array, lon: float, lat: float) -> int:
    """Where a point lies: ``INSIDE``, ``BOUNDARY`` (of the outer ring or of a hole) or ``OUTSIDE``.

    A cell that no edge touches answers by itself. In any other the edges that a ray to the east crosses are counted as far as
    the end of its *run*, the border cells side by side in its row as far as edges lead from one into the next: what lies beyond
    is known. Edge rules and orientation are those of GEOS (``RayCrossingCounter``), so ``!= OUTSIDE`` equals its ``covers``.

    Parameters
    ----------
    s : SHAPE of the zone, a polygon; the arrays are those of ``geofence.shape.Shapes``
    lon, lat : degrees, in the zone's own frame of longitude
    """
    column = (lon - s["west"]) * s["per_lon"]
    row = (lat - s["south"]) * s["per_lat"]
    if not (0.0 <= column < s["columns"] and 0.0 <= row < s["rows"]):
        return OUTSIDE
    state = int(cell[s["cell_at"] + int(row) * s["columns"] + int(column)])
    if state < _RUN:
        return INSIDE if state == _IN else OUTSIDE
    at = s["run_at"]
    k = at + s["rows"] + run[at + int(row)] + state - _RUN
    word = int(run[k])
    crossings = word & 1
    first, stop = word >> 1, int(run[k + 1]) >> 1
    unsure = False
    for j in range(first, stop):
        i = s["vertex_at"] + _edge(s, edge, j)
        left = (x[i] - lon) * (y[i + 1] - lat)
        right = (y[i] - lat) * (x[i + 1] - lon)
        det = left - right
        above = y[i + 1] > lat
        # No branch: which edges a ray meets is as good as chance to a processor that guesses.
        crossings += ((y[i] > lat) != above) & ((det > 0.0) == above)
        unsure |= abs(det) <= FILTER * (abs(left) + abs(right))
    if unsure:
        return _recount(s, x, y, edge, lon, lat, first, stop, word & 1)
    return INSIDE if crossings & 1 else OUTSIDE


@inlined
def ask_for(s: Record, x: Array, y: Array, cell: Array, run: Array, edge: Array) -> None:
    """Ask for all that ``locate`` may read of a small zone, before it reads one after the other; arguments are those of it."""
    if s["vertices"] > MANY:
        return
    for k in range(s["cell_at"], s["cell_at"] + s["cells"], 64):
        ask(cell, k)
    for k in range(s["run_at"], s["run_at"] + s["runs"], 16):
        ask(run, k)
    for k in range(s["edge_at"], s["edge_at"] + s["edges"], 32):
        ask(edge, k)
    for k in range(s["vertex_at"], s["vertex_at"] + s["vertices"], 8):
        ask(x, k)
        ask(y, k)


@lean
def _recount(s: Record, x: Array, y: Array, edge: Array, lon: float, lat: float, first: int, stop: int, crossings: int) -> int:
    """The same step by step, for a point that is on an edge or in line with one, or nearly: ``first .. stop`` of the list."""
    for j in range(first, stop):
        i = s["vertex_at"] + _edge(s, edge, j)
        y1 = y[i]
        y2 = y[i + 1]
        if (y1 > lat and y2 > lat) or (y1 < lat and y2 < lat):
            continue
        x1 = x[i]
        x2 = x[i + 1]
        if x1 < lon and x2 < lon:
            continue
        if x2 == lon and y2 == lat:
            return BOUNDARY
        if y1 == lat and y2 == lat:
            if min(x1, x2) <= lon <= max(x1, x2):
                return BOUNDARY
            continue
        # An edge owns its lower end, not its upper one: a vertex the ray meets is counted once.
        if (y1 > lat) != (y2 > lat):
            side = orientation(x1, y1, x2, y2, lon, lat)
            if side == 0:
                return BOUNDARY
            if (side > 0) == (y2 > y1):
                crossings += 1
    return INSIDE if crossings & 1 else OUTSIDE


@inlined
def _edge(s: Record, edge: Array, j: int) -> int:
    """Entry ``j`` of a zone's list of edges."""
    at = s["edge_at"]
    if s["vertices"] < WIDE:
        return int(edge[at + j])
    return int(edge[at + 2 * j]) | (int(edge[at + 2 * j + 1]) << 16)


@kernel
def lay(s: Record, middle_lon_m: float, middle_lat_m: float) -> None:
    """Set columns, rows and scale of a zone's grid; its box and the number of its vertices are set.

    ``middle_*_m`` are metres a degree at its middle latitude: cells are about square on the ground, or flat in a zone of many
    corners. A ray meets fewer edges in lower rows, and an edge has an entry in each of its rows.
    """
    width, height = s["east"] - s["west"], s["north"] - s["south"]
    cells = min(max(CELLS * s["vertices"], FEWEST), MOST)
    shape = width * middle_lon_m / max(height * middle_lat_m, 1e-300)
    flat = FLAT if s["vertices"] >= MANY else 1.0
    columns = int(min(max(np.sqrt(cells * shape / flat), 1.0), WIDEST, max(width / FINEST_DEG, 1.0)))
    rows = int(min(max(cells / columns, 1.0), HIGHEST, max(height / FINEST_DEG, 1.0)))
    s["columns"] = columns
    s["rows"] = rows
    s["per_lon"] = _scale(width, columns)
    s["per_lat"] = _scale(height, rows)


@kernel
def _scale(extent: float, cells: int) -> float:
    """Cells a degree, so that the far end of the extent lies in the last cell."""
    if cells == 1:
        return min(0.5 / max(extent, 1e-300), 1e12)
    scale = cells / extent
    while int(extent * scale) >= cells:
        scale *= 1.0 - 1e-15
    return scale


@kernel
def draw(  # noqa: PLR0912, PLR0915 - pass after pass over the same few arrays
    s: Record, x: Array, y: Array, ring: Array, cell: Array, run: Array, edge: Array, runs: int, edges: int
) -> tuple[Array, Array]:
    """Draw the rings of a zone into its grid; ``run`` and ``edge``, longer where that was needed, whose entries begin at ``runs``
    and ``edges``.

    A cell that an edge touches, or might but for rounding, is a border cell: the position of a point in the grid never falls as
    its coordinates rise, so an edge lies in the cells between those of its ends, and the part of it in one row is found with some
    thousand times the error of its computation to spare. All other cells are wholly inside or outside; which, is told by how many
    edges of a run cross a line through the middle of its row: whole numbers, half-open ends, no rounding. A run ends where no
    edge leads into the next cell: the side between the two is touched by none, so all of it lies where its middle lies.
    """
    west, south, per_lon, per_lat = s["west"], s["south"], s["per_lon"], s["per_lat"]
    columns, rows, base, cells = int(s["columns"]), int(s["rows"]), int(s["vertex_at"]), int(s["cell_at"])
    row_deg = 1.0 / per_lat
    slack_deg = 1e-9 / per_lon + 1e-12
    steep = 1e-9 * row_deg + 1e-12
    # The cell of each vertex.
    vertices = int(s["vertices"])
    row_of, column_of = np.empty(vertices, np.int32), np.empty(vertices, np.int32)
    for i in range(vertices):
        row_of[i] = int((y[base + i] - south) * per_lat)
        column_of[i] = int((x[base + i] - west) * per_lon)
    entries = 0
    for r in range(s["ring_at"], s["ring_at"] + s["rings"]):
        for i in range(ring[r, 0], ring[r, 1] - 1):
            entries += abs(row_of[i] - row_of[i + 1]) + 1
    # For each edge and row it lies in an entry: twice its number, and one more where it crosses the middle of the row; the column
    # where it begins; the entry before it in that row.
    entry = np.empty((entries, 3), np.int32)
    newest = np.full(rows, -1, np.int32)
    # Which cells are on the border, and which of them share an edge with the one to the west: a bit each.
    words = columns // WORD + 1
    border, shared = np.zeros(rows * words, np.int64), np.zeros(rows * words, np.int64)
    n = 0
    for r in range(s["ring_at"], s["ring_at"] + s["rings"]):
        for i in range(ring[r, 0], ring[r, 1] - 1):
            low, high = min(row_of[i], row_of[i + 1]), max(row_of[i], row_of[i + 1])
            first, last = min(column_of[i], column_of[i + 1]), max(column_of[i], column_of[i + 1])
            # The edge from its lower end to its upper one.
            x1, y1, x2, y2 = x[base + i], y[base + i], x[base + i + 1], y[base + i + 1]
            if y2 < y1:
                x1, y1, x2, y2 = x2, y2, x1, y1
            slope = slack = 0.0
            if low < high:
                slope = (x2 - x1) / (y2 - y1)
                slack = slack_deg + abs(slope) * steep
            from_x = x1
            for row in range(low, high + 1):
                start, stop = first, last
                if first < last and low < high:
                    to_x = x2 if row == high else x1 + (south + (row + 1) * row_deg - y1) * slope
                    start = max(first, int(max((min(from_x, to_x) - slack - west) * per_lon, 0.0)))
                    stop = min(last, int((max(from_x, to_x) + slack - west) * per_lon))
                    from_x = to_x
                if words == 1:
                    border[row] |= (2 << int(stop)) - (1 << int(start))
                    shared[row] |= (2 << int(stop)) - (2 << int(start))
                else:
                    _mark(border, row * words, start, stop)
                    if start < stop:
                        _mark(shared, row * words, start + 1, stop)
                middle = south + (row + 0.5) * row_deg if rows > 1 else 0.5 * (south + s["north"])
                entry[n, 0] = 2 * i + int((y1 <= middle) & (y2 > middle))
                entry[n, 1] = start
                entry[n, 2] = newest[row]
                newest[row] = n
                n += 1
    wide = 1 if s["vertices"] < WIDE else 2
    if edges + entries * wide > len(edge):
        edge = _longer(edge, edges + entries * wide)
    if runs + rows + entries + 1 > len(run):  # a run has an entry at least
        run = _longer(run, runs + rows + entries + 1)
    count = np.zeros(columns + 2, np.int64)
    parity = np.zeros(columns + 2, np.int64)
    begins = np.empty(words, np.int64)  # the cells of a row with which its runs begin
    before = np.empty(words, np.int64)  # how many do so before each word
    k = runs + rows  # the next run
    done = 0  # entries in the list so far
    for row in range(rows):
        run[runs + row] = k - runs - rows
        begun = 0
        for w in range(words):
            begins[w] = border[row * words + w] & ~shared[row * words + w]
            before[w] = begun
            begun += _ones(int(begins[w]))
        # How many edges each run has, and how many cross the middle of the row.
        e = newest[row]
        while e >= 0:
            column = int(entry[e, 1])
            w = column // WORD if words > 1 else 0
            own = before[w] + _ones(int(begins[w]) & ((2 << (column - w * WORD)) - 1))
            count[own] += 1
            parity[own] ^= entry[e, 0] & 1
            entry[e, 1] = own
            e = entry[e, 2]
        # Where the list of each run begins, and the state after it.
        for own in range(1, begun + 1):
            parity[own] ^= parity[own - 1]
            run[k] = 2 * done + parity[own]
            k += 1
            done, count[own] = done + count[own], done
        e = newest[row]
        while e >= 0:
            own = entry[e, 1]
            j = edges + wide * count[own]
            count[own] += 1
            edge[j] = (entry[e, 0] >> 1) & (WIDE - 1)
            if wide == 2:
                edge[j + 1] = entry[e, 0] >> 17
            e = entry[e, 2]
        _paint(cell, cells + row * columns, cells + rows * columns, columns, border, row * words, begins, parity)
        for own in range(1, begun + 1):
            count[own] = parity[own] = 0
    run[k] = 2 * done
    s["runs"] = k + 1 - runs
    s["edges"] = wide * done
    return run, edge


@inlined
def _mark(border: Array, at: int, start: int, stop: int) -> None:
    """Set bits ``start .. stop``, both included, of the row of words that begins at ``at``."""
    first, last = start // WORD, stop // WORD
    head = _ALL & ~((1 << int(start - first * WORD)) - 1)
    tail = (2 << int(stop - last * WORD)) - 1
    if first == last:
        border[at + first] |= head & tail
        return
    border[at + first] |= head
    for w in range(first + 1, last):
        border[at + w] = _ALL
    border[at + last] |= tail


@inlined
def _paint(cell: Array, at: int, stop: int, columns: int, border: Array, word: int, begins: Array, parity: Array) -> None:
    """Set a row of cells from ``at`` on: border cells to the number of their run, all others to the state after the run before.

    Stretch by stretch, eight cells at once where so many are left of the zone's, which end at ``stop``: what was set too far is
    set again by the next.
    """
    own = 0
    for w in range(columns // WORD + 1):
        bits, starts = int(border[word + w]), int(begins[w])
        left = min(columns - w * WORD, WORD)
        while left > 0:
            if bits & 1:
                own += starts & 1
                state = own + _RUN - 1
                n = min(_zeros(~bits | (starts & ~1)), left)
            else:
                state = parity[own]
                n = min(_zeros(bits), left) if bits else left
            j = at
            while j < at + n:
                if j + 8 <= stop:
                    for q in range(8):
                        cell[j + q] = state
                else:
                    for q in range(j, at + n):
                        cell[q] = state
                j += 8
            at += n
            left -= n
            bits >>= n
            starts >>= n


@inlined
def _ones(bits: int) -> int:
    """How many bits are set in a number of at most 63 bits."""
    bits -= (bits >> 1) & 0x5555555555555555
    bits = (bits & 0x3333333333333333) + ((bits >> 2) & 0x3333333333333333)
    bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0F
    return ((bits * 0x0101010101010101) >> 56) & 0xFF


@inlined
def _zeros(bits: int) -> int:
    """How many zeros a number ends in; it has a bit set."""
    return _ones((bits & -bits) - 1)


@kernel
def _longer(array: Array, room: int) -> Array:
    longer = np.empty(max(room, 2 * len(array)), array.dtype)
    longer[: len(array)] = array
    return longer
