"""Workload `latency`: from the instant a fix was to be sent to its alert on an officer's stream, at a steady 20,000 fixes/s."""

import json
import threading
import time
import urllib.parse
import urllib.request
from typing import Any, Final, NamedTuple

import numpy as np

from bench import clock
from bench.instance import PASSWORD, Instance, loaded, running
from bench.machine import cores
from bench.rows import Measured, alone
from bench.workloads import Tell
from bench.workloads.crowd import crowd, document
from bench.workloads.pipeline import ENGINES, HOUR_US, Loading, load

WAIT_S: Final = 30.0  # for the last alerts, after the last fix was sent
BACKLOG_AGE_S: Final = 6 * 3600.0  # how old the fixes are that drain meanwhile


class Size(NamedTuple):
    """How much is sent."""

    tags: int
    rate: int  # fixes a second, by the clock
    rounds: int
    outing_every: float
    frame_fixes: int
    backlog_rounds: int  # old fixes a tag that drain meanwhile


FULL: Final = Size(20_000, 20_000, 60, 0.1, 500, 50)
QUICK: Final = Size(200, 400, 12, 0.5, 50, 5)


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """Percentiles of the way from scheduled send to the stream, alone and while old fixes drain, by both engines."""
    size = QUICK if quick else FULL
    tell(f"loading {size.tags:,} wearers with five zones each")
    people = crowd(size.tags)
    rows = []
    with loaded(document(people, time.time_ns() // 1000 - 24 * HOUR_US)) as held:
        for engine, options in ENGINES.items():
            tell(f"{engine}: starting")
            with running(held, options) as system:
                rows += _measured(engine, system, size, tell)
    return rows


def _measured(engine: str, system: Instance, size: Size, tell: Tell) -> list[Measured]:
    """One engine's rows; of the embedded one they have no prefix."""
    prefix = "" if engine == "embedded" else f"{engine} "
    rows = []
    tell(f"{engine}: warming")
    _run(system, size, 0, drain=False)  # what compiles and caches
    for number, (suffix, drain) in enumerate((("", False), (" drain", True)), 1):
        tell(f"{engine}: while old fixes drain" if drain else f"{engine}: alone")
        waits_ms, lost = _run(system, size, number, drain=drain)
        aims = {50: 100.0, 99: 500.0} if not drain else {99: 2000.0}
        for percentile in (50, 99):
            value = float(np.percentile(waits_ms, percentile))
            row = alone("latency", f"{prefix}p{percentile}{suffix}", "ms", [value], threads=cores())
            rows.append(row._replace(at_most=aims.get(percentile), checked=len(waits_ms) + lost, wrong=0, lost=lost))
    return rows


def _run(system: Instance, size: Size, number: int, *, drain: bool) -> tuple[list[float], int]:
    """Milliseconds from scheduled send to the stream of each alert of one run, and how many never came."""
    # Each run goes into another fence of its tags: back in the same one within ten minutes is the same occurrence.
    stream = _Stream(system.url, "bench")
    base = ["--tags", size.tags, "--frame-fixes", size.frame_fixes]
    backlog = None
    if drain:
        old = ["--rounds", size.backlog_rounds, "--seq", 1_000_000, "--age-s", BACKLOG_AGE_S]
        backlog = Loading(system, [*base, *old], system.folder / "old.json")
    try:
        going = ["--rounds", size.rounds, "--seq", 1000 * (number + 1), "--rate", size.rate]
        outings = [
            "--outing-every",
            size.outing_every,
            "--outing-s",
            4.0 * size.tags / size.rate,
            "--outing-first",
            number * size.tags,
        ]
        said = load(system, [*base, *going, *outings], system.folder / "new.json")
        expected = {(tag, at_us): decided_us for tag, _, at_us, _, decided_us in said["outings"] if decided_us}
        seen = stream.until(set(expected), WAIT_S)
    finally:
        if backlog is not None:
            backlog.end()
    waits = [(seen[key] - expected[key]) / 1000 for key in expected if key in seen]
    return waits or [float("nan")], len(expected) - len(waits)


class _Stream:
    """An officer's stream, read by a thread: when each alert was first opened on it."""

    def __init__(self, url: str, name: str) -> None:
        form = urllib.parse.urlencode({"grant_type": "password", "username": name, "password": PASSWORD}).encode()
        with urllib.request.urlopen(f"{url}/api/v1/token", form) as answer:  # noqa: S310 - our own instance
            token = json.load(answer)["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"{url}/api/v1/alerts/stream", headers=bearer)  # noqa: S310
        self._body = urllib.request.urlopen(request)  # noqa: S310
        self._seen: dict[tuple[int, int], int] = {}
        self._changed = threading.Condition()
        self._body.readline()  # hello: from here on nothing is missed
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._body:
            at_us = time.time_ns() // 1000
            if line.startswith(b"data: ") and b'"event_at"' in line:
                alert: dict[str, Any] = json.loads(line[6:])
                with self._changed:
                    self._seen.setdefault((alert["tag"], clock.read(alert["event_at"])), at_us)
                    self._changed.notify_all()

    def until(self, keys: set[tuple[int, int]], within_s: float) -> dict[tuple[int, int], int]:
        """When each alert came, once all of ``keys`` have, or time is up."""
        with self._changed:
            self._changed.wait_for(lambda: keys <= self._seen.keys(), within_s)
            return dict(self._seen)
