"""What few tags have any of: records of one dtype found by tag and number, and the same as bytes, in order."""

from collections.abc import Iterable

import numpy as np

from model.arrays import Array


class Table:
    """Records of a lane's state that most tags have none of.

    Attributes
    ----------
    dtype : with a field ``tag``
    rows : {(tag, number): (1,) dtype}
    of : {tag: its numbers}; a tag without a record is not in it
    """

    def __init__(self, dtype: np.dtype[np.void], number: str | None) -> None:
        """``number`` names the field that tells the records of one tag apart; None where it has one at most."""
        self.dtype = dtype
        self.rows: dict[tuple[int, int], Array] = {}
        self.of: dict[int, set[int]] = {}
        self._number = number

    def get(self, tag: int, number: int = 0) -> Array | None:
        """The (1,) record of a tag and number, changed in place by its reader, or None."""
        return self.rows.get((tag, number))

    def of_tag(self, tag: int) -> list[Array]:
        """The (1,) records of a tag, in order of their numbers."""
        return [self.rows[tag, number] for number in sorted(self.of.get(tag, ()))]

    def put(self, record: Array) -> None:
        """Keep a (1,) record."""
        tag = int(record["tag"][0])
        number = int(record[self._number][0]) if self._number else 0
        self.rows[tag, number] = record
        self.of.setdefault(tag, set()).add(number)

    def drop(self, tag: int, number: int = 0) -> None:
        """Forget one record; raises ``KeyError`` where there is none."""
        del self.rows[tag, number]
        numbers = self.of[tag]
        numbers.discard(number)
        if not numbers:
            del self.of[tag]

    def clear(self, tag: int) -> None:
        """Forget all of a tag."""
        for number in self.of.pop(tag, ()):
            del self.rows[tag, number]

    def of_tags(self, tags: Iterable[int]) -> Array:
        """(n,) records of some tags, in their order and that of numbers."""
        # As bytes: to concatenate arrays of nested fields takes some 25 microseconds each.
        found = b"".join(record.tobytes() for tag in tags if tag in self.of for record in self.of_tag(tag))
        return np.frombuffer(found, self.dtype).copy()

    def load(self, body: bytes) -> None:
        """Take the records that ``of_tags`` gave, as bytes."""
        for record in np.frombuffer(body, self.dtype):
            self.put(record.reshape(1).copy())

    def __len__(self) -> int:
        return len(self.rows)
