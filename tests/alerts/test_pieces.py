"""A batch is cut where something in it came out of order of a tag that a curfew asks for, and there alone."""

import numpy as np

from alerts import pieces as cutting
from alerts.pieces import pieces
from model.arrays import Array
from model.batch import Batch
from model.event import EventKind, empty_events
from model.fix import empty_fixes
from model.instant import MINUTE_US
from model.state import State
from tests.alerts.story import HOME, TAG, Memory, Scripted, curfew_of, home_of, terms_of, us
from tests.alerts.test_story_curfew import PATIENT

WORLD = Scripted.of(terms_of(home_of(), curfews=[curfew_of()]), PATIENT, {})
NO_CURFEW = Scripted.of(terms_of(home_of()), PATIENT, {})


def fixes(*minutes: tuple[int, int]) -> Array:
    """A fix for each (taken, received), in minutes after 20:00."""
    rows = empty_fixes(len(minutes))
    rows["tag"], rows["seq"], rows["accuracy_m"] = TAG, np.arange(len(minutes)), 10.0
    rows["fix_at_us"], rows["received_us"] = (us("20:00") + np.array(minutes).T * MINUTE_US).tolist()
    rows["lat"] = 51.5
    return rows


def cut(rows: Array, events: Array | None = None, world: Scripted = WORLD) -> list[list[int]]:
    """Which seqs, and events as -1, each piece holds."""
    batch = Batch(rows, empty_events() if events is None else events, "", int(rows["received_us"].max()))
    found = pieces(world, State(), batch, batch.received_us) or [cutting.Piece(batch, batch.received_us)]  # none: it stays whole
    assert [piece.now_us for piece in found] == sorted(piece.now_us for piece in found)
    assert found[-1].now_us == batch.received_us
    return [piece.batch.fixes["seq"].tolist() + [-1] * len(piece.batch.events) for piece in found]


def test_in_order_it_stays_whole() -> None:
    assert cut(fixes((1, 1), (2, 2), (3, 9), (4, 9))) == [[0, 1, 2, 3]]


def test_within_one_frame_any_order_is_in_order() -> None:
    assert cut(fixes((3, 4), (1, 4), (2, 4))) == [[0, 1, 2]]


def test_what_came_out_of_order_is_a_piece_of_its_own() -> None:
    assert cut(fixes((1, 1), (5, 5), (3, 6), (7, 7), (8, 8))) == [[0, 1], [2], [3, 4]]
    assert cut(fixes((1, 1), (5, 5), (3, 6), (2, 7), (8, 8))) == [[0, 1], [2], [3], [4]]


def test_where_no_curfew_asks_nothing_is_cut() -> None:
    assert cut(fixes((1, 1), (5, 5), (3, 6), (7, 7)), world=NO_CURFEW) == [[0, 1, 2, 3]]


def test_a_beacon_told_late_cuts_as_well() -> None:
    events = empty_events(1)
    events["tag"], events["kind"] = TAG, EventKind.BEACON_OUT
    events["at_us"], events["received_us"] = us("20:02"), us("20:16")
    assert cut(fixes((1, 1), (15, 15), (17, 17)), events) == [[0, 1], [-1], [2]]


def test_a_batch_is_cut_at_so_many_places_and_no_more() -> None:
    count = cutting.MOST + 30
    rows = fixes((500, 500), *((count - k, 501 + k) for k in range(count)))
    found = cut(rows)
    assert len(found) == 1 + cutting.MOST + 1
    assert sorted(seq for piece in found for seq in piece) == rows["seq"].tolist()
    memory, script = Memory(), {int(seq): [(HOME, -40.0, False)] for seq in rows["seq"]}
    memory.take(Scripted.of(WORLD.terms, PATIENT, script), rows)
    assert len(memory.fixes) == len(rows)
