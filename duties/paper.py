"""Turns what is not as it should be on paper into alerts, each once, and ends them when it is put right."""

from typing import Final

from alerts.urgency import due
from model.alert import Kind
from store import incidents, paper
from store.feed import edit
from store.paper import Found, Limits, Told
from store.pool import Store

EVERY_S: Final = 30.0  # it asks for every order in force
LIMITS: Final = Limits()
MOST: Final = 100  # alerts raised or ended in one look: everybody waits for the feed's row while they are numbered
SEVERITY: Final = {Kind.NOT_FITTED: 2, Kind.NO_FIRST_FIX: 2, Kind.PAPERWORK: 3}
RIGHT: Final = {
    Kind.NOT_FITTED: "A tag is worn, or no order asks for it any more.",
    Kind.NO_FIRST_FIX: "A position has come, or the tag is not worn by an order any more.",
    Kind.PAPERWORK: "Put right.",
}


def severity(found: Found) -> int:
    """1 (P1) to 4, by the table of DOMAIN.md."""
    grave = found.high_risk and found.kind is not Kind.PAPERWORK
    return 1 if grave else SEVERITY[found.kind]


async def look(store: Store, limits: Limits = LIMITS) -> dict[str, object] | None:
    """Look once, unless somebody else is at it; the ids of the alerts raised and ended, None where there are none."""
    async with edit(store) as change:
        now_us = await paper.turn(change)
        if now_us is None:
            return None
        found = {_key(one): one for one in await paper.look(change.connection, now_us, limits)}
        known = {_key(one): one.alert for one in await paper.told(change.connection)}
        unfitted = {wearer: alert for (kind, wearer, _), alert in known.items() if kind is Kind.NOT_FITTED}
        raised = []
        # The gravest first; of equals in the order found, in which not_fitted comes before what is held under it.
        news = sorted((one for key, one in found.items() if key not in known), key=severity)
        for new in news[:MOST]:
            level = severity(new)
            # What is missing on paper follows from what was not done: not_fitted is found first.
            under = unfitted.get(new.wearer) if new.reason == "order_without_activation" else None
            alert = await paper.tell(change, new, now_us, level, due(now_us, level), under)
            raised.append(alert)
            if new.kind is Kind.NOT_FITTED:
                unfitted[new.wearer] = alert
        ended = [(key, alert) for key, alert in known.items() if key not in found][:MOST]
        for (kind, _, _), alert in ended:
            await incidents.end(change, alert, RIGHT[kind], now_us)
        await paper.looked(change, now_us)
    over = [alert for _, alert in ended]
    return {name: ids for name, ids in (("raised", raised), ("ended", over)) if ids} or None


def _key(one: Found | Told) -> tuple[Kind, int, str]:
    return one.kind, one.wearer, one.subject
