"""`cordon up --kafka`: the distributed form on one machine answers as the embedded one does, whatever is killed or halted."""

import itertools
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.system import System, system, until
from tests.integration.world import TAG, fix, monitored

pytestmark = [pytest.mark.serial, pytest.mark.xdist_group("own kafka")]

CROSSINGS = {"CORDON_SYNTHETIC_S": "4", "CORDON_SYNTHETIC_LATE_S": "3"}  # what takes a minute and a half takes ten seconds


@pytest.fixture(scope="module")
def up() -> Iterator[System]:
    with system({"CORDON_KAFKA_SESSION_MS": "1500"} | CROSSINGS) as made:
        made.start("--port", "0", "--tcp-port", "0", "--kafka", "--workers", "2", "--lanes", "3")
        made.people("operator", "admin")
        yield made


def stored(up: System) -> set[int]:
    return {seq for (seq,) in up.sql("SELECT seq FROM fix WHERE tag = %s", TAG)}


def test_it_goes_on_whatever_is_killed(up: System) -> None:
    monitored(up, "admin")
    receipt = up.send(fix(1))
    assert (receipt["accepted"], receipt["stored"], receipt["duplicate"]) == (1, None, None)
    until(lambda: stored(up) == {1}, "the fix is stored")
    (alert,) = until(lambda: up.ask("operator", "GET", "/alerts")["items"], "the alert is there")
    assert (alert["tag"], alert["kind"]) == (TAG, "exclusion")
    said = up.get_receipt(receipt["receipt"])
    assert (said["stored"], said["duplicate"]) == (1, 0)
    for seq, part in enumerate(("worker", "edge", "broker", "api"), start=2):
        for died in up.pids(part)[:1]:
            os.kill(died, signal.SIGKILL)
            up.send(fix(seq))
            until(lambda: died not in up.pids(part) and up.pids(part), f"another {part} runs")  # noqa: B023
        until(lambda: seq in stored(up), f"what was sent with the {part} killed is stored")  # noqa: B023
    assert stored(up) == set(range(1, 6))
    assert [one["id"] for one in up.ask("operator", "GET", "/alerts")["items"]] == [alert["id"]]


def test_workers_that_all_stand_still_are_noticed_and_so_is_their_return(up: System) -> None:
    until(lambda: up.get("/readyz").status == 200, "all is well")
    workers = up.pids("worker")
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        late = "has not come in every lane"
        until(lambda: late in failing(up).get("synthetic", ""), "the synthetic alert is late")
        assert up.get("/readyz").status == 503
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
    until(lambda: up.get("/readyz").status == 200, "ready again")
    assert up.pids("worker") == workers, "they went on, they were not replaced"


def test_every_part_is_told_to_end_in_turn_while_a_gateway_sends(up: System) -> None:
    """A rolling restart: in order, not by a kill; each part begins again before the next one ends."""
    taken: list[int] = []
    enough = threading.Event()

    def gateway() -> None:
        for seq in itertools.count(1000):
            if enough.is_set():
                return
            up.send(fix(seq))
            taken.append(seq)

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(gateway)
        try:
            for part in ("worker", "worker", "edge", "api", "broker"):
                before, old = len(up.pids(part)), up.pids(part)[0]
                os.kill(old, signal.SIGTERM)
                until(lambda: old not in up.pids(part) and len(up.pids(part)) == before, f"another {part} runs")  # noqa: B023
                then = len(taken)
                until(lambda: len(taken) > then + 5, f"the gateway is answered with another {part}")  # noqa: B023
        finally:
            enough.set()
        sending.result()
    until(lambda: set(taken) <= stored(up), "what was acknowledged is stored")
    rows = up.sql("SELECT count(*), count(DISTINCT seq) FROM fix WHERE tag = %s AND seq >= 1000", TAG)
    assert rows == [(len(taken), len(taken))], "each once, and nothing that was not acknowledged"


def failing(up: System) -> dict[str, str]:
    """What each failing check says."""
    answer = up.get("/readyz")
    found = answer.json["checks"] if answer.status else []
    return {check["name"]: check["text"] for check in found if check["state"] == "failing"}


def test_it_ends_in_order_and_is_there_again(up: System) -> None:
    for seq in range(10, 30):
        up.send(fix(seq))
    assert up.stop() == 0
    assert up.processes() == {}
    up.start("--port", "0", "--kafka", "--workers", "1")
    until(lambda: set(range(10, 30)) <= stored(up), "what was acknowledged before the end is stored")
    assert len(up.pids("worker")) == 1
