"""Rings of a zone become a grid of cells that are outside, inside or on the border; a point is located by the edges of a few."""

from typing import Final, NamedTuple

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
_SPREAD: Final = np.array([sum((bits >> k & 1) << 8 * k for k in range(8)) for bits in range(256)], np.int64)  # a byte a bit
_EACH: Final = 0x0101010101010101  # times a byte it is that byte eight times; times bytes each is the sum of those up to it
# An entry of a draft: the number of an edge, from here on; that of a word, from here on; of a bit, from bit 1 on.
_EDGE: Final = 24
_WORD: Final = 7
_WORDS: Final = 1 << (_EDGE - _WORD)
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


class Draft(NamedTuple):
    """What is drawn of zones one after another, and room to do it."""

    run: Array  # int32, edge: uint16, as of ``geofence.shape.Shapes``
    edge: Array
    mark: Array  # (w, 3) int64, of each word of a zone's cells: bits of those on the border, and two more: see ``_enter``
    begin: Array  # (w, 2) int64, bits of the cells with which runs begin; how many runs begin before the word, less one
    entry: Array  # (e,) int64, a zone's edges row by row: see ``_enter``
    tally: Array  # (e,) int64, of each of its runs how many


@kernel
def draft(shape: Array) -> Draft:
    """Room for some shapes, unless they have uncommonly many edges in their rows."""
    vertices = most = words = 1
    for i in range(len(shape)):
        s = shape[i]
        vertices += s["vertices"]
        most = max(most, s["vertices"])
        words = max(words, s["rows"] * (s["columns"] // WORD + 1))
    return Draft(
        np.empty(3 * vertices // 2 + 64, np.int32),
        np.empty(5 * vertices // 2 + 64, np.uint16),
        np.empty((words, 3), np.int64),
        np.empty((words, 2), np.int64),
        np.empty(4 * most + 64, np.int64),
        np.empty(4 * most + 64, np.int64),
    )


@kernel
def roomier(draft: Draft, s: Record, y: Array, ring: Array, runs: int, edges: int) -> Draft:
    """The same with room for a zone behind ``runs`` and ``edges``, and hardly more: a comb takes hundreds of megabytes."""
    n = _entries(s, y, ring)
    entry, tally = draft.entry, draft.tally
    if n > len(entry):
        entry, tally = np.empty(n, np.int64), np.empty(n, np.int64)
    run = _longer(draft.run, runs + s["rows"] + n + 1)
    return Draft(run, _longer(draft.edge, edges + _wide(s) * n), draft.mark, draft.begin, entry, tally)


@kernel
def _longer(array: Array, least: int) -> Array:
    if len(array) >= least:
        return array
    longer = np.empty(max(least, len(array) * 5 // 4), array.dtype)
    longer[: len(array)] = array
    return longer


@lean
def _entries(s: Record, y: Array, ring: Array) -> int:
    """How many entries a zone's edges have: one for each edge and row it lies in."""
    base, n = int(s["vertex_at"]), 0
    for r in range(s["ring_at"], s["ring_at"] + s["rings"]):
        for i in range(ring[r, 0], ring[r, 1] - 1):
            row_a = int((y[base + i] - s["south"]) * s["per_lat"])
            n += abs(int((y[base + i + 1] - s["south"]) * s["per_lat"]) - row_a) + 1
    return n


@inlined
def _wide(s: Record) -> int:
    """How many numbers an edge's place takes."""
    return 1 if s["vertices"] < WIDE else 2


@lean
def draw(s: Record, x: Array, y: Array, ring: Array, cell: Array, draft: Draft, runs: int, edges: int) -> bool:
    """Draw the rings of a zone into its grid, and put what it has behind ``runs`` and ``edges`` of a draft: False, and nothing to
    count on, where that has no room for it.

    A cell that an edge touches, or might but for rounding, is a border cell: the position of a point in the grid never falls as
    its coordinates rise, so an edge lies in the cells between those of its ends, and the part of it in one row is found with some
    thousand times the error of its computation to spare. All other cells are wholly inside or outside; which, is told by how many
    edges of a run cross a line through the middle of its row: whole numbers, half-open ends, no rounding. A run ends where no
    edge leads into the next cell: the side between the two is touched by none, so all of it lies where its middle lies.
    """
    n = _enter(s, x, y, ring, draft)
    wide = _wide(s)
    # A run has an entry at least.
    if n < 0 or runs + s["rows"] + n + 1 > len(draft.run) or edges + wide * n > len(draft.edge):
        return False
    found = _paint(s, cell, draft, runs)
    _list(s, draft, n, found, runs, edges)
    s["runs"] = s["rows"] + found + 1
    s["edges"] = wide * n
    return True


@lean
def _enter(s: Record, x: Array, y: Array, ring: Array, draft: Draft) -> int:
    """Mark the cells that a zone's edges touch, and set an entry for each edge and row it lies in: how many, or -1 without room.

    An entry is the edge's number, the word and the bit of the cell in which it begins in that row, and whether it crosses the
    middle of the row. Where an odd number of those do that begin in a cell, its third bit is set.
    """
    west, south, per_lon, per_lat = s["west"], s["south"], s["per_lon"], s["per_lat"]
    base, rows, words = int(s["vertex_at"]), int(s["rows"]), int(s["columns"]) // WORD + 1
    mark, entry = draft.mark, draft.entry
    row_deg = 1.0 / per_lat
    slack_deg = 1e-9 / per_lon + 1e-12
    steep = 1e-9 * row_deg + 1e-12
    only = 0.5 * (south + s["north"])  # the middle of a single row
    for k in range(rows * words):
        mark[k, 0] = mark[k, 1] = mark[k, 2] = 0
    n = 0
    for r in range(s["ring_at"], s["ring_at"] + s["rings"]):
        if ring[r, 1] - ring[r, 0] < 2:
            continue
        xa, ya = x[base + ring[r, 0]], y[base + ring[r, 0]]
        row_a, column_a = int((ya - south) * per_lat), int((xa - west) * per_lon)
        for i in range(ring[r, 0], ring[r, 1] - 1):
            # Places that are plainly not negative: none is looked for from the array's end.
            xb, yb = x[np.uint64(base + i + 1)], y[np.uint64(base + i + 1)]
            row_b, column_b = int((yb - south) * per_lat), int((xb - west) * per_lon)
            low, high = min(row_a, row_b), max(row_a, row_b)
            first, last = min(column_a, column_b), max(column_a, column_b)
            if n + high - low >= len(entry):
                return -1
            # The edge from its lower end to its upper one. No branch: which edge leads where is as good as chance.
            falls, several = yb < ya, low < high
            x1 = xb if falls else xa
            y1 = yb if falls else ya
            x2 = xa if falls else xb
            y2 = ya if falls else yb
            slope = (x2 - x1) / (y2 - y1 if several else 1.0)
            slack = (slack_deg + abs(slope) * steep) * int(several)
            from_x = x1
            for row in range(low, high + 1):
                to_x = x2 if row == high else x1 + (south + (row + 1) * row_deg - y1) * slope
                start = min(max(first, int(max((min(from_x, to_x) - slack - west) * per_lon, 0.0))), last)
                stop = max(min(last, int((max(from_x, to_x) + slack - west) * per_lon)), first)
                from_x = to_x
                middle = south + (row + 0.5) * row_deg if rows > 1 else only
                crosses = int((y1 <= middle) & (y2 > middle))
                word, bit = row, start
                if words == 1:
                    bits = (2 << stop) - (1 << start)
                    mark[np.uint64(row), 0] |= bits
                    mark[np.uint64(row), 1] |= bits & (bits - 1)
                else:
                    word, bit = row * words + start // WORD, start % WORD
                    _mark(mark, 0, row * words, start, stop)
                    if start < stop:
                        _mark(mark, 1, row * words, start + 1, stop)
                mark[np.uint64(word), 2] ^= crosses << bit
                entry[np.uint64(n)] = i << _EDGE | word << _WORD | bit << 1 | crosses
                n += 1
            xa, ya, row_a, column_a = xb, yb, row_b, column_b
    return n


@lean
def _paint(s: Record, cell: Array, draft: Draft, runs: int) -> int:
    """Set the cells of a zone and the first run of each of its rows; how many runs it has.

    A border cell holds the number of its run; all others what the edges up to it, those that cross the middle of the row, make of
    it. Eight cells at once where so many are left of the zone's: what was set too far is set again by the next.
    """
    columns, rows = int(s["columns"]), int(s["rows"])
    words = columns // WORD + 1
    run, mark, begin = draft.run, draft.mark, draft.begin
    at, end = int(s["cell_at"]), int(s["cell_at"]) + rows * columns
    found = 0
    for row in range(rows):
        run[runs + row] = found
        own = inside = 0
        for w in range(row * words, row * words + words):
            bits, starts = int(mark[w, 0]), int(mark[w, 0]) & ~int(mark[w, 1])
            begin[w, 0] = starts
            begin[w, 1] = found - 1
            found += _ones(starts)
            sides = _sums(int(mark[w, 2])) ^ (_ALL * inside)
            inside = sides >> (WORD - 1)
            left = min(columns - (w - row * words) * WORD, WORD)
            for j in range(at, at + left, 8):
                owns = int(_SPREAD[starts & 255]) * _EACH + own * _EACH
                border = int(_SPREAD[bits & 255]) * 255
                state = (int(_SPREAD[sides & 255]) & ~border) | ((owns + _EACH * (_RUN - 1)) & border)
                if j + 8 <= end:
                    for q in range(8):
                        cell[j + q] = (state >> (8 * q)) & 255
                else:
                    for q in range(end - j):
                        cell[j + q] = (state >> (8 * q)) & 255
                own = (owns >> 56) & 255
                bits >>= 8
                starts >>= 8
                sides >>= 8
            at += left
    return found


@lean
def _list(s: Record, draft: Draft, n: int, found: int, runs: int, edges: int) -> None:
    """Set where the edges of each run begin, the state after it, and the edges.

    The state is counted on from row to row: of the edges of a ring an even number cross the middle of one.
    """
    run, edge, begin, entry, tally = draft.run, draft.edge, draft.begin, draft.entry, draft.tally
    for k in range(found):
        tally[k] = 0
    for j in range(n):
        one = int(entry[j])
        word, bit = (one >> _WORD) & (_WORDS - 1), (one >> 1) & 63
        own = int(begin[word, 1]) + _ones(int(begin[word, 0]) & ((2 << bit) - 1))
        tally[own] = (tally[own] + 2) ^ (one & 1)
        entry[j] = one >> _EDGE << _EDGE | own
    at = runs + int(s["rows"])
    done = state = 0
    for k in range(found):
        many = int(tally[k])
        state ^= many & 1
        run[at + k] = 2 * done + state
        tally[k] = done
        done += many >> 1
    run[at + found] = 2 * done
    wide = _wide(s)
    for j in range(n - 1, -1, -1):
        one = int(entry[j])
        own, i = one & ((1 << _EDGE) - 1), one >> _EDGE
        to = edges + wide * int(tally[own])
        tally[own] += 1
        edge[to] = i & (WIDE - 1)
        if wide == 2:
            edge[to + 1] = i >> 16


@inlined
def _mark(mark: Array, kind: int, at: int, start: int, stop: int) -> None:
    """Set bits ``start .. stop``, both included, of the row of words that begins at ``at``."""
    first, last = start // WORD, stop // WORD
    head = _ALL & ~((1 << (start - first * WORD)) - 1)
    tail = (2 << (stop - last * WORD)) - 1
    if first == last:
        mark[at + first, kind] |= head & tail
        return
    mark[at + first, kind] |= head
    for w in range(first + 1, last):
        mark[at + w, kind] = _ALL
    mark[at + last, kind] |= tail


@inlined
def _ones(bits: int) -> int:
    """How many bits are set in a number of at most 63 bits."""
    bits -= (bits >> 1) & 0x5555555555555555
    bits = (bits & 0x3333333333333333) + ((bits >> 2) & 0x3333333333333333)
    bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0F
    return ((bits * 0x0101010101010101) >> 56) & 0xFF


@inlined
def _sums(bits: int) -> int:
    """Each bit of a word together with all lower ones: set where an odd number of them is."""
    for step in (1, 2, 4, 8, 16, 32):
        bits ^= bits << step
    return bits & _ALL
