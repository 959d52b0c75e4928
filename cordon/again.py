"""Turns a dead letter into what its records became, by the same decoder and the same sink as what comes through the door."""

import time
from collections.abc import Awaitable, Callable

from ingest.decoded import Limits
from ingest.letter import reread
from model.batch import DeadLetter, Receipt, Rejected, Sink

Replay = Callable[[DeadLetter], Awaitable[tuple[Receipt, tuple[Rejected, ...]] | Rejected]]


def through(sink: Sink, limits: Limits) -> Replay:
    """A function that gives one letter to the sink: its receipt and what is still refused, or why all of it is."""

    async def replay(letter: DeadLetter) -> tuple[Receipt, tuple[Rejected, ...]] | Rejected:
        decoded = reread(letter, time.time_ns() // 1000, limits)
        if isinstance(decoded, Rejected):
            return decoded
        batch = decoded.batch
        if decoded.rejected and not len(batch.fixes) and not len(batch.events):
            return decoded.rejected[0]
        return await sink.accept(batch), decoded.rejected

    return replay
