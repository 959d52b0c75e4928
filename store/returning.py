"""Turns alerts at which nobody works any more, or whose owed call nobody made, into new ones: in the queue, nobody's, paged."""

from typing import Final

from model.instant import from_us
from store import alerts
from store.feed import Edit

MOST: Final = 200  # at once; the feed's row is locked meanwhile


async def due(change: Edit) -> list[int]:
    """Give back those whose time is up; their ids.

    One statement compares and sets: it takes only rows that are still so when it has locked them, and passes over those that
    somebody else has in hand, whom it would otherwise have to wait for. So however many instances do this, and however often they
    are killed, an alert is given back once for each time that somebody was at it.
    """
    rows = await change.connection.fetch(
        f"""WITH due AS (
                SELECT a.id, a.owner, a.severity, a.handling, owed.at FROM alert a CROSS JOIN LATERAL ({alerts.OWED}) owed
                WHERE {alerts.RETURNS} <= clock_timestamp()
                ORDER BY a.id LIMIT $1 FOR UPDATE OF a SKIP LOCKED)
            UPDATE alert SET {alerts.ANEW} FROM due LEFT JOIN account p ON p.id = due.owner WHERE alert.id = due.id
            RETURNING alert.id, alert.kind, due.owner, due.severity, p.name, due.handling, due.at""",  # noqa: S608 (constants)
        MOST,
    )
    for row in sorted(rows, key=lambda row: row["id"]):
        minutes = 5 if row["severity"] == 1 else 10
        if row["handling"] != "acknowledged" and row["at"] is not None:
            owed = f"A call was owed at {from_us(row['at']):%H:%M} UTC"
            text = f"{owed}, and {minutes} minutes later nobody has made it: back to the queue."
        else:
            did = "Acknowledged" if row["handling"] == "acknowledged" else "Worked on"
            who = f" by {row['name']}" if row["name"] else ""
            text = f"{did}{who}, and nothing logged in {minutes} minutes: back to the queue."
        alerts.page_anew(change, row, alerts.tell(change, row["id"], "returned", text, {"owner": row["owner"]}))
    return sorted(row["id"] for row in rows)
