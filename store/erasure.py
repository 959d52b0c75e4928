"""Turns a wearer into a number: name, details and what people wrote about them become "redacted", and everything still fits."""

from typing import Final

from store import audit, authority, caseloads, contacts, handovers, holds, pauses, visits, waiting
from store.authority import NOW
from store.feed import Edit
from store.homes import OVER
from store.refusal import ConflictError, MissingError

REDACTED: Final = "redacted"


async def erase(change: Edit, wearer: int, authorised_by: str, reason: str) -> None:
    """Replace what says who a wearer is: name, details, their zones' names, people's words of them.

    Those stand in their alerts' histories, contacts, pauses, visits, absences, in what was decided of their orders, in what waits
    for a second person, and in the notes of transfers and handovers by which their orders and alerts were passed on.

    Everything else keeps its place under the wearer's number, so that alerts, their evidence and the audit stay whole: positions
    go with their days, geometry is what alerts were judged by. Doing it again does no harm.

    Raises
    ------
    MissingError
        If there is no such wearer.
    ConflictError
        If a hold stands, or an order has not ended.
    """
    if not await change.connection.fetchval("SELECT 1 FROM wearer WHERE id = $1 FOR UPDATE", wearer):
        raise MissingError("wearer", wearer)
    standing = await holds.on_wearer(change, wearer)
    if standing:
        numbers = ", ".join(map(str, standing))
        raise ConflictError(f"wearer {wearer} is under hold {numbers}: nothing is erased until it is released")
    order = await change.connection.fetchval(
        f"""SELECT id FROM monitoring_order o WHERE wearer = $1 AND status_at(o, {NOW}) <> ALL ($2::text[])
            AND coalesce(ends > now(), true) ORDER BY id LIMIT 1""",  # noqa: S608 (constant)
        wearer,
        OVER,
    )
    if order is not None:
        raise ConflictError(f"order {order} of wearer {wearer} has not ended: complete or revoke it first")
    await change.connection.execute(
        """UPDATE wearer SET name = $2, details = '{}', version = version + 1, erased_at = coalesce(erased_at, now())
           WHERE id = $1""",
        wearer,
        REDACTED,
    )
    await change.connection.execute(
        """UPDATE alert_history SET text = $2 FROM alert
           WHERE alert.id = alert_history.alert AND alert.wearer = $1 AND actor IS NOT NULL AND text <> ''""",
        wearer,
        REDACTED,
    )
    await contacts.redact(change, wearer, REDACTED)
    await pauses.redact(change, wearer, REDACTED)
    await visits.redact(change, wearer, REDACTED)
    await authority.redact(change, wearer, REDACTED)
    await caseloads.redact(change, wearer, REDACTED)
    await handovers.redact(change, wearer, REDACTED)
    await waiting.redact(change, wearer, REDACTED)
    await change.connection.execute(
        """UPDATE zone_version SET name = $2, feature = jsonb_set(feature, '{properties,name}', to_jsonb($2::text))
           WHERE applies_wearer = $1""",
        wearer,
        REDACTED,
    )
    await change.connection.execute(
        """UPDATE absence SET authoriser = $2, reason = $2
           FROM curfew_version v JOIN monitoring_order o ON o.id = v.monitoring_order
           WHERE v.curfew = absence.curfew AND o.wearer = $1""",
        wearer,
        REDACTED,
    )
    audit.done(change, "erased", f"wearer/{wearer}", authorised_by=authorised_by, reason=reason)
