"""Turns settings into a sink that puts batches on Kafka, always the newest generation of topics."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from cordon.settings import Settings
from ingest import kafka
from ingest.kafka import KafkaSink, Topics
from model.errors import CordonError
from store import generations
from store.generations import Generation
from store.pool import FAILURES, Store

LOOK_S: Final = 1.0  # how often it is looked whether other topics are to be produced to

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def producing(settings: Settings, store: Store, *, heartbeats: bool = True) -> AsyncIterator[KafkaSink]:
    """A sink, open meanwhile. ``heartbeats``: whether what opens it is a door, so that time goes on while it is open."""
    generation = await generations.first(store, settings.lanes)
    async with KafkaSink(settings.kafka, await _topics(settings, generation), heartbeats=heartbeats) as sink:
        following = asyncio.create_task(_follow(store, settings, sink))
        try:
            yield sink
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def _topics(settings: Settings, generation: Generation) -> Topics:
    """A generation's topics, made where they are missing."""
    topics = Topics(settings.kafka_prefix, generation.number, generation.lanes)
    await kafka.ensure(settings.kafka, topics, settings.kafka_replication)
    return topics


async def _follow(store: Store, settings: Settings, sink: KafkaSink) -> None:
    """Produce to the newest generation of topics, until cancelled."""
    while True:
        await asyncio.sleep(LOOK_S)
        with contextlib.suppress(CordonError, *FAILURES):
            newest = await generations.produced(store)
            if newest is not None and newest.number != sink.topics.generation:
                sink.use(await _topics(settings, newest))
                log.info("producing", generation=newest.number, lanes=newest.lanes)
