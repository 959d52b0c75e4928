"""`cordon dead`: what the doors could not take, listed, shown, sent through the door once more, or discarded."""

import json
import time
from pathlib import Path
from typing import Final

import aiohttp
from rich.console import Console
from rich.table import Table

from cordon.data import opened
from cordon.sending import TIMEOUT_S, Door
from cordon.settings import read
from ingest import records
from ingest.decoded import Limits
from ingest.letter import body, reread
from model.batch import Rejected
from model.errors import CordonError
from model.instant import DAY_US, show
from store import audit, dead, keys
from store.dead import Kept, Settled
from store.feed import edit
from store.pool import Store

KEY_S: Final = 2 * TIMEOUT_S  # a replay's own key is good: longer than one takes


async def run_dead_list(last: int, data_dir: Path | None, dsn: str, out: Console) -> None:
    """A table of the newest dead letters, without what is in them: ``run_dead_show`` shows that, and notes it."""
    async with opened(data_dir, dsn) as store:
        letters = await dead.listed(store, limit=last)
        waiting = await dead.count(store)
    table = Table("id", "received", "gateway", "reason", "bytes", "settled")
    for kept in letters:
        letter = kept.letter
        size = str(len(letter.body))
        table.add_row(str(kept.id), show(kept.received_us), letter.gateway, letter.reason, size, kept.settled_as or "")
    out.print(table)
    out.print(f"{waiting} wait for somebody to look at them")


async def run_dead_show(letter: int, data_dir: Path | None, dsn: str, out: Console) -> None:
    """One letter, whole; bytes that are no text in hexadecimal."""
    async with opened(data_dir, dsn) as store:
        kept = await dead.get(store, letter)
        await audit.note(store, None, "read", f"dead/{letter}", bytes=True)
    settled = f"{kept.settled_as} {show(kept.settled_us)}" if kept.settled_us is not None else "waits"
    head = f"{kept.id}  {show(kept.received_us)}  {kept.letter.gateway}  {kept.letter.protocol}  {settled}"
    try:
        text = kept.letter.body.decode()
    except UnicodeDecodeError:
        text = kept.letter.body.hex()
    for line in (head, kept.letter.reason, text):
        out.print(line, markup=False, highlight=False, soft_wrap=True)


async def run_dead_replay(letters: list[int], to: str, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Each letter by itself: the first that fails ends it, those before it are settled.

    Raises
    ------
    CordonError
        If one is still refused, or the door cannot be reached.
    """
    async with opened(data_dir, dsn) as store:
        for letter in letters:
            said = await _replay(store, letter, to)
            out.print(f"dead letter {letter}: {said}", markup=False, highlight=False)


async def _replay(store: Store, letter: int, to: str) -> str:
    async with edit(store) as change:
        kept = await dead.locked(change, letter)
        sent = _readable(kept)
        # The door asks for a key; whoever has the database may make one. Killed here, we leave one that is soon worthless.
        key = await keys.create(store, kept.letter.gateway, good_s=KEY_S)
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
                answer = await Door(session, to, key).post("/fixes", sent)
        finally:
            await keys.revoke(store, key[: keys.PREFIX])
        if not answer["accepted"]:
            raise CordonError(f"dead letter {letter} is still refused: {answer['rejected'][0]['reason']}")
        await dead.settle(change, letter, Settled.REPLAYED, receipt=answer["receipt"])
    if answer["stored"] is None:
        return f"taken, receipt {answer['receipt']}"
    return f"{answer['stored']} stored, {answer['duplicate']} stored before, {len(answer['rejected'])} still refused"


def _readable(kept: Kept) -> dict[str, object]:
    """The letter as a body for the door; tried here first, because what the door refuses it keeps as one letter more."""
    if kept.letter.protocol != records.PROTOCOL:
        raise CordonError(
            f"dead letter {kept.id} came as {kept.letter.protocol}: replay it with POST /api/v1/dead/{kept.id}/replay"
        )
    decoded = reread(kept.letter, time.time_ns() // 1000, Limits(oldest_us=read().retention_days * DAY_US))
    if isinstance(decoded, Rejected):
        raise CordonError(f"dead letter {kept.id} is still refused: {decoded.reason}")
    if not len(decoded.batch.fixes) and not len(decoded.batch.events):
        reason = decoded.rejected[0].reason if decoded.rejected else "it holds no record"
        raise CordonError(f"dead letter {kept.id} is still refused: {reason}")
    sent: dict[str, object] = json.loads(body(kept.letter))
    return sent


async def run_dead_discard(letter: int, reason: str, data_dir: Path | None, dsn: str, out: Console) -> None:
    """Settle one without replaying it."""
    async with opened(data_dir, dsn) as store, edit(store) as change:
        await dead.locked(change, letter)
        await dead.settle(change, letter, Settled.DISCARDED, reason=reason)
    out.print(f"dead letter {letter} is discarded", highlight=False)
