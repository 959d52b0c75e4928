"""Turns a WORLD document into rows of an instance, past the API's door: for benchmarks and the demonstration."""

import gc
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from cordon import document as documents
from cordon.data import opened
from model import instant
from model.errors import CordonError
from store.pool import Store
from store.world import create


async def run_load(world: Path, data_dir: Path | None, dsn: str, out: Console, err: Console) -> None:
    """Write a WORLD document's wearers, orders, activations and zones, in force since the times it says.

    Raises
    ------
    CordonError
        If no instance is named, or the file cannot be read.
    """
    if data_dir is None and not dsn:
        raise CordonError("load into which instance? Give --data-dir or --dsn: what it writes is nobody's records")
    gc.disable()  # a large world is millions of objects and none of them garbage: looking for it took a third of the time
    try:
        document = msgspec.json.decode(world.read_bytes())
    except OSError as error:
        raise CordonError(f"{world} cannot be read ({error.strerror})") from error
    except msgspec.DecodeError as error:
        raise CordonError(f"{world} is not JSON: {error}") from error
    async with opened(data_dir, dsn, making=err) as store:
        await load(store, document)
    out.print(f"{len(document['wearers']):,} wearers and {len(document['zones']):,} zones loaded", highlight=False)


async def load(store: Store, document: dict[str, Any], *, officer: int | None = None) -> None:
    """Write a WORLD document, all of it in force since its first order began; ``officer`` is responsible for all of it.

    Raises
    ------
    CordonError
        If an item of it is one that the API would refuse; the first is named.
    """
    read = documents.good(await documents.read(document, "the world"), "the world")
    begins_us = min((item.body.starts for item in read["orders"]), default=instant.BEGINNING_US)
    written = documents.rows(read, begins_us)
    orders = [order._replace(officer=officer) for order in written.orders]
    await create(store, *written._replace(orders=orders))
