"""Turns a delivery into what leaves the house: a kind, a severity, a reference and a link. Whatever else is known stays here.

Only what is named below is taken from a message, so that what others write into one later cannot slip out.
"""

import re
from enum import Enum
from typing import Any, Final, NamedTuple

from model.instant import from_us, show
from store.deliveries import Due

# Topics of the outbox, in the words of a message: what is told of an alert.
TYPES: Final = {"alert": "raised", "escalation": "escalated"}
# Of a digest: open by severity, open and taken by nobody, raised within a day.
COUNTS: Final = ("p1", "p2", "p3", "p4", "untaken", "raised")
CODE: Final = re.compile(r"[a-z_]{1,40}")  # what somebody was escalated to: a role, never a name


class Fate(Enum):
    """What is to become of a delivery whose time has come."""

    SEND = "send"
    TELL_OVER = "tell over"  # its alert needs nobody any more; a P1 that was not told of is told of once, with its end
    SUPERSEDE = "supersede"


class Message(NamedTuple):
    """What a channel sends, in its own form."""

    id: str  # by which a receiver knows one that comes twice
    type: str  # "alert.raised", "alert.escalated", "alert.over", "digest", "test"
    at_us: int  # when what it tells of happened here, the same in every try
    data: dict[str, Any]


def fate(one: Due) -> tuple[Fate, str]:
    """What is to become of a delivery, and why where it is not sent as it is.

    A page that was not delivered at once may be stale by now: its alert was taken or closed by somebody, ended after the page was
    written (what is over as it is raised, a crossing, is no less news), or called again. A stale page is not sent. A P1 that
    somebody has taken is not over, so it is sent, and says so. Of one that is the end is told instead, once: whoever was to be
    woken learns that it was, and is over.
    """
    if not one.active:  # switched off while the message was being addressed
        return Fate.SUPERSEDE, "the channel was switched off"
    over = _over(one)
    if not over:
        # Of P1s each is told; of others the latest call stands for those before it.
        return (Fate.SUPERSEDE, "a later message says more") if one.newer and one.severity > 1 else (Fate.SEND, "")
    if one.severity > 1:
        return Fate.SUPERSEDE, f"not needed any more: {over}"
    return (Fate.SUPERSEDE, "a later message tells of it") if one.newer else (Fate.TELL_OVER, over)


def message(one: Due, over: str, console_url: str) -> Message:
    """The message of a delivery.

    Parameters
    ----------
    over : why its alert needs nobody any more; empty where it does
    console_url : where the console answers; empty: nobody said
    """
    link = f"{console_url.rstrip('/')}/" if console_url else None
    if one.topic == "digest" and one.body is not None and one.at_us is not None:
        counts = {name: int(one.body[name]) for name in COUNTS}
        return Message(one.key, "digest", one.at_us, counts | {"link": link})
    if one.alert is None or one.body is None or one.at_us is None:
        return Message(one.key, "test", one.created_us, {"text": "A test of Cordon's messages: nothing has happened."})
    data: dict[str, Any] = {
        "alert": one.alert,
        "kind": str(one.body["kind"]),
        "severity": f"P{one.severity}",
        "taken": _taken(one),
        "raised_at": show(one.at_us),
        "link": f"{link}#alert={one.alert}" if link else None,
    }
    if one.topic == "escalation":
        to = str(one.body.get("to", ""))
        data |= {"level": int(one.body["level"]), "to": to if CODE.fullmatch(to) else None}
    if over:
        return Message(f"{one.key}_over", "alert.over", one.at_us, data | {"because": over})
    return Message(one.key, f"alert.{TYPES.get(one.topic or '', 'raised')}", one.at_us, data)


def subject(said: Message) -> str:
    """A message in a few words."""
    if said.type == "test":
        return "Cordon: a test message"
    if said.type == "digest":
        return f"Cordon: {sum(said.data[name] for name in COUNTS[:4])} open alerts"
    more = {"alert.over": " (over)", "alert.escalated": " (escalated)"}.get(said.type, " (taken)" if said.data["taken"] else "")
    return f"Cordon {said.data['severity']}: {said.data['kind'].replace('_', ' ')}, alert {said.data['alert']}{more}"


def text(said: Message) -> str:
    """A message as a person reads it."""
    if said.type == "test":
        return f"{said.data['text']}\n"
    data = said.data
    if said.type == "digest":
        return (
            f"Open: {data['p1']} P1, {data['p2']} P2, {data['p3']} P3, {data['p4']} P4; taken by nobody: {data['untaken']}.\n"
            f"Raised within a day: {data['raised']}.\n\n{data['link'] or 'Open the console.'}\n"
        )
    raised = f"{from_us(said.at_us):%Y-%m-%d %H:%M:%S} UTC"
    lines = [f"{data['severity']} {data['kind'].replace('_', ' ')}: alert {data['alert']} of {raised}."]
    if said.type == "alert.over":
        lines.append(f"Nobody need act any more: {data['because']}. You were not told of it before.")
    elif said.type == "alert.escalated":
        to = f", {data['to'].replace('_', ' ')}" if data["to"] else ""
        lines.append(f"Nobody did in time what was due: it is escalated to level {data['level']}{to}.")
    if data["taken"] and said.type != "alert.over":
        lines.append("Somebody has taken it; it is not over.")
    lines.append(f"Open it: {data['link']}" if data["link"] else f"Open alert {data['alert']} in the console.")
    return "\n\n".join(lines) + "\n\nThis message names nobody and no place; the console has the rest.\n"


def _taken(one: Due) -> bool:
    """Whether somebody answers for it; an alert is escalated though somebody has it, so only what was done since answers that."""
    return one.handled_since if one.topic == "escalation" else one.handling not in {None, "new"}


def _over(one: Due) -> str:
    """Why an alert needs nobody any more, in a few words; empty where it does."""
    if one.alert is None or one.at_us is None:
        return ""
    if one.handling == "closed":
        return "it was closed"
    # Somebody who has a P1 may not have ended it: the wearer may still stand in the zone. Of others one person is enough.
    if one.severity > 1 and _taken(one):
        return "somebody has taken it"
    if one.condition == "withdrawn":
        return "it was withdrawn"
    if one.condition == "ended" and one.ended_us is not None and one.ended_us > one.at_us:
        return "it ended by itself"
    return ""
