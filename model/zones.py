"""Zone versions as columns: a world of half a million in tenths of a second, each an object only where one is asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple

import numpy as np

from model.arrays import I64, Array, Bool, among, distinct, joined, taken
from model.zone import Purpose, Zone, ZoneKind

KINDS: Final = tuple(ZoneKind)
PURPOSES: Final = tuple(Purpose)
_KIND: Final = {kind: place for place, kind in enumerate(KINDS)}
_PURPOSE: Final = {purpose: place for place, purpose in enumerate(PURPOSES)}
VERSIONS: Final = 1 << 20  # more versions than a zone can have; a code is zone * this + version

ROW: Final = np.dtype(
    [
        ("id", "<i8"),
        ("version", "<i8"),
        ("from_us", "<i8"),  # us UTC, in force from (inclusive)
        ("to_us", "<i8"),  # to (exclusive)
        ("radius_m", "<f8"),
        ("buffer_m", "<f8"),
        ("interval_at", "<i8"),  # its first row of ``Zones.interval``
        ("intervals", "<i4"),
        ("confirm_fixes", "<i4"),
        ("kind", "u1"),  # place in ``KINDS``
        ("purpose", "u1"),  # place in ``PURPOSES``
        ("attendance", "?"),
    ]
)

Key = tuple[int, int]  # zone id, version


class Outlines(NamedTuple):
    """The geometries of some zone versions, as WKB."""

    row: I64  # (k,) of which row of the table each is, ascending
    body: Array  # uint8
    at: I64  # (k, 2) where in it each begins and ends

    def only(self, which: Bool) -> "Outlines":
        """Some of them; (k,) bool."""
        return Outlines(self.row[which], self.body, self.at[which])


NO_OUTLINES: Final = Outlines(np.zeros(0, np.int64), np.zeros(0, np.uint8), np.zeros((0, 2), np.int64))


class Zones(Mapping[Key, Zone]):
    """All zone versions of a world by (id, version), in that order. Immutable.

    A zone that was read as columns is looked up without its name, and once it is compiled without its geometry: nobody who
    judges asks for them, and kept as objects they were most of a worker's memory.

    Attributes
    ----------
    row : (n,) ROW
    interval : (k, 2) int64, when each version applies: half-open microseconds, in order, apart, as ``merged`` makes them
    outlines : geometries that are not compiled yet
    codes : (n,) int64, id * ``VERSIONS`` + version; ascending
    """

    def __init__(
        self, row: Array, interval: I64, outlines: Outlines = NO_OUTLINES, made: Mapping[Key, Zone] | None = None
    ) -> None:
        self.row, self.interval, self.outlines = row, interval, outlines
        self.codes: I64 = row["id"] * VERSIONS + row["version"]
        self.made: Mapping[Key, Zone] = {} if made is None else made  # objects as they were given

    @classmethod
    def of(cls, zones: Iterable[Zone]) -> "Zones":
        """The table of zone versions in any order; of several with one key the last."""
        made = {(zone.id, zone.version): zone for zone in zones}
        key = np.fromiter(chain.from_iterable(made), np.int64).reshape(-1, 2)
        code = key[:, 0] * VERSIONS + key[:, 1]
        if (code[1:] < code[:-1]).any():  # mostly they are in order; to sort so many tuples took half of the time
            order, given = np.argsort(code), list(made.items())
            key, made = key[order], dict(given[at] for at in order.tolist())
        ordered = list(made.values())
        row = np.zeros(len(ordered), ROW)
        row["id"], row["version"] = key.T
        for field, name in _PLAIN:
            row[field] = np.fromiter(map(attrgetter(name), ordered), row.dtype[field], len(ordered))
        for field, places in (("kind", _KIND), ("purpose", _PURPOSE)):
            row[field] = np.fromiter(map(places.__getitem__, map(attrgetter(field), ordered)), np.uint8, len(ordered))
        apart = [merged(zone.intervals) for zone in ordered]
        row["intervals"] = np.fromiter(map(len, apart), np.int64, len(ordered))
        row["interval_at"] = np.cumsum(row["intervals"]) - row["intervals"]
        interval = np.fromiter(chain.from_iterable(chain.from_iterable(apart)), np.int64).reshape(-1, 2)
        bodies = [zone.wkb for zone in ordered]
        end = np.cumsum(np.fromiter(map(len, bodies), np.int64, len(bodies)))
        at = np.column_stack([np.append(0, end)[: len(end)], end])
        outlines = Outlines(np.arange(len(bodies)), np.frombuffer(b"".join(bodies), np.uint8), at)
        return cls(row, interval, outlines, made)

    def __getitem__(self, key: Key) -> Zone:
        found = self.made.get(key)
        return self._zone(self._row(key)) if found is None else found

    def __iter__(self) -> Iterator[Key]:
        return zip(self.row["id"].tolist(), self.row["version"].tolist(), strict=True)

    def __len__(self) -> int:
        return len(self.row)

    def versions(self, zone: int) -> list[Zone]:
        """All versions of a zone, oldest first."""
        first, stop = np.searchsorted(self.codes, (zone * VERSIONS, (zone + 1) * VERSIONS)).tolist()
        return [self[zone, version] for version in self.row["version"][first:stop].tolist()]

    def find(self, codes: I64) -> I64:
        """The row of each of (k,) codes, -1 where there is none."""
        if not len(self.codes):
            return np.full(len(codes), -1)
        row = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.where(self.codes[row] == codes, row, -1)

    def ids(self, which: Bool) -> I64:
        """Ids of the zones of which any version is among (n,) bool; ascending."""
        return distinct(self.row["id"][which])

    def replaced(self, drop: Bool, put: "Zones") -> "Zones":
        """The table without (n,) bool of its rows and with those of another, whose rows and outlines go before ours."""
        if not len(put) and not drop.any():
            return Zones(self.row, self.interval, made=self.made)
        keep = ~(drop | among(self.codes, put.codes))
        row = joined([taken(self.row, keep), put.row], ROW)
        begins = np.concatenate([self.row["interval_at"][keep], put.row["interval_at"] + len(self.interval)])
        order = np.argsort(row["id"] * VERSIONS + row["version"], kind="stable")
        row, begins = taken(row, order), begins[order]
        count = row["intervals"].astype(np.int64)
        row["interval_at"] = np.cumsum(count) - count
        picked = np.repeat(begins - row["interval_at"], count) + np.arange(count.sum())
        interval = np.concatenate([self.interval, put.interval])[picked]
        made = {}
        if self.made or put.made:
            gone = set(zip(*(self.row[name][~keep].tolist() for name in ("id", "version")), strict=True))
            made = {key: zone for key, zone in self.made.items() if key not in gone} | dict(put.made)
        whole = Zones(row, interval, made=made)
        whole.outlines = put.outlines._replace(row=whole.find(put.codes[put.outlines.row]))
        return whole

    def outlined(self, which: Callable[[Key, Zone], bool]) -> "Zones":
        """The same with the outlines of some zones only, of those given as objects."""
        keys = [(int(row["id"]), int(row["version"])) for row in self.row[self.outlines.row]]
        some = np.fromiter((which(key, self[key]) for key in keys), np.bool_, len(keys))
        return Zones(self.row, self.interval, self.outlines.only(some), self.made)

    def _row(self, key: Key) -> int:
        zone, version = key
        row = int(np.searchsorted(self.codes, zone * VERSIONS + version))
        if row == len(self.codes) or self.codes[row] != zone * VERSIONS + version:
            raise KeyError(key)
        return row

    def _zone(self, at: int) -> Zone:
        row: Any = self.row[at]
        first = int(row["interval_at"])
        return Zone(
            id=int(row["id"]),
            version=int(row["version"]),
            kind=KINDS[row["kind"]],
            purpose=PURPOSES[row["purpose"]],
            wkb=self._outline(at),
            radius_m=float(row["radius_m"]),
            buffer_m=float(row["buffer_m"]),
            in_force_from_us=int(row["from_us"]),
            in_force_to_us=int(row["to_us"]),
            intervals=tuple((low, high) for low, high in self.interval[first : first + int(row["intervals"])].tolist()),
            confirm_fixes=int(row["confirm_fixes"]),
            attendance=bool(row["attendance"]),
        )

    def _outline(self, row: int) -> bytes:
        """The WKB of a row, none where it is not at hand."""
        of, body, at = self.outlines
        place = int(np.searchsorted(of, row))
        return bytes(body[at[place, 0] : at[place, 1]]) if place < len(of) and of[place] == row else b""


_PLAIN: Final = (
    ("from_us", "in_force_from_us"),
    ("to_us", "in_force_to_us"),
    ("radius_m", "radius_m"),
    ("buffer_m", "buffer_m"),
    ("confirm_fixes", "confirm_fixes"),
    ("attendance", "attendance"),
)


def merged(intervals: Iterable[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Half-open intervals in order, those that overlap or touch made one, empty ones left out."""
    if isinstance(intervals, tuple) and len(intervals) == 1 and intervals[0][0] < intervals[0][1]:
        return intervals  # nearly all of them
    out: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out
