"""Visits as rows: planned with a window, attempted until one is done; what is done at the door changes who wears what.

Each sign-in and sign-out is a control change: the judge lets an opened strap join the visit, and a proven one end its alert.
"""

from typing import Any, Final

import asyncpg

from model.event import EventKind
from model.instant import FOREVER_US
from store import activations, audit
from store.feed import Edit
from store.pool import Connection, Store
from store.refusal import ConflictError, DanglingError, StaleError, found

# What a client may set of the plan, in the order of the statements' parameters.
PLAN: Final = ("tag", "new_tag", "officer", "window_from", "window_to", "note")
# What a client says of an attempt.
SIGN_OUT: Final = ("signed_out", "outcome", "strap_proven", "range_test", "remark")
DOOR: Final = ("signed_in", *SIGN_OUT)

STATUS: Final = """CASE WHEN v.cancelled_at IS NOT NULL THEN 'cancelled'
    WHEN v.done THEN 'done'
    WHEN EXISTS (SELECT 1 FROM visit_attempt a WHERE a.visit = v.id AND a.signed_out IS NULL) THEN 'at_door'
    ELSE 'planned' END"""

VIEW: Final = f"""
SELECT * FROM (SELECT v.*, w.name AS wearer_name, o.name AS officer_name, {STATUS} AS status
               FROM visit v JOIN wearer w ON w.id = v.wearer LEFT JOIN account o ON o.id = v.officer) v"""  # noqa: S608

# What joins a visit: the tampers it accounts for, and their clears.
JOINED: Final = (
    EventKind.STRAP_TAMPER,
    EventKind.STRAP_TAMPER_CLEAR,
    EventKind.CASE_TAMPER,
    EventKind.CASE_TAMPER_CLEAR,
)


async def page(
    connection: Connection, *, wearer: int | None, status: str | None, officer: int | None, after: int, limit: int
) -> list[asyncpg.Record]:
    """By id, those after ``after``."""
    return await connection.fetch(
        f"""{VIEW} WHERE v.id > $1 AND ($2::bigint IS NULL OR v.wearer = $2) AND ($3::text IS NULL OR v.status = $3)
                     AND ($4::bigint IS NULL OR v.officer = $4) ORDER BY v.id LIMIT $5""",
        *(after, wearer, status, officer, limit),
    )


async def standing(store: Store, until_us: int, limit: int) -> list[asyncpg.Record]:
    """So many of those under way or to begin before a time, the newest of these, what was due first on top."""
    rows = await store.pool.fetch(
        f"""{VIEW} WHERE v.status IN ('at_door', 'planned') AND v.window_from < $1
                  AND v.cancelled_at IS NULL AND NOT v.done
            ORDER BY v.status, v.window_from DESC, v.id DESC LIMIT $2""",
        *(until_us, limit),
    )
    return sorted(rows, key=lambda row: (row["window_from"], row["id"]))


async def attempts(connection: Connection, visits: list[int]) -> dict[int, list[asyncpg.Record]]:
    """The attempts of some visits, in order."""
    rows = await connection.fetch(
        """SELECT a.*, p.name AS by_name FROM visit_attempt a LEFT JOIN account p ON p.id = a.by
           WHERE visit = ANY ($1::bigint[]) ORDER BY visit, number""",
        visits,
    )
    found: dict[int, list[asyncpg.Record]] = {visit: [] for visit in visits}
    for row in rows:
        found[row["visit"]].append(row)
    return found


async def get(connection: Connection, visit: int) -> asyncpg.Record:
    """One visit; raises ``MissingError``."""
    return found(await connection.fetchrow(f"{VIEW} WHERE v.id = $1", visit), "visit", visit)


async def joined(connection: Connection, visit: int) -> list[asyncpg.Record]:
    """Strap and case events of the tags it is about, from each sign-in to its sign-out."""
    return await connection.fetch(
        """SELECT DISTINCT e.tag, e.at, e.received_at, e.kind FROM visit v
           JOIN visit_attempt a ON a.visit = v.id
           JOIN LATERAL (SELECT unnest(array_remove(ARRAY[v.tag, v.new_tag], NULL)) AS tag
                         UNION SELECT x.tag FROM activation x WHERE v.tag IS NULL AND x.wearer = v.wearer
                           AND x.fitted_from < coalesce(a.signed_out, $2) AND coalesce(x.fitted_to, $2) > a.signed_in
                        ) AS worn ON true
           JOIN event e ON e.tag = worn.tag AND e.at >= a.signed_in AND e.at < coalesce(a.signed_out, $2)
             AND e.kind = ANY ($3::smallint[])
           WHERE v.id = $1 ORDER BY e.at, e.tag, e.kind""",
        visit,
        FOREVER_US,
        list(JOINED),
    )


async def add(change: Edit, wearer: int, kind: str, fields: dict[str, Any]) -> asyncpg.Record:
    """Plan one, and record what is said of its first attempt.

    Parameters
    ----------
    fields : all of ``PLAN``; of ``DOOR`` what is known

    Raises
    ------
    DanglingError, ConflictError
        If there is no such wearer or officer; if what was done contradicts who wears what.
    """
    _check_window(fields)
    _check_swap(kind, fields["new_tag"])
    try:
        number: int = await change.connection.fetchval(
            f"""INSERT INTO visit (wearer, kind, {", ".join(PLAN)})
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id""",  # noqa: S608
            *(wearer, kind, *(fields[name] for name in PLAN)),
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise _dangling(error, wearer, fields) from None
    await _attempt(change, number, fields)
    return await _told(change, number, "created", fields)


async def edit(change: Edit, visit: int, version: int, fields: dict[str, Any]) -> asyncpg.Record:
    """Change the plan, sign in, sign out, or call it off.

    Raises
    ------
    MissingError, StaleError, DanglingError, ConflictError
    """
    await change.connection.execute("SELECT 1 FROM visit WHERE id = $1 FOR UPDATE", visit)
    known = await get(change.connection, visit)
    if known["version"] != version:
        raise StaleError("visit", visit)
    if known["status"] in {"done", "cancelled"}:
        raise ConflictError(f"visit {visit} is {known['status']}: plan another one")
    cancelled = bool(fields.get("cancelled"))
    if cancelled and known["status"] == "at_door":
        raise ConflictError(f"somebody has signed in to visit {visit}: sign out first")
    whole = {name: fields.get(name, known[name]) for name in PLAN}
    _check_window(whole)
    _check_swap(known["kind"], whole["new_tag"])
    try:
        await change.connection.execute(
            """UPDATE visit SET tag = $2, new_tag = $3, officer = $4, window_from = $5, window_to = $6, note = $7,
                      cancelled_at = CASE WHEN $8 THEN now() END, version = version + 1 WHERE id = $1""",
            *(visit, *whole.values(), cancelled),
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise _dangling(error, known["wearer"], whole) from None
    await _attempt(change, visit, fields)
    return await _told(change, visit, "cancelled" if cancelled else "edited", fields)


async def _attempt(change: Edit, visit: int, fields: dict[str, Any]) -> None:
    """Record a sign-in, a sign-out, or both."""
    row = await change.connection.fetchrow(
        "SELECT number, signed_in, signed_out FROM visit_attempt WHERE visit = $1 ORDER BY number DESC LIMIT 1", visit
    )
    last = None if row is None else dict(row)
    if fields.get("signed_in") is not None:
        if last is not None and last["signed_out"] is None:
            raise ConflictError(f"somebody has signed in to visit {visit} already: sign out first")
        if last is not None and fields["signed_in"] < last["signed_out"]:
            raise ConflictError("signed_in is before the last attempt was over: correct it")
        number = 1 if last is None else last["number"] + 1
        await change.connection.execute(
            "INSERT INTO visit_attempt (visit, number, by, signed_in) VALUES ($1, $2, $3, $4)",
            *(visit, number, change.actor, fields["signed_in"]),
        )
        last = {"number": number, "signed_in": fields["signed_in"], "signed_out": None}
    if fields.get("signed_out") is None:
        return
    if last is None or last["signed_out"] is not None:
        raise ConflictError(f"nobody has signed in to visit {visit}: send signed_in as well")
    if fields["signed_out"] < last["signed_in"]:
        raise ConflictError("signed_out is before signed_in: correct one of them")
    await change.connection.execute(
        """UPDATE visit_attempt SET signed_out = $3, outcome = $4, strap_proven = $5, range_test = $6, note = $7
           WHERE visit = $1 AND number = $2""",
        *(visit, last["number"], fields["signed_out"], fields["outcome"], bool(fields.get("strap_proven"))),
        *(fields.get("range_test"), fields.get("remark") or ""),
    )
    if fields["outcome"] == "done":
        await change.connection.execute("UPDATE visit SET done = true WHERE id = $1", visit)
        await _done(change, visit, fields["signed_out"])


async def _done(change: Edit, visit: int, at_us: int) -> None:
    """What was fitted is worn from sign-out, what was taken off until then."""
    row = await get(change.connection, visit)
    kind, tag = row["kind"], row["tag"]
    if kind in {"swap", "remove"}:
        worn = await change.connection.fetch(
            """SELECT id, tag, version FROM activation WHERE wearer = $1 AND fitted_to IS NULL AND fitted_from < $2
               AND ($3::bigint IS NULL OR tag = $3) ORDER BY id""",
            *(row["wearer"], at_us, tag),
        )
        if len(worn) != 1:
            which = "tag" if tag is None else f"tag {tag}"
            found = f"the wearer wears no {which}" if not worn else "the wearer wears several tags"
            raise ConflictError(f"{found}: name in tag which one was taken off, and correct its activation if that is wrong")
        await activations.edit(change, worn[0]["id"], worn[0]["version"], {"fitted_to": at_us})
        if tag is None:
            await change.connection.execute("UPDATE visit SET tag = $2 WHERE id = $1", visit, worn[0]["tag"])
    fitted = {"fit": tag, "swap": row["new_tag"]}
    if kind in fitted:
        if fitted[kind] is None:
            raise ConflictError(f"which tag was fitted? Send {'tag' if kind == 'fit' else 'new_tag'}")
        await activations.add(change, row["wearer"], fitted[kind], at_us, None)


async def _told(change: Edit, visit: int, what: str, fields: dict[str, Any]) -> asyncpg.Record:
    row = await get(change.connection, visit)
    attempted = any(fields.get(name) is not None for name in DOOR)
    # Only work at the door concerns the judge; a tag that is named later tells it whose straps that was about.
    change.entry("control" if attempted or row["status"] == "at_door" else "visit", visit, "visit")
    audit.done(
        change,
        what,
        f"visit/{visit}",
        version=row["version"],
        wearer=row["wearer"],
        status=row["status"],
        fields=sorted(name for name, value in fields.items() if value is not None),
        outcome=fields.get("outcome"),
    )
    return row


async def redact(change: Edit, wearer: int, word: str) -> None:
    """Put a word in place of what was written of visits to a wearer."""
    await change.connection.execute("UPDATE visit SET note = $2 WHERE wearer = $1 AND note <> ''", wearer, word)
    await change.connection.execute(
        "UPDATE visit_attempt SET note = $2 FROM visit WHERE visit.id = visit AND wearer = $1 AND visit_attempt.note <> ''",
        *(wearer, word),
    )


def _check_window(fields: dict[str, Any]) -> None:
    if fields["window_to"] <= fields["window_from"]:
        raise ConflictError("the visit's window would end before it begins: correct from or to")


def _check_swap(kind: str, new_tag: int | None) -> None:
    if new_tag is not None and kind != "swap":
        raise ConflictError(f"new_tag is what a swap fits instead; a visit to {kind} has only tag")


def _dangling(error: asyncpg.ForeignKeyViolationError, wearer: int, fields: dict[str, Any]) -> DanglingError:
    if "officer" in str(error.constraint_name):
        return DanglingError("officer", "account", fields["officer"])
    return DanglingError("wearer", "wearer", wearer)
