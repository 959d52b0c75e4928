"""Tags as the hardware they are: the last fix of each, who wears it, and those nobody was told of."""

from collections.abc import Mapping
from typing import Final

import asyncpg

from model.synthetic import FIRST_TAG
from store import audit
from store.feed import Edit
from store.pool import Store
from store.refusal import ConflictError, StaleError, found

# A tag is known from an activation, from having sent without one, or from what somebody said of it as a thing. The last fix is
# found through the table's own key, newest day first; a tag whose clock runs ahead does not hide its good fixes, because skewed
# ones (quality 3) are passed over. Sealed ones (nobody was allowed to monitor then) are passed over, too: all since the present
# seal at once.
SELECT: Final = """
SELECT t.tag, nullif(h.model, '') AS model, nullif(h.network, '') AS network, coalesce(h.version, 0) AS version,
       a.id AS activation, a.wearer, w.name AS wearer_name, a.fitted_from, a.fitted_to,
       u.first_at, u.last_at, u.fixes,
       f.tag AS fix_tag, f.fix_at, f.received_at, f.seq, f.lon, f.lat, f.accuracy_m, f.speed_mps, f.heading_deg, f.hdop,
       f.flags, f.source, f.quality, f.battery_pct, f.satellites, g.name AS gateway
FROM ({wanted}) t
LEFT JOIN LATERAL (SELECT * FROM activation x WHERE x.tag = t.tag AND x.fitted_from <= now()
                   AND coalesce(x.fitted_to > now(), true) LIMIT 1) a ON true
LEFT JOIN wearer w ON w.id = a.wearer
LEFT JOIN unknown_tag u ON u.tag = t.tag
LEFT JOIN tag_hardware h ON h.tag = t.tag
CROSS JOIN LATERAL sealed(t.tag) AS s (time)
LEFT JOIN LATERAL (SELECT * FROM fix x WHERE x.tag = t.tag AND x.quality <> 3 AND NOT x.fix_at <@ s.time
                     AND x.fix_at < coalesce((SELECT lower(part) FROM unnest(s.time) part WHERE now() <@ part), 'infinity')
                   ORDER BY x.fix_at DESC, x.seq DESC LIMIT 1) f ON true
LEFT JOIN gateway g ON g.id = f.gateway
ORDER BY t.tag"""

# Those of synthetic wearers are nobody's hardware.
KNOWN: Final = f"""SELECT tag FROM activation WHERE wearer > 0 UNION SELECT tag FROM unknown_tag WHERE tag < {FIRST_TAG}
    UNION SELECT tag FROM tag_hardware"""  # noqa: S608
UNKNOWN: Final = f"""SELECT tag FROM unknown_tag u WHERE tag < {FIRST_TAG} AND NOT EXISTS (SELECT FROM activation a
    WHERE a.tag = u.tag AND a.fitted_from <= now() AND coalesce(a.fitted_to > now(), true))"""  # noqa: S608


async def page(store: Store, *, unknown: bool, wearer: int | None, after: int, limit: int) -> list[asyncpg.Record]:
    """By tag, those after ``after``.

    ``unknown``: only those that sent without anybody wearing them, and that nobody wears now; ``wearer``: only those this
    wearer wears now.
    """
    wanted = UNKNOWN if unknown else KNOWN
    if wearer is not None:
        wanted = f"""SELECT tag FROM ({wanted}) k WHERE tag IN (SELECT tag FROM activation WHERE wearer = $3
                     AND fitted_from <= now() AND coalesce(fitted_to > now(), true))"""  # noqa: S608
    return await store.pool.fetch(
        SELECT.format(wanted=f"SELECT tag FROM ({wanted}) q WHERE tag > $1 ORDER BY tag LIMIT $2"),  # noqa: S608
        after,
        limit,
        *([wearer] if wearer is not None else []),
    )


async def get(store: Store, tag: int) -> asyncpg.Record:
    """One tag; raises ``MissingError`` for one that neither was fitted nor ever sent."""
    return found(await store.pool.fetchrow(SELECT.format(wanted=f"SELECT tag FROM ({KNOWN}) q WHERE tag = $1"), tag), "tag", tag)  # noqa: S608


async def add(change: Edit, tag: int, model: str | None, network: str | None) -> None:
    """Say what a tag is as a thing; raises ``ConflictError`` where that was said already."""
    done = await change.connection.execute(
        "INSERT INTO tag_hardware (tag, model, network, recorded_by) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        *(tag, model or "", network or "", change.actor),
    )
    if done == "INSERT 0 0":
        raise ConflictError(f"tag {tag} is listed already: change it there")
    _announce(change, tag, 1, "created")


async def edit(change: Edit, tag: int, version: int, fields: Mapping[str, str | None]) -> None:
    """Say otherwise of its model or its network; raises ``StaleError``. What was never said is version 0."""
    if version == 0:
        await change.connection.execute("INSERT INTO tag_hardware (tag, version) VALUES ($1, 0) ON CONFLICT DO NOTHING", tag)
    known = await change.connection.fetchrow("SELECT * FROM tag_hardware WHERE tag = $1 FOR UPDATE", tag)
    if known is None or known["version"] != version:
        raise StaleError("tag", tag)
    said = [(fields[name] or "") if name in fields else known[name] for name in ("model", "network")]
    await change.connection.execute(
        """UPDATE tag_hardware SET model = $2, network = $3, version = version + 1, recorded_by = $4,
               recorded_at = clock_timestamp() WHERE tag = $1""",
        *(tag, *said, change.actor),
    )
    _announce(change, tag, version + 1, "edited")


def _announce(change: Edit, tag: int, version: int, what: str) -> None:
    """Workers read it again: what counts as one model's or network's follows from it."""
    entry = change.entry("control", tag, "tag")
    audit.done(change, what, f"tag/{tag}", entry, version=version)
