"""An edge on a real broker: both doors answer once the log has a frame, receipts tell the rest later, it ends in order."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from cordon.doors import authenticator
from ingest.gateway import Gateway
from model.errors import BusyError
from store import keys
from store.pool import Store
from tests.ingest.gateway import connected
from tests.integration.system import COMMAND, END_S, ROOT, http
from tests.integration.test_tcp import frame
from tests.integration.workers import Workers, system, until

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("kafka")]


class Edge:
    """One process."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._log = folder / "edge.log"
        with self._log.open("wb") as said:
            self.process = subprocess.Popen(
                [*COMMAND, "edge", "--port", "0", "--tcp-port", "0"], cwd=ROOT, env=os.environ | environment, stderr=said
            )

    async def ports(self) -> tuple[int, int]:
        """Of the HTTP and the TCP door, once both are open."""

        async def look() -> Any:
            assert self.process.poll() is None, self._log.read_text()
            return re.search(r'"http": (\d+), "tcp": (\d+)', self._log.read_text())

        found = await until(look, "the doors are open")
        return int(found[1]), int(found[2])

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_S)


@pytest_asyncio.fixture
async def up(tmp_path: Path, store: Store, kafka: str, prefix: str) -> AsyncIterator[Workers]:
    async with system(tmp_path, store, kafka, prefix) as (made, _):
        yield made


@pytest.fixture
def edge(tmp_path: Path, up: Workers) -> Iterator[Edge]:
    started = Edge(tmp_path, up.environment)
    yield started
    if started.process.poll() is None:
        started.process.kill()
    started.process.wait()


async def test_both_doors_answer_once_the_log_has_it_and_receipts_tell_the_rest(up: Workers, edge: Edge) -> None:
    up.start()
    key = await keys.create(up.store, "gw-edge")
    port, tcp_port = await edge.ports()
    async with connected(tcp_port, key) as gateway:
        await gateway.send(frame(1), frame(1))
        answers = [await gateway.hear(), await gateway.hear()]
        assert [(one.accepted, one.stored, one.duplicate) for one in answers] == [(50, -1, -1)] * 2
        fix = {"tag": 7, "fix_at": "2026-11-22T08:00:00Z", "lon": 1.0, "lat": 51.0}
        body = {"gateway": "gw-edge", "fixes": [fix, fix | {"lat": 99}]}
        url = f"http://127.0.0.1:{port}/gateway/v1"
        said = await asyncio.to_thread(http, "POST", f"{url}/fixes", bearer=key, body=body)
        answer = json.loads(said.body)
        assert (said.status, answer["accepted"], answer["stored"], len(answer["rejected"])) == (200, 1, None, 1)

        async def told() -> bool:
            found = [
                await asyncio.to_thread(http, "GET", f"{url}/receipts/{one}", bearer=key)
                for one in (*(answer.receipt for answer in answers), answer["receipt"])
            ]
            counts = [one.status == 200 and (one.json["stored"], one.json["duplicate"]) for one in found]
            return set(counts[:2]) == {(0, 50), (50, 0)} and counts[2] == (1, 0)  # null until they are whole

        await until(told, "the receipts are whole")
        letters = await up.store.pool.fetch("SELECT gateway, protocol, reason FROM dead_letter")
        assert [(row["gateway"], row["protocol"]) for row in letters] == [("gw-edge", "http-json")]
        assert (await asyncio.to_thread(http, "GET", f"http://127.0.0.1:{port}/healthz")).status == 200

        ending = asyncio.create_task(asyncio.to_thread(edge.end))
        assert (await gateway.hear()).code == 6
        assert await gateway.hear() is None
        assert await ending == 0


def test_without_a_broker_or_a_database_it_says_what_to_give() -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CORDON_")}
    run = subprocess.run([*COMMAND, "edge"], cwd=ROOT, env=clean, capture_output=True, text=True, check=False, timeout=END_S)
    assert run.returncode == 1
    assert "Give --dsn and --kafka" in run.stderr
    assert "Traceback" not in run.stderr


async def test_a_gateway_already_known_is_taken_while_the_database_is_away(store: Store, databases: str) -> None:
    key = await keys.create(store, "gw-edge")
    ask = authenticator(store)
    assert await ask("nobody's key at all") is None
    assert await ask(key) == Gateway("gw-edge")
    name = await store.pool.fetchval("SELECT current_database()")
    with psycopg.connect(databases.replace("DATABASE", "postgres"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        assert await ask(key) == Gateway("gw-edge")
        with pytest.raises(BusyError):
            await ask("nobody's key at all")
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await keys.revoke(store, key[: keys.PREFIX])
    assert await ask(key) is None
