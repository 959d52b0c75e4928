"""Which lane a tag belongs to: the unit of ownership, state and commit order."""

import itertools

import numpy as np

from model.arrays import I64, Array


def lane_of(tags: Array, lanes: int) -> I64:
    """(n,) int64 lane numbers, 0 to ``lanes`` - 1, of (n,) int64 tag ids.

    The finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014), so that
    consecutive IMEIs spread evenly. Lanes must not move under a tag: changing this needs a new topic generation.
    """
    mixed = tags.astype(np.uint64)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed % np.uint64(lanes)).astype(np.int64)


def of_lanes(tags: Array, lanes: int) -> list[I64]:
    """Places in (n,) int64 tag ids of each lane's, in order; a list of ``lanes`` arrays."""
    lane = lane_of(tags, lanes)
    order: I64 = np.argsort(lane, kind="stable")
    ends = np.searchsorted(lane[order], np.arange(1, lanes)).tolist()
    return [order[start:end] for start, end in itertools.pairwise([0, *ends, len(order)])]
