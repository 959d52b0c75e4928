"""What can be measured: one module a workload, found by its name, imported only when it is asked for."""

from collections.abc import Callable
from importlib import import_module
from typing import Final

from bench.rows import Measured

# A line of progress for the person who waits.
Tell = Callable[[str], None]

# In the order of DESIGN.md section 4. Each module has ``measure(quick, tell) -> list[Measured]``.
PURE: Final = ("fences", "verdict", "rings", "compile", "memory", "scale", "adversarial")  # arrays in, arrays out
SYSTEM: Final = ("pipeline", "latency", "restart", "failover", "endurance", "crash")  # a running system each, from the outside
WORKLOADS: Final = (*PURE, *SYSTEM)


def measure(name: str, quick: bool, tell: Tell) -> list[Measured]:
    """Run one of ``WORKLOADS``; ``quick`` is a small one, to see that it works, not how fast."""
    measured: list[Measured] = import_module(f"bench.workloads.{name}").measure(quick, tell)
    return measured
