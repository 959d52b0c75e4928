"""Turns a stored change that waits for a second person into what is answered."""

from typing import Any, Final, Literal

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from api.fields import Instant, Person, Row, person
from model.instant import show
from model.setting import NAMES, Values, document, named_anew, said

EXAMPLE: Final[dict[str, Any]] = {
    "id": 6,
    "kind": "zone",
    "subject": 4,
    "name": "School",
    "version": 1,
    "state": "waiting",
    "relaxes": "The zone would end.",
    "change": None,
    "wearer": "Test Wearer",
    "before": {"type": "Feature", "properties": {"name": "School", "purpose": "victim", "buffer_m": 0}},
    "numbers": [],
    "requested_by": {"id": 2, "name": "officer"},
    "requested_at": "2026-11-22T08:00:00Z",
    "decided_by": None,
    "decided_at": None,
}

CHANGES: Final = "/api/v1/changes"  # where they are decided

Kind = Literal["zone", "curfew", "wearer", "group", "absence", "settings"]
State = Literal["waiting", "approved", "refused", "overtaken"]


class Waiting(BaseModel):
    """A change that relaxes what is asked of wearers, asked for by one person, for another to decide."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: int
    kind: Kind = Field(description="absence: a long one, that lifts a curfew")
    subject: int = Field(
        description="id of the zone, curfew, wearer, group, place where numbers are set; of an absence that of the curfew"
    )
    name: str | None = Field(
        description="of the zone, group or wearer; of a curfew or an absence, the wearer's; of settings, whose"
    )
    version: int = Field(description="of the subject, that it was asked for")
    state: State
    relaxes: str = Field(description="in what, one sentence")
    change: dict[str, Any] | None = Field(description="what would be saved; null: it would end")
    wearer: str | None = Field(description="whom it concerns: a wearer's name, a zone's group, everyone; null: several")
    before: dict[str, Any] | None = Field(
        description="while it waits, what stands there now, as `change`; null where nothing does, or a decision was made"
    )
    numbers: list[str] = Field(description="of settings, each number that would change, in words: from what to what")
    requested_by: Person
    requested_at: Instant
    decided_by: Person | None
    decided_at: Instant | None


WAITS: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": Waiting, "description": "It asks less of a wearer, and waits for a second person"}
}


def waiting(row: Row) -> Waiting:
    """A stored change."""
    state: State = "approved" if row["approved"] else "refused"
    if row["approved"] is None:
        state = "overtaken" if row["overtaken"] else "waiting"
    fields = row["fields"]
    if fields is not None and row["kind"] == "zone":
        fields = fields["feature"]
    elif fields is not None and row["kind"] == "curfew":
        fields = {name: value for name, value in fields.items() if name != "timetable"} | fields["timetable"]
    elif fields is not None and row["kind"] == "absence":
        fields = {"from": show(fields["from_us"]), "to": show(fields["to_us"])} | {
            name: fields[name] for name in ("authoriser", "reason")
        }
    numbers: list[str] = []
    before = row["before"]
    if row["kind"] == "settings":
        numbers = [] if before is None else _numbers(before, fields)
        before, fields = None if before is None else document(before), document(fields)
    return Waiting(
        state=state,
        change=fields,
        wearer=row["wearer_name"],
        before=before,
        numbers=numbers,
        requested_by=Person(id=row["requested_by"], name=row["requested_name"]),
        decided_by=person(row["decided_by"], row["decided_name"]),
        **{name: row[name] for name in ("id", "kind", "subject", "name", "version", "relaxes", "requested_at", "decided_at")},
    )


def _numbers(before: Values, after: Values) -> list[str]:
    """Each number that a place would say otherwise; what it does not say is as the place above has it."""

    def said_by(values: Values, key: str) -> str:
        return said(NAMES[key], values[key]) if key in values else "as set above it"

    return [
        f"{NAMES[key].title}: {said_by(before, key)}, then {said_by(after, key)}" for key in sorted(named_anew(before, after))
    ]


def accepted(row: Row | None) -> Any:
    """The answer to what waits: 202, and where it is decided."""
    assert row is not None
    asked = waiting(row)
    return Response(asked.model_dump_json(), 202, {"Location": f"{CHANGES}/{asked.id}"}, "application/json")
