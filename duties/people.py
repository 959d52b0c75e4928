"""Watches over people: pages what a pause held back, gives back what was left alone, then raises what nobody answered in time."""

from typing import Final

from store import escalations, pauses, returning
from store.feed import edit
from store.pool import Store

EVERY_S: Final = 2.0


async def watch_over(store: Store) -> dict[str, object] | None:
    """Do it until nothing is left to do; the ids of alerts paged after a pause, given back, and raised with their levels."""
    paged: list[int] = []
    returned: list[int] = []
    escalated: dict[int, int] = {}
    while True:
        async with edit(store) as change:  # its own: it locks alerts, and the pauses of alerts that the next has locked
            held = await pauses.due(change)
        async with edit(store) as change:
            back = await returning.due(change)
            raised = await escalations.due(change)
        paged += held
        returned += back
        escalated |= {alert: level for alert, level, _ in raised}
        if len(back) < returning.MOST and len(raised) < escalations.MOST:
            break
    did: dict[str, object] = {}
    if paged:
        did["paged"] = paged
    if returned:
        did["returned"] = returned
    if escalated:
        did["escalated"] = escalated
    return did or None
