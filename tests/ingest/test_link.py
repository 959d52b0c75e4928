"""Batches cross the socket whole, answers find their askers, and whoever waits when it breaks is told to come again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from ingest import link
from ingest.link import LinkSink, listen
from model.batch import Batch, DeadLetter, Receipt
from model.errors import BusyError, CordonError
from model.event import empty_events
from model.fix import empty_fixes

WITHIN_S = 20.0


@pytest.fixture
def path() -> Iterator[Path]:
    with TemporaryDirectory(prefix="cordon-") as folder:  # pytest's own paths are too long for a socket
        yield Path(folder) / "worker"


def batch(tag: int, n: int = 3) -> Batch:
    fixes = empty_fixes(n)
    fixes["tag"] = tag
    fixes["seq"] = np.arange(n)
    return Batch(
        fixes, empty_events(1), f"gw-{tag}", 17 + tag, (DeadLetter("why", b"\x00\xff", "http-json"),), gateways=("a", "b")
    )


async def test_a_batch_arrives_as_it_was_sent(path: Path) -> None:
    seen: list[Batch] = []

    async def accept(got: Batch) -> Receipt:
        seen.append(got)
        return Receipt("r1", 2, 1, (2,))

    async with listen(path, accept):
        sink = LinkSink(path)
        sent = batch(5)
        assert await sink.accept(sent) == Receipt("r1", 2, 1, (2,))
        await sink.close()
    (got,) = seen
    assert got.fixes.tobytes() == sent.fixes.tobytes()
    assert got.events.tobytes() == sent.events.tobytes()
    assert (got.gateway, got.received_us, got.dead, got.gateways) == (sent.gateway, sent.received_us, sent.dead, sent.gateways)


async def test_a_door_is_heard_of_without_batches_too_also_by_a_worker_that_was_away(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "BEAT_S", 0.001)

    async def accept(got: Batch) -> Receipt:
        return Receipt("r1", len(got.fixes), 0)

    async def work() -> None:
        """A worker that begins, hears of the door a few times, gets a batch and ends."""
        beats = asyncio.Semaphore(0)
        async with asyncio.timeout(WITHIN_S), listen(path, accept, beats.release):
            for _ in range(3):
                await beats.acquire()
            assert (await sink.accept(batch(1, 7))).stored == 7, "answers still find their askers"

    sink = LinkSink(path)
    beating = asyncio.create_task(sink.beat())
    await work()
    await work()
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)
    await sink.close()


async def test_answers_in_any_order_find_their_askers(path: Path) -> None:
    gates = {tag: asyncio.Event() for tag in range(20)}

    async def accept(got: Batch) -> Receipt:
        tag = int(got.fixes["tag"][0])
        await gates[tag].wait()
        return Receipt(str(tag), tag, 0)

    async with listen(path, accept):
        sink = LinkSink(path)
        asked = {tag: asyncio.create_task(sink.accept(batch(tag))) for tag in gates}
        for tag in reversed(gates):
            gates[tag].set()
            assert (await asked[tag]).stored == tag
        await sink.close()


async def test_busy_and_failure_reach_the_asker(path: Path) -> None:
    async def accept(got: Batch) -> Receipt:
        if got.fixes["tag"][0] == 1:
            raise BusyError(7.5)
        raise CordonError("the disk is full; make room")

    async with listen(path, accept):
        sink = LinkSink(path)
        with pytest.raises(BusyError) as busy:
            await sink.accept(batch(1))
        assert busy.value.retry_after_s == 7.5
        with pytest.raises(CordonError, match="make room"):
            await sink.accept(batch(2))
        await sink.close()


async def test_no_worker_is_busy_and_a_worker_that_comes_back_is_found(path: Path) -> None:
    sink = LinkSink(path)
    with pytest.raises(BusyError):
        await sink.accept(batch(1))

    started = asyncio.Event()

    async def hang(_: Batch) -> Receipt:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def answer(_: Batch) -> Receipt:
        return Receipt("r", 3, 0)

    server = listen(path, hang)
    await server.__aenter__()
    waiting = asyncio.create_task(sink.accept(batch(1)))
    await started.wait()
    closing = asyncio.create_task(server.__aexit__(None, None, None))
    with pytest.raises(BusyError):
        await waiting
    closing.cancel()
    async with listen(path, answer):
        assert (await sink.accept(batch(2))).stored == 3
        await sink.close()


async def test_a_worker_that_does_not_answer_is_given_up_and_its_late_answer_ignored(path: Path) -> None:
    gate = asyncio.Event()

    async def accept(got: Batch) -> Receipt:
        tag = int(got.fixes["tag"][0])
        if tag == 1:
            await gate.wait()
        return Receipt(str(tag), tag, 0)

    async with listen(path, accept), asyncio.timeout(20):
        sink = LinkSink(path, give_up_s=1.0)
        with pytest.raises(BusyError) as busy:
            await sink.accept(batch(1))
        assert busy.value.retry_after_s > 0
        gate.set()
        assert (await sink.accept(batch(2))).id == "2"  # after the late answer, on the same connection
        assert (await sink.accept(batch(1))).id == "1", "sent again, it is taken"
        await sink.close()


async def test_what_piles_up_for_a_worker_that_does_not_read_is_dropped(path: Path) -> None:
    connected: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.put_nowait((reader, writer))

    server = await asyncio.start_unix_server(deaf, path)
    async with server, asyncio.timeout(20):
        sink = LinkSink(path, give_up_s=0.2)
        for _ in range(2):  # the second on a connection of its own
            with pytest.raises(BusyError):
                await sink.accept(batch(1, 100_000))
            reader, writer = await connected.get()
            assert len(await reader.read()) < batch(1, 100_000).fixes.nbytes, "cut off"
            writer.close()
        await sink.close()


async def test_a_large_batch_crosses(path: Path) -> None:
    async def accept(got: Batch) -> Receipt:
        return Receipt("r", len(got.fixes), 0)

    async with listen(path, accept):
        sink = LinkSink(path)
        assert (await sink.accept(batch(1, 200_000))).stored == 200_000
        await sink.close()


async def test_a_worker_that_ends_waits_for_no_answer_that_never_comes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "LAST_ANSWERS_S", 0.01)
    taken = asyncio.Event()

    async def accept(_: Batch) -> Receipt:
        taken.set()
        await asyncio.Event().wait()  # as a lane does whose database is gone
        raise AssertionError

    async with asyncio.timeout(WITHIN_S):
        async with listen(path, accept):
            sink = LinkSink(path)
            asked = asyncio.create_task(sink.accept(batch(5)))
            await taken.wait()
        with pytest.raises(BusyError):
            await asked
    await sink.close()
