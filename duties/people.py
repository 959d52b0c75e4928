"""Watches over people: gives back what was acknowledged and left alone, then raises what nobody answered in time."""

from typing import Final

from store import escalations, returning
from store.feed import edit
from store.pool import Store

EVERY_S: Final = 2.0


async def watch_over(store: Store) -> dict[str, object] | None:
    """Do it until nothing is left to do; the ids of alerts given back, and those raised with their levels."""
    returned: list[int] = []
    escalated: dict[int, int] = {}
    while True:
        async with edit(store) as change:
            back = await returning.due(change)
            raised = await escalations.due(change)
        returned += back
        escalated |= {alert: level for alert, level, _ in raised}
        if len(back) < returning.MOST and len(raised) < escalations.MOST:
            break
    did: dict[str, object] = {}
    if returned:
        did["returned"] = returned
    if escalated:
        did["escalated"] = escalated
    return did or None
