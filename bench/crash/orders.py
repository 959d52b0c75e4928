"""A named step of a commit becomes a worker that ends, or freezes, there: written for the process that listens in the folder."""

from pathlib import Path
from typing import Final

from bench.crash.instance import until
from model.errors import CordonError

CRASH_TESTS: Final = "kill-me"  # the word cordon/settings.py asks for


class Orders:
    """A folder that workers look into (cordon/doom.py)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self.environment = {"CORDON_CRASH_TESTS": CRASH_TESTS, "CORDON_DOOM_DIR": str(folder)}

    def carry_out(self, act: str, step: str, count: int, within_s: float) -> int:
        """``kill`` or ``freeze`` whoever reaches a step for the ``count``-th time; the process's id, 0 where none came to it."""
        before = len(self._lines("deaths"))
        fresh = self._folder / "order.new"
        fresh.write_text(f"{act} {step} {count}\n")
        fresh.rename(self._folder / "order")
        try:
            until(lambda: len(self._lines("deaths")) > before, f"a commit reaches {step!r}", within_s)
        except CordonError:
            (self._folder / "order").unlink(missing_ok=True)
            if len(self._lines("deaths")) == before:
                return 0
        return int(self._lines("deaths")[-1].split("\t")[4])

    def digests(self) -> list[str]:
        """All states noted so far."""
        return self._lines("digests")

    def _lines(self, name: str) -> list[str]:
        try:
            return [line for line in (self._folder / name).read_text().split("\n") if line]
        except FileNotFoundError:
            return []
