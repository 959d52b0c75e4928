"""Whether what a gateway sends is news or backlog: the one must not wait for the other."""

from typing import Final

from model.batch import Batch
from model.instant import MINUTE_US

OLD_US: Final = MINUTE_US  # a request whose newest fix is older than this is backlog


def is_old(batch: Batch) -> bool:
    """Whether a batch is backlog: its newest fix is over ``OLD_US`` old. One without fixes never is."""
    return len(batch.fixes) > 0 and int(batch.fixes["fix_at_us"].max()) < batch.received_us - OLD_US
