"""Whatever is sent in whatever order, cut and repeated as it may be: the store equals a plain ledger of it."""

import asyncio
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.batch import Part
from model.fix import FIX
from store import snapshots
from store.pool import Store
from tests.chance import times
from tests.store.fake import batch_of, fix
from tests.store.lane import Lane

PARTITIONS = itertools.count()

# (tag, minute, seq, content): few of each, so that repeats, conflicts and disorder are the rule.
RECORD = st.tuples(st.integers(1, 3), st.integers(0, 5), st.integers(0, 1), st.sampled_from([-1.0, -2.0]))
BATCHES = st.lists(st.tuples(st.lists(RECORD, max_size=6), st.booleans()), min_size=1, max_size=6)


class Ledger:
    """What should be in the store, said in the simplest way there is."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int, int], float] = {}
        self.dead = 0

    def take(self, records: list[tuple[int, int, int, float]]) -> tuple[int, int, tuple[int, ...]]:
        stored = duplicate = 0
        conflicting = []
        for place, (*identity, lon) in enumerate(records):
            key = (identity[0], identity[1], identity[2])
            if key not in self.rows:
                self.rows[key] = lon
                stored += 1
            elif self.rows[key] == lon:
                duplicate += 1
            else:
                conflicting.append(place)
        self.dead += len(conflicting)
        return stored, duplicate, tuple(conflicting)


async def story(database: str, batches: list[tuple[list[Any], bool]]) -> None:
    ledger = Ledger()
    partition = next(PARTITIONS)
    apart = 10 * partition  # each example has tags of its own
    async with Store(database, size=2) as store:
        dead_before = await store.pool.fetchval("SELECT count(*) FROM dead_letter")
        lane = await Lane(store, partition).__aenter__()
        for records, restart in batches:
            if restart:
                lost = lane.state.digest()
                lane = await Lane(store, partition).__aenter__()
                assert lane.state.digest() == lost
            rows = [fix(apart + tag, 60 * minute, lon, seq=seq) for tag, minute, seq, lon in records]
            half = len(rows) // 2
            parts = (Part(f"{partition}-a", half, 0), Part(f"{partition}-b", len(rows) - half, 0))
            outcome = await lane.put(batch_of(*rows, parts=parts))
            stored, duplicate, conflicting = ledger.take(records)
            first, second = outcome.receipts
            assert first.stored + second.stored == stored
            assert first.duplicate + second.duplicate == duplicate
            assert first.conflicting + tuple(half + row for row in second.conflicting) == conflicting
        held = await store.pool.fetch("SELECT * FROM fix WHERE tag BETWEEN $1 AND $2", apart, apart + 9)
        rows = np.array([tuple(row) for row in held], FIX)
        minutes = (rows["fix_at_us"] - fix(1, 0)["fix_at_us"][0]) // 60_000_000
        found = {
            (int(row["tag"]) - apart, int(minute), int(row["seq"])): float(row["lon"])
            for row, minute in zip(rows, minutes, strict=True)
        }
        assert found == ledger.rows
        assert len(rows) == len(ledger.rows)
        assert await store.pool.fetchval("SELECT count(*) FROM dead_letter") == dead_before + ledger.dead


@settings(max_examples=times(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
def test_the_store_equals_the_ledger(database: str, batches: list[tuple[list[Any], bool]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshots, "ENTRIES", 2)
        asyncio.run(story(database, batches))
