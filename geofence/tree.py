"""Thousands of boxes become a packed tree that finds those a query box meets."""

from typing import Final, NamedTuple

import numpy as np

from geofence.kernel import lean
from model.arrays import Array

_FAN: Final = 8  # children a node
DEPTH: Final = _FAN * 12  # room a search needs on its stack: 8**12 boxes


class Tree(NamedTuple):
    """Boxes in levels, leaves first: node i of a level covers nodes 8 i to 8 i + 7 of the level below.

    Source: Leutenegger, Lopez, Edgington, *STR: A Simple and Efficient Algorithm for R-Tree Packing* (1997).
    """

    boxes: Array  # (n, 4) float64 west, south, east, north
    level_at: Array  # (levels + 1,) int64, where each level begins
    item: Array  # (leaves,) int64, the number the caller gave each leaf


def pack(boxes: Array, items: Array) -> Tree:
    """A tree over (n, 4) float64 boxes that answers with the (n,) int64 ``items``; n may be 0."""
    slices = max(1, int(np.ceil(np.sqrt(len(boxes) / _FAN))))
    by_lon = np.argsort(boxes[:, 0] + boxes[:, 2], kind="stable")
    middle_lat = boxes[:, 1] + boxes[:, 3]
    parts = [part[np.argsort(middle_lat[part], kind="stable")] for part in np.array_split(by_lon, slices)]
    order = np.concatenate(parts)
    levels = [boxes[order]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        at = np.arange(0, len(below), _FAN)
        low = np.minimum.reduceat(below[:, :2], at)
        high = np.maximum.reduceat(below[:, 2:], at)
        levels.append(np.hstack([low, high]))
    level_at = np.cumsum([0, *(len(level) for level in levels)])
    return Tree(np.concatenate(levels), level_at.astype(np.int64), items[order].astype(np.int64))


@lean
def search(tree: Tree, west: float, south: float, east: float, north: float, stack: Array, found: Array) -> int:
    """Fill ``found`` with the items whose boxes meet the query box; their count.

    ``stack`` is (DEPTH, 2) int64 room for the search; ``found`` has room for every item. Touching boxes meet.
    """
    top = len(tree.level_at) - 2
    if len(tree.item) == 0:
        return 0
    n = 0
    stack[0, 0] = top
    stack[0, 1] = 0
    depth = 1
    while depth > 0:
        depth -= 1
        level = stack[depth, 0]
        node = stack[depth, 1]
        row = tree.level_at[level] + node
        if tree.boxes[row, 0] > east or tree.boxes[row, 2] < west or tree.boxes[row, 1] > north or tree.boxes[row, 3] < south:
            continue
        if level == 0:
            found[n] = tree.item[node]
            n += 1
            continue
        last = min(_FAN * (node + 1), tree.level_at[level] - tree.level_at[level - 1])
        for child in range(_FAN * node, last):
            stack[depth, 0] = level - 1
            stack[depth, 1] = child
            depth += 1
    return n
