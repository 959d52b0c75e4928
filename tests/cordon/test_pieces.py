"""A batch is cut at instants between its records, and the pieces' receipts name the whole's rows."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cordon.pieces import added, cut
from model.batch import Batch, DeadLetter, Receipt
from model.event import empty_events
from model.fix import empty_fixes


def batch(fixes_at: Sequence[int], events_at: Sequence[int] = (), clock: int = 1000) -> Batch:
    fixes, events = empty_fixes(len(fixes_at)), empty_events(len(events_at))
    fixes["received_us"], events["received_us"] = fixes_at, list(events_at)
    fixes["seq"] = np.arange(len(fixes))
    return Batch(fixes, events, "gw", clock, (DeadLetter("why", b"", "http-json"),))


def test_without_an_instant_the_batch_is_whole() -> None:
    whole = batch([5, 6], [7])
    (piece,) = cut(whole, ())
    assert piece.batch.fixes.tobytes() == whole.fixes.tobytes()
    assert (piece.batch.received_us, piece.batch.dead, len(piece.batch.events)) == (1000, whole.dead, 1)


def test_what_came_before_an_instant_is_a_piece_and_what_came_at_it_is_after() -> None:
    first, second, third = cut(batch([5, 10, 15, 20, 9], [19]), [10, 20])
    assert first.batch.fixes["received_us"].tolist() == [5, 9]
    assert (first.batch.received_us, len(first.batch.dead)) == (9, 1)
    assert second.batch.fixes["received_us"].tolist() == [10, 15]
    assert second.batch.events["received_us"].tolist() == [19]
    assert (second.batch.received_us, second.batch.dead) == (19, ())
    assert third.batch.fixes["received_us"].tolist() == [20]
    assert third.batch.received_us == 1000


def test_an_instant_after_the_last_record_leaves_a_piece_that_moves_the_clock_past_it() -> None:
    first, last = cut(batch([5], clock=50), [40])
    assert (len(first.batch.fixes), first.batch.received_us) == (1, 39)
    assert (len(last.batch.fixes), last.batch.received_us) == (0, 50)


@given(st.lists(st.integers(0, 30), max_size=12), st.lists(st.integers(0, 30), max_size=4, unique=True))
def test_every_record_is_in_one_piece_and_receipts_add_up(times: list[int], instants: list[int]) -> None:
    whole = batch(times, clock=40)
    total = Receipt("r", 0, 0)
    for piece in cut(whole, instants):
        odd = tuple(np.flatnonzero(piece.batch.fixes["seq"] % 2).tolist())
        total = added(total, Receipt("r", len(piece.batch.fixes) - len(odd), 0, odd), piece.fixes, piece.events)
    assert total.stored == sum(seq % 2 == 0 for seq in range(len(times)))
    assert total.conflicting == tuple(seq for seq in range(len(times)) if seq % 2)
