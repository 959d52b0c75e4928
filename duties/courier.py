"""Delivers the outbox: each message to each channel it is for, tried until it comes, until it no longer matters, or for a day.

A round looks for what is due and begins the tries, which go on by themselves: a receiver that hangs keeps nobody but itself
waiting. One try of a delivery is under way at a time, whichever instance makes it (store/deliveries.py).
"""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

from duties import mail, message
from duties.message import Fate, Message
from duties.outcome import Outcome
from duties.webhook import Webhooks
from model.instant import SECOND_US
from model.reach import Network
from store import channels, deliveries, digests
from store.deliveries import Due, Room
from store.pool import Store

EVERY_S: Final = 0.25  # between two looks at the outbox: what a P1 waits for before it is on its way
DIGESTS_S: Final = 20.0  # between two looks whose digest is due
AT_ONCE: Final = 64  # tries under way in one instance
EACH: Final = 4  # of one channel: one that hangs takes no more of them
# And so many more of P1, that nothing else takes: what hangs does so for ten seconds and longer.
AT_ONCE_P1: Final = 32
EACH_P1: Final = 2
BOUND: Final = 1.5  # a sender that has not ended by itself in its time is cut off after this much of it
LEASE: Final = 2.0  # a try is its instance's for this much of the sender's time; then the instance is taken for dead
GRACE_S: Final = 3.0  # an instance that is to end lets tries under way come to their end for so long

FIRST_S: Final = 5.0  # before the second try; doubled by each further one
LONGEST_S: Final = {1: 60.0}  # between two tries, by severity
LONGEST_ELSE_S: Final = 300.0
JITTER: Final = 0.25  # up to so much less or more, so that what failed together does not come back together
# Tries before somebody is told: a P1 about as long as its first clock, others long enough for a mail server that greylists.
TRIES: Final = {1: 5}
TRIES_ELSE: Final = 8


class Sender(Protocol):
    """One way to send."""

    timeout_s: float

    async def send(self, said: Message, target: str, secrets: Sequence[bytes], now_us: int) -> Outcome:
        """Send once."""


def pause_s(severity: int, attempts: int) -> float:
    """How long after so many tries the next one is, jitter left out."""
    return min(FIRST_S * 2.0 ** min(attempts - 1, 20), LONGEST_S.get(severity, LONGEST_ELSE_S))


class Courier:
    """One instance's.

    Parameters
    ----------
    console_url : where the console answers, for links; empty: nobody said
    to, sender : the mail server and the address our mail comes from; None: there is no mail
    inside : networks that are not public and may be sent to all the same
    """

    def __init__(self, console_url: str, to: mail.Server | None, sender: str, inside: Sequence[Network] = ()) -> None:
        self._console_url = console_url
        self._senders: dict[str, Sender] = {"webhook": Webhooks(inside), "mail": mail.Mails(to, sender)}
        self._tries: dict[asyncio.Task[None], int] = {}  # the channel of each try under way
        self._digested_s = -math.inf
        self._trouble: BaseException | None = None  # of a try whose outcome could not be noted

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._tries:
            await asyncio.wait(self._tries, timeout=GRACE_S)
        for task in self._tries:
            task.cancel()
        await asyncio.gather(*self._tries, return_exceptions=True)

    async def round(self, store: Store) -> Mapping[str, object] | None:
        """Address what is new and begin the tries that are due.

        Raises
        ------
        Exception
            What kept an earlier try's outcome from being noted.
        """
        while await deliveries.address(store) == deliveries.MOST:
            pass
        if time.monotonic() - self._digested_s >= DIGESTS_S:
            await digests.write(store)
            self._digested_s = time.monotonic()
        begin: list[tuple[Due, Message]] = []
        superseded: dict[int, str] = {}
        left: list[int] = []
        room = Room(EACH, AT_ONCE - len(self._tries), EACH_P1, AT_ONCE_P1)
        async with deliveries.turn(store, Counter(self._tries.values()), room) as turn:
            for one in turn.due:
                what, why = message.fate(one)
                if what is Fate.SUPERSEDE:
                    superseded[one.id] = why
                elif one.dead and turn.now_us - one.created_us > channels.DAY_S * SECOND_US:
                    left.append(one.id)
                else:
                    begin.append((one, message.message(one, why, self._console_url)))
            if turn.due:
                await turn.begin({one.id: self._senders[one.by].timeout_s * LEASE for one, _ in begin})
                await turn.supersede(superseded)
                await turn.leave(left)
        for one, said in begin:
            task = asyncio.create_task(self._try(store, one, said, turn.now_us), name=said.id)
            self._tries[task] = one.channel
            task.add_done_callback(self._done)
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble
        return {"superseded": len(superseded)} if superseded else None

    async def _try(self, store: Store, one: Due, said: Message, now_us: int) -> None:
        """One try, and what came of it."""
        sender = self._senders[one.by]
        secrets = [secret for secret in (one.secret, one.secret_before) if secret is not None]
        try:
            async with asyncio.timeout(sender.timeout_s * BOUND):
                outcome = await sender.send(said, one.target, secrets, now_us)
        except TimeoutError:
            outcome = Outcome(f"it did not end within {sender.timeout_s * BOUND:.0f} s")
        except Exception as error:  # nobody foresaw it: it must count as a try, or it would be made for ever and nobody be told
            outcome, self._trouble = Outcome(f"an error of ours ({type(error).__name__})"), error
        if not outcome.error:
            over = " that it is over" if said.type == "alert.over" else ""
            await deliveries.delivered(store, one, f"Told channel {one.name}{over}.")
            return
        attempts = one.attempts + 1
        if one.topic is None:  # a test is tried once: somebody is waiting to see
            await deliveries.failed(store, one, outcome.error, None, dead=True, gone=outcome.gone)
            return
        dead = one.dead or outcome.final or attempts >= TRIES.get(one.severity, TRIES_ELSE)
        jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads tries, hides nothing
        again_s = None if outcome.final else pause_s(one.severity, attempts) * jitter
        await deliveries.failed(store, one, outcome.error, again_s, dead=dead, gone=outcome.gone)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._tries[task]
        if not task.cancelled() and task.exception() is not None:
            self._trouble = task.exception()
