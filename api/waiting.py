"""Turns a stored change that waits for a second person into what is answered."""

from typing import Any, Final, Literal

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from api.fields import Instant, Person, Row, person

EXAMPLE: Final[dict[str, Any]] = {
    "id": 6,
    "kind": "zone",
    "subject": 4,
    "version": 1,
    "state": "waiting",
    "relaxes": "The zone would end.",
    "change": None,
    "requested_by": {"id": 2, "name": "officer"},
    "requested_at": "2026-11-22T08:00:00Z",
    "decided_by": None,
    "decided_at": None,
}

CHANGES: Final = "/api/v1/changes"  # where they are decided

State = Literal["waiting", "approved", "refused", "overtaken"]


class Waiting(BaseModel):
    """A change that relaxes what is asked of wearers, asked for by one person, for another to decide."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: int
    kind: Literal["zone", "wearer", "group", "absence"] = Field(description="absence: a long one, that lifts a curfew")
    subject: int = Field(description="id of the zone, wearer, group; of an absence that of the curfew")
    version: int = Field(description="of the subject, that it was asked for")
    state: State
    relaxes: str = Field(description="in what, one sentence")
    change: dict[str, Any] | None = Field(description="what would be saved; null: the zone would end")
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
    return Waiting(
        state=state,
        change=fields["feature"] if fields is not None and row["kind"] == "zone" else fields,
        requested_by=Person(id=row["requested_by"], name=row["requested_name"]),
        decided_by=person(row["decided_by"], row["decided_name"]),
        **{name: row[name] for name in ("id", "kind", "subject", "version", "relaxes", "requested_at", "decided_at")},
    )


def accepted(row: Row | None) -> Any:
    """The answer to what waits: 202, and where it is decided."""
    assert row is not None
    asked = waiting(row)
    return Response(asked.model_dump_json(), 202, {"Location": f"{CHANGES}/{asked.id}"}, "application/json")
