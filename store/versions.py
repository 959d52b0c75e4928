"""What is kept one row a version, such as zones and curfews: how a version is found, locked, followed, ended and announced."""

from typing import NamedTuple

from store import audit
from store.feed import SOON, Edit
from store.pool import Record, Store
from store.refusal import ConflictError, found, unchanged


class Versioned(NamedTuple):
    """A table ``noun`` of ids, and ``noun_version`` of their versions, each with the id in the column ``noun``.

    No version is ever deleted, because old fixes are judged by old versions. The newest one has no end (``in_force_to``) before
    the thing itself ends, and nobody but who has locked it (``newest``) follows or ends it.
    """

    noun: str
    select: str  # reads versions ``v``

    async def get(self, store: Store, number: int) -> Record:
        """The newest version; raises ``MissingError``."""
        sql = f"{self.select} WHERE v.{self.noun} = $1 ORDER BY v.version DESC LIMIT 1"
        return found(await store.pool.fetchrow(sql, number), self.noun, number)

    async def every(self, store: Store, number: int) -> list[Record]:
        """All versions, newest first; raises ``MissingError``."""
        rows = await store.pool.fetch(f"{self.select} WHERE v.{self.noun} = $1 ORDER BY v.version DESC", number)
        return found(rows or None, self.noun, number)

    async def newest(self, change: Edit, number: int, version: int) -> Record:
        """The newest version, if it is the one that was read; nobody else follows or ends it until this transaction is over.

        Raises
        ------
        MissingError, StaleError, ConflictError
        """
        await change.connection.execute(f"SELECT 1 FROM {self.noun} WHERE id = $1 FOR UPDATE", number)  # noqa: S608 (constant)
        sql = f"{self.select} WHERE v.{self.noun} = $1 ORDER BY v.version DESC LIMIT 1 FOR UPDATE OF v"
        row = unchanged(await change.connection.fetchrow(sql, number), self.noun, number, version)
        if row["in_force_to"] is not None:
            raise ConflictError(f"{self.noun} {number} has ended: create a new one")
        return row

    async def read(self, change: Edit, number: int, version: int) -> Record:
        """A version that this transaction has written."""
        row = await change.connection.fetchrow(f"{self.select} WHERE v.{self.noun} = $1 AND v.version = $2", number, version)
        assert row is not None
        return row

    async def follow(self, change: Edit, number: int, version: int, by: Record) -> None:
        """Have a locked version apply until the next one, ``by``, is in force."""
        await change.connection.execute(
            f"UPDATE {self.noun}_version SET in_force_to = $3 WHERE {self.noun} = $1 AND version = $2",  # noqa: S608 (constant)
            *(number, version, by["in_force_from"]),
        )

    async def end(self, change: Edit, number: int, version: int) -> None:
        """End a locked version a second from now, or as soon as it has begun."""
        await change.connection.execute(
            f"""UPDATE {self.noun}_version
                SET in_force_to = greatest(clock_timestamp() + {SOON}, in_force_from + interval '1 microsecond')
                WHERE {self.noun} = $1 AND version = $2""",  # noqa: S608 (constant)
            *(number, version),
        )

    def announce(self, change: Edit, number: int, touched: list[int], what: str) -> None:
        """Feed and audit; the versions touched carry the position in the feed, by which workers know what they have read."""
        entry = change.entry("control", number, self.noun)
        change.numbered(
            f"UPDATE {self.noun}_version SET control_seq = $1 WHERE {self.noun} = $2 AND version = ANY ($3::integer[])",  # noqa: S608
            *(number, touched),
            entry=entry,
        )
        audit.done(change, what, f"{self.noun}/{number}", entry, version=touched[-1])
