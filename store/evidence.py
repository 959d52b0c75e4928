"""Turns an alert's id into all it was judged by: zone versions, orders and fittings, its links in the chain, who looked."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg

from model.instant import BEGINNING_US
from model.setting import Setting
from store import alerts, chain, heads, settings
from store.alerts import Detail
from store.authority import NOW
from store.heads import Signed
from store.pool import Connection, Store


class Place(NamedTuple):
    """Where in the chain an entry of a history stands."""

    lane: int
    commit_no: int
    at_us: int
    link: bytes
    head: Signed | None  # the first signed after it


class Bundle(NamedTuple):
    """One alert and everything around it."""

    detail: Detail
    versions: Mapping[tuple[int, int], asyncpg.Record]  # rows of zone_version by (zone, version)
    orders: Sequence[asyncpg.Record]
    fitted: Sequence[asyncpg.Record]
    looked: Sequence[asyncpg.Record]  # rows of the audit about it
    places: Mapping[int, Place]  # by position in the feed
    settings: Sequence[Setting] = ()  # every version that there ever was
    spans: Sequence[tuple[int, int, int, int]] = ()  # as store.settings.spans


async def bundle(store: Store, alert: int) -> Bundle:
    """All of an alert; raises ``MissingError``."""
    detail = await alerts.get(store, alert)
    async with store.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        named = {(row["zone"], row["zone_version"]) for row in [detail.alert, *detail.evidence] if row["zone"]}
        rows = await versions(connection, named)
        orders = await connection.fetch(
            f"""SELECT id, type, status_at(o, {NOW}) AS status, timezone, risk, starts, ends, version FROM monitoring_order o
               WHERE id = $2 OR id IN (SELECT monitoring_order FROM alert_occurrence WHERE alert = $1) ORDER BY id""",  # noqa: S608 (constant)
            alert,
            detail.alert["monitoring_order"],
        )
        fitted = await connection.fetch(
            """SELECT tag, wearer, fitted_from, fitted_to FROM activation
               WHERE wearer = $2 AND tag IN (SELECT tag FROM alert_occurrence WHERE alert = $1) ORDER BY fitted_from""",
            alert,
            detail.alert["wearer"],
        )
        looked = await connection.fetch(
            """SELECT u.at, u.actor, a.name AS actor_name, u.action, u.details FROM audit u LEFT JOIN account a ON a.id = u.actor
               WHERE u.subject = $1 ORDER BY u.part""",
            f"alert/{alert}",
        )
        places = {row["position"]: await _place(connection, alert, row["position"]) for row in detail.history}
        said = await settings.load(connection, BEGINNING_US)
        spans = await settings.spans(connection, [detail.alert["wearer"]])
    stand = {at: place for at, place in places.items() if place is not None}
    return Bundle(detail, rows, orders, fitted, looked, stand, said, spans)


async def versions(connection: Connection, named: set[tuple[int, int]]) -> dict[tuple[int, int], asyncpg.Record]:
    """Zone versions by (zone, version), as they stand in the table."""
    rows = await connection.fetch(
        """SELECT v.*, a.name AS recorded_name FROM zone_version v LEFT JOIN account a ON a.id = v.recorded_by
           JOIN unnest($1::bigint[], $2::integer[]) AS asked (zone, version) USING (zone, version)""",
        *([pair[column] for pair in named] for column in range(2)),
    )
    return {(row["zone"], row["version"]): row for row in rows}


async def _place(connection: Connection, alert: int, position: int) -> Place | None:
    """The link that holds an entry; None for what people did, and what is no lane's."""
    row = await connection.fetchrow(
        """SELECT lane, commit_no, at, link, body::jsonb AS body, base FROM commit_told JOIN commit_link USING (lane, commit_no)
           WHERE base < $1 ORDER BY base DESC LIMIT 1""",
        position,
    )
    if row is None:
        return None
    said: list[list[Any]] = row["body"].get("history", [])
    at = position - row["base"] - 1
    if at >= len(said) or said[at][0] != alert:
        return None
    head = await connection.fetchrow(
        """SELECT lane, day, commit_no, link, key, signature FROM day_head WHERE lane = $1 AND commit_no >= $2
           ORDER BY day LIMIT 1""",
        *(row["lane"], row["commit_no"]),
    )
    signed = None if head is None else Signed(heads.Head(*tuple(head)[:4]), head["key"], head["signature"])
    return Place(row["lane"], row["commit_no"], row["at"], row["link"], signed)


async def histories(connection: Connection, after: int, limit: int) -> list[Detail]:
    """The next alerts about wearers by id, each with evidence and history: for those who judge all of them again."""
    rows = await connection.fetch("SELECT * FROM alert WHERE wearer > 0 AND id > $1 ORDER BY id LIMIT $2", after, limit)
    numbers = [row["id"] for row in rows]
    found: list[dict[int, list[asyncpg.Record]]] = []
    for table, columns in (("alert_evidence", chain.EVIDENCE), ("alert_history", chain.HISTORY)):
        of: dict[int, list[asyncpg.Record]] = {number: [] for number in numbers}
        for one in await connection.fetch(
            f"""SELECT position, part, {", ".join(columns)} FROM {table} WHERE alert = ANY($1::bigint[])
                ORDER BY position, part""",  # noqa: S608 (constants)
            numbers,
        ):
            of[one["alert"]].append(one)
        found.append(of)
    evidence, history = found
    return [Detail(row, evidence[row["id"]], history[row["id"]]) for row in rows]
