"""Puts a frame's records and its receipt together: what was accepted of it, and each refused record by its place."""

from typing import NamedTuple

from ingest.decoded import Decoded
from model.batch import Receipt, Rejected
from model.event import EventKind
from model.instant import show


class Settled(NamedTuple):
    """What a door answers to a frame that is durable."""

    accepted: int
    rejected: tuple[Rejected, ...]  # fixes before events, each by place


def settled(decoded: Decoded, receipt: Receipt) -> Settled:
    """What became of a frame, now that its batch has a receipt."""
    rejected = list(decoded.rejected)
    for row in receipt.conflicting:
        fix = decoded.batch.fixes[row]
        reason = _conflict(f"tag {fix['tag']}, seq {fix['seq']}, {show(fix['fix_at_us'])}")
        rejected.append(Rejected(reason, int(decoded.fix_places[row]), "fixes"))
    for row in receipt.conflicting_events:
        event = decoded.batch.events[row]
        reason = _conflict(f"tag {event['tag']}, {EventKind(event['kind']).word}, seq {event['seq']}, {show(event['at_us'])}")
        rejected.append(Rejected(reason, int(decoded.event_places[row]), "events"))
    conflicts = len(receipt.conflicting) + len(receipt.conflicting_events)
    accepted = len(decoded.batch.fixes) + len(decoded.batch.events) - conflicts
    return Settled(accepted, tuple(sorted(rejected, key=lambda one: (one.place != "fixes", one.row))))


def _conflict(which: str) -> str:
    return f"{which} was stored before with other content; the first is kept, this one is a dead letter"
