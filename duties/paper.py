"""Turns what is not as it should be on paper into alerts, each once, and ends them when it is put right."""

from collections.abc import Sequence
from typing import Final

from alerts.urgency import due
from model.alert import Kind
from store import incidents, paper
from store.feed import Edit, edit
from store.paper import Found, Limits, Told
from store.pool import Store

EVERY_S: Final = 30.0  # it asks for every order in force
LIMITS: Final = Limits()
MOST: Final = 100  # alerts raised or ended in one look: everybody waits for the feed's row while they are numbered
GRAVER: Final = "The risk is high now."
SEVERITY: Final = {Kind.NOT_FITTED: 2, Kind.NO_FIRST_FIX: 2, Kind.PAPERWORK: 3}


def severity(found: Found) -> int:
    """1 (P1) to 4, by the table of DOMAIN.md."""
    grave = found.high_risk and found.kind is not Kind.PAPERWORK
    return 1 if grave else SEVERITY[found.kind]


async def look(store: Store, limits: Limits = LIMITS) -> dict[str, object] | None:
    """Look once, unless somebody else is at it; the ids of the alerts raised or made graver, and ended; None for none."""
    async with edit(store) as change:
        now_us = await paper.turn(change)
        if now_us is None:
            return None
        raised, ended = await _settle(change, await paper.look(change.connection, now_us, limits), now_us, MOST)
        await paper.looked(change, now_us)
    return {name: ids for name, ids in (("raised", raised), ("ended", ended)) if ids} or None


async def look_back(store: Store, wearers: Sequence[int], from_us: int, until_us: int, limits: Limits = LIMITS) -> None:
    """Say of some wearers of a world that was replayed what looking at every instant of its trace would have said, as of then."""
    asked = frozenset(wearers)
    async with edit(store) as change:
        for at_us in await paper.instants(change.connection, wearers, from_us, until_us, limits):
            found = await paper.look_back(change.connection, at_us, from_us, limits)
            await _settle(change, [one for one in found if one.wearer in asked], at_us, None)


async def _settle(change: Edit, so: Sequence[Found], now_us: int, most: int | None) -> tuple[list[int], list[int]]:
    """Raise what is so and is not told, or is graver, and end what is told and is not so, at most so many of each; their ids."""
    found = {_key(one): one for one in so}
    known = {_key(one): one for one in await paper.told(change.connection)}
    unfitted = {one.wearer: one.alert for one in known.values() if one.kind is Kind.NOT_FITTED}
    raised = []
    # The gravest first; of equals in the order found, in which not_fitted comes before what is held under it.
    news = sorted((one for key, one in found.items() if key not in known or severity(one) < known[key].severity), key=severity)
    for new in news[:most]:
        level = severity(new)
        before = known.get(_key(new))
        if before is not None and not before.closed:
            await incidents.worsen(change, before.alert, new.kind, level, due(now_us, level), GRAVER, now_us)
            raised.append(before.alert)
            continue
        if before is not None:  # what people closed was another matter
            await incidents.end(change, before.alert, GRAVER, now_us)
        # What is missing on paper follows from what was not done: not_fitted is found first.
        under = unfitted.get(new.wearer) if new.reason == "order_without_activation" else None
        alert = await paper.tell(change, new, now_us, level, due(now_us, level), under)
        raised.append(alert)
        if new.kind is Kind.NOT_FITTED:
            unfitted[new.wearer] = alert
    ended = [one for key, one in known.items() if key not in found][:most]
    for one in ended:
        await incidents.end(change, one.alert, await paper.over(change.connection, one, now_us), now_us)
    return raised, [one.alert for one in ended]


def _key(one: Found | Told) -> tuple[Kind, int, str]:
    return one.kind, one.wearer, one.subject
