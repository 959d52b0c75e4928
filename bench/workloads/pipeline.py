"""Workload `pipeline`: fixes at the TCP door become judged, durable rows, as against a bare COPY of them into the same table."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from bench.instance import Instance, loaded, running
from bench.load import Load, Plan
from bench.machine import cores
from bench.rows import Along, Measured, alone
from bench.workloads import Tell
from bench.workloads.copying import BATCH, copy, encoded
from bench.workloads.crowd import Crowd, crowd, document
from model.errors import CordonError

HOUR_US: Final = 3_600_000_000
LOOK_S: Final = 0.1
OUTING_S: Final = 4.0  # how long somebody stays in a fence


class Size(NamedTuple):
    """How much is sent."""

    tags: int
    filled: int  # rows that the table holds before anything is measured
    rounds: int  # fixes a tag in each run
    runs: int
    frame_fixes: int
    loads: tuple[int, ...]  # fixes a second offered, for the curve
    load_s: float  # each of them lasts so long


FULL: Final = Size(20_000, 20_000_000, 50, 3, 500, (5_000, 20_000, 50_000, 100_000, 150_000), 10.0)
QUICK: Final = Size(200, 20_000, 20, 1, 50, (500,), 2.0)

STORED_S: Final = 300.0  # after the last answer, what a log holds may take so long to be judged

# The two engines, and how `cordon up` is told which.
ENGINES: Final[dict[str, tuple[str, ...]]] = {"embedded": (), "kafka": ("--kafka",)}


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """Rate and ratio of the whole path on one machine by both engines, and rate and time to the answer against offered load."""
    size = QUICK if quick else FULL
    people = crowd(size.tags)
    tell(f"loading {size.tags:,} wearers with five zones each")
    rows = []
    with loaded(document(people, time.time_ns() // 1000 - 24 * HOUR_US)) as held:
        for engine, options in ENGINES.items():
            tell(f"{engine}: starting")
            with running(held, options) as system:
                rows += Pipeline(engine, system, people, size, tell).measured()
    return rows


class Pipeline:
    """Runs of load and baseline turn about on one system."""

    def __init__(self, engine: str, system: Instance, people: Crowd, size: Size, tell: Tell) -> None:
        self._engine, self._system, self._people, self._size = engine, system, people, size
        self._tell: Tell = lambda line: tell(f"{engine}: {line}")
        self._seq = 0
        self._outings = 0
        self.lost = self.twice = self.wrong = self.checked = 0

    def measured(self) -> list[Measured]:
        size = self._size
        self.load(rounds=max(2, size.rounds // 10))  # warms what compiles and caches
        self._tell(f"filling the table with {size.filled:,} rows")
        self._fill(size.filled)
        ours, copies = [], []
        for run in range(size.runs):
            said = self.load(rounds=size.rounds, outing_every=0.2)
            ours.append(said["rate"])
            copies.append(self._copied(said))
            self._tell(f"run {run + 1} of {size.runs}: {ours[-1]:,.0f} fixes/s, COPY {copies[-1]:,.0f}")
        curve = []
        for rate in size.loads:
            self._tell(f"{rate:,} fixes/s offered")
            curve.append((rate, self.load(rounds=max(2, int(rate * size.load_s / size.tags)), rate=rate)))
        rows = [
            Measured(
                workload="pipeline",
                case=self._engine,
                unit="fixes/s",
                values=tuple(ours),
                threads=cores(),
                baseline=f"binary COPY of the same fixes into the same table, {BATCH:,} rows a transaction, 1 connection",
                baseline_values=tuple(copies),
                at_least=0.65,
                checked=self.checked,
                wrong=self.wrong,
                lost=self.lost,
                twice=self.twice,
            ),
            alone("pipeline", f"{self._engine} rate", "fixes/s", ours, threads=cores(), at_least=150_000.0),
        ]
        for rate, said in curve:
            for what, unit, value in (
                ("rate", "fixes/s", said["rate"]),
                ("answer p50", "ms", said["answer_ms"]["p50"]),
                ("answer p99", "ms", said["answer_ms"]["p99"]),
            ):
                along = Along(f"{self._engine}, {what}: offered fixes/s", float(rate))
                rows.append(alone("pipeline", f"{self._engine} {what} at {rate}", unit, [value], threads=cores(), along=along))
        # A picture has a panel for what stands together: each figure's curve by itself.
        return [*rows[:2], *sorted(rows[2:], key=lambda row: row.along.axis if row.along else "")]

    def load(self, *, rounds: int, rate: int | None = None, outing_every: float = 0.0) -> dict[str, Any]:
        """One run of the load generator, and its account held against the store."""
        size = self._size
        out = self._system.folder / "load.json"
        words: list[Any] = ["--tags", size.tags, "--rounds", rounds, "--seq", self._seq]
        words += ["--frame-fixes", size.frame_fixes, "--outing-first", self._outings]
        words += ["--outing-every", outing_every, "--outing-s", OUTING_S]
        words += ["--rate", rate] if rate else []
        said = load(self._system, words, out)
        if self._engine == "kafka":
            # Answered is what the broker has; the rate is that of what is judged and durable.
            said["rate"] = said["accepted"] / (stored_us(self._system, said) - said["start_us"]) * 1e6
        self._seq += rounds
        self._outings += len(said["outings"])
        self._hold(said)
        return said

    def _hold(self, said: dict[str, Any]) -> None:
        """Count what is missing, twice or wrong in the store against what was acknowledged."""
        acknowledged = np.array(said["accepted_by_round"])
        first, end = said["seq"], said["seq"] + len(acknowledged)
        with self._system.database() as database:
            rows = database.execute(
                "SELECT seq, count(*), count(DISTINCT tag) FROM fix WHERE seq >= %s AND seq < %s AND fix_at >= %s GROUP BY seq",
                (first, end, _time(min(said["fix_at_us"]))),
            ).fetchall()
            stored, once = np.zeros(len(acknowledged), np.int64), np.zeros(len(acknowledged), np.int64)
            for seq, count, tags in rows:
                stored[seq - first], once[seq - first] = count, tags
            self.lost += int(np.maximum(acknowledged - once, 0).sum()) + said["unanswered"]
            self.twice += int((stored - once).sum())
            self.checked += int(acknowledged.sum())
            self.wrong += said["rejected"]
            for tag, fence, begin_us, end_us, _ in said["outings"]:
                if begin_us < end_us:  # two fixes inside at least: the first is a jump until a second one agrees
                    (alerts,) = database.execute(
                        """
                        SELECT count(*) FROM alert JOIN zone_version ON zone_version.zone = alert.zone
                        WHERE alert.tag = %s AND zone_version.name = %s AND alert.kind = 'exclusion' AND event_at = %s
                        """,
                        (tag, self._fence(tag, fence), _time(begin_us)),
                    ).fetchone() or (0,)
                    self.wrong += alerts != 1
                    self.checked += 1

    def _fence(self, tag: int, fence: int) -> str:
        row = int(np.searchsorted(self._people.town.tags, tag))
        return f"f{row * 5 + fence}"

    def _fill(self, rows: int) -> None:
        """Earlier fixes of the same tags, today's where there is room: an index as large as a system has that ran for a while."""
        rounds = -(-rows // self._size.tags)
        now_us = time.time_ns() // 1000
        start_us = now_us - now_us % (24 * HOUR_US) + HOUR_US // 60
        step_us = max(1, (now_us - HOUR_US // 60 - start_us) // rounds)
        self._copy(rounds, start_us, step_us, -1_000_000_000)
        # What so many rows at once leave to be done in the background is no part of what a running system has to do.
        with self._system.database() as database:
            database.execute("VACUUM (ANALYZE) fix")
            database.execute("CHECKPOINT")

    def _copied(self, said: dict[str, Any]) -> float:
        """Rows a second of the baseline, with as many fixes as were just sent; another seq sets them apart."""
        rounds = len(said["accepted_by_round"])
        step_us = (said["fix_at_us"][-1] - said["fix_at_us"][0]) // max(1, rounds - 1)
        return rounds * self._size.tags / self._copy(rounds, said["fix_at_us"][0], step_us, -2_000_000_000 + said["seq"])

    def _copy(self, rounds: int, start_us: int, step_us: int, seq: int) -> float:
        load = Load(self._people, Plan(self._size.tags, rounds, self._size.frame_fixes, 1, 1, None, 0, seq, 0, 0, 0), "")
        each = max(1, BATCH // self._size.tags)

        def batches() -> Iterator[bytes]:
            held: list[Any] = []
            for round_ in range(rounds):
                held.append(load.made(round_, start_us + round_ * step_us).copy())
                if len(held) == each or round_ == rounds - 1:
                    yield encoded(np.concatenate(held), 1)
                    held.clear()

        with self._system.database() as database:
            return copy(database, batches())


def load(system: Instance, words: list[Any], out: Path) -> dict[str, Any]:
    """One run of the load generator; its account."""
    return Loading(system, words, out).account()


def stored_us(system: Instance, said: dict[str, Any]) -> int:
    """When all that a load had acknowledged was committed; at the latest now, if it is not in time: the count of lost tells."""
    ends = time.monotonic() + STORED_S
    with system.database() as database:
        while True:
            (done,) = database.execute(
                "SELECT COALESCE(sum(stored + duplicate), 0) FROM receipt WHERE at >= %s", (_time(said["start_us"]),)
            ).fetchone() or (0,)
            if done >= said["accepted"] or time.monotonic() > ends:
                return time.time_ns() // 1000
            time.sleep(LOOK_S)


class Loading:
    """The load generator, going on."""

    def __init__(self, system: Instance, words: list[Any], out: Path) -> None:
        self._out = out
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load", "--child", "--to", system.tcp, "--out", str(out), *map(str, words)],
            env=os.environ | {"CORDON_GATEWAY_KEY": system.key},
            stdin=subprocess.PIPE,  # it ends when this does: with us, whatever becomes of us
            stderr=subprocess.PIPE,
            text=True,
        )

    def account(self) -> dict[str, Any]:
        """Its account, once it has ended.

        Raises
        ------
        CordonError
            If it failed.
        """
        try:
            words = self._process.stderr.read() if self._process.stderr is not None else ""
            self._process.wait()
        finally:
            self.end()
        if self._process.returncode:
            raise CordonError(f"the load generator failed: {words.strip()[-500:]}")
        said: dict[str, Any] = json.loads(self._out.read_text())
        return said

    def end(self) -> None:
        """End it, wherever it is."""
        self._process.kill()  # it has nothing to put in order
        self._process.communicate()


def _time(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
