"""`cordon lanes`: spreads the work over another number of lanes while edges and workers run, by a new generation of topics."""

import asyncio
from pathlib import Path
from typing import Final

from rich.console import Console

from cordon import child, logs
from cordon.data import found
from cordon.settings import Settings, default_data_dir, read
from ingest import kafka
from ingest.kafka import Topics
from model.errors import CordonError
from store import generations, moving
from store.generations import Generation
from store.pool import Store
from store.postgres import Postgres

SWITCH_S: Final = 3.0  # edges look every second what to produce to; who has not by then is refused, and looks again
LOOK_S: Final = 0.2
FEWEST_SIZE: Final = 3  # connections: one holds the lanes, others read them


async def run_lanes(lanes: int, data_dir: Path | None, dsn: str, address: str, out: Console) -> None:
    """Move to so many lanes; goes on with a move that was begun. Safe to interrupt and to repeat at any moment.

    Raises
    ------
    CordonError
        If no broker is named, there is no database, or a move to another number is under way.
    """
    settings = read()
    settings = settings.model_copy(update={"dsn": dsn or settings.dsn, "kafka": address or settings.kafka})
    if not settings.kafka:
        raise CordonError(
            "which broker? Give --kafka, or set CORDON_KAFKA; and for the database --data-dir or --dsn, or CORDON_DSN"
        )
    if not settings.dsn:  # that of `cordon up --kafka`, which runs: nothing is started here
        folder = data_dir or settings.data_dir or default_data_dir(demo=False)
        found(folder)
        settings = settings.model_copy(update={"dsn": Postgres(folder).dsn})
    logs.configure(settings.log_level, settings.log_file, "lanes")
    async with child.database(settings.dsn, FEWEST_SIZE) as store:
        before, after = await _generations(store, lanes)
        if before == after:
            out.print(f"there are {lanes} lanes", highlight=False)
            return
        await _move(store, settings, before, after, out)


async def _generations(store: Store, lanes: int) -> tuple[Generation, Generation]:
    """What is consumed, and what will be; the same where there is nothing to do."""
    consumed, produced = await generations.consumed(store), await generations.produced(store)
    if consumed is None or produced is None:
        raise CordonError("there are no lanes yet: start an edge or a worker first, CORDON_LANES says how many it makes")
    if produced.moved:
        return consumed, consumed if consumed.lanes == lanes else Generation(consumed.number + 1, lanes, moved=False)
    if produced.lanes != lanes:
        raise CordonError(f"a move to {produced.lanes} lanes is under way: finish it first, with `cordon lanes {produced.lanes}`")
    return consumed, produced


async def _move(store: Store, settings: Settings, before: Generation, after: Generation, out: Console) -> None:
    """1. Have topics for the new lanes. 2. Edges produce to them. 3. The old topics take no more. 4. Workers consume these to
    their end. 5. What the lanes remember moves, in one transaction, and workers consume the new topics.
    """
    old, new = (Topics(settings.kafka_prefix, one.number, one.lanes) for one in (before, after))
    with out.status(f"Making topics for {after.lanes} lanes") as status:
        # 1
        await kafka.ensure(settings.kafka, new, settings.kafka_replication)
        # 2
        status.update("Waiting for edges to produce to them")
        await generations.begin(store, after.number, after.lanes)
        await asyncio.sleep(SWITCH_S)
        # 3
        status.update("Closing the old topics")
        ends = await kafka.close(settings.kafka, old)
        # 4
        while late := await moving.behind(store, before, ends):
            status.update(f"Waiting for workers to consume the old topics to their end: {len(late)} lanes to go")
            await asyncio.sleep(LOOK_S)
        # 5
        status.update("Moving what the lanes remember")
        await moving.move(store, before, after, ends)
    out.print(
        f"{before.lanes} lanes have become {after.lanes}; topics {old.live} and {old.backlog} are empty and can be deleted",
        highlight=False,
    )
