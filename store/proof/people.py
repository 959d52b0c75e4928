"""The links of what people and the watch did: each is what it was, and so are the rows of histories and audit that it names."""

import json
from collections.abc import Sequence
from typing import Any

from model.instant import DAY_US, show
from store import chain, edits
from store.erasure import REDACTED
from store.heads import Signed
from store.pool import Connection
from store.proof.links import GENESIS, LINKS_AT_ONCE, parted
from store.proof.walked import Counts, MismatchError, Span, Walked, batches


async def walk(connection: Connection, span: Span, known: Sequence[Signed], walked: Walked, counts: Counts) -> None:
    """The chain of edits, and the rows they added to alerts' histories and to the audit."""
    due = {one.head.commit_no: one.head for one in known}
    before, last = GENESIS, 0
    erased = {row["id"] for row in await connection.fetch("SELECT id FROM wearer WHERE erased_at IS NOT NULL")}
    async for rows in batches(connection, "SELECT number, at, link, body FROM edit_link ORDER BY number", at_once=LINKS_AT_ONCE):
        asked = []
        for row in rows:
            body = json.loads(row["body"])
            right = chain.following(before, row["body"].encode()) == row["link"]
            if not right or (body["number"], body["at"]) != (row["number"], row["at"]) or row["number"] != last + 1:
                raise MismatchError(
                    "edit_link",
                    f"link {row['number']} of what people did ({show(row['at'])}) does not follow from link {last}: it was "
                    "changed, or one was taken out, put in or moved before it",
                    day=row["at"] // DAY_US,
                )
            head = due.pop(row["number"], None)
            if head is not None and head.link != row["link"]:
                raise parted(head, "its link is another: the chain was written anew")
            before, last = row["link"], row["number"]
            asked += [(row, *said) for said in body["rows"]]
        walked.edited.update((said[3], said[2]) for said in asked if said[1] == "alert_history")
        await _edited(connection, [said for said in asked if span.from_us <= said[0]["at"] < span.to_us], erased)
        counts.edits += len(rows)
    if due:
        raise parted(due[min(due)], f"the chain of what people did ends at {last}: links were taken out")


async def _edited(connection: Connection, asked: Sequence[Sequence[Any]], erased: set[int]) -> None:
    for table, keys in edits.KEYS.items():
        own = [said for said in asked if said[1] == table]
        if not own:
            continue
        columns = edits.COLUMNS[table]
        names = columns[:keys]
        types = ("bigint", "bigint", "integer")[:keys]
        given = ", ".join(f"${i}::{kind}[]" for i, kind in enumerate(types, 1))
        rows = await connection.fetch(
            f"""SELECT {", ".join(columns)} FROM {table} JOIN unnest({given}) AS asked ({", ".join(names)})
                USING ({", ".join(names)})""",  # noqa: S608 (constants)
            *([said[2 + i] for said in own] for i in range(keys)),
        )
        found = {tuple(row)[:keys]: row for row in rows}
        wearers: dict[int, int] = {}
        if table == "alert_history":
            of = await connection.fetch("SELECT id, wearer FROM alert WHERE id = ANY($1::bigint[])", [said[2] for said in own])
            wearers = {row["id"]: row["wearer"] for row in of}
        for said in own:
            key, digests = tuple(said[2 : 2 + keys]), list(said[2 + keys :])
            row = found.get(key)
            now = edits.row_digests(table, row) if row is not None else []
            if row is not None and row.get("text") == REDACTED and wearers.get(key[0]) in erased:
                now, digests = now[:1], digests[:1]  # people's words went with the wearer; the rest is held to its digest
            if now != digests:
                what = "is not as it was written" if row is not None else "is gone"
                where = ", ".join(f"{name} {value}" for name, value in zip(names, key, strict=True))
                text = f"the row of {table} with {where} {what} (edit {said[0]['number']}, {show(said[0]['at'])})"
                raise MismatchError(table, text, day=said[0]["at"] // DAY_US)
