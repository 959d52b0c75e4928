"""A database is backed up while lanes commit, killed, and restored elsewhere: all that was acknowledged is there, state equal."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from model.errors import CordonError
from store import backup
from store.migrate import upgrade
from store.pool import FAILURES, Store
from store.postgres import SERVER_UID, Postgres
from tests.integration.system import COMMAND, ROOT
from tests.store.fake import fix
from tests.store.lane import Lane, wearers

TIMEOUT_S = 60


@pytest.fixture
def server(server: Postgres) -> Postgres:
    upgrade(server.dsn)
    return server


class Sender:
    """A lane that commits as fast as it can; its ledger is what it was told is durable."""

    def __init__(self, lane: Lane, tag: int) -> None:
        self.lane, self.tag = lane, tag
        self.acknowledged = 0
        self.digests: dict[int, str] = {}  # of the state after each acknowledged commit
        self._told = asyncio.Condition()

    async def reached(self, acknowledged: int) -> None:
        async with self._told:
            await self._told.wait_for(lambda: self.acknowledged >= acknowledged)

    async def send(self) -> None:
        with contextlib.suppress(*FAILURES, CordonError):
            while True:
                at = self.acknowledged
                rows = [fix(self.tag, at + n, seq=at + n, lon=1.0 if (at // 20) % 2 else -1.0) for n in range(5)]
                outcome = await self.lane.put(*rows)
                self.digests[outcome.commit_no] = self.lane.state.digest()
                async with self._told:
                    self.acknowledged += 5
                    self._told.notify_all()


@contextlib.asynccontextmanager
async def load(store: Store) -> AsyncIterator[list[Sender]]:
    """Two lanes under load."""
    await wearers(store, 2)
    senders = [Sender(await Lane(store, n).__aenter__(), n + 1) for n in (0, 1)]
    tasks = [asyncio.create_task(sender.send()) for sender in senders]
    try:
        yield senders
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def moved(senders: list[Sender], by: int = 50) -> None:
    """Until each lane has had so many more acknowledged."""
    wanted = [sender.acknowledged + by for sender in senders]
    async with asyncio.timeout(TIMEOUT_S):
        for sender, want in zip(senders, wanted, strict=True):
            await sender.reached(want)


async def command(*words: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *COMMAND, *map(str, words), cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )


async def said(process: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(TIMEOUT_S):
        output, _ = await process.communicate()
    return output.decode()


async def compare(restored: Postgres, senders: list[Sender], least: list[int]) -> None:
    """At least those acknowledged then are stored, each once, and each lane's state is what it was at that very commit."""
    async with Store(restored.dsn) as store:
        for sender, acknowledged in zip(senders, least, strict=True):
            row = await store.pool.fetchrow(
                "SELECT count(*), count(DISTINCT seq), max(seq) + 1 FROM fix WHERE tag = $1", sender.tag
            )
            stored = row[0]
            assert tuple(row) == (stored, stored, stored)
            assert acknowledged <= stored <= sender.acknowledged + 5
            lane = await Lane(store, sender.lane.partition, "restored").__aenter__()
            if lane.claim.commit_no in sender.digests:  # a commit cut off between disk and answer has no digest
                assert lane.state.digest() == sender.digests[lane.claim.commit_no]
            assert lane.claim.commit_no >= max(sender.digests) or stored < sender.acknowledged
            outcome = await lane.put(fix(sender.tag, 1_000_000))  # and goes on
            assert outcome.receipts[0].stored == 1
        assert await store.pool.fetchval("SELECT count(*) = max(position) FROM feed_entry")


async def test_backed_up_under_load_and_killed_it_is_restored_elsewhere(server: Postgres, folder: Path) -> None:
    async with Store(server.dsn) as store, load(store) as senders:
        await moved(senders)
        taking = await command("backup", folder / "backup", "--dsn", server.dsn)
        before = [sender.acknowledged for sender in senders]
        output = await said(taking)
        assert taking.returncode == 0, output
        await moved(senders)
        os.kill(server.pid, signal.SIGKILL)
    shutil.copy2(server.data_dir / "passfile", folder / "backup" / "passfile")  # an outside database has its own password
    restored = await command("restore", folder / "backup", "--data-dir", folder / "elsewhere")
    output = await said(restored)
    assert restored.returncode == 0, output
    again = Postgres(folder / "elsewhere")
    await asyncio.to_thread(again.start)
    try:
        await compare(again, senders, before)
    finally:
        await asyncio.to_thread(again.stop)


async def test_followed_to_the_end_nothing_acknowledged_is_lost(server: Postgres, folder: Path) -> None:
    """The log is followed while lanes commit, over a segment's end, until the server goes; then the very last commit is there."""
    async with Store(server.dsn) as store, load(store) as senders:
        following = await command("backup", folder / "backup", "--follow", "--data-dir", server.data_dir)
        while not (folder / "backup" / "passfile").exists():  # the base backup is finished
            assert following.returncode is None, await said(following)
            await asyncio.sleep(0.02)
        await store.pool.execute("SELECT pg_switch_wal()")
        await moved(senders, 100)
        await asyncio.to_thread(server.stop)  # as the guard does when its owner is killed
    output = await said(following)
    assert following.returncode == 0, output
    backup.restore(folder / "backup", folder / "elsewhere", SERVER_UID if os.geteuid() == 0 else -1)
    again = Postgres(folder / "elsewhere")
    await asyncio.to_thread(again.start)
    try:
        await compare(again, senders, [sender.acknowledged for sender in senders])
    finally:
        await asyncio.to_thread(again.stop)


async def test_a_folder_in_use_and_a_backup_that_is_none_are_refused(server: Postgres, folder: Path) -> None:
    (folder / "full").mkdir()
    (folder / "full" / "file").touch()
    with pytest.raises(CordonError, match="is not empty"):
        await backup.take(server.dsn, folder / "full", None, follow=False)
    with pytest.raises(CordonError, match="holds no finished backup"):
        backup.restore(folder / "full", folder / "elsewhere", -1)
    await backup.take(server.dsn, folder / "backup", server.data_dir, follow=False)
    with pytest.raises(CordonError, match="holds a database already"):
        backup.restore(folder / "backup", server.data_dir, -1)
    with pytest.raises(CordonError, match=r"could not be backed up|sends no log"):
        await backup.take("postgresql://nobody@/x?host=/nowhere", folder / "nothing", None, follow=False)


async def test_a_password_in_the_address_is_in_no_process_list(
    server: Postgres, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tools have it, for without it they would be refused; who lists processes has not."""
    secret = (server.data_dir / "passfile").read_text().strip().rpartition(":")[2]
    address, _, passfile = server.dsn.partition("&passfile=")
    assert passfile, "the address names a file of passwords, which ours must not"
    started: list[str] = []
    own = asyncio.create_subprocess_exec

    async def noted(*words: Any, **more: Any) -> asyncio.subprocess.Process:
        started.extend(map(str, words))
        return await own(*words, **more)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    await backup.take(f"{address}&password={secret}", folder / "backup", None, follow=False)
    assert sum(word.startswith("--dbname=") for word in started) == 2
    assert not any(secret in word for word in started)


@pytest.mark.parametrize(
    ("dsn", "address", "password"),
    [
        ("postgresql://ann:p%40s%2Fs@db:5432/cordon?sslmode=require", "postgresql://ann@db:5432/cordon?sslmode=require", "p@s/s"),
        ("postgresql://ann@db/cordon", "postgresql://ann@db/cordon", None),
        ("postgres://ann:x@one:1,two:2/cordon", "postgres://ann@one:1,two:2/cordon", "x"),
        ("postgresql://ann@/cordon?host=/run&password=a%20b", "postgresql://ann@/cordon?host=/run", "a b"),
        ("postgresql://ann@db/cordon?password=x", "postgresql://ann@db/cordon", "x"),
        ("postgresql:///cordon?host=/run", "postgresql:///cordon?host=/run", None),
    ],
)
def test_an_address_is_parted_from_its_password(dsn: str, address: str, password: str | None) -> None:
    assert backup.parted(dsn) == (address, password)


async def test_a_damaged_backup_is_noticed(server: Postgres, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base backup is checked against its manifest before it is called one."""
    own = backup._begin

    async def damaged(name: str, *options: str, **more: Any) -> asyncio.subprocess.Process:
        if name == "pg_verifybackup":
            (folder / "backup" / "postgres" / "PG_VERSION").write_text("7\n")
        return await own(name, *options, **more)

    monkeypatch.setattr(backup, "_begin", damaged)
    with pytest.raises(CordonError, match="could not be backed up"):
        await backup.take(server.dsn, folder / "backup", None, follow=False)
