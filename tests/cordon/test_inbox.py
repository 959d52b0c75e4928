"""A lane's inbox gives live shares first and backlog in slices between; requests reach it in the order they came."""

import asyncio
from typing import Any

import numpy as np
import pytest

from cordon import worker as module
from cordon.inbox import Inbox
from cordon.settings import Settings
from cordon.slices import FIRST_RECORDS, LEAST_RECORDS, SLICE_S, WAITS_S, Slices
from cordon.work import Work
from cordon.worker import Worker
from ingest.age import OLD_US
from ingest.link import GIVE_UP_S
from model.batch import Batch, Position, Receipt
from model.errors import BusyError
from model.event import empty_events
from model.fix import empty_fixes
from model.state import State

NOW_US = 1_780_000_000_000_000


def work(records: int, name: str, *, old: bool = False) -> Work:
    return Work(empty_fixes(records), empty_events(), (), name, NOW_US, old=old)


class Still:
    """A world in which nothing is due."""

    def due(self, _: State, __: int) -> bool:
        return False


def inbox(commit_records: int = 10_000, slices: Slices | None = None) -> Inbox:
    return Inbox(Still(), commit_records=commit_records, clock=lambda: NOW_US, slices=slices)  # type: ignore[arg-type]


async def names(box: Inbox) -> list[str]:
    return [share.gateway for share in await box.next(State())]


def fill(box: Inbox, count: int) -> None:
    for number in range(count):
        box.put(work(FIRST_RECORDS // 2, f"old {number}", old=True))


async def test_live_goes_first_and_backlog_in_slices_of_its_own_once_that_was_all() -> None:
    box = inbox(commit_records=100, slices=Slices(lambda: 0.0))
    fill(box, 8)
    box.put(work(60, "new 0"))
    box.put(work(60, "new 1"))
    assert await names(box) == ["new 0"], "there is more: nothing else"
    assert await names(box) == ["new 1"], "that was all, and its alerts do not wait for what is old"
    assert await names(box) == ["old 0", "old 1"]
    box.put(work(5, "new 2"))
    assert await names(box) == ["new 2"]
    box.put(work(5, "new 3"))  # they never cease, and the backlog has its turn all the same
    assert (await names(box))[0] == "old 2"
    assert await names(box) == ["new 3"]


async def test_lane_time_stands_still_in_a_slice_while_live_records_wait() -> None:
    box = inbox()
    fill(box, 1)
    (share,) = await box.next(State())
    assert share.received_us == NOW_US, "nothing came before now that is not consumed"
    fill(box, 1)
    box.put(work(1, "new"))
    assert await names(box) == ["new"]
    box.put(work(1, "new"))
    (share,) = await box.next(State())
    assert (share.gateway, share.received_us) == ("old 0", 0)


async def test_lanes_have_one_slice_at_a_time_while_live_records_come() -> None:
    slices = Slices(lambda: 0.0)
    one, other = inbox(slices=slices), inbox(slices=slices)
    for box in (one, other):
        fill(box, 8)
    one.put(work(1, "new"))
    assert await names(one) == ["new"]
    assert await names(one) == ["old 0", "old 1"]
    other.put(work(1, "new"))
    assert await names(other) == ["new"], "the judge is the other's"
    turn = asyncio.create_task(names(other))
    await asyncio.sleep(0)
    assert not turn.done(), "no slice beside the other's"
    other.put(work(1, "newer"))
    assert await turn == ["newer"], "but live records at once"
    turn = asyncio.create_task(names(one))  # its slice is committed
    assert (await names(other))[0] == "old 0"
    await asyncio.sleep(0)
    assert not turn.done()
    other.begin(Position(0, 0), 0)  # its slice failed
    assert (await turn)[0] == "old 2"


async def test_a_lane_whose_live_records_never_end_leaves_its_turn_to_the_others() -> None:
    slices = Slices(lambda: 0.0)
    busy, other = inbox(commit_records=10, slices=slices), inbox(slices=slices)
    for box in (busy, other):
        fill(box, 8)
    other.put(work(1, "new"))
    assert await names(other) == ["new"]
    assert await names(other) == ["old 0", "old 1"]
    waiting = asyncio.create_task(names(busy))
    await asyncio.sleep(0)  # its turn is the next
    for _ in range(4):
        busy.put(work(10, "busy"))
    assert await waiting == ["busy"]
    other.put(work(1, "new"))
    assert await names(other) == ["new"]
    waiting = asyncio.create_task(names(other))
    await asyncio.sleep(0)
    assert not waiting.done(), "it is the busy one's turn"
    assert await names(busy) == ["busy"]
    assert (await waiting)[0] == "old 2", "which makes no use of it"


async def test_old_records_do_not_have_the_clock_committed_while_another_lane_has_the_turn() -> None:
    slices = Slices(lambda: 0.0)
    one, other = inbox(slices=slices), inbox(slices=slices)
    fill(one, 8)
    one.put(work(1, "new"))
    assert await names(one) == ["new"]
    assert await names(one) == ["old 0", "old 1"]
    turn = asyncio.create_task(names(other))
    for _ in range(3):
        await asyncio.sleep(0)
        fill(other, 1)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not turn.done(), "an empty commit for each"
    other.wake()
    assert await turn == [], "who wants it to return, has it return"


async def test_a_share_larger_than_a_commit_goes_alone() -> None:
    box = inbox(commit_records=10)
    box.put(work(50, "large"))
    box.put(work(1, "small"))
    assert await names(box) == ["large"]
    assert await names(box) == ["small"]


class Lanes:
    """Inboxes that note what is put in, and answer at once."""

    def __init__(self) -> None:
        self.put_in: list[Work] = []

    def put(self, share: Work) -> None:
        self.put_in.append(share)
        assert share.done is not None
        share.done.set_result(Receipt("", share.rows, 0, tuple(range(len(share.fixes))) if share.old else ()))


def made(lanes: Lanes) -> Worker:
    return Worker(None, [lanes], None, Settings(), [], Slices())  # type: ignore[list-item, arg-type]


def batch(count: int, *, gateway: str = "g", age_us: int = 0) -> Batch:
    fixes = empty_fixes(count)
    fixes["tag"], fixes["fix_at_us"] = 1 + np.arange(count), NOW_US - age_us
    return Batch(fixes, empty_events(1), gateway, NOW_US)


async def test_requests_keep_their_order_while_their_gateway_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, first = asyncio.Event(), asyncio.Event()
    asked = 0

    async def number(_: Any, __: str) -> int:
        nonlocal asked
        asked += 1
        if asked == 1:  # only the first has to wait for the store; the others would overtake it
            first.set()
            await gate.wait()
        return 1

    monkeypatch.setattr(module.gateways, "number", number)
    lanes = Lanes()
    worker = made(lanes)
    waiting = [asyncio.create_task(worker.accept(batch(1 + k))) for k in range(5)]
    await first.wait()  # and the others, begun in the same turn, have gone as far as they could
    gate.set()
    await asyncio.gather(*waiting)
    assert [len(share.fixes) for share in lanes.put_in] == [1, 2, 3, 4, 5]


async def test_each_record_of_a_frame_of_several_gateways_has_its_own_s_number(monkeypatch: pytest.MonkeyPatch) -> None:
    async def number(_: Any, name: str) -> int:
        return {"a": 40, "b": 30}[name]

    monkeypatch.setattr(module.gateways, "number", number)
    lanes = Lanes()
    mixed = batch(4, gateway="a")._replace(gateways=("a", "b"))
    mixed.fixes["gateway"], mixed.events["gateway"] = [0, 1, 1, 0], 1
    await made(lanes).accept(mixed)
    (share,) = lanes.put_in
    assert (share.fixes["gateway"].tolist(), share.events["gateway"].tolist()) == ([40, 30, 30, 40], [30])


async def test_a_large_old_request_is_cut_and_its_receipt_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    async def number(_: Any, __: str) -> int:
        return 1

    monkeypatch.setattr(module.gateways, "number", number)
    lanes = Lanes()
    count = 2 * LEAST_RECORDS + 7
    receipt = await made(lanes).accept(batch(count, age_us=OLD_US + 1))
    assert [share.rows for share in lanes.put_in] == [LEAST_RECORDS + 1, LEAST_RECORDS, 7]
    assert all(share.old for share in lanes.put_in)
    assert receipt.stored == count + 1
    assert receipt.conflicting == tuple(range(count))
    assert np.concatenate([share.fixes["tag"] for share in lanes.put_in]).tolist() == list(range(1, count + 1))
    assert len({share.part.receipt for share in lanes.put_in if share.part}) == 1

    lanes = Lanes()
    await made(lanes).accept(batch(count, age_us=OLD_US))
    assert [share.rows for share in lanes.put_in] == [count + 1], "a minute old is news"


async def test_backlog_fills_half_of_the_queue_and_live_requests_find_room(monkeypatch: pytest.MonkeyPatch) -> None:
    async def number(_: Any, __: str) -> int:
        return 1

    class Waiting:
        def put(self, share: Work) -> None:
            """Nobody commits it."""

    monkeypatch.setattr(module.gateways, "number", number)
    worker = Worker(None, [Waiting()], None, Settings(queue_records=1000), [], Slices())  # type: ignore[list-item, arg-type]
    taken = [asyncio.create_task(worker.accept(batch(249, age_us=OLD_US + 1))) for _ in range(2)]  # with an event each
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await worker.accept(batch(1, age_us=OLD_US + 1))
    taken += [asyncio.create_task(worker.accept(batch(249))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await worker.accept(batch(1))
    assert not any(task.done() for task in taken)
    for task in taken:
        task.cancel()


async def test_no_more_backlog_waits_than_is_judged_before_its_door_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def number(_: Any, __: str) -> int:
        return 1

    class Waiting:
        def put(self, share: Work) -> None:
            """Nobody commits it."""

    monkeypatch.setattr(module.gateways, "number", number)
    slices = Slices(lambda: 0.0)
    assert WAITS_S < GIVE_UP_S / 2
    assert slices.waiting_records == round(FIRST_RECORDS * WAITS_S / SLICE_S)
    slices.records = LEAST_RECORDS  # they turned out to be dear
    worker = Worker(None, [Waiting()], None, Settings(), [], slices)  # type: ignore[list-item, arg-type]
    most = slices.waiting_records
    taken = [asyncio.create_task(worker.accept(batch(most - 2, age_us=OLD_US + 1)))]  # with an event
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await worker.accept(batch(1, age_us=OLD_US + 1))
    taken += [asyncio.create_task(worker.accept(batch(most)))]
    await asyncio.sleep(0)
    assert not any(task.done() for task in taken), "live requests are taken as before"
    for task in taken:
        task.cancel()
