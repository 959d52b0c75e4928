"""Turns a day's rows into the shares that commits have in them, by their marks, and tells whether each share is what it was."""

import bisect
import hashlib
import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.arrays import I64, Array
from store import chain

GUESSES: Final = 4096  # ways to share out rows with equal marks that are tried before a commit counts as changed


class Share(NamedTuple):
    """The rows that one commit stored in a day's table."""

    lane: int
    commit_no: int
    first: int  # of its marks among all of the day's
    rows: int
    digest: str


class Shares:
    """Rows shared out among the commits by their marks, and hashed commit by commit as they come, in identity order.

    Different rows may have equal marks: by chance once in some thousand days of a large fleet, or because somebody made them so.
    Commits with such rows are hashed at the end, with every way to share those rows out.
    """

    def __init__(self, shares: Sequence[Share], marks: npt.NDArray[np.uint64], lane: int | None) -> None:
        self.shares = shares
        self.marks = marks
        self._lane = lane
        self._starts = [share.first for share in shares]
        self._order: I64 = np.argsort(marks, kind="stable")
        self._sorted = marks[self._order]
        self.seen = np.zeros(len(marks), bool)
        of: I64 = np.repeat(np.arange(len(shares)), [share.rows for share in shares])
        self._share_of = of
        twins = self._sorted[1:][self._sorted[1:] == self._sorted[:-1]]
        self._twins = np.unique(twins)
        self._slow = set(np.unique(of[self._order[np.isin(self._sorted, self._twins)]]).tolist()) if len(twins) else set()
        self._hashed: dict[int, Any] = {}
        self._kept: dict[int, list[Array]] = {}  # of slow shares: rows whose mark is theirs alone
        self._shared: dict[int, list[Array]] = {}  # by mark: rows that several places could be meant by

    def take(self, rows: Array) -> I64:
        """Share out (n,) rows in identity order; which of them belong nowhere, in order."""
        if not len(self.marks):
            return np.arange(len(rows))
        marks = chain.marks(rows)
        place = np.minimum(np.searchsorted(self._sorted, marks), len(self._sorted) - 1)
        known = self._sorted[place] == marks
        twin = known & np.isin(marks, self._twins)
        single = np.flatnonzero(known & ~twin)
        at = self._order[place[single]]
        fresh = np.zeros(len(at), bool)
        fresh[np.unique(at, return_index=True)[1]] = True
        fresh &= ~self.seen[at]
        self.seen[at] = True
        self._hash(rows[single[fresh]], self._share_of[at[fresh]])
        strange = [np.flatnonzero(~known), single[~fresh]]
        for row in np.flatnonzero(twin).tolist():
            held = self._shared.setdefault(int(marks[row]), [])
            first = int(place[row]) + len(held)
            if first < len(self._sorted) and self._sorted[first] == marks[row]:
                self.seen[self._order[first]] = True
                held.append(rows[row : row + 1].copy())
            else:
                strange.append(np.array([row]))
        return np.sort(np.concatenate(strange))

    def _hash(self, rows: Array, share: I64) -> None:
        order = np.argsort(share, kind="stable")
        rows, share = rows[order], share[order]
        starts = np.flatnonzero(np.concatenate(([True], share[1:] != share[:-1]))) if len(share) else np.zeros(0, np.int64)
        for start, stop in itertools.pairwise([*starts.tolist(), len(share)]):
            number = int(share[start])
            if self._lane not in (None, self.shares[number].lane):
                continue
            if number in self._slow:
                self._kept.setdefault(number, []).append(rows[start:stop].copy())
                continue
            hashed = self._hashed.get(number)
            if hashed is None:
                hashed = self._hashed[number] = hashlib.sha256()
            hashed.update(rows[start:stop].tobytes())

    def missing(self) -> int | None:
        """The first mark that no row has."""
        gone = np.flatnonzero(~self.seen)
        return int(gone[0]) if len(gone) else None

    def share_at(self, mark: int) -> Share:
        """Whose a mark is."""
        return self.shares[int(self._share_of[mark])]

    def wrong(self, identity: Sequence[str]) -> Share | None:
        """The first commit whose rows are all here and do not have their digest."""
        for number, share in enumerate(self.shares):
            if self._lane not in (None, share.lane):
                continue
            if not self.seen[share.first : share.first + share.rows].all():
                continue  # not all of it is here any more
            marks = self.marks[share.first : share.first + share.rows]
            if number in self._slow:
                if not self._some_way(number, share, marks, identity):
                    return share
                continue
            hashed = self._hashed.get(number) or hashlib.sha256()
            hashed.update(marks.tobytes())
            if hashed.hexdigest() != share.digest:
                return share
        return None

    def _some_way(self, number: int, share: Share, marks: npt.NDArray[np.uint64], identity: Sequence[str]) -> bool:
        own = self._kept.get(number, [])
        wanted = Counter(mark for mark in marks.tolist() if mark in self._shared)
        ways = itertools.product(*(itertools.combinations(self._shared[mark], count) for mark, count in wanted.items()))
        for way in itertools.islice(ways, GUESSES):
            rows = np.concatenate([*own, *itertools.chain.from_iterable(way)])
            rows = rows[np.lexsort([rows[name] for name in reversed(identity)])]
            if hashlib.sha256(rows.tobytes() + marks.tobytes()).hexdigest() == share.digest:
                return True
        return False

    def neighbours(self, mark: int) -> tuple[int | None, int | None]:
        """The nearest marks of the same commit, before and after, that a row has."""
        share = self.share_at(mark)
        seen = np.flatnonzero(self.seen[share.first : share.first + share.rows]) + share.first
        at = bisect.bisect_left(seen.tolist(), mark)
        return (int(seen[at - 1]) if at else None), (int(seen[at]) if at < len(seen) else None)
