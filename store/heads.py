"""Turns lane-days that are over into heads to be signed, and signed heads into rows.

A lane's time never goes back, so once its watermark has passed midnight nothing is added to the links of the day before: late
data is a link of the day it came on, whatever day it tells of. A head is therefore final, and stands for all before it, too.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from model.instant import DAY_US, from_us
from store import edits
from store.chain import canonical
from store.pool import Connection, Store

SETTLED_S: Final = 60  # an edit under way at midnight has committed by then


class Head(NamedTuple):
    """Where a lane's chain stood at the end of a day."""

    lane: int
    day: int  # days since 1970 UTC, by lane time
    commit_no: int
    link: bytes

    def statement(self) -> bytes:
        """The bytes that are signed: JSON, as ``store.chain.canonical`` writes it."""
        said = {"v": 1, "lane": self.lane, "day": day_text(self.day), "commit": self.commit_no, "link": self.link.hex()}
        return canonical(said)


class Signed(NamedTuple):
    """A head with its signature over ``statement()``."""

    head: Head
    key: str
    signature: bytes


def day_text(day: int) -> str:
    """``2026-11-22`` of days since 1970."""
    return from_us(day * DAY_US).date().isoformat()


async def unsigned(store: Store) -> list[Head]:
    """Heads of the days that are over and have none yet, in order; days without a link have none.

    The chain of edits has no watermark: its day is over a while after midnight by the database's clock. Nor has a lane that there
    is no longer (store/moving.py): its day is over with that of the lanes there are, and should it come back, its time is theirs.
    """
    lanes = await store.pool.fetch(
        """SELECT partition AS lane, 'commit_link' AS links,
                  CASE WHEN generation = max(generation) OVER () THEN watermark ELSE max(watermark) OVER () END AS watermark
           FROM lane
           UNION ALL SELECT $1, 'edit_link', clock_timestamp() - make_interval(secs => $2)
           ORDER BY lane""",
        *(edits.LANE, SETTLED_S),
    )
    found: list[Head] = []
    for lane, links, watermark_us in lanes:
        today_us = watermark_us - watermark_us % DAY_US
        number, own = ("commit_no", "lane = $1") if links == "commit_link" else ("number", "$1 = -1")
        signed = await store.pool.fetchval("SELECT coalesce(max(commit_no), 0) FROM day_head WHERE lane = $1", lane)
        while True:
            # One row by the key tells whether there is anything to sign; what came since is read only where there is.
            first = await store.pool.fetchrow(
                f"SELECT at FROM {links} WHERE {own} AND {number} > $2 ORDER BY {number} LIMIT 1",  # noqa: S608 (constants)
                *(lane, signed),
            )
            if first is None or first["at"] >= today_us:
                break
            day = first["at"] // DAY_US
            last = await store.pool.fetchrow(
                f"""SELECT {number} AS number, link FROM {links} WHERE {own} AND {number} > $2 AND at < $3
                    ORDER BY {number} DESC LIMIT 1""",  # noqa: S608 (constants)
                *(lane, signed, (day + 1) * DAY_US),
            )
            assert last is not None
            found.append(Head(lane, day, last["number"], last["link"]))
            signed = last["number"]
    return found


async def none_yet(store: Store) -> bool:
    """Whether nothing was ever signed."""
    found: bool = await store.pool.fetchval("SELECT NOT EXISTS (SELECT FROM day_head)")
    return found


async def keep(store: Store, signed: Signed) -> None:
    """Write one down; a head that is there already stays as it is."""
    await store.pool.execute(
        """INSERT INTO day_head (lane, day, commit_no, link, key, signature) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (lane, day) DO NOTHING""",
        *(*signed.head, signed.key, signed.signature),
    )


async def held(connection: Connection) -> Sequence[Signed]:
    """All of them, by lane and day."""
    rows = await connection.fetch("SELECT lane, day, commit_no, link, key, signature FROM day_head ORDER BY lane, day")
    return [Signed(Head(*tuple(row)[:4]), row["key"], row["signature"]) for row in rows]
