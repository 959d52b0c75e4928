"""A compiled index becomes a file and is loaded again in a fraction of the time; what is not whole is refused."""

import contextlib
import json
import mmap
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np

from geofence.index import Compiled, Reach, ZoneIndex
from geofence.parts import each
from geofence.shape import SHAPE, Room, Shapes, with_room
from model.arrays import Array
from model.zones import ROW, Zones

MAGIC: Final = b"CORDON\x00zones 1\n"  # the number is that of this layout
_LENGTHS: Final = struct.Struct("<II")  # bytes of the head, and its CRC-32
_ALIGNED: Final = 64  # bytes: a line of the cache

_DTYPES: Final = {  # and how many columns, 0 for one-dimensional arrays
    "row": (ROW, 0),
    "interval": (np.dtype("<i8"), 2),
    "assigned": (np.dtype("<i8"), 4),
    "monitored": (np.dtype("<i8"), 3),
    "shared": (np.dtype("<i8"), 0),
    "shape": (SHAPE, 0),
    "x": (np.dtype("<f8"), 0),
    "y": (np.dtype("<f8"), 0),
    "ring": (np.dtype("<i4"), 2),
    "chain": (np.dtype("<i4"), 0),
    "box": (np.dtype("<f4"), 4),
    "cell": (np.dtype("u1"), 0),
    "run": (np.dtype("<i4"), 0),
    "edge": (np.dtype("<u2"), 0),
}
_GROWING: Final = frozenset(Shapes._fields) - {"shape"}  # have room behind them, for control changes


class DamagedError(ValueError):
    """A file that is no kept index, or not the whole of one: compile the zones again."""


class Kept(NamedTuple):
    """What a file holds."""

    compiled: Compiled
    reach: Reach
    mark: str


def save(index: ZoneIndex, path: Path, mark: str) -> None:
    """Write an index to a file, in place of what was there, or not at all; for its owner's eyes alone.

    Parameters
    ----------
    mark : what it was made of and by which code, for ``load`` to tell
    """
    compiled, reach = index.compiled, index.reach
    arrays = {"row": compiled.zones.row, "interval": compiled.zones.interval} | reach._asdict() | compiled.shapes._asdict()
    sums = each(lambda k: zlib.crc32(_bytes([*arrays.values()][k])), len(arrays), len(os.sched_getaffinity(0)))
    head = json.dumps(
        {"mark": mark, "arrays": [[name, len(a), crc] for (name, a), crc in zip(arrays.items(), sums, strict=True)]}
    )
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(MAGIC + _LENGTHS.pack(len(head), zlib.crc32(head.encode())) + head.encode())
            at = file.tell()
            for name, array in arrays.items():
                first, at = _place(name, len(array), at)
                file.seek(first)
                file.write(_bytes(array))
            file.truncate(at)  # the rest is a hole: it takes no space
        temporary.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _place(name: str, count: int, after: int) -> tuple[int, int]:
    """Where an array begins that comes after a place in the file, and where it and the room behind it end."""
    dtype, columns = _DTYPES[name]
    first = after + -after % _ALIGNED
    return first, first + (with_room(count) if name in _GROWING else count) * dtype.itemsize * max(columns, 1)


def load(path: Path, fits: Callable[[str], bool], threads: int = 1) -> Kept | None:
    """What was saved under a mark that fits; None where there is no file, or its mark does not.

    Raises
    ------
    DamagedError
        If the file is not what was written.
    """
    try:
        with path.open("rb") as file:
            head, at = _head(file)
            return _whole(file, head, at, threads) if fits(head["mark"]) else None
    except FileNotFoundError:
        return None


def _head(file: BinaryIO) -> tuple[dict[str, Any], int]:
    start = file.read(len(MAGIC) + _LENGTHS.size)
    if len(start) != len(MAGIC) + _LENGTHS.size or not start.startswith(MAGIC):
        raise DamagedError("it does not begin as a kept index does")
    length, crc = _LENGTHS.unpack_from(start, len(MAGIC))
    head = file.read(length)
    if len(head) != length or zlib.crc32(head) != crc:
        raise DamagedError("its head is damaged")
    said: dict[str, Any] = json.loads(head)
    return said, file.tell()


def _whole(file: BinaryIO, head: dict[str, Any], at: int, threads: int) -> Kept:
    """All arrays, as views of the file, read as they are needed: what is written to them stays in this process.

    To copy a gigabyte into memory that nobody has touched takes seconds, to sum it where it is a third of one.
    """
    arrays: list[tuple[str, int, int]] = head["arrays"]
    if [name for name, _, _ in arrays] != [*_DTYPES]:
        raise DamagedError("it holds other arrays")
    ends = at
    for name, count, _ in arrays:
        ends = _place(name, count, ends)[1]
    if ends != os.fstat(file.fileno()).st_size:
        raise DamagedError("it is shorter or longer than it was written")
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    room, places = Room(), []
    for name, count, crc in arrays:
        dtype, columns = _DTYPES[name]
        first, at = _place(name, count, at)
        array = np.frombuffer(mapped, dtype, (at - first) // dtype.itemsize, first)
        array = array.reshape(-1, columns) if columns else array
        if name in _GROWING:
            room.take(name, array, count)
        places.append((name, array[:count], crc))
    places.sort(key=lambda place: -place[1].nbytes)

    def read(k: int) -> bool:
        _, array, crc = places[k]
        return zlib.crc32(_bytes(array)) == crc

    whole = each(read, len(places), threads)
    if not all(whole):
        raise DamagedError(f"its {places[whole.index(False)][0]} is damaged")
    found = {name: array for name, array, _ in places}
    zones = Zones(found["row"], found["interval"])
    compiled = Compiled(zones, Shapes(*(found[name] for name in Shapes._fields)), room)
    return Kept(compiled, Reach(*(found[name] for name in Reach._fields)), head["mark"])


def _bytes(array: Array) -> memoryview:
    return memoryview(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data) if array.size else memoryview(b"")
