"""Workload `restart`: how long is nobody judged when a worker of 100,000 tags, five fences each, has stopped and is started?"""

import os
import signal
from pathlib import Path
from typing import Final

from bench.crash.instance import Instance, until
from bench.rows import Measured, alone
from bench.stock import sent, stocked
from bench.workloads import Tell
from bench.workloads.town import Size

FULL: Final = Size(100_000, 1)
QUICK: Final = Size(500, 1)
RUNS: Final = 3
AIM_S: Final = 5.0
READY_S: Final = 600.0


def measure(quick: bool, tell: Tell) -> list[Measured]:
    """Seconds from the start of the worker's process to the first fix it has judged and committed, and its own share of them."""
    walls, works = [], []
    size = QUICK if quick else FULL
    with stocked(size, tell) as (instance, town, key):
        frame = [(int(town.tags[0]), town.middle[0].tolist())]
        for run in range(RUNS):
            wall_s, work_s = _restart(instance, key, frame)
            walls.append(wall_s)
            works.append(work_s)
            tell(f"run {run + 1} of {RUNS}: {wall_s:.1f} s, {work_s:.1f} s of them at work")
    return [
        alone("restart", "embedded", "s", walls, at_most=AIM_S),
        alone("restart", "embedded, processor time", "s", works),
    ]


def _restart(instance: Instance, key: str, frame: list[tuple[int, list[float]]]) -> tuple[float, float]:
    """The supervisor starts another half a second after a kill; that half second is not counted, all after it is."""
    died = instance.send("worker", signal.SIGKILL)
    worker = until(lambda: instance.pid("worker") not in {0, died} and instance.pid("worker"), "another worker runs")
    until(lambda: sent(instance.door_port, key, frame), "a fix is judged", READY_S)
    return _age_s(worker), _work_s(worker)


def _fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()  # from the third field on: proc(5)


def _age_s(pid: int) -> float:
    """How long ago a process was started, seconds."""
    return float(Path("/proc/uptime").read_text().split()[0]) - int(_fields(pid)[19]) / os.sysconf("SC_CLK_TCK")


def _work_s(pid: int) -> float:
    """Processor seconds a process has taken so far."""
    user, system = (int(ticks) for ticks in _fields(pid)[11:13])
    return (user + system) / os.sysconf("SC_CLK_TCK")
