"""Turns what no lane judges, ourselves, many tags at once, what is on paper, into alert rows.

One row for each kind and subject until people close it, as for a wearer's alerts; but its condition has one writer, who is told
apart by a row that is locked: the watch lane's, of ``undelivered`` the channel's, of what is on paper the paper's. An occurrence
is all there is to it, so no occurrences are kept apart.
"""

from typing import Final, NamedTuple

from model.alert import CONFIDENCE, FAMILY, Condition, Kind
from model.instant import MINUTE_US
from store.changes import OLDEST, UNANSWERED
from store.edits import RETURNING
from store.feed import Edit

SEVERITY: Final = 1
ACKNOWLEDGE_US: Final = 5 * MINUTE_US  # whoever is on call reaches a screen in that

OPEN: Final = """wearer IS NOT DISTINCT FROM $4 AND family = $1 AND zone = 0 AND subject = $2 AND handling <> 'closed'"""


Due = tuple[int | None, int | None, int | None]  # by when to acknowledge, make contact, decide; None: no such clock


class About(NamedTuple):
    """Whom an alert is about, where it is about somebody; times in microseconds."""

    wearer: int | None = None
    severity: int = SEVERITY
    event_us: int | None = None  # since when, where that was not when it was noticed
    due: Due | None = None
    order: int = 0
    tag: int = 0
    reason: str = ""
    held_under: int | None = None  # the alert that it follows from


NOBODY: Final = About()


async def raise_(change: Edit, kind: Kind, subject: str, text: str, at_us: int, about: About = NOBODY) -> int:
    """A new occurrence, on the open row where there is one, which is *new* again; the row's id.

    Parameters
    ----------
    subject : what it is about where there may be several at once, a gateway's name or a channel's; never a wearer's
    text : one sentence for the history: what showed it
    at_us : when it was noticed; also since when, unless ``about`` says
    """
    due = about.due or (at_us + ACKNOWLEDGE_US, None, None)
    number: int | None = await change.connection.fetchval(
        f"""UPDATE alert SET condition = 'active', ended_at = NULL, occurrences = occurrences + 1, calls = calls + 1,
                due_acknowledge = {OLDEST["acknowledge"].format("$3::timestamptz")},
                due_contact = {OLDEST["contact"].format("$5::timestamptz")},
                due_decision = {OLDEST["decision"].format("$6::timestamptz")},
                called_at = CASE WHEN {UNANSWERED} THEN called_at ELSE $9 END, severity = $7, held_under = $8,
                condition_version = condition_version + 1
            WHERE {OPEN} RETURNING id""",  # noqa: S608
        *(FAMILY[kind], subject, due[0], about.wearer, *due[1:], about.severity, about.held_under, at_us),
    )
    if number is None:
        number = await change.connection.fetchval(
            """INSERT INTO alert (family, kind, subject, severity, condition, confidence, late, tag, zone_version,
                   monitoring_order, event_at, detected_at, occurrences, calls, due_acknowledge, due_contact, due_decision,
                   wearer, reason, held_under, called_at, raised_seq)
               VALUES ($1, $2, $3, $4, 'active', $5, false, $6, 0, $7, $8, $9, 1, 1, $10, $11, $12, $13, $14, $15, $9, 0)
               RETURNING id""",
            *(FAMILY[kind], kind, subject, about.severity, CONFIDENCE[kind], about.tag, about.order),
            *(at_us if about.event_us is None else about.event_us, at_us, *due, about.wearer, about.reason, about.held_under),
        )
        assert number is not None
        entry = _tell(change, number, "opened", text, at_us, due)
        change.numbered("UPDATE alert SET raised_seq = $1 WHERE id = $2", number, entry=entry)
    else:
        entry = _tell(change, number, "opened", text, at_us, due)
    _page(change, number, kind, about.severity, entry)
    return number


async def worsen(change: Edit, alert: int, kind: Kind, severity: int, due: Due, text: str, at_us: int) -> None:
    """The same occurrence, graver than it was: it calls people anew, by the clocks of its new severity."""
    await change.connection.execute(
        f"""UPDATE alert SET severity = $2, calls = calls + 1,
               due_acknowledge = {OLDEST["acknowledge"].format("$3::timestamptz")},
               due_contact = {OLDEST["contact"].format("$4::timestamptz")},
               due_decision = {OLDEST["decision"].format("$5::timestamptz")},
               called_at = CASE WHEN {UNANSWERED} THEN called_at ELSE $6 END,
               condition_version = condition_version + 1 WHERE id = $1""",  # noqa: S608
        *(alert, severity, *due, at_us),
    )
    entry = _tell(change, alert, "amended", text, at_us, due)
    _page(change, alert, kind, severity, entry)


async def amend(change: Edit, alert: int, text: str, at_us: int) -> None:
    """The same occurrence, of which there is more to say; pages nobody."""
    await change.connection.execute("UPDATE alert SET condition_version = condition_version + 1 WHERE id = $1", alert)
    _tell(change, alert, "amended", text, at_us)


async def end(change: Edit, alert: int, text: str, at_us: int) -> None:
    """It is over, also where people have closed it meanwhile."""
    await change.connection.execute(
        "UPDATE alert SET condition = $2, ended_at = $3, condition_version = condition_version + 1 WHERE id = $1",
        *(alert, Condition.ENDED, at_us),
    )
    _tell(change, alert, "ended", text, at_us)


def _page(change: Edit, alert: int, kind: Kind, severity: int, entry: int) -> None:
    body = {"alert": alert, "kind": kind, "severity": severity}
    change.numbered("INSERT INTO outbox (position, alert, topic, body) VALUES ($1, $2, 'alert', $3)", alert, body, entry=entry)


def note(change: Edit, alert: int, what: str, text: str, at_us: int) -> None:
    """Say in an alert's history what was noticed of it from outside; its own row stays its writer's."""
    _tell(change, alert, what, text, at_us)


def _tell(change: Edit, alert: int, what: str, text: str, at_us: int, due: Due | None = None) -> int:
    """Where it calls people, also by when they were to do what: the alert itself keeps only the last call's clocks.

    Returns the index of its entry, for what is to carry the very same position.
    """
    details = {} if due is None else dict(zip(("due_acknowledge_us", "due_contact_us", "due_decision_us"), due, strict=True))
    entry = change.entry("alert", alert, what)
    change.numbered(
        f"""INSERT INTO alert_history (alert, position, part, at, what, text, details) VALUES ($2, $1, 0, $3, $4, $5, $6)
            {RETURNING["alert_history"]}""",  # noqa: S608 (constants)
        *(alert, at_us, what, text, details),
        entry=entry,
        kept="alert_history",
    )
    return entry
