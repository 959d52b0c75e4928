"""Lets go of what has been kept for its time: days of fixes and events, dead letters, sent messages, entries of the feed."""

from collections.abc import Mapping
from typing import Final

from store import partitions, retention
from store.pool import Store
from store.retention import Fate

SLACK: Final = 2  # days: what a door took just within its limit is committed before its day goes, a backlog's too
SETTLED_DAYS: Final = 30  # a dead letter that was replayed or discarded: to look at once more
SENT_DAYS: Final = 90  # a message whose time is over: what was told to whom is in the alert's history, and stays
FEED_DAYS: Final = 30  # a stream resumes by position; one that was away for longer begins anew
EVERY_S: Final = 3600.0


async def retain(store: Store, now_us: int, days: int) -> Mapping[str, int]:
    """Do it once; how many days and rows of each went, those of which none did left out.

    Parameters
    ----------
    days : how long fixes, events, and dead letters nobody has settled are kept (``CORDON_RETENTION_DAYS``)
    """
    done: dict[str, int] = {}
    for day in await retention.past(store, partitions.day_of(now_us) - days - SLACK):
        fate = await retention.retire(store, day)
        if fate is not Fate.UNCHANGED:
            done[fate.value] = done.get(fate.value, 0) + 1
    if Fate.DROPPED.value in done:
        store.days.clear()  # ours; another process finds out at its next commit to such a day
    done["letters"] = await retention.forget_letters(store, SETTLED_DAYS, days)
    done["messages"] = await retention.forget_messages(store, SENT_DAYS)
    done["entries"] = await retention.forget_entries(store, FEED_DAYS)
    done["unknown_tags"] = await retention.forget_unknown(store, days)
    return {what: count for what, count in done.items() if count}
