"""Workload `failover`: how long is nobody judged when one of two workers on Kafka, with 100,000 tags, is killed outright?"""

import os
import signal
import time
from typing import Final

from bench.crash.instance import Instance, until
from bench.rows import Measured, alone
from bench.stock import sent, stocked
from bench.workloads import Tell
from bench.workloads.restart import FULL, QUICK, READY_S, RUNS

AIM_S: Final = 20.0


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """Seconds from a kill -9 until every lane that the worker had has committed under another one."""
    took = []
    with stocked(QUICK if quick else FULL, tell, ["--kafka"]) as (instance, town, key):
        frame = [(tag, place) for tag, place in zip(town.tags[:64].tolist(), town.middle[:320:5].tolist(), strict=True)]
        for run in range(RUNS):
            took.append(_failover(instance, key, frame))
            tell(f"run {run + 1} of {RUNS}: {took[-1]:.1f} s")
    return [alone("failover", "kafka", "s", took, at_most=AIM_S)]


def _failover(instance: Instance, key: str, frame: list[tuple[int, list[float]]]) -> float:
    """Fixes of many tags keep coming, so that every lane has something to commit as soon as anybody has it."""
    worker = until(lambda: _owner(instance), "two workers share the lanes", READY_S)
    before = {lane: commit_no for lane, commit_no, owner in _lanes(instance) if owner.endswith(f":{worker}")}
    began = time.monotonic()
    os.kill(worker, signal.SIGKILL)

    def elsewhere() -> bool:
        sent(instance.door_port, key, frame)
        now = {lane: (commit_no, owner) for lane, commit_no, owner in _lanes(instance)}
        return all(now[lane][0] > no and not now[lane][1].endswith(f":{worker}") for lane, no in before.items())

    until(elsewhere, "its lanes are judged by another", READY_S)
    return time.monotonic() - began


def _owner(instance: Instance) -> int:
    """Id of a worker that has lanes while another has some as well; 0 while one has them all."""
    owners = sorted({owner for _, _, owner in _lanes(instance)})
    return int(owners[0].rpartition(":")[2]) if len(owners) > 1 else 0


def _lanes(instance: Instance) -> list[tuple[int, int, str]]:
    return [tuple(row) for row in instance.sql("SELECT partition, commit_no, owner FROM lane")]
