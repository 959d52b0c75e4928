"""A worker's world over restarts and changes: what was compiled is kept, and used where it is of the same history."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import shapely

from alerts.rules import Rules
from cordon import keeping
from cordon import worlds as worlds_module
from cordon.keeping import Keeping
from cordon.worlds import Worlds
from geofence import index
from geofence.shape import Shapes, compile_shapes
from model.instant import FOREVER_US
from model.zones import Zones
from store import feed, world
from store.pool import Store
from store.world import NewActivation, NewOrder, NewWearer, NewZone
from tests.store.fake import START_US

TAG = 11
PLACES = 5


def drawn(number: int) -> NewZone:
    """A square somewhere, for the one wearer."""
    feature = {"type": "Feature", "properties": {}}
    return NewZone(0, str(number), shapely.box(number, 50.0, number + 0.01, 50.01).wkb, feature, START_US)


async def filled(store: Store) -> list[int]:
    """A wearer with five zones."""
    made = await world.create(
        store,
        [NewWearer("Test Wearer")],
        [NewOrder(0, START_US)],
        [NewActivation(0, TAG, START_US)],
        [drawn(number) for number in range(PLACES)],
    )
    return made.zones


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many zones each build compiled."""
    seen: list[int] = []

    def counted(zones: Zones, threads: int = 1) -> Shapes:
        seen.append(len(zones.outlines.row))
        return compile_shapes(zones, threads)

    monkeypatch.setattr(index, "compile_shapes", counted)
    monkeypatch.setattr(keeping, "WORTH", PLACES)
    return seen


@contextlib.asynccontextmanager
async def following(store: Store, folder: Path) -> AsyncIterator[Worlds]:
    """A worker's worlds, read and followed."""
    worlds = Worlds(store, Rules(), lambda: START_US, Keeping(folder))
    await worlds.load()
    task = asyncio.create_task(worlds.follow())
    try:
        yield worlds
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def kept(folder: Path) -> Path:
    """The file, as soon as there is one."""
    path = folder / keeping.NAME
    while not path.exists():  # noqa: ASYNC110 - a thread writes it
        await asyncio.sleep(0.01)
    return path


async def test_a_start_compiles_what_was_not_kept(store: Store, tmp_path: Path, compiled: list[int]) -> None:
    await filled(store)
    async with following(store, tmp_path) as worlds:
        first = (await worlds.current()).world
        await kept(tmp_path)
    assert compiled == [PLACES]
    more = await world.create(store, [NewWearer("Another")], zones=[drawn(9)])
    async with following(store, tmp_path) as worlds:
        again = (await worlds.current()).world
    assert compiled == [PLACES, 1]
    assert again.zones.keys() - first.zones.keys() == {(more.zones[0], 1)}


async def test_what_is_damaged_is_compiled_again_and_said(
    store: Store, tmp_path: Path, compiled: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    await filled(store)
    async with following(store, tmp_path):
        path = await kept(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    async with following(store, tmp_path) as worlds:
        assert len((await worlds.current()).world.zones) == PLACES
    assert compiled == [PLACES, PLACES]
    assert "kept zones cannot be read" in capsys.readouterr().out


async def test_what_was_kept_of_another_history_is_not_used(store: Store, tmp_path: Path, compiled: list[int]) -> None:
    """A database that was set back and then went another way has the same numbers for other zones."""
    await filled(store)
    async with following(store, tmp_path):
        await kept(tmp_path)
    await store.pool.execute("UPDATE feed_entry SET at = at + interval '1 microsecond' WHERE kind = 'control'")
    async with following(store, tmp_path):
        pass
    assert compiled == [PLACES, PLACES]


async def test_a_change_is_followed_and_nothing_else_is_compiled(store: Store, tmp_path: Path, compiled: list[int]) -> None:
    zones = await filled(store)
    async with following(store, tmp_path) as worlds:
        before = (await worlds.current()).world
        async with feed.edit(store) as change:
            await change.connection.execute("UPDATE zone_version SET in_force_to = $2 WHERE zone = $1", zones[2], FOREVER_US - 1)
            change.entry("control", zones[2], "zone")
        while (now := (await worlds.current()).world).control_seq != change.position:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.01)
        assert compiled == [PLACES, 0]
        assert now.zones[zones[2], 1].in_force_to_us == FOREVER_US - 1
        assert now.index.plan.shapes.shape.tobytes() == before.index.plan.shapes.shape.tobytes()


async def test_who_cannot_read_does_not_judge_and_says_so(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table it reads is taken away for a while."""
    await filled(store)
    monkeypatch.setattr(worlds_module, "STALE_S", 0.3)
    async with following(store, tmp_path) as worlds:
        before = await worlds.current()
        await store.pool.execute("ALTER TABLE feed_entry RENAME TO away")
        while "judging waits" not in capsys.readouterr().out:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # by now the last good read is too old, however fast this machine is
        waiting = asyncio.create_task(worlds.current())
        await asyncio.sleep(0.6)
        assert not waiting.done(), "it judged by what may have been changed meanwhile"
        await store.pool.execute("ALTER TABLE away RENAME TO feed_entry")
        assert (await waiting).world is before.world
