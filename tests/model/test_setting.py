"""Numbers that may be set: what is refused, in which words, and what relaxes."""

from pathlib import Path
from typing import Any

import pytest

from model.batch import Rejected
from model.setting import NAMES, Scope, document, parse, relaxed, said, strictest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("sent", "scope", "reason"),
    [
        ({"no_contact": {"standard_min": 4}}, "all", "no_contact.standard_min is 4, and may be 5 min to 1440 min"),
        ({"no_contact": {"standard_min": 45.5}}, "all", "no_contact.standard_min is a whole number (min)"),
        ({"no_contact": {"standard_min": True}}, "all", "no_contact.standard_min is a whole number (min)"),
        ({"no_contact": {"severity": 5}}, "all", "no_contact.severity is 5, and may be P1 to P4"),
        (
            {"no_contact": {"standard_min": None}},
            "all",
            "no_contact.standard_min cannot be without a value: leave it out, and what stands above it holds",
        ),
        (
            {"no_contact": {"minutes": 4}},
            "all",
            "no_contact has no number 'minutes': it has standard_min, victim_min, home_min, severity",
        ),
        (
            {"no_contact": {"standard_min": 45}},
            "zone",
            "no_contact.standard_min is set for everyone or an order type or an order, not for a zone",
        ),
        ({"no_contact": 45}, "all", 'no_contact has numbers by name: write {"no_contact": {"standard_min": ...}}'),
        ({"second_person": {"zones": 0}}, "type", "second_person.zones is true or false"),
        ({"cap": {"day_h": 20}}, "order", "cap.day_h is set for an order type, not for an order"),
    ],
)
def test_what_cannot_be_set_is_refused_with_a_sentence(sent: dict[str, Any], scope: Scope, reason: str) -> None:
    refused = parse(sent, scope)
    assert isinstance(refused, Rejected)
    assert refused.reason == reason


def test_a_kind_that_is_none_is_refused_with_those_that_are() -> None:
    refused = parse({"nocontact": {}}, "all")
    assert isinstance(refused, Rejected)
    assert refused.reason.startswith("nothing of the kind 'nocontact' can be set: the kinds are again, approach, ")


def test_what_is_set_comes_back_as_it_was_sent() -> None:
    sent = {"clocks": {"contact_p1_min": None}, "no_contact": {"home_min": 90, "standard_min": 45}}
    values = parse(sent, "order")
    assert values == {"clocks.contact_p1_min": None, "no_contact.home_min": 90, "no_contact.standard_min": 45}
    assert document(values) == sent


def test_what_asks_less_is_named_and_what_asks_more_is_not() -> None:
    before = {"no_contact.standard_min": 60, "battery_low.percent": 10, "cap.day_h": 20, "second_person.zones": True}
    assert (
        relaxed(before, {"no_contact.standard_min": 45, "battery_low.percent": 20, "cap.day_h": 12, "second_person.zones": True})
        == []
    )
    assert relaxed(
        before, {"no_contact.standard_min": 90, "battery_low.percent": 5, "cap.day_h": None, "second_person.zones": False}
    ) == [
        "Battery low, at or below, and not charging: would be 5 %, no longer 10 %",
        "Cap, the most hours a day that curfews may ask for: would be no limit, no longer 20 h",
        "No contact, without any message: would be 90 min, no longer 60 min",
        "Second person, for what relaxes a zone: would be no, no longer yes",
    ]


def test_every_default_may_be_set_where_its_name_may() -> None:
    for key, one in NAMES.items():
        kind, name = key.split(".")
        assert parse({kind: {name: one.default}}, one.scopes[0]) == {key: one.default}
        assert strictest(one, [one.default, None]) == one.default


def test_the_page_lists_every_number_as_it_is() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    for one in NAMES.values():
        span = "yes, no" if one.unit == "yes/no" else f"{said(one, one.least)} to {said(one, one.most)}"
        span += ", or null" if one.optional else ""
        told = (said(one, one.default), span, one.stricter, ", ".join(one.scopes), one.says)
        assert " | ".join([f"| `{one.kind}` | `{one.name}`", *told]) + " |" in page
