"""Two who offer, renew or leave at once: each comes out as if one had been after the other."""

import asyncio

import pytest_asyncio

from store import accounts, handovers, sessions
from store.feed import edit
from store.pool import Record, Store
from tests.store.waits import waiting


@pytest_asyncio.fixture
async def people(store: Store) -> tuple[int, int]:
    """An operator and an officer."""
    operator, officer = [await accounts.add(store.pool, role, "$argon2", role) for role in ("operator", "officer")]
    return operator, officer


async def offer(store: Store, by: int, to: int, note: str | None = "Call at six.") -> Record:
    async with edit(store, by) as change:
        return await handovers.offer(change, to, note)


async def test_offered_twice_at_once_it_is_one_offer(store: Store, people: tuple[int, int]) -> None:
    operator, officer = people
    async with edit(store, operator) as first:
        made = await handovers.offer(first, officer, "Call at six.")
        second = asyncio.create_task(offer(store, operator, officer))
        await waiting(store)
    assert (await second)["id"] == made["id"]
    assert len(await handovers.offers(store, operator)) == 1


async def test_another_offer_at_once_withdraws_the_first(store: Store, people: tuple[int, int]) -> None:
    operator, officer = people
    async with edit(store, operator) as first:
        made = await handovers.offer(first, officer, "Call at six.")
        second = asyncio.create_task(offer(store, operator, officer, "Call at seven."))
        await waiting(store)
    other = await second
    assert [row["id"] for row in await handovers.offers(store, officer)] == [other["id"]]
    assert (await handovers.get(store, made["id"]))["state"] == "withdrawn"


async def test_who_leaves_while_the_token_is_renewed_has_left(store: Store, people: tuple[int, int]) -> None:
    operator, _ = people
    account = await accounts.get(store.pool, operator)
    assert account is not None
    assert await sessions.begin(store, account, "first", 3600)

    async def leave() -> bool:
        async with edit(store, operator) as change:
            await accounts.lock(change.connection, operator)
            return await sessions.end(change.connection, "first")

    async with edit(store, operator) as change:
        await accounts.lock(change.connection, operator)
        renewed = asyncio.create_task(sessions.renew(store, "first", "second"))
        await waiting(store)
        left = asyncio.create_task(leave())
        await waiting(store, 2)
    await renewed
    assert await left
    assert isinstance(await sessions.renew(store, "second", "third"), sessions.Refused)
