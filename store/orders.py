"""Orders as rows: the authority to monitor. Every change of one is a control change, because nothing is judged without it."""

from typing import Any, Final, NamedTuple

import asyncpg

from store import audit, authority, curfews
from store.authority import NOW, WORD
from store.feed import Edit
from store.pool import Store
from store.refusal import ConflictError, DanglingError, StaleError, found

SELECT: Final = f"""
SELECT o.id, o.wearer, o.officer, o.organisation, o.type, status_at(o, {NOW}) AS status, o.timezone, o.risk, o.starts, o.ends,
    o.fit_by, o.version, o.created_at,
    ARRAY(SELECT number FROM order_change c WHERE c.monitoring_order = o.id AND c.decision IS NULL ORDER BY number) AS pending
FROM monitoring_order o"""  # noqa: S608 (constant)

# What a client may set of the order's own row, in the order of the statements' parameters; its status is told apart.
FIELDS: Final = ("wearer", "officer", "type", "timezone", "risk", "starts", "ends", "fit_by")


async def page(store: Store, *, wearer: int | None, status: str | None, after: int, limit: int) -> list[asyncpg.Record]:
    """By id, those after ``after``."""
    return await store.pool.fetch(
        f"""{SELECT} WHERE o.id > $1 AND ($2::bigint IS NULL OR o.wearer = $2)
                       AND ($3::text IS NULL OR status_at(o, {NOW}) = $3) ORDER BY o.id LIMIT $4""",
        after,
        wearer,
        status,
        limit,
    )


async def get(store: Store, order: int) -> asyncpg.Record:
    """One order; raises ``MissingError``."""
    return found(await store.pool.fetchrow(f"{SELECT} WHERE o.id = $1", order), "order", order)


async def add(change: Edit, fields: dict[str, Any]) -> asyncpg.Record:
    """Create one from all of ``FIELDS`` and ``status``, with what is known of ``WORD`` and of earlier ``statuses``.

    Raises
    ------
    DanglingError, ConflictError
        If wearer or officer do not exist; if it would end before it starts.
    """
    _check_span(fields)
    try:
        order: int = await change.connection.fetchval(
            f"""INSERT INTO monitoring_order ({", ".join(FIELDS)}, status, organisation)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce((SELECT organisation FROM account WHERE id = $10), 1))
                RETURNING id""",  # noqa: S608
            *(*(fields[name] for name in FIELDS), fields["status"], change.actor),
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise _dangling(error, fields) from None
    told = {name: fields.get(name) for name in WORD}
    await authority.record(change, order, fields["status"], told | {"in_force_from": told["in_force_from"] or fields["starts"]})
    for said in fields.get("statuses", ()):
        await authority.record(change, order, said["status"], said)
    change.entry("control", order, "order")
    audit.done(change, "created", f"order/{order}")
    return await _read(change, order)


class Varied(NamedTuple):
    """The order as it then stands, and what of the variation waits for a second person; nothing: it was done."""

    order: asyncpg.Record
    relaxes: list[str]


async def edit(change: Edit, order: int, version: int, fields: dict[str, Any], words: str = "") -> Varied:
    """Change some of ``FIELDS``, or the status with its ``WORD``; at once, unless it relaxes the order.

    Raises
    ------
    MissingError, StaleError, DanglingError, ConflictError
    """
    known = await locked(change, order)
    if known["version"] != version:
        raise StaleError("order", order)
    if fields.get("wearer", known["wearer"]) != known["wearer"]:
        raise ConflictError(f"order {order} is another wearer's: end it and create one for this wearer")
    _check_span({name: fields.get(name, known[name]) for name in ("starts", "ends")})
    if fields.get("officer") is not None:
        await _check_officer(change, fields["officer"])
    was = await authority.stand(change.connection, order)
    would = await _tried(change, known, fields)
    relaxes = await authority.vary(change, known, fields, words, was, would)
    if relaxes:
        return Varied(await _read(change, order), relaxes)
    return Varied(await _apply(change, known, fields), [])


async def decide(change: Edit, order: int, number: int, *, applied: bool, words: str) -> asyncpg.Record:
    """Approve or refuse a variation that waits; the order as it then stands.

    Raises
    ------
    MissingError, ConflictError
    """
    known = await locked(change, order)
    fields = await authority.decide(change, known, number, applied=applied, words=words)
    if not applied:
        change.entry("order", order, "refused")
        return await _read(change, order)
    return await _apply(change, known, fields)


async def locked(change: Edit, order: int) -> asyncpg.Record:
    """One order that nobody changes until this transaction ends; raises ``MissingError``."""
    return found(await change.connection.fetchrow(f"{SELECT} WHERE o.id = $1 FOR UPDATE OF o", order), "order", order)


async def _tried(change: Edit, known: asyncpg.Record, fields: dict[str, Any]) -> authority.Stand:
    """How the order would stand; what is written for that is taken back."""
    async with change.tried():
        await _write(change, known, fields)
        return await authority.stand(change.connection, known["id"])


async def _apply(change: Edit, known: asyncpg.Record, fields: dict[str, Any]) -> asyncpg.Record:
    order = known["id"]
    await _write(change, known, fields)
    row = await _read(change, order)
    entry = change.entry("control", order, "order")
    if (row["timezone"], row["risk"]) != (known["timezone"], known["risk"]):
        await curfews.follow(change, order)
    audit.done(change, "edited", f"order/{order}", entry, version=row["version"], fields=sorted(fields), status=row["status"])
    return row


async def _write(change: Edit, known: asyncpg.Record, fields: dict[str, Any]) -> None:
    order = known["id"]
    await change.connection.execute(
        """UPDATE monitoring_order SET officer = $2, type = $3, timezone = $4, risk = $5, starts = $6, ends = $7, fit_by = $8,
               version = version + 1 WHERE id = $1""",
        *(order, *(fields.get(name, known[name]) for name in FIELDS[1:])),
    )
    if "status" in fields:
        await authority.record(change, order, fields["status"], fields)
    if fields.keys() & {"type", "timezone", "starts"}:
        await curfews.fit(change.connection, order)


async def _read(change: Edit, order: int) -> asyncpg.Record:
    row = await change.connection.fetchrow(f"{SELECT} WHERE o.id = $1", order)
    assert row is not None
    return row


def _check_span(fields: dict[str, Any]) -> None:
    if fields["ends"] is not None and fields["ends"] <= fields["starts"]:
        raise ConflictError("the order would end before it starts: correct starts or ends")


async def _check_officer(change: Edit, officer: int) -> None:
    """A variation may wait for days: what it names has to be there when it is proposed."""
    if await change.connection.fetchval("SELECT 1 FROM account WHERE id = $1", officer) is None:
        raise DanglingError("officer", "account", officer)


def _dangling(error: asyncpg.ForeignKeyViolationError, fields: dict[str, Any]) -> DanglingError:
    if "officer" in str(error.constraint_name):
        return DanglingError("officer", "account", fields["officer"])
    return DanglingError("wearer", "wearer", fields["wearer"])
