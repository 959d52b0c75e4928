"""Walks become frames at a gateway door, each sent until it is acknowledged, and a ledger of what was, on disk at once."""

import http.client
import json
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.crash.walk import LAT, LON, METRES_A_DEGREE, ZONES_AT_M, Point, outside_m
from model.errors import CordonError
from model.event import EventKind

PER_FRAME: Final = 2  # fixes of each tag
PAUSE_S: Final = 0.04  # between frames: the machine has other things to do
AGAIN_S: Final = 0.1
ANSWER_S: Final = 15.0
LATE_FRAMES: Final = 3  # how long a fix that comes out of order is held back
QUIET_M: Final = 200.0  # a fix this far from any edge, like those beside it, changes nothing wherever it comes in
UNKNOWN: Final = 1_000_000_000_000_000  # added to a tag's number: one that nobody wears

Row = tuple[int, int, int, int]  # tag, fix_at in microseconds since 1970 UTC, seq, source; of an event: tag, at, seq, kind


class Frame(NamedTuple):
    """What goes out in one request."""

    fixes: tuple[Point, ...]
    events: tuple[Row, ...] = ()
    poison: tuple[Point, ...] = ()  # identities that are stored already, with another content


class Promised(NamedTuple):
    """What was acknowledged."""

    fixes: set[Row]
    events: set[Row]
    receipts: set[str]


class Ledger:
    """What the door acknowledged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._file = path.open("ab")
        self.frames = 0
        self.records = 0

    def note(self, frame: Frame, receipt: str) -> None:
        """Put one frame's records on disk."""
        fixes = [(point.tag, point.at_us, point.seq, 0) for point in frame.fixes]
        line = json.dumps({"fixes": fixes, "events": frame.events, "receipt": receipt}).encode()
        with self._writing:
            self._file.write(line + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self.frames += 1
            self.records += len(fixes) + len(frame.events)

    def read(self) -> Promised:
        """All that was acknowledged up to now."""
        lines = [json.loads(line) for line in self._path.read_bytes().splitlines()]
        fixes = {tuple(row) for line in lines for row in line["fixes"]}
        events = {tuple(row) for line in lines for row in line["events"]}
        return Promised(fixes, events, {line["receipt"] for line in lines})

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Gateway(threading.Thread):
    """Sends its tags' walks in order until told to stop, or until they are over.

    Some frames come again, some fixes late and out of order, some records contradict what is stored, some tags nobody wears: so
    that every step of a commit has something to do.
    """

    def __init__(self, seed: int, number: int, walks: Sequence[Sequence[Point]], key: str, port: int, ledger: Ledger) -> None:
        super().__init__(name=f"gateway {number}", daemon=True)
        self._number = number
        self._dice = random.Random(f"{seed} gateway {number}")
        self._walks, self._key, self._port, self._ledger = walks, key, port, ledger
        self._told = threading.Event()
        self.acknowledged = 0  # frames
        self.busy = 0  # answers 429 and 503
        self.broken = 0  # no answer, or one that was none
        self.sent: list[Point] = []  # of its own tags, once acknowledged
        self.failure: Exception | None = None
        self.tags = [walk[0].tag for walk in walks]

    def stop(self) -> None:
        """End after the frames under way."""
        self._told.set()

    def run(self) -> None:
        """Send; what goes wrong on our side is kept for whoever joins us."""
        try:
            for frame in self.frames():
                while not self._acknowledged(frame):
                    time.sleep(AGAIN_S)
                time.sleep(PAUSE_S)
        except Exception as error:
            self.failure = error

    def frames(self) -> Iterator[Frame]:
        """What there is to send; drawn from the seed alone, up to where it is stopped."""
        held: deque[tuple[int, Point]] = deque()
        last = Frame(())
        for turn, at in enumerate(range(0, len(self._walks[0]), PER_FRAME)):
            if self._told.is_set():
                break
            dice = self._dice
            points: list[Point] = []
            for walk in self._walks:
                for i in range(at, min(at + PER_FRAME, len(walk))):
                    if dice.random() < 0.05 and _quiet(walk, i):
                        held.append((turn + LATE_FRAMES, walk[i]))
                    else:
                        points.append(walk[i])
            while held and held[0][0] <= turn:
                points.append(held.popleft()[1])
            if dice.random() < 0.1:
                points.append(points[0]._replace(tag=points[0].tag + UNKNOWN))
            events: tuple[Row, ...] = ()
            if dice.random() < 0.2:
                events = ((points[0].tag, points[0].at_us, points[0].seq, int(EventKind.CHARGING)),)
            poison = (last.fixes[0],) if last.fixes and dice.random() < 0.15 else ()
            if dice.random() < 0.1 and last.fixes:
                yield last._replace(poison=())  # the same again, as after a lost answer
            last = Frame(tuple(points), events, poison)
            yield last
        if held:
            yield Frame(tuple(point for _, point in held))

    def _acknowledged(self, frame: Frame) -> bool:
        try:
            status, body = self._post(frame)
        except (OSError, http.client.HTTPException, ValueError):
            self.broken += 1
            return False
        if status in {429, 503}:
            self.busy += 1
            return False
        if status != 200:
            raise CordonError(f"the door answered {status}: {body!r}")
        refused = [one["index"] for one in body["rejected"] if one["in"] == "fixes"]
        poisoned = list(range(len(frame.fixes), len(frame.fixes) + len(frame.poison)))
        if body["stored"] is not None and refused != poisoned:
            raise CordonError(f"the door refused records {refused} and should have refused {poisoned}")
        self._ledger.note(frame, body["receipt"])
        self.sent += [point for point in frame.fixes if point.tag < UNKNOWN]
        self.acknowledged += 1
        return True

    def _post(self, frame: Frame) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_S)
        try:
            fixes = [_json(point, 0.0) for point in frame.fixes] + [_json(point, 0.5) for point in frame.poison]
            events = [{"tag": tag, "at": _time(at), "seq": seq, "kind": _name(kind)} for tag, at, seq, kind in frame.events]
            body = json.dumps({"gateway": f"gw-{self._number}", "fixes": fixes, "events": events})
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            connection.request("POST", "/gateway/v1/fixes", body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


def _quiet(walk: Sequence[Point], i: int) -> bool:
    """Whether a walk says the same without its i-th fix, and with it out of order."""
    near = walk[max(i - 2, 0) : i + 3]
    return all(
        all(outside_m(zone, point) > QUIET_M for point in near) or all(outside_m(zone, point) < -QUIET_M for point in near)
        for zone in range(len(ZONES_AT_M))
    )


def _json(point: Point, moved_deg: float) -> dict[str, Any]:
    return {
        "tag": point.tag,
        "seq": point.seq,
        "fix_at": _time(point.at_us),
        "lon": LON + moved_deg,
        "lat": LAT + point.north_m / METRES_A_DEGREE,
        "accuracy_m": point.accuracy_m,
        "source": "gnss",
    }


def _time(us: int) -> str:
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat().replace("+00:00", "Z")


def _name(kind: int) -> str:
    return EventKind(kind).name.lower()


def wait_for_all(gateways: Sequence[Gateway], until: Callable[..., Any]) -> None:
    """Until every gateway has had another frame acknowledged.

    Raises
    ------
    CordonError
        If one cannot go on, or is not answered in time.
    """
    before = [gateway.acknowledged for gateway in gateways]

    def all_of_them() -> bool:
        for gateway in gateways:
            if gateway.failure is not None:
                raise gateway.failure
        return all(
            gateway.acknowledged > count + 1 or not gateway.is_alive() for gateway, count in zip(gateways, before, strict=True)
        )

    until(all_of_them, "every gateway is answered again")
