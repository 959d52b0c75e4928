"""Histories and outcomes into figures: how soon people answered, clock by clock, and how much of what was raised was noise.

A *call* is an entry of an alert's history that started its clocks: it says when each of them runs out (store/commit.py). What
stopped a clock is the first thing people did afterwards that does; a contact as it was corrected.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from store.incidents import ACKNOWLEDGE_US
from store.pool import Connection, Store
from store.refusal import TooMuchError

MOST_S: Final = 30.0  # a figure is read for so long: who asks for more keeps a connection and the disk from those on shift


@asynccontextmanager
async def reading(store: Store) -> AsyncIterator[Connection]:
    """A connection to read figures by, each within ``MOST_S``.

    Raises
    ------
    TooMuchError
        If one takes longer.
    """
    try:
        async with store.pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute(f"SET LOCAL statement_timeout = {round(MOST_S * 1000)}")
            yield connection
    except asyncpg.QueryCanceledError:
        detail = f"this span holds more than can be counted in {MOST_S:g} s: ask for a shorter one"
        raise TooMuchError(detail) from None


# By when, of each call in a span, and when that was stopped. What concerns no wearer is called by the watch, which has one clock.
# One that an outage held, of which nobody was told meanwhile, is counted from its release (store.alerts.HELD), and not before.
_CALLS: Final = """
WITH told AS (
    SELECT h.alert, h.position, h.at + own.held AS at, a.kind, a.wearer, h.details, own.held
    FROM alert_history h JOIN alert a ON a.id = h.alert
    CROSS JOIN LATERAL (SELECT CASE WHEN a.kind = 'no_contact' AND (h.details ->> 'severity')::integer > 1
        THEN held_for(h.alert, (SELECT count(*) FROM alert_history e WHERE e.alert = h.alert AND e.position <= h.position
            AND e.actor IS NULL AND e.details ? 'due_acknowledge_us')::integer) ELSE interval '0' END AS held) own
    WHERE h.at >= $1 AND h.at < $2 AND h.actor IS NULL AND (a.wearer > 0 OR a.wearer IS NULL)
      AND (h.details ? 'due_acknowledge_us' OR a.wearer IS NULL AND h.what = 'opened') AND own.held IS NOT NULL
), call AS (
    SELECT h.alert, h.position, h.at, h.kind, h.wearer, h.held,
           (h.details ->> 'due_acknowledge_us')::bigint AS acknowledge, (h.details ->> 'due_contact_us')::bigint AS contact,
           (h.details ->> 'due_decision_us')::bigint AS decision
    FROM told h
), clock AS (
    SELECT call.alert, call.position, call.at, call.kind, given.clock, given.due
    FROM call CROSS JOIN LATERAL (VALUES
        ('acknowledge', CASE WHEN wearer IS NULL THEN at + make_interval(secs => $3)
                        ELSE timestamptz 'epoch' + interval '1 us' * acknowledge + held END),
        ('contact', timestamptz 'epoch' + interval '1 us' * contact + held),
        ('decision', timestamptz 'epoch' + interval '1 us' * decision + held)) AS given (clock, due)
    WHERE given.due IS NOT NULL
), timed AS (
    SELECT clock.clock, clock.kind, clock.at, clock.due,
           CASE WHEN stop.at IS NOT NULL THEN greatest(stop.at, clock.at) END AS stopped,
           extract(hour FROM clock.at AT TIME ZONE $4) AS hour
    FROM clock LEFT JOIN LATERAL (
        SELECT h.at FROM alert_history h
        CROSS JOIN LATERAL (SELECT CASE h.what WHEN 'step' THEN h.details ->> 'result' WHEN 'contact' THEN coalesce(
            (SELECT c.outcome FROM contact c WHERE c.id = (h.details ->> 'contact')::bigint), h.details ->> 'outcome')
            END AS result) did
        WHERE h.alert = clock.alert AND h.position > clock.position AND h.actor IS NOT NULL
          AND (h.what = 'closed'
               OR clock.clock = 'acknowledge' AND h.what IN ('acknowledged', 'step', 'contact', 'reopened')
               OR clock.clock = 'contact' AND did.result IS DISTINCT FROM 'dead_number'
                   AND (h.what = 'contact' AND (h.details ->> 'direction' = 'in' AND did.result = 'no_answer') IS NOT TRUE
                        OR h.what = 'step' AND h.details ->> 'step' LIKE 'call\\_%')
               OR clock.clock = 'decision' AND (did.result = 'spoke' AND (h.details ->> 'person' = 'police'
                   OR h.details ->> 'step' = 'call_police') OR h.what = 'step' AND h.details ->> 'step' = 'decide'))
        ORDER BY h.position LIMIT 1) stop ON true
)"""

_ANSWERED: Final = """
SELECT clock, kind, shift, count(*) AS calls, count(stopped) AS answered,
       count(*) FILTER (WHERE coalesce(stopped, clock_timestamp()) > due) AS missed,
       count(*) FILTER (WHERE stopped IS NULL AND clock_timestamp() <= due) AS running,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM stopped - at)) AS p50_s,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM stopped - at)) AS p90_s
FROM (SELECT *, CASE WHEN hour >= 22 OR hour < 6 THEN 'night' WHEN hour < 14 THEN 'early' ELSE 'late' END AS shift FROM timed) t
GROUP BY GROUPING SETS ((clock), (clock, kind), (clock, shift), (clock, kind, shift))
ORDER BY clock, kind NULLS FIRST, shift NULLS FIRST"""


async def answered(connection: Connection, from_us: int, to_us: int) -> list[asyncpg.Record]:
    """How soon each clock was stopped, of calls between two times: by clock, kind and shift; NULL kind or shift: all of them.

    Shifts are those of the calendar that holds for all orders (store/escalations.py).
    """
    timezone = await connection.fetchval("SELECT timezone FROM escalation WHERE monitoring_order IS NULL")
    return await connection.fetch(_CALLS + _ANSWERED, from_us, to_us, ACKNOWLEDGE_US / 1_000_000, timezone)


FALSE: Final = ("false_alarm", "equipment_fault")

# What a ledger sums by: a key, and a name where it has one. A model is the type allocation code of an IMEI: its first 8 digits.
LEDGERS: Final = {
    "all": ("'all'", "NULL"),
    "rule": ("a.kind", "NULL"),
    "tag": ("a.tag::text", "NULL"),
    "model": ("CASE WHEN length(a.tag::text) = 15 THEN left(a.tag::text, 8) ELSE 'unknown' END", "NULL"),
    "zone": ("a.zone::text", "max(z.name)"),
}


async def noise(connection: Connection, by: str, from_us: int, to_us: int, offset: int, limit: int) -> list[asyncpg.Record]:
    """Alerts about wearers first raised between two times, and what became of them, the noisiest first.

    Parameters
    ----------
    by : of ``LEDGERS``
    """
    key, name = LEDGERS[by]
    return await connection.fetch(
        f"""SELECT {key} AS key, {name} AS name, count(*) AS alerts, sum(a.calls) AS calls,
                   count(*) FILTER (WHERE a.severity = 1) AS p1,
                   count(a.outcome) AS judged, count(*) FILTER (WHERE a.outcome = ANY ($3)) AS "false",
                   count(*) FILTER (WHERE a.outcome = ANY ($3) AND a.severity = 1) AS false_p1
            FROM alert a LEFT JOIN zone_version z ON z.zone = a.zone AND z.version = a.zone_version
            WHERE a.detected_at >= $1 AND a.detected_at < $2 AND a.wearer > 0 AND ($4 <> 'zone' OR a.zone > 0)
            GROUP BY 1 ORDER BY "false" DESC, alerts DESC, key LIMIT $6 OFFSET $5""",  # noqa: S608 (constants)
        from_us,
        to_us,
        FALSE,
        by,
        offset,
        limit,
    )


async def person_days(connection: Connection, from_us: int, to_us: int) -> float:
    """Days on which people were really monitored between two times: a tag on while an order gave authority; nobody twice."""
    days: float | None = await connection.fetchval(
        """
        WITH worn AS (
            SELECT a.wearer, range_agg(tstzrange(greatest(a.fitted_from, s.starts, $1),
                least(coalesce(a.fitted_to, 'infinity'), s.ends, $2, clock_timestamp()))) AS spans
            FROM activation a JOIN authority_span s USING (wearer)
            WHERE a.wearer > 0 AND greatest(a.fitted_from, s.starts, $1)
                < least(coalesce(a.fitted_to, 'infinity'), s.ends, $2, clock_timestamp())
            GROUP BY a.wearer)
        SELECT sum(extract(epoch FROM upper(span) - lower(span))) / 86400 FROM worn, unnest(spans) AS span""",
        from_us,
        to_us,
    )
    return float(days or 0.0)
