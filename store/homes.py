"""Which zones are homes that curfews ask for, and what a zone must be for that."""

from typing import Any, Final

from store.authority import NOW
from store.pool import Connection
from store.refusal import ConflictError, DanglingError, UnfitError

# What an order's end leaves of its curfews: nothing that asks for a home.
OVER: Final = ("completed", "revoked")


def unfit(kind: str, schedule: Any, own: bool) -> str | None:
    """Why a zone is no home for a curfew; ``own``: it applies to that wearer, by themselves or by a group."""
    if kind != "home":
        return f"it is of the kind {kind}; draw one of the kind home"
    if not own:
        return "it is not that wearer's; set its applies_to to them, or name a home of theirs"
    if schedule is not None:
        return "it has a schedule, and a home is one at any hour; take the schedule away"
    return None


async def check(connection: Connection, home: int, wearer: int) -> None:
    """Refuse a zone that cannot be a wearer's home; it cannot be changed until this transaction is over.

    Raises
    ------
    DanglingError, UnfitError
    """
    await connection.execute("SELECT 1 FROM zone WHERE id = $1 FOR SHARE", home)
    zone = await connection.fetchrow(
        """SELECT kind, schedule, in_force_to < timestamptz '9999-01-01 00:00:00+00' AS ended, coalesce(applies_wearer = $2,
               EXISTS (SELECT 1 FROM wearer_group_member m WHERE m.wearer_group = applies_group AND m.wearer = $2)) AS own
           FROM zone_version WHERE zone = $1 ORDER BY version DESC LIMIT 1""",
        home,
        wearer,
    )
    if zone is None:
        raise DanglingError("home", "zone", home)
    wrong = "it has ended" if zone["ended"] else unfit(zone["kind"], zone["schedule"], zone["own"])
    if wrong is not None:
        raise UnfitError("home", f"Zone {home} cannot be the home of this curfew: {wrong}.")


async def keep(connection: Connection, zone: int) -> None:
    """Refuse a zone's newest version, or its end, by which a curfew would be without a home.

    Raises
    ------
    ConflictError
    """
    rows = await connection.fetch(
        f"""SELECT v.curfew, o.wearer FROM curfew_version v JOIN monitoring_order o ON o.id = v.monitoring_order
           WHERE v.home = $1 AND v.in_force_to = timestamptz '9999-01-01 00:00:00+00'
             AND status_at(o, {NOW}) <> ALL ($2::text[]) AND coalesce(o.ends > now(), true) ORDER BY v.curfew""",  # noqa: S608 (constant)
        zone,
        OVER,
    )
    for row in rows:
        try:
            await check(connection, zone, row["wearer"])
        except UnfitError as error:
            raise ConflictError(
                f"curfew {row['curfew']} asks its wearer to be there: give it another home first. {error}"
            ) from None
