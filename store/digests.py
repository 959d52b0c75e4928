"""Turns the queue into a few numbers for each channel that wants them, once a local day: messages in the outbox."""

from typing import Final

from store import alerts
from store.caseloads import ANSWERS, CONCERNED
from store.pool import Store

LATE: Final = "2 hours"  # after its time: a digest of the morning that could not be written in the morning is not written

LOCAL: Final = "(clock_timestamp() AT TIME ZONE digest_timezone)"

# Setting the day decides who writes it: an instance that comes second finds it set. Counted is what the channel would be told of,
# whatever the severity.
WRITE: Final = f"""
WITH due AS (
    UPDATE channel SET digest_day = {LOCAL}::date
    WHERE active AND digest_at IS NOT NULL AND digest_day IS DISTINCT FROM {LOCAL}::date
      AND {LOCAL}::time >= digest_at::time AND {LOCAL}::time - digest_at::time < interval '{LATE}'
    RETURNING id, kinds, organisation, officer
), said AS (
    INSERT INTO outbox (position, topic, body, addressed_at)
    SELECT (SELECT position FROM feed), 'digest', to_jsonb(n) || jsonb_build_object('channel', c.id), clock_timestamp()
    FROM due c CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE open AND severity = 1) AS p1, count(*) FILTER (WHERE open AND severity = 2) AS p2,
               count(*) FILTER (WHERE open AND severity = 3) AS p3, count(*) FILTER (WHERE open AND severity = 4) AS p4,
               count(*) FILTER (WHERE state = 'new') AS untaken, count(*) FILTER (WHERE fresh) AS raised
        FROM (
            SELECT a.severity, {alerts.STATE} AS state, a.handling <> 'closed' AS open,
                   a.detected_at > now() - interval '1 day' AS fresh
            FROM alert a
            WHERE (a.wearer > 0 OR a.wearer IS NULL) AND (a.handling <> 'closed' OR a.detected_at > now() - interval '1 day')
              AND (c.kinds IS NULL OR a.kind = ANY (c.kinds))
              AND (coalesce(c.organisation, c.officer) IS NULL OR EXISTS (SELECT FROM monitoring_order m WHERE {CONCERNED}
                  AND (c.organisation IS NULL OR c.organisation = m.organisation)
                  AND (c.officer IS NULL OR c.officer = {ANSWERS})))) counted) n
    RETURNING id, body
), made AS (
    INSERT INTO delivery (outbox, channel, severity, key)
    SELECT id, (body ->> 'channel')::bigint, 4,
           'msg_' || id || '_' || (body ->> 'channel') || '_' || left(md5(gen_random_uuid()::text), 12) FROM said RETURNING 1
) SELECT count(*) FROM made"""  # noqa: S608 (constants)


async def write(store: Store) -> int:
    """Write the digests whose time has come; how many."""
    written: int = await store.pool.fetchval(WRITE)
    return written
