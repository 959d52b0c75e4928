"""Turns "all is well" into a request to an address outside, and anything else into silence, which calls somebody there."""

from typing import Final

import aiohttp

from duties.watch import DEAD_MAN
from model.errors import CordonError
from store import watch
from store.pool import Store

TIMEOUT_S: Final = 10.0


class Switch:
    """An outside dead-man's switch."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def ping(self, store: Store) -> None:
        """Ask the address once if the last look is fresh and found everything well.

        Raises
        ------
        CordonError
            If it does not answer, or with a failure.
        """
        looked = await watch.last(store)
        if not looked.fresh:
            return
        if any(check.state == "failing" and check.name != DEAD_MAN for check in looked.checks):
            return
        try:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            async with aiohttp.ClientSession(timeout=timeout) as http, http.get(self._url) as answer:
                if not answer.ok:
                    raise CordonError(f"the dead-man's switch answers {answer.status}: check CORDON_DEADMAN_URL")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            reason = type(error).__name__
            raise CordonError(f"the dead-man's switch cannot be reached ({reason}): check CORDON_DEADMAN_URL") from error
