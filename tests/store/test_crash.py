"""The server is killed while lanes commit: nothing acknowledged is lost, nothing is stored twice, the state is rebuilt equal."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from model.alert import Judged
from model.errors import CordonError
from model.state import State
from store import snapshots
from store.migrate import upgrade
from store.pool import FAILURES, Store
from store.postgres import Postgres
from tests.store import fake
from tests.store.fake import fix
from tests.store.lane import Lane, wearers


@pytest.fixture
def server(server: Postgres) -> Postgres:
    upgrade(server.dsn)
    return server


async def kill_and_start(server: Postgres) -> None:
    """Kill the postmaster as the kernel would; its children notice, and the guard ends."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGKILL)
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)


def kill_whole(server: Postgres) -> None:
    """Kill the server and every backend: a busy one does not see at once that its postmaster is gone, and may still commit."""
    backends = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    for pid in (server.pid, *map(int, backends)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def test_killed_inside_a_commit_it_never_happened(server: Postgres) -> None:
    async with Store(server.dsn) as store:
        await wearers(store, 2)
        async with Lane(store) as lane:
            await lane.put(fix(1, 0), fix(1, 60, 1.0))
            digest = lane.state.digest()

            def killed(state: State, *rest: object) -> Judged:
                kill_whole(server)
                return fake.judge(state, *rest)  # type: ignore[arg-type]

            lane.judge = killed
            with pytest.raises(FAILURES):
                await lane.put(fix(1, 120), fix(2, 0, 1.0))
    await kill_and_start(server)
    async with Store(server.dsn) as store:
        async with Lane(store) as again:
            assert again.state.digest() == digest
            assert (await again.put(fix(1, 120), fix(2, 0, 1.0))).receipts[0].stored == 2
        assert await store.pool.fetchval("SELECT count(*) FROM fix") == 4
        assert await store.pool.fetchval("SELECT count(*) FROM alert") == 2


async def test_killed_at_any_moment_the_senders_ledger_agrees(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lanes send on, again what was not acknowledged, while the server is killed five times wherever it happens to be."""
    monkeypatch.setattr(snapshots, "ENTRIES", 7)
    sent: dict[int, int] = {0: 0, 1: 0}  # by lane: records acknowledged
    stop = asyncio.Event()
    async with Store(server.dsn) as store:
        await wearers(store, 2)

    async def send(partition: int) -> None:
        tag = partition + 1
        while not stop.is_set():
            with contextlib.suppress(CordonError, *FAILURES):
                async with Store(server.dsn, size=2) as store:
                    lane = await Lane(store, partition).__aenter__()
                    while not stop.is_set():
                        at = sent[partition]
                        outcome = await lane.put(*(fix(tag, 60 * n, -1.0 if n % 3 else 1.0) for n in range(at, at + 5)))
                        receipt = outcome.receipts[0]
                        assert receipt.stored is not None
                        assert receipt.duplicate is not None
                        # After an ambiguous commit the repeat is found to be one: all of it or nothing.
                        assert (receipt.stored, receipt.duplicate) in {(5, 0), (0, 5)}
                        sent[partition] += 5
            await asyncio.sleep(0.01)

    senders = [asyncio.create_task(send(partition)) for partition in (0, 1)]
    for round_ in range(5):
        before = dict(sent)
        while any(sent[lane] < before[lane] + 15 * (round_ + 1) for lane in sent):
            await asyncio.sleep(0.005)
            assert not any(sender.done() for sender in senders), "a sender failed: see its exception"
        await kill_and_start(server)
    stop.set()
    await asyncio.gather(*senders)

    async with Store(server.dsn) as store:
        for partition, acknowledged in sent.items():
            stored = await store.pool.fetchval("SELECT count(*) FROM fix WHERE tag = $1", partition + 1)
            assert stored in {acknowledged, acknowledged + 5}  # the last one may have been cut between commit and answer
            async with Lane(store, partition) as lane:
                whole = State()
                rows = await store.pool.fetch("SELECT * FROM fix WHERE tag = $1 ORDER BY fix_at", partition + 1)
                fixes = np.array([tuple(row) for row in rows], lane.state.tags["last"].dtype)
                fake.judge(whole, fake.batch_of(fixes), lane.state.watermark_us)
                assert lane.state.tags[:1].tobytes() == whole.tags[:1].tobytes()
        occurrences = await store.pool.fetch("SELECT tag, occurrences FROM alert ORDER BY tag")
        assert [row["tag"] for row in occurrences] == [1, 2]
        assert await store.pool.fetchval("SELECT count(*) = max(position) FROM feed_entry")
