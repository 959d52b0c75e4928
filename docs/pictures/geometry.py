"""Draws geometry.svg, the picture of docs/geometry.md: how a fix is located in a zone's cells, and what is said of it.

``python docs/pictures/geometry.py`` writes it again.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from shapely import affinity

PATH: Final = Path(__file__).with_suffix(".svg")
SIDE: Final = 17.0  # of a cell, in pixels
COLUMNS, ROWS = 24, 20
INK, EDGE, INSIDE, BORDER, RUN, SURE, MAYBE, AWAY = (
    "#222",
    "#1b3a57",
    "#cfe3f5",
    "#f6e2c0",
    "#eeb868",
    "#b3261e",
    "#c77700",
    "#4d7c3a",
)


def zone() -> Any:
    """A jagged zone with a hole, in cells east and south of the drawing's corner."""
    rng = np.random.default_rng(3)
    turn = np.linspace(0.0, 2 * np.pi, 26, endpoint=False)
    radius = 8.3 + 1.1 * np.sin(3 * turn) + rng.uniform(-0.8, 0.8, len(turn))
    outer = np.column_stack([11.8 + 1.15 * radius * np.cos(turn), 10.0 + radius * np.sin(turn)])
    hole = affinity.scale(shapely.Polygon([(13.2, 8.2), (16.4, 7.4), (17.3, 10.4), (14.6, 11.9)]), 1.0, 1.0)
    return shapely.Polygon(outer) - hole


def states(shape: Any) -> list[list[str]]:
    """What each cell of each row is: ``in``, ``out`` or ``border``."""

    def state(column: int, row: int) -> str:
        cell = shapely.box(column, row, column + 1, row + 1)
        if shapely.boundary(shape).intersects(cell):
            return "border"
        return "in" if shape.contains(cell) else "out"

    return [[state(column, row) for column in range(COLUMNS)] for row in range(ROWS)]


def drawn() -> str:
    """The picture."""
    shape = zone()
    cells = states(shape)
    parts = [*_cells(cells), *_outline(shape, 20.0, 46.0, SIDE), *_located(shape, cells), *_said()]
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 436" font-family="sans-serif" font-size="13">'
    return "\n".join([head, '<rect width="900" height="436" fill="white"/>', *parts, "</svg>", ""])


def _cells(cells: list[list[str]]) -> Iterator[str]:
    """The grid: cells of one state side by side are one rectangle."""
    yield _text(20, 26, "1  where: a grid of cells over each zone", weight="bold")
    for row, states_ in enumerate(cells):
        at = 0
        for state, group in groupby(states_):
            n = len(list(group))
            if state != "out":
                yield _box(at, row, n, INSIDE if state == "in" else BORDER)
            at += n
    lines = [f"M{_x(c):g} {_y(0):g}V{_y(ROWS):g}" for c in range(COLUMNS + 1)]
    lines += [f"M{_x(0):g} {_y(r):g}H{_x(COLUMNS):g}" for r in range(ROWS + 1)]
    yield f'<path d="{"".join(lines)}" stroke="#ddd" stroke-width="0.6" fill="none"/>'


def _located(shape: Any, cells: list[list[str]]) -> Iterator[str]:
    """Two fixes: one answered by its cell, one by the edges of its run."""
    yield _dot(_x(6.5), _y(12.5), AWAY)
    yield _text(_x(6.5) + 8, _y(12.5) + 4, "inside: its cell says so")
    row = 15
    borders = [column for column, state in enumerate(cells[row]) if state == "border"]
    first = last = borders[0]
    while last + 1 in borders:
        last += 1
    yield _box(first, row, last - first + 1, RUN)
    x, y = first + 0.5, row + 0.35
    yield f'<path d="M{_x(x):g} {_y(y):g}H{_x(last + 1):g}" stroke="{SURE}" stroke-width="2" stroke-dasharray="4 2"/>'
    yield from _outline(shape, 20.0, 46.0, SIDE)
    yield _dot(_x(x), _y(y), SURE)
    yield _text(20, 405, "border cell: of the edges in its run of border cells, count those a ray east meets;")
    yield _text(20, 422, "what lies beyond the run is known. Ties are decided as GEOS decides them.")


def _said() -> Iterator[str]:
    """The verdict: accuracy circles against an edge, the ring round a zone, and a way through it."""
    yield _text(470, 26, "2  how far, how sure: the nearest edge in metres", weight="bold")
    block = shapely.Polygon(
        [(500, 70), (850, 70), (850, 220), (640, 220), (618, 190), (588, 214), (556, 170), (516, 160), (500, 120)]
    )
    yield _polygon(block.buffer(30.0, quad_segs=6), f'fill="none" stroke="{EDGE}" stroke-dasharray="6 4"')
    yield _polygon(block, f'fill="{INSIDE}" stroke="{EDGE}" stroke-width="1.6"')
    yield _text(785, 90, "the zone", colour=EDGE)
    yield _text(474, 270, "the ring round it", colour=EDGE)
    for x, y, radius, colour, words in (
        (690, 135, 36, SURE, "is inside: d ≤ −a"),
        (680, 234, 24, MAYBE, "may be inside"),
        (755, 290, 24, AWAY, "is outside: d > a"),
    ):
        yield f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}" fill-opacity="0.14" stroke="{colour}"/>'
        yield _dot(x, y, colour)
        yield _text(x + radius + 5, y + (14 if colour == MAYBE else 4), words, colour=colour)
    yield f'<path d="M755 290V220" stroke="{AWAY}" stroke-dasharray="3 3"/>'
    yield _text(760, 262, "d", colour=AWAY)
    yield f'<path d="M690 135H726" stroke="{SURE}"/>'
    yield _text(704, 131, "a", colour=SURE)
    yield _text(470, 350, "3  crossed: both ends outside, and the way between", weight="bold")
    yield _text(484, 367, "leads through the inside; touching is not crossing", weight="bold")
    yield _polygon(shapely.Polygon([(600, 385), (680, 385), (715, 430), (585, 430)]), f'fill="{INSIDE}" stroke="{EDGE}"')
    yield f'<path d="M562 412H770" stroke="{SURE}" stroke-width="1.6"/>'
    yield _dot(562, 412, AWAY)
    yield _dot(770, 412, SURE)
    yield _text(782, 416, "crossed", colour=SURE)


def _polygon(shape: Any, style: str) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in shapely.get_coordinates(shape.exterior)[:-1])
    return f'<polygon points="{points}" {style}/>'


def _outline(shape: Any, left: float, top: float, side: float) -> Iterator[str]:
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shape)]
    path = "".join("M" + "L".join(f"{left + x * side:.1f} {top + y * side:.1f}" for x, y in ring[:-1]) + "Z" for ring in rings)
    yield f'<path d="{path}" fill="none" stroke="{EDGE}" stroke-width="1.6"/>'


def _x(column: float) -> float:
    return 20.0 + SIDE * column


def _y(row: float) -> float:
    return 46.0 + SIDE * row


def _box(column: int, row: int, columns: int, colour: str) -> str:
    return f'<rect x="{_x(column):g}" y="{_y(row):g}" width="{SIDE * columns:g}" height="{SIDE:g}" fill="{colour}"/>'


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:g}" cy="{y:g}" r="4" fill="{colour}"/>'


def _text(x: float, y: float, words: str, colour: str = INK, weight: str = "normal") -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}" font-weight="{weight}">{words}</text>'


if __name__ == "__main__":
    PATH.write_text(drawn())
