"""One lane of the tests: a claim, a state, and batches committed with the fake judge."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from model.alert import Judged
from model.batch import Batch
from model.history import History
from model.state import State
from store.commit import Outcome, commit
from store.lanes import Claim, claim, recover
from store.pool import Store
from tests.store import fake


class Lane:
    """``async with Lane(store) as lane: await lane.put(fake.fix(1, 0))``"""

    claim: Claim
    state: State

    def __init__(self, store: Store, partition: int = 0, owner: str = "tests", generation: int = 0) -> None:
        self.store, self.partition, self.owner, self.generation = store, partition, owner, generation
        self.histories: list[History] = []
        self.judge: Callable[..., Judged] = fake.judge

    async def __aenter__(self) -> Self:
        self.claim = await claim(self.store, self.partition, self.owner, self.generation)
        self.state = await recover(self.store, self.claim)
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        pass

    async def put(self, *fixes: object, now_us: int | None = None, control_seq: int = 0) -> Outcome:
        """Commit fixes, or a whole batch."""
        batch = fixes[0] if len(fixes) == 1 and isinstance(fixes[0], Batch) else fake.batch_of(*fixes)  # type: ignore[arg-type]
        now = max(self.state.watermark_us, batch.received_us) if now_us is None else now_us

        async def judged(admitted: Batch, history: History) -> Judged:
            self.histories.append(history)
            return self.judge(self.state, admitted, now, history)

        return await commit(
            self.store,
            self.claim,
            batch,
            self.state,
            doubtful=fake.doubtful(self.state, batch.fixes),
            windows=fake.windows,
            judge=judged,
            now_us=now,
            control_seq=control_seq,
        )


async def wearers(store: Store, count: int) -> None:
    """Wearers 1 to ``count``, so that tags of those numbers have one."""
    await store.pool.execute("INSERT INTO wearer (name) SELECT 'Test Wearer' FROM generate_series(1, $1)", count)
