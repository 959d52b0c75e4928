"""Cuts a batch on a trace's clock where an instant falls between its records, and puts the pieces' receipts together again.

On the wall clock a batch is as long as its commit takes and instants are judged between batches. A trace's batch spans hours:
what was due before a record is to be judged before it, inside a batch too (DESIGN.md section 3.4).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.arrays import I64
from model.batch import Batch, Receipt


class Piece(NamedTuple):
    """A part of a batch, and which of its rows that is."""

    batch: Batch
    fixes: I64  # rows of the whole batch's fixes
    events: I64


def cut(batch: Batch, instants: Sequence[int]) -> list[Piece]:
    """The batch in pieces, in order of time: records received before the first instant, from it to the next, and so on.

    A record received at an instant is after it. Each piece's time is its last record's, the last one's that of the whole. Dead
    letters go with the first.
    """
    fixes, events = batch.fixes, batch.events
    if not len(instants):
        return [Piece(batch, np.arange(len(fixes)), np.arange(len(events)))]
    bounds = np.array(sorted(instants), np.int64)
    fix_piece = np.searchsorted(bounds, fixes["received_us"], "right")
    event_piece = np.searchsorted(bounds, events["received_us"], "right")
    pieces: list[Piece] = []
    for number in range(len(bounds) + 1):
        of_fixes, of_events = np.flatnonzero(fix_piece == number), np.flatnonzero(event_piece == number)
        last = number == len(bounds)
        if len(of_fixes) or len(of_events) or last:
            until_us = batch.received_us if last else int(bounds[number]) - 1
            part = batch._replace(
                fixes=fixes[of_fixes], events=events[of_events], received_us=until_us, dead=() if pieces else batch.dead
            )
            pieces.append(Piece(part, of_fixes, of_events))
    return pieces


def added(total: Receipt, own: Receipt, fixes: I64, events: I64) -> Receipt:
    """A receipt with that of some of its rows added: ``fixes`` and ``events`` say which rows of the whole they are."""
    return Receipt(
        total.id,
        (total.stored or 0) + (own.stored or 0),
        (total.duplicate or 0) + (own.duplicate or 0),
        tuple(sorted((*total.conflicting, *fixes[list(own.conflicting)].tolist()))),
        tuple(sorted((*total.conflicting_events, *events[list(own.conflicting_events)].tolist()))),
    )
