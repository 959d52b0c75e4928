"""The stream: nothing missed, nothing twice, in order, whatever is cut, however many listen, however slowly."""

import asyncio
import random
import socket
from typing import Any

import pytest

from api import hub as hub_module
from api.roles import Role
from api.token import Signer
from store.feed import edit
from tests.api import given
from tests.api.client import SECRET, Api
from tests.api.events import Event, alerts, streaming

WAIT_S = 30


@pytest.fixture
async def alert(api: Api) -> int:
    who = await given.wearer(api)
    return await given.alert(api.store, who, await given.zone(api, who["wearer"]))


async def changes(api: Api, alert: int, count: int) -> list[int]:
    """So many changes of an alert, each a commit of its own; their positions."""
    positions = []
    for _ in range(count):
        async with edit(api.store) as change:
            change.entry("alert", alert, "amended")
        positions.append(change.position)
    return positions


async def lane(api: Api, behind_s: int, partition: int = 0) -> None:
    await api.store.pool.execute(
        """INSERT INTO lane (partition, owner, claimed_at, watermark) VALUES ($1, 'w', now(), now() - make_interval(secs => $2))
           ON CONFLICT (partition) DO UPDATE SET watermark = excluded.watermark""",
        partition,
        behind_s,
    )


async def test_hello_says_where_the_stream_stands(api: Api, alert: int) -> None:
    async with asyncio.timeout(WAIT_S), streaming(api) as events:
        hello = await anext(events)
    position = (await api.get("/alerts")).json["position"]
    assert (hello.name, hello.id, hello.data["position"]) == ("hello", position, position)
    assert hello.data["status"]["state"] == "stopped"  # no worker has run


async def test_a_change_arrives_as_the_list_shows_it(api: Api, alert: int) -> None:
    async with asyncio.timeout(WAIT_S), streaming(api) as events:
        await anext(events)
        acknowledged = (await api.post(f"/alerts/{alert}/acknowledge", role="operator")).json
        [event] = await alerts(events, 1)
    assert event.id == acknowledged["history"][-1]["position"]
    [listed] = (await api.get("/alerts")).json["items"]
    assert event.data == listed | {"change": "acknowledged"}


async def test_without_a_position_it_starts_from_now(api: Api, alert: int) -> None:
    await changes(api, alert, 3)
    async with asyncio.timeout(WAIT_S), streaming(api) as events:
        await anext(events)
        [position] = await changes(api, alert, 1)
        assert [event.id for event in await alerts(events, 1)] == [position]


@pytest.mark.parametrize("header", [True, False])
async def test_it_resumes_after_a_position(api: Api, alert: int, header: bool) -> None:
    start = (await api.get("/alerts")).json["position"]
    positions = await changes(api, alert, 5)
    async with asyncio.timeout(WAIT_S), streaming(api, start, header=header) as events:
        assert [event.id for event in await alerts(events, 5)] == positions
    async with asyncio.timeout(WAIT_S), streaming(api, positions[2], header=header) as events:
        assert [event.id for event in await alerts(events, 2)] == positions[3:]


async def test_changes_of_other_kinds_move_the_position_and_are_not_sent(api: Api, alert: int) -> None:
    who = await given.wearer(api, "Other", 7)
    async with asyncio.timeout(WAIT_S), streaming(api) as events:
        await anext(events)
        await given.zone(api, who["wearer"])
        [position] = await changes(api, alert, 1)
        assert [event.id for event in await alerts(events, 1)] == [position]


async def test_cut_again_and_again_it_receives_every_change_once_and_in_order(
    api: Api, alert: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cuts fall anywhere while three writers commit; the ring is so small that resuming reads the database too."""
    api.app.state.parts.hub._kept = 20
    start = (await api.get("/alerts")).json["position"]
    writers = asyncio.gather(*(changes(api, alert, 80) for _ in range(3)))
    seen: list[int] = []
    chance = random.Random(3)
    async with asyncio.timeout(WAIT_S):
        while len(seen) < 240:
            async with streaming(api, seen[-1] if seen else start) as events:
                for _ in range(chance.randrange(1, 25)):
                    event = await anext(events)
                    assert event.name != "reset"
                    if event.name == "alert":
                        assert event.id is not None
                        seen.append(event.id)
                    if len(seen) == 240:
                        break
            if chance.random() < 0.3:
                await asyncio.sleep(0.02)  # away for a while
    written = sorted(position for positions in await writers for position in positions)
    assert seen == written


async def test_fifty_clients_receive_everything(api: Api, alert: int) -> None:
    ready = asyncio.Barrier(51)

    async def listen() -> list[int | None]:
        async with streaming(api) as events:
            await anext(events)
            await ready.wait()
            return [event.id for event in await alerts(events, 40)]

    async with asyncio.timeout(WAIT_S):
        listeners = [asyncio.create_task(listen()) for _ in range(50)]
        await ready.wait()
        positions = await changes(api, alert, 40)
        for heard in await asyncio.gather(*listeners):
            assert heard == positions
        assert await _eventually(lambda: api.app.state.parts.hub.clients == 0)  # nothing is left of them


async def test_one_reader_serves_all_clients(api: Api, alert: int) -> None:
    """However many listen, one connection waits for the feed."""
    async with asyncio.timeout(WAIT_S):
        opened = [streaming(api) for _ in range(20)]
        for stream in opened:
            await anext(await stream.__aenter__())
        listening = await api.store.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%position FROM feed%'"
            " AND application_name <> 'cordon'"
        )
        for stream in opened:
            await stream.__aexit__(None, None, None)
    assert listening == 1


async def test_a_client_that_stalls_costs_its_socket_and_nothing_grows(api: Api, alert: int) -> None:
    hub = api.app.state.parts.hub
    hub._kept = 200
    await api.store.pool.execute("UPDATE wearer SET name = repeat('x', 20000)")  # 20 KB an event
    start = (await api.get("/alerts")).json["position"]
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, port = api.url.removeprefix("http://").split(":")
    stalled.connect((host, int(port)))
    request = f"GET /api/v1/alerts/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {api.bearer('operator')['Authorization']}\r\n\r\n"
    stalled.sendall(request.encode())
    async with asyncio.timeout(WAIT_S), streaming(api, start) as events:
        assert await _eventually(lambda: hub.clients == 2)
        positions = await changes(api, alert, 600)  # 12 MB
        assert [event.id for event in await alerts(events, 600)] == positions  # others go on
    buffered = [protocol.transport.get_write_buffer_size() for protocol in api.server.server_state.connections]
    assert max(buffered) < 8_000_000  # at most one read of the ring or the database; not all that it has missed
    assert len(hub._ring) <= 200
    assert await _eventually(lambda: hub.clients == 1)
    stalled.close()
    assert await _eventually(lambda: hub.clients == 0)


async def test_a_client_that_takes_nothing_is_cut_off(api: Api, alert: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.stream.STALLED_S", 0.2)
    await api.store.pool.execute("UPDATE wearer SET name = repeat('x', 200000)")
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, port = api.url.removeprefix("http://").split(":")
    stalled.connect((host, int(port)))
    request = f"GET /api/v1/alerts/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {api.bearer('operator')['Authorization']}\r\n\r\n"
    stalled.sendall(request.encode())
    hub = api.app.state.parts.hub
    async with asyncio.timeout(WAIT_S):
        assert await _eventually(lambda: hub.clients == 1)
        await changes(api, alert, 60)
        assert await _eventually(lambda: hub.clients == 0)
    stalled.close()


async def test_a_position_that_is_no_longer_kept_is_a_reset(api: Api, alert: int) -> None:
    positions = await changes(api, alert, 5)
    await api.store.pool.execute("DELETE FROM feed_entry WHERE position < $1", positions[2])
    api.app.state.parts.hub._start = positions[2]  # as in a process started since
    async with asyncio.timeout(WAIT_S):
        async with streaming(api, positions[0]) as events:
            hello, reset = await anext(events), await anext(events)
            assert (hello.name, reset.name, reset.id) == ("hello", "reset", positions[-1])
            [position] = await changes(api, alert, 1)
            assert [event.id for event in await alerts(events, 1)] == [position]
        async with streaming(api, positions[1]) as events:  # exactly what is kept
            assert [event.id for event in await alerts(events, 4)] == [*positions[2:], position]


async def test_a_position_of_another_database_is_a_reset(api: Api, alert: int) -> None:
    async with asyncio.timeout(WAIT_S), streaming(api, 10**9) as events:
        assert [(await anext(events)).name for _ in range(2)] == ["hello", "reset"]


async def test_a_process_that_starts_resumes_from_the_database(api: Api, alert: int, database: str) -> None:
    from tests.api.client import MISSING_CONSOLE, serving

    start = (await api.get("/alerts")).json["position"]
    positions = await changes(api, alert, 3)
    async with (
        asyncio.timeout(WAIT_S),
        serving(database, api.store, console=MISSING_CONSOLE) as other,
        streaming(other, start) as events,
    ):
        assert [event.id for event in await alerts(events, 3)] == positions


async def test_losing_the_database_connection_loses_nothing(api: Api, alert: int) -> None:
    async with asyncio.timeout(WAIT_S), streaming(api) as events:
        await anext(events)
        await api.store.pool.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()"""
        )
        positions = await _patiently(lambda: changes(api, alert, 3))
        assert [event.id for event in await alerts(events, 3)] == positions


async def test_it_says_when_judging_falls_behind_and_recovers(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "STATUS_S", 0.05)

    async def status(events: Any) -> Event:
        while True:
            event: Event = await anext(events)
            if event.name == "status":
                return event

    async with asyncio.timeout(WAIT_S), streaming(api) as events:
        await anext(events)
        await lane(api, 0)
        live = await status(events)
        assert (live.data["state"], live.id) == ("live", None)  # no id: the place in the feed has not moved
        await lane(api, 3600, 1)
        behind = await status(events)
        assert behind.data["state"] == "behind"
        assert behind.data["text"].startswith("judging as of ")
        await lane(api, 0, 1)
        assert (await status(events)).data["state"] == "live"
        await api.store.pool.execute("UPDATE lane SET owner = '', claimed_at = NULL WHERE partition = 1")
        stopped = await status(events)
        assert (stopped.data["state"], stopped.data["text"]) == ("stopped", "not judging: no worker owns lane 1")


async def test_silence_is_filled_with_comments(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "PING_S", 0.05)
    async with asyncio.timeout(WAIT_S), streaming(api) as events:
        await anext(events)
        assert (await anext(events)).name == ":"
        assert (await anext(events)).name == ":"


async def test_it_ends_when_its_token_does(api: Api, alert: int) -> None:
    token = Signer(SECRET, 2).sign(api.accounts["operator"], "operator", Role.OPERATOR)
    async with asyncio.timeout(WAIT_S), streaming(api, headers={"Authorization": f"Bearer {token}"}) as events:
        names = [event.name async for event in events]
    assert names == ["hello"] or names == ["hello", ":"]


async def test_roles_without_a_queue_hear_nothing(api: Api) -> None:
    assert (await api.get("/alerts/stream", "field")).status == 403
    assert (await api.get("/alerts/stream", None)).status == 401


async def test_a_last_event_id_that_is_no_position_is_refused(api: Api) -> None:
    for last in ("x", "-1", str(2**63)):
        answer = await api.get("/alerts/stream", headers={"Last-Event-ID": last})
        assert answer.status == 422, last
        assert answer.json["errors"][0]["in"] == "header"


async def _eventually(met: Any) -> bool:
    for _ in range(500):
        if met():
            return True
        await asyncio.sleep(0.01)
    return False


async def _patiently(act: Any) -> Any:
    """Again, where the pool hands out a connection that was just cut."""
    for _ in range(20):
        try:
            return await act()
        except Exception:
            await asyncio.sleep(0.05)
    return await act()
