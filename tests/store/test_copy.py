"""Arrays go into PostgreSQL and come back bit for bit."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model.errors import CordonError
from model.event import EVENT
from model.fix import FIX
from model.instant import FOREVER_US
from store import copy, partitions
from store.copy import EVENTS, FIXES, Codec
from store.pool import Store
from tests.store.fake import START_US


@pytest.mark.parametrize("codec", [FIXES, EVENTS])
@given(data=st.data())
def test_any_bits_survive(codec: Codec, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 4))
    bits = data.draw(arrays.arrays(np.uint8, count * codec.dtype.itemsize))
    rows = bits.view(codec.dtype)
    assert codec.decode(codec.encode(rows)).tobytes() == rows.tobytes()


async def through(store: Store, codec: Codec, rows: np.ndarray) -> np.ndarray:
    async with store.pool.acquire() as connection:
        await connection.copy_to_table(codec.table, source=io.BytesIO(codec.encode(rows)), columns=codec.columns, format="binary")
        out = io.BytesIO()
        await connection.copy_from_query(
            f"SELECT {', '.join(codec.columns)} FROM {codec.table} ORDER BY tag", output=out, format="binary"
        )
    return codec.decode(out.getvalue())


async def test_fixes_at_the_edges_of_what_a_column_holds(store: Store) -> None:
    rows = np.zeros(4, FIX)
    rows["tag"] = [1, 2, 2**53 + 1, 2**63 - 1]
    rows["fix_at_us"] = START_US + np.arange(4)
    rows["received_us"] = [0, -1, START_US, FOREVER_US]
    rows["seq"] = [-(2**63), -1, 0, 2**63 - 1]
    rows["lon"] = [-180, 180, -0.0, 0.1]
    rows["lat"] = [-90, 90, 1e-300, 1 / 3]
    rows["accuracy_m"] = [0, np.nan, np.inf, 0.1]
    rows["gateway"] = [-(2**31), -1, 0, 2**31 - 1]
    rows["battery_pct"] = [-(2**15), -1, 0, 2**15 - 1]
    await partitions.ensure(store, [START_US // 86_400_000_000])
    assert (await through(store, FIXES, rows)).tobytes() == rows.tobytes()


async def test_the_server_reads_the_values_that_were_meant(store: Store) -> None:
    rows = np.zeros(1, EVENT)
    rows["tag"], rows["at_us"], rows["received_us"], rows["value"] = 7, START_US, START_US + 1, -1
    await partitions.ensure(store, [START_US // 86_400_000_000])
    await through(store, EVENTS, rows)
    row = await store.pool.fetchrow("SELECT tag, at = '2026-03-20T09:46:40Z', received_at - at, value FROM event")
    assert (row[0], row[1], row[2].microseconds, row[3]) == (7, True, 1, -1)


async def test_columns_match_the_table(store: Store) -> None:
    for codec in (FIXES, EVENTS):
        columns = await store.pool.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position", codec.table
        )
        assert tuple(row[0] for row in columns) == codec.columns


def test_more_rows_than_are_read_at_a_time_are_all_read_and_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy, "PIECE_ROWS", 3)
    rows = np.zeros(8, FIX)
    rows["tag"], rows["fix_at_us"] = np.arange(8), START_US
    data = bytearray(FIXES.encode(rows))
    assert FIXES.decode(bytes(data)).tobytes() == rows.tobytes()
    data[-2 - FIXES.row_bytes + 5] = 7  # the length of the last row's tag
    with pytest.raises(CordonError, match="without tag"):
        FIXES.decode(bytes(data))


def test_another_layout_is_refused() -> None:
    data = EVENTS.encode(np.zeros(3, EVENT))
    with pytest.raises(CordonError, match="not laid out"):
        FIXES.decode(data)
    null = bytearray(data)
    null[19 + 2 : 19 + 6] = b"\xff\xff\xff\xff"  # the first field's length: NULL
    with pytest.raises(CordonError, match="without tag"):
        EVENTS.decode(bytes(null))
