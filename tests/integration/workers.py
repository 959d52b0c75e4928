"""Runs `cordon worker` processes on a database and the run's broker, with this process as the edge, and lets a test kill them."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from cordon import features
from ingest import kafka
from ingest.kafka import KafkaSink, Topics
from model.batch import Batch
from model.errors import BusyError
from model.event import empty_events
from model.fix import empty_fixes
from model.instant import DAY_US
from store import generations
from store.pool import Store
from store.world import NewActivation, NewOrder, NewWearer, create
from tests.integration.system import COMMAND, END_S, ROOT, START_S
from tests.integration.world import LAT, LON, METRE, circle

LANES: Final = 4
SESSION_MS: Final = 1500
WAIT_S: Final = 240.0  # the first worker of a run may have kernels to compile
TAIL_LINES: Final = 40  # of a worker's log, where a test fails
FIRST: Final = 356307042500000

Found = TypeVar("Found")


async def until(look: Callable[[], Any], what: str, within_s: float = WAIT_S, tell: Callable[[], str] = str) -> Any:
    """What ``look`` gives, awaited, as soon as it is true; where that takes too long, ``tell`` says how things stand."""
    ends = time.monotonic() + within_s
    while not (found := await look()):
        assert time.monotonic() < ends, f"not within {within_s} s: {what}\n{tell()}"
        await asyncio.sleep(0.05)
    return found


class Worker:
    """One process."""

    def __init__(self, folder: Path, name: str, environment: dict[str, str]) -> None:
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as said:
            self.process = subprocess.Popen(
                [*COMMAND, "worker"], cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=said
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def owner(self) -> str:
        """What it calls itself in the lane table."""
        import socket

        return f"{socket.gethostname()}:{self.pid}"

    def stands(self) -> str:
        """Whether it is alive, and what it said last."""
        code = self.process.poll()
        said = self.log.read_text().splitlines()[-TAIL_LINES:]
        return "\n".join([f"{self.owner} {'is alive' if code is None else f'ended with {code}'}; its log ends:", *said])

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """SIGTERM; its exit code."""
        self.send(signal.SIGTERM)
        return self.process.wait(END_S)


class Workers:
    """A distributed system of which this process is the edge."""

    def __init__(self, folder: Path, store: Store, address: str, prefix: str) -> None:
        self.store, self.address, self.prefix = store, address, prefix
        self._folder = folder
        self.all: list[Worker] = []
        self.acknowledged: set[tuple[int, int]] = set()  # (tag, seq)
        self.environment = {
            "CORDON_DSN": store.dsn,
            "CORDON_KAFKA": address,
            "CORDON_KAFKA_PREFIX": prefix,
            "CORDON_KAFKA_SESSION_MS": str(SESSION_MS),
            "CORDON_LANES": str(LANES),
        }

    def start(self, **more: str) -> Worker:
        """Another worker; it joins in its own time."""
        worker = Worker(self._folder, f"worker-{len(self.all)}", self.environment | more)
        self.all.append(worker)
        return worker

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Another command, to its end."""
        return subprocess.run(
            [*COMMAND, *words],
            cwd=ROOT,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_S,
        )

    def begin(self, *words: str) -> "subprocess.Popen[bytes]":
        """Another command, going on."""
        return subprocess.Popen(
            [*COMMAND, *words],
            cwd=ROOT,
            env=os.environ | self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def owners(self) -> dict[int, str]:
        """Who has which lane."""
        rows = await self.store.pool.fetch(
            "SELECT partition, owner FROM lane WHERE generation = (SELECT max(generation) FROM lane)"
        )
        return {row["partition"]: row["owner"] for row in rows}

    async def shared(self, *workers: Worker, lanes: int = LANES) -> None:
        """Until these workers, and no others, have all the lanes."""

        owners: dict[int, str] = {}

        async def look() -> bool:
            nonlocal owners
            owners = await self.owners()
            return len(owners) == lanes and set(owners.values()) == {worker.owner for worker in workers}

        await until(look, f"{len(workers)} workers share the lanes", tell=lambda: f"owners are {owners}\n{self.stand()}")

    async def stored(self) -> list[tuple[int, int]]:
        rows = await self.store.pool.fetch("SELECT tag, seq FROM fix ORDER BY tag, seq")
        return [(row["tag"], row["seq"]) for row in rows]

    async def caught_up(self) -> None:
        """Until everything acknowledged is stored; nothing is twice, as the table's key sees to."""

        async def look() -> bool:
            return self.acknowledged <= set(await self.stored())

        await until(look, "everything acknowledged is stored")

    def stand(self) -> str:
        """How each worker stands."""
        return "\n".join(worker.stands() for worker in self.all)

    def said(self) -> str:
        return "".join(worker.log.read_text() for worker in self.all)


@contextlib.asynccontextmanager
async def system(folder: Path, store: Store, address: str, prefix: str) -> AsyncIterator[tuple[Workers, KafkaSink]]:
    """Topics, a sink, and no worker yet; whatever the test starts is gone at the end."""
    made = Workers(folder, store, address, prefix)
    first = await generations.first(store, LANES)
    topics = Topics(prefix, first.number, first.lanes)
    await kafka.ensure(address, topics)
    try:
        async with KafkaSink(address, topics) as sink:
            yield made, sink
    finally:
        print(made.stand())  # shown where the test failed
        for worker in made.all:
            if worker.process.poll() is None:
                worker.process.kill()
            worker.process.wait()


def batch(seq: int, tags: list[int], *, north_m: float = 0.0, age_us: int = 0) -> Batch:
    """One fix a tag, of now or so long ago, so far north of the middle of the zone."""
    now_us = time.time_ns() // 1000
    fixes = empty_fixes(len(tags))
    fixes["tag"], fixes["seq"], fixes["fix_at_us"], fixes["received_us"] = tags, seq, now_us - age_us, now_us
    fixes["lon"], fixes["lat"], fixes["accuracy_m"] = LON, LAT + north_m * METRE, 8.0
    return Batch(fixes, empty_events(), "gw-test", now_us)


async def send(made: Workers, sink: KafkaSink, given: Batch) -> str:
    """As a gateway does: again until it is acknowledged, then noted."""
    async with asyncio.timeout(START_S):
        while True:
            try:
                receipt = (await sink.accept(given)).id
                break
            except BusyError:
                await asyncio.sleep(0.05)
    made.acknowledged |= set(zip(given.fixes["tag"].tolist(), given.fixes["seq"].tolist(), strict=True))
    return receipt


async def world(store: Store, tags: list[int]) -> None:
    """Wearers of tags, and a zone for everyone, since yesterday."""
    day_us = time.time_ns() // 1000 - DAY_US
    zones = [features.zone(circle({}), wearer=None, in_force_from_us=day_us, called="zone")]
    await create(
        store,
        [NewWearer(f"Wearer of {tag}") for tag in tags],
        [NewOrder(row, day_us) for row in range(len(tags))],
        [NewActivation(row, tag, day_us) for row, tag in enumerate(tags)],
        zones,
    )
