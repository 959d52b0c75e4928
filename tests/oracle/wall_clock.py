"""A weekly timetable, minute by minute, as a patient person with a wall clock would read it; knows nothing of model.timetable."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


def minutes(zone: str, windows_by_day: dict[date, list[tuple[int, int]]]) -> set[datetime]:
    """UTC minutes in which the windows apply; each is (from, to) in minutes after local midnight of the day it starts on."""
    out: set[datetime] = set()
    for day, windows in windows_by_day.items():
        clock = _clock(zone, day)
        for from_min, to_min in windows:
            start, end = clock.first(from_min), clock.last(to_min)
            if start >= end:  # a missing start, carried past the end: from the moment the clocks changed
                start = clock.change(from_min)
            while start < end:
                out.add(start)
                start += MINUTE
    return out


@cache
def _clock(zone: str, day: date) -> "_Clock":
    return _Clock(zone, day)


class _Clock:
    """What the wall clock shows in each UTC minute round a day."""

    def __init__(self, zone: str, day: date) -> None:
        self.midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001
        start = self.midnight.replace(tzinfo=UTC) - timedelta(hours=30)
        tz = ZoneInfo(zone)
        self.utc = [start + i * MINUTE for i in range(5 * 24 * 60)]
        self.wall = [u.astimezone(tz).replace(tzinfo=None) for u in self.utc]
        self.shown: dict[datetime, list[datetime]] = {}
        for u, w in zip(self.utc, self.wall, strict=True):
            self.shown.setdefault(w, []).append(u)

    def first(self, minute: int) -> datetime:
        return self._shown(minute)[0]

    def last(self, minute: int) -> datetime:
        return self._shown(minute)[-1]

    def _shown(self, minute: int) -> list[datetime]:
        wall = self.midnight + minute * MINUTE
        if wall in self.shown:
            return self.shown[wall]
        i = self._jump(wall)
        later = wall + (self.wall[i] - self.wall[i - 1] - MINUTE)
        return [u for u in self.shown[later] if u >= self.utc[i]][:1]

    def change(self, minute: int) -> datetime:
        return self.utc[self._jump(self.midnight + minute * MINUTE)]

    def _jump(self, wall: datetime) -> int:
        return next(i for i in range(1, len(self.wall)) if self.wall[i - 1] < wall < self.wall[i])
