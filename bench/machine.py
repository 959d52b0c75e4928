"""What the machine is, what runs on it and what else it did meanwhile become the lines under every table and plot."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time
from typing import Final, NamedTuple

_PACKAGES: Final = ("numpy", "numba", "shapely")
_DISTURBED: Final = 0.1  # of the processors' time taken by others: rates are then not to be quoted


class Machine(NamedTuple):
    """Where, and how undisturbed, a measurement was made."""

    processor: str
    cores: int  # this process may use so many
    memory_gb: float
    system: str
    versions: str
    others: float | None  # share of all processors' time that other work took meanwhile; None where the system does not tell

    @property
    def lines(self) -> tuple[str, ...]:
        """For people, to go with the figures."""
        about = f"{self.processor}, {self.cores} {'core' if self.cores == 1 else 'cores'}, {self.memory_gb:.0f} GB, {self.system}"
        if self.others is None:
            return about, self.versions
        share = f"Other work took {self.others:.0%} of the processors meanwhile"
        return about, self.versions, f"{share}{': trust the ratios, not the rates' if self.others > _DISTURBED else ''}."


class Meter:
    """Tells, when asked, what the machine did since the meter was made."""

    def __init__(self) -> None:
        self._wall_s, self._own_s, self._all_s = perf_counter(), process_time(), _busy_s()

    def read(self) -> Machine:
        """This machine, and the share of it that others took."""
        packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
        return Machine(
            processor=_processor(),
            cores=cores(),
            memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
            system=f"{platform.system()} {platform.machine()}",
            versions=f"Python {platform.python_version()}, {packages}",
            others=self._others(),
        )

    def _others(self) -> float | None:
        busy_s, wall_s = _busy_s(), perf_counter() - self._wall_s
        if busy_s is None or self._all_s is None or wall_s <= 0.0:
            return None
        taken_s = busy_s - self._all_s - (process_time() - self._own_s)
        return min(max(taken_s / (wall_s * (os.cpu_count() or 1)), 0.0), 1.0)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _busy_s() -> float | None:
    """Seconds that all processors together have worked since the machine started, for anybody; stolen time is work of others."""
    try:
        fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except OSError:
        return None
    idle, waiting = 3, 4  # user, nice, system, idle, iowait, irq, softirq, steal: proc(5)
    return sum(ticks for at, ticks in enumerate(fields) if at not in {idle, waiting}) / os.sysconf("SC_CLK_TCK")


def _processor() -> str:
    """As Linux names it; Python's own answer is mostly empty there."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    named = (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
