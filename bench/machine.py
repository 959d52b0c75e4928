"""What the machine is, and what runs on it, become the lines under every table and plot."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

_PACKAGES: Final = ("numpy", "numba", "shapely")
_BUSY: Final = 0.25  # of the processors: with more at work already, rates are not to be quoted


class Machine(NamedTuple):
    """Where a measurement was made."""

    processor: str
    cores: int  # this process may use so many
    memory_gb: float
    system: str
    versions: str
    load: float  # processes that wanted to run in the minute before, on average

    @property
    def lines(self) -> tuple[str, ...]:
        """For people, to go with the figures."""
        about = f"{self.processor}, {self.cores} {'core' if self.cores == 1 else 'cores'}, {self.memory_gb:.0f} GB, {self.system}"
        if self.load <= _BUSY * self.cores:
            return about, self.versions
        busy = f"Other work was running (load {self.load:.1f}): trust the ratios, not the rates."
        return about, self.versions, busy


def here() -> Machine:
    """This machine, now."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
        system=f"{platform.system()} {platform.machine()}",
        versions=f"Python {platform.python_version()}, {packages}",
        load=os.getloadavg()[0],
    )


def _processor() -> str:
    """As Linux names it; Python's own answer is mostly empty there."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    named = (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
