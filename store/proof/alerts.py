"""Alerts and their occurrences are as the newest commit that wrote them left them, and nobody has added to them unseen."""

from model.instant import DAY_US, FOREVER_US, show
from store import chain, paper
from store.heads import day_text
from store.pool import Connection
from store.proof.links import synthetic
from store.proof.walked import Counts, Last, MismatchError, Walked, batches


async def check(connection: Connection, walked: Walked, counts: Counts) -> None:
    """Check every alert and occurrence, and that histories and evidence have no rows but those that links name."""
    left, dropped = dict(walked.alerts), await synthetic(connection)
    # Those without a wearer, and of what is on paper, no lane judges: their history is in the chain of edits. One that a lane
    # raised does not become such a one unseen: it would be gone.
    judged = f"SELECT {', '.join(chain.ALERT)} FROM alert WHERE wearer IS NOT NULL AND kind <> ALL ($1) ORDER BY id"  # noqa: S608
    async for rows in batches(connection, judged, list(paper.KINDS)):
        for row in rows:
            last = left.pop(row["id"], None)
            counts.alerts += 1
            if last is None:
                raise MismatchError("alert", f"alert {row['id']} is in no commit of any lane: it was added")
            if (chain.digest(row), row["condition_version"]) != (last.digest, last.version):
                raise _alert(row["id"], last, "is not as it was stored")
            if walked.writes[row["id"]] != last.version:
                raise _alert(row["id"], last, f"was written {walked.writes[row['id']]} times and says {last.version}")
    if left:
        alert = min(left)
        raise _alert(alert, left[alert], "is gone")
    occurrences = {key: last for key, last in walked.occurrences.items() if key[0] not in dropped}
    kept = f"""SELECT {", ".join(chain.OCCURRENCE)} FROM alert_occurrence
               WHERE alert NOT IN (SELECT id FROM alert WHERE wearer < 0) ORDER BY alert"""  # noqa: S608
    async for rows in batches(connection, kept):
        for row in rows:
            key = (row["alert"], row["tag"], row["occurrence"])
            last = occurrences.pop(key, None)
            if last is None:
                raise MismatchError("alert_occurrence", f"the {_occurrence(key)} is in no commit of any lane: it was added")
            if chain.digest(row) != last.digest:
                raise _alert(row["alert"], last, "is not as it was stored", _occurrence(key), "alert_occurrence")
    if occurrences:
        key = min(occurrences)
        raise _alert(key[0], occurrences[key], "is gone", _occurrence(key), "alert_occurrence")
    await _raised(connection)
    for table, known in (("alert_history", walked.said), ("alert_evidence", walked.shown)):
        await _added(connection, table, {*known, *walked.edited}, walked.edited)


async def _added(connection: Connection, table: str, known: set[tuple[int, int]], people: set[tuple[int, int]]) -> None:
    """Rows beside those that lanes and people wrote; what people did before there was a chain of edits is passed over."""
    first = min((position for position, _ in people), default=FOREVER_US)
    own = f"AND (actor IS NULL OR position >= {first})" if table == "alert_history" else ""
    query = f"""SELECT position, alert, part FROM {table}
                WHERE alert IN (SELECT id FROM alert WHERE wearer > 0) {own} ORDER BY alert, position"""  # noqa: S608
    async for rows in batches(connection, query):
        for position, alert, part in rows:
            if part or (position, alert) not in known:
                text = f"a row of {table} of alert {alert} at feed position {position} is in no commit of any lane: it was added"
                raise MismatchError(table, text)


async def _raised(connection: Connection) -> None:
    """``raised_seq`` is written with the history, after the alert's digest: it must name the first opening."""
    row = await connection.fetchrow(
        """SELECT id, raised_seq, opened FROM alert, LATERAL (
               SELECT min(position) AS opened FROM alert_history WHERE alert = id AND actor IS NULL AND what = 'opened') AS first
           WHERE wearer > 0 AND raised_seq <> 0 AND raised_seq IS DISTINCT FROM opened LIMIT 1"""
    )
    if row is not None:
        raise MismatchError(
            "alert",
            f"alert {row['id']} says it was raised at feed position {row['raised_seq']}, its history says {row['opened']}",
        )


def _occurrence(key: tuple[int, int, int]) -> str:
    return f"occurrence of alert {key[0]} by tag {key[1]} at {show(key[2])}"


def _alert(alert: int, last: Last, what: str, name: str = "", table: str = "alert") -> MismatchError:
    text = (
        f"{name or f'alert {alert}'} {what} (commit {last.commit_no} of lane {last.lane}, day {day_text(last.at_us // DAY_US)})"
    )
    return MismatchError(table, text, lane=last.lane, day=last.at_us // DAY_US)
