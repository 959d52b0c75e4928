"""Tags as the hardware they are: the last fix of each, who wears it, and those nobody was told of."""

from typing import Final

import asyncpg

from model.synthetic import FIRST_TAG
from store.pool import Store
from store.refusal import MissingError

# A tag is known from an activation, or from having sent without one. The last fix is found through the table's own key, newest
# day first; a tag whose clock runs ahead does not hide its good fixes, because skewed ones (quality 3) are passed over.
# Sealed ones (nobody was allowed to monitor then) are passed over, too: all since the present seal at once.
SELECT: Final = """
SELECT t.tag, a.id AS activation, a.wearer, w.name AS wearer_name, a.fitted_from, a.fitted_to,
       u.first_at, u.last_at, u.fixes,
       f.tag AS fix_tag, f.fix_at, f.received_at, f.seq, f.lon, f.lat, f.accuracy_m, f.speed_mps, f.heading_deg, f.hdop,
       f.flags, f.source, f.quality, f.battery_pct, f.satellites, g.name AS gateway
FROM ({wanted}) t
LEFT JOIN LATERAL (SELECT * FROM activation x WHERE x.tag = t.tag AND x.fitted_from <= now()
                   AND coalesce(x.fitted_to > now(), true) LIMIT 1) a ON true
LEFT JOIN wearer w ON w.id = a.wearer
LEFT JOIN unknown_tag u ON u.tag = t.tag
CROSS JOIN LATERAL (SELECT sealed(t.tag) AS time) s
LEFT JOIN LATERAL (SELECT * FROM fix x WHERE x.tag = t.tag AND x.quality <> 3 AND NOT x.fix_at <@ s.time
                     AND x.fix_at < coalesce((SELECT lower(part) FROM unnest(s.time) part WHERE now() <@ part), 'infinity')
                   ORDER BY x.fix_at DESC, x.seq DESC LIMIT 1) f ON true
LEFT JOIN gateway g ON g.id = f.gateway
ORDER BY t.tag"""

# Those of synthetic wearers are nobody's hardware.
KNOWN: Final = f"SELECT tag FROM activation WHERE wearer > 0 UNION SELECT tag FROM unknown_tag WHERE tag < {FIRST_TAG}"  # noqa: S608
UNKNOWN: Final = f"SELECT tag FROM unknown_tag WHERE tag < {FIRST_TAG}"  # noqa: S608


async def page(store: Store, *, unknown: bool, wearer: int | None, after: int, limit: int) -> list[asyncpg.Record]:
    """By tag, those after ``after``.

    ``unknown``: only those that sent without anybody wearing them; ``wearer``: only those this wearer wears now.
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
    row = await store.pool.fetchrow(SELECT.format(wanted=f"SELECT tag FROM ({KNOWN}) q WHERE tag = $1"), tag)  # noqa: S608
    if row is None:
        raise MissingError("tag", tag)
    return row
