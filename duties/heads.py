"""Signs the chain of every lane-day that is over, with a key that is not in the database."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from duties.signing import signer
from store import heads
from store.pool import Store

EVERY_S: Final = 300.0  # after midnight, until then what was committed in the night rests on the database alone


async def sign(store: Store, folder: Path) -> Mapping[str, object] | None:
    """Sign what is to be signed; how many heads.

    Raises
    ------
    CordonError
        If there is no key in the folder, or none that can be used. One is made for the first head of all, and never after: an
        instance without the others' folder, or with a lost one, would go on with a key that nobody outside has ever seen.
    """
    due = await heads.unsigned(store)
    if not due:
        return None
    key = signer(folder, first=await heads.none_yet(store))
    for head in due:
        await heads.keep(store, key.sign(head))
    return {"heads": len(due), "key": key.id}
