"""What leaves the house, and what no longer needs to: a table one can read aloud."""

import json
from typing import Any

import pytest

from duties import message
from duties.mail import mail
from duties.message import Fate, fate
from model.instant import SECOND_US, parse
from store.deliveries import Due

AT_US = parse("2026-11-22T08:00:02Z")
LATER_US = AT_US + 300 * SECOND_US

PAGE = Due(
    id=81,
    key="msg_40_3_9f0c1d2e3a4b",
    channel=3,
    alert=12,
    severity=1,
    attempts=0,
    dead=False,
    created_us=AT_US,
    topic="alert",
    body={"alert": 12, "kind": "exclusion", "severity": 1, "occurrence": 1},
    at_us=AT_US,
    by="webhook",
    name="Duty desk",
    active=True,
    target="https://desk.example/cordon",
    secret=b"",
    secret_before=None,
    condition="active",
    ended_us=None,
    handling="new",
    handled_since=False,
    newer=False,
)
ENDED: dict[str, Any] = {"condition": "ended", "ended_us": LATER_US}


@pytest.mark.parametrize(
    ("severity", "how_it_stands", "becomes", "why"),
    [
        # It calls for people: it is sent.
        (1, {}, Fate.SEND, ""),
        (2, {}, Fate.SEND, ""),
        # What was over before anybody was told is no less news: a crossing, buffered data.
        (2, {"condition": "ended", "ended_us": AT_US}, Fate.SEND, ""),
        (2, {"condition": "ended", "ended_us": AT_US - SECOND_US}, Fate.SEND, ""),
        # It needs nobody any more: stale pages are not sent.
        (2, {"handling": "acknowledged"}, Fate.SUPERSEDE, "not needed any more: somebody has taken it"),
        (3, {"handling": "in_progress"}, Fate.SUPERSEDE, "not needed any more: somebody has taken it"),
        (2, {"handling": "closed"}, Fate.SUPERSEDE, "not needed any more: it was closed"),
        (2, ENDED, Fate.SUPERSEDE, "not needed any more: it ended by itself"),
        (4, {"condition": "withdrawn"}, Fate.SUPERSEDE, "not needed any more: it was withdrawn"),
        # The end of a P1 is told instead, once.
        (1, ENDED, Fate.TELL_OVER, "it ended by itself"),
        # That somebody has taken a P1 does not end it: it is sent as it was raised, and says so.
        (1, {"handling": "acknowledged"}, Fate.SEND, ""),
        (1, {"handling": "in_progress", "newer": True}, Fate.SEND, ""),
        (1, {"topic": "escalation", "handling": "in_progress", "handled_since": True}, Fate.SEND, ""),
        (1, ENDED | {"handling": "acknowledged"}, Fate.TELL_OVER, "it ended by itself"),
        (1, {"handling": "acknowledged", "condition": "withdrawn"}, Fate.TELL_OVER, "it was withdrawn"),
        (1, {"handling": "closed"}, Fate.TELL_OVER, "it was closed"),
        (1, ENDED | {"newer": True}, Fate.SUPERSEDE, "a later message tells of it"),
        # It called again meanwhile: every P1 is told, of others the last call.
        (1, {"newer": True}, Fate.SEND, ""),
        (2, {"newer": True}, Fate.SUPERSEDE, "a later message says more"),
        # That it is overdue is told though somebody has taken it; that it is closed, not.
        (2, {"topic": "escalation", "handling": "acknowledged"}, Fate.SEND, ""),
        (2, {"topic": "escalation", "handling": "closed"}, Fate.SUPERSEDE, "not needed any more: it was closed"),
        (
            2,
            {"topic": "escalation", "handling": "in_progress", "handled_since": True},
            Fate.SUPERSEDE,
            "not needed any more: somebody has taken it",
        ),
        # Nobody is to be told through a channel that is off.
        (1, {"active": False}, Fate.SUPERSEDE, "the channel was switched off"),
        # A test is a test.
        (1, {"alert": None, "body": None, "at_us": None, "topic": None, "handling": None, "condition": None}, Fate.SEND, ""),
    ],
)
def test_what_becomes_of_a_delivery(severity: int, how_it_stands: dict[str, Any], becomes: Fate, why: str) -> None:
    assert fate(PAGE._replace(severity=severity, **how_it_stands)) == (becomes, why)


def test_a_message_is_a_kind_a_severity_a_reference_and_a_link() -> None:
    said = message.message(PAGE, "", "https://cordon.example/")
    assert said.id == PAGE.key
    assert said.type == "alert.raised"
    assert said.data == {
        "alert": 12,
        "kind": "exclusion",
        "severity": "P1",
        "taken": False,
        "raised_at": "2026-11-22T08:00:02Z",
        "link": "https://cordon.example/#alert=12",
    }
    assert message.message(PAGE, "", "").data["link"] is None


def test_what_others_write_into_a_message_does_not_slip_out() -> None:
    body = {"alert": 12, "kind": "exclusion", "severity": 1, "wearer": "Test Wearer", "zone": "Victim's home", "lon": -2.98}
    said = message.message(PAGE._replace(body=body, topic="Test Wearer"), "", "https://cordon.example")
    everything = json.dumps(said) + message.subject(said) + message.text(said)
    assert said.type == "alert.raised"
    assert not [secret for secret in ("Wearer", "Victim", "2.98") if secret in everything]


def test_the_end_is_another_message_than_the_page() -> None:
    """Its id is another one, too: a receiver that has the page already must not take its end for the same."""
    said = message.message(PAGE, "it was closed", "https://cordon.example")
    assert (said.id, said.type, said.data["because"]) == (f"{PAGE.key}_over", "alert.over", "it was closed")
    assert message.subject(said) == "Cordon P1: exclusion, alert 12 (over)"
    assert "Nobody need act any more: it was closed." in message.text(said)


def test_a_p1_that_somebody_has_taken_is_sent_as_raised_and_says_so() -> None:
    said = message.message(PAGE._replace(handling="acknowledged"), "", "https://cordon.example")
    assert (said.id, said.type, said.data["taken"]) == (PAGE.key, "alert.raised", True)
    assert message.subject(said) == "Cordon P1: exclusion, alert 12 (taken)"
    assert "Somebody has taken it; it is not over." in message.text(said)
    assert "Nobody need act" not in message.text(said)
    assert "Somebody has taken it" not in message.text(message.message(PAGE, "", ""))


def test_a_mail_says_what_to_do_and_is_the_same_in_every_try() -> None:
    letter = mail(message.message(PAGE, "", "https://cordon.example"), "cordon@monitor.example", "duty@example.org")
    assert letter["Subject"] == "Cordon P1: exclusion, alert 12"
    assert letter["Message-ID"] == "<msg_40_3_9f0c1d2e3a4b@monitor.example>"
    assert letter["Date"] == "Sun, 22 Nov 2026 08:00:02 +0000"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content() == (
        "P1 exclusion: alert 12 of 2026-11-22 08:00:02 UTC.\n\n"
        "Open it: https://cordon.example/#alert=12\n\n"
        "This message names nobody and no place; the console has the rest.\n"
    )
    again = mail(
        message.message(PAGE._replace(attempts=4), "", "https://cordon.example"), "cordon@monitor.example", "duty@example.org"
    )
    assert again.as_bytes() == letter.as_bytes()


def test_a_digest_is_numbers() -> None:
    numbers = {"p1": 1, "p2": 0, "p3": 2, "p4": 0, "untaken": 2, "raised": 5}
    written = PAGE._replace(topic="digest", alert=None, body=numbers | {"channel": 3, "wearer": "Test Wearer"}, handling=None)
    assert fate(written) == (Fate.SEND, "")
    said = message.message(written, "", "https://cordon.example")
    assert (said.type, said.data) == ("digest", numbers | {"link": "https://cordon.example/"})
    assert message.subject(said) == "Cordon: 3 open alerts"
    assert message.text(said) == (
        "Open: 1 P1, 0 P2, 2 P3, 0 P4; taken by nobody: 2.\nRaised within a day: 5.\n\nhttps://cordon.example/\n"
    )
    assert "Open the console." in message.text(message.message(written, "", ""))


def test_an_escalation_says_to_whom() -> None:
    body = {"alert": 12, "kind": "exclusion", "severity": 1, "level": 2, "to": "duty_manager"}
    said = message.message(PAGE._replace(topic="escalation", body=body), "", "")
    assert (said.type, said.data["level"], said.data["to"]) == ("alert.escalated", 2, "duty_manager")
    assert message.subject(said) == "Cordon P1: exclusion, alert 12 (escalated)"
    assert "it is escalated to level 2, duty manager." in message.text(said)
    assert "Open alert 12 in the console." in message.text(said)
    named = message.message(PAGE._replace(topic="escalation", body=body | {"to": "Officer Smith"}), "", "")
    assert named.data["to"] is None
    assert "Smith" not in message.text(named)
