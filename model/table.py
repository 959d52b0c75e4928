"""What few tags have any of: records of one dtype found by tag and number, and the same as bytes, in order."""

from collections.abc import Iterable, Iterator, KeysView
from typing import Final

import numpy as np

from model.arrays import Array

_CHUNK: Final = 64  # records that lie together: few enough that a table with one of them takes no more than some kilobytes


class Table:
    """Records of a lane's state that most tags have none of.

    They lie side by side in chunks that never move: an array of its own costs each of them 130 bytes more, and finding it by
    tag and number another 350.

    Attributes
    ----------
    dtype : with a field ``tag``
    """

    def __init__(self, dtype: np.dtype[np.void], number: str | None) -> None:
        """``number`` names the field that tells the records of one tag apart; None where it has one at most."""
        self.dtype = dtype
        self._number = number
        self._chunks: list[Array] = []  # each (_CHUNK,) dtype
        self._bytes: list[bytearray] = []  # the same: written as bytes, as NumPy copies a record field by field
        self._numbers: list[Array] = []  # each chunk's field of numbers
        self._free: list[int] = []  # places that nothing lies in, those before ``_end``
        self._end = 0  # places ever used
        # Where the record of a tag lies, or its records do, in order of their numbers.
        self._at: dict[int, int | tuple[int, ...]] = {}

    @property
    def tags(self) -> KeysView[int]:
        """The tags that have a record, in no order."""
        return self._at.keys()

    def numbers(self, tag: int) -> list[int]:
        """The numbers of a tag's records, in order."""
        if not self._number:
            return [0] if tag in self._at else []
        return [self._number_at(place) for place in self._places(tag)]

    def get(self, tag: int, number: int = 0) -> Array | None:
        """A view of the (1,) record of a tag and number, changed in place by its reader, or None; true until the next ``put``."""
        place = self._place(tag, number)
        return None if place is None else self._record(place)

    def __getitem__(self, key: tuple[int, int]) -> Array:
        """What ``get`` gives; raises ``KeyError`` where there is none."""
        place = self._place(*key)
        if place is None:
            raise KeyError(key)
        return self._record(place)

    def of_tag(self, tag: int) -> list[Array]:
        """The (1,) records of a tag, as of ``get``, in order of their numbers."""
        return [self._record(place) for place in self._places(tag)]

    def put(self, record: Array) -> None:
        """Keep a copy of a (1,) record."""
        tag = int(record["tag"][0])
        number = int(record[self._number][0]) if self._number else 0
        place = self._place(tag, number)
        if place is None:
            place = self._new()
            self._write(place, record)
            places = (*self._places(tag), place)
            self._at[tag] = place if len(places) == 1 else tuple(sorted(places, key=self._number_at))
        else:
            self._write(place, record)

    def drop(self, tag: int, number: int = 0) -> None:
        """Forget one record; raises ``KeyError`` where there is none."""
        place = self._place(tag, number)
        if place is None:
            raise KeyError((tag, number))
        left = tuple(one for one in self._places(tag) if one != place)
        if left:
            self._at[tag] = left[0] if len(left) == 1 else left
        else:
            del self._at[tag]
        self._free.append(place)

    def clear(self, tag: int) -> None:
        """Forget all of a tag."""
        self._free += self._places(tag)
        self._at.pop(tag, None)

    def of_tags(self, tags: Iterable[int]) -> Array:
        """(n,) records of some tags, in their order and that of numbers."""
        # As bytes: to concatenate arrays of nested fields takes some 25 microseconds each.
        found = b"".join(record.tobytes() for tag in tags if tag in self._at for record in self.of_tag(tag))
        return np.frombuffer(found, self.dtype).copy()

    def load(self, body: bytes) -> None:
        """Take the records that ``of_tags`` gave, as bytes."""
        for record in np.frombuffer(body, self.dtype):
            self.put(record.reshape(1))

    def __contains__(self, tag: int) -> bool:
        return tag in self._at

    def __iter__(self) -> Iterator[Array]:
        """All (1,) records, as of ``get``, in no order."""
        return (record for tag in self._at for record in self.of_tag(tag))

    def __len__(self) -> int:
        return self._end - len(self._free)

    def _places(self, tag: int) -> tuple[int, ...]:
        found = self._at.get(tag, ())
        return (found,) if isinstance(found, int) else found

    def _place(self, tag: int, number: int) -> int | None:
        for place in self._places(tag):
            if not self._number or self._number_at(place) == number:
                return place
        return None

    def _number_at(self, place: int) -> int:
        return int(self._numbers[place // _CHUNK][place % _CHUNK])

    def _record(self, place: int) -> Array:
        first = place % _CHUNK
        return self._chunks[place // _CHUNK][first : first + 1]

    def _write(self, place: int, record: Array) -> None:
        size = self.dtype.itemsize
        first = place % _CHUNK * size
        self._bytes[place // _CHUNK][first : first + size] = record.tobytes()

    def _new(self) -> int:
        """A place that nothing lies in."""
        if self._free:
            return self._free.pop()
        if self._end == _CHUNK * len(self._chunks):
            body = bytearray(_CHUNK * self.dtype.itemsize)
            chunk = np.frombuffer(body, self.dtype)
            self._bytes.append(body)
            self._chunks.append(chunk)
            self._numbers.append(chunk[self._number or "tag"])
        self._end += 1
        return self._end - 1
