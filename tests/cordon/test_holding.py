"""The commands for holds and erasure: one change each, said in a line, refused in a sentence."""

import io

import pytest
from rich.console import Console

from cordon.holding import run_erase, run_holds_add, run_holds_list, run_holds_release
from model.errors import CordonError
from store.pool import Store


async def test_a_hold_is_placed_listed_and_released_and_then_nothing_keeps_the_name(store: Store) -> None:
    await store.pool.execute("INSERT INTO wearer (name) VALUES ('Jane Doe')")
    out = Console(file=io.StringIO(), width=200)
    asked = (None, store.dsn, out)
    await run_holds_add(1, None, None, "Court", "appeal", *asked)
    with pytest.raises(CordonError, match="under hold 1"):
        await run_erase(1, "officer", "request", *asked)
    await run_holds_release(1, "Court", "dismissed", *asked)
    await run_holds_list(*asked)
    await run_erase(1, "officer", "request", *asked)
    assert await store.pool.fetchval("SELECT name FROM wearer") == "redacted"
    said = out.file.getvalue()  # type: ignore[attr-defined]
    for words in ("hold 1: wearer 1 is kept", "hold 1 is released", "appeal", "by Court: dismissed", "wearer 1 is redacted"):
        assert words in said
    with pytest.raises(CordonError, match="one of them"):
        await run_holds_add(1, 2, None, "Court", "appeal", *asked)
