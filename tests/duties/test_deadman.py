"""The switch outside is asked while all is well and at no other time, and its own failure keeps nobody from asking it again."""

from typing import Any

import pytest
from fastapi import FastAPI, Response

from duties.deadman import Switch
from duties.watch import DEAD_MAN
from model.errors import CordonError
from store.pool import Store
from store.watch import Check
from tests.serving import serving


class Outside:
    """The switch: counts who asks."""

    def __init__(self) -> None:
        self.asked = 0
        self.status = 200
        self.app = FastAPI()
        self.app.get("/ping")(self._ping)

    async def _ping(self) -> Any:
        self.asked += 1
        return Response(status_code=self.status)


async def looked(store: Store, *checks: Check, age_s: int = 0) -> None:
    await store.pool.execute(
        "UPDATE watch SET looked_at = now() - make_interval(secs => $1), checks = $2", age_s, [list(check) for check in checks]
    )


async def test_it_is_asked_only_while_all_is_well(store: Store) -> None:
    outside = Outside()
    async with serving(outside.app) as url:
        switch = Switch(f"{url}/ping")
        await switch.ping(store)
        assert outside.asked == 0, "nobody has ever looked"
        await looked(store, Check("lanes", "ok", ""), Check("storage", "off", ""))
        await switch.ping(store)
        assert outside.asked == 1
        await looked(store, Check("lanes", "failing", ""))
        await switch.ping(store)
        await looked(store, Check("lanes", "ok", ""), age_s=16)
        await switch.ping(store)
        assert outside.asked == 1
        outside.status = 500
        await looked(store, Check("lanes", "ok", ""), Check(DEAD_MAN, "failing", ""))
        with pytest.raises(CordonError, match="answers 500: check CORDON_DEADMAN_URL"):
            await switch.ping(store)
        assert outside.asked == 2
    with pytest.raises(CordonError, match="cannot be reached"):
        await switch.ping(store)
