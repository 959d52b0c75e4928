"""Ends or freezes this process at a named step of a commit, where a crash test ordered it, and notes the digest of every state.

The orders are files in a folder: ``order`` holds ``ACT STEP COUNT``: ``kill`` or ``freeze``, the name of a step (``feed``,
``dead letters``) and how many times it is still to be reached with work to do. The process that reaches it for the last time
takes the file away, writes a line into ``deaths``, and is gone by SIGKILL, without a last word, as by a power cut; or it is
stopped by SIGSTOP until somebody wakes it. ``digests`` has a line for each state about to be committed, and for each rebuilt one.
"""

import os
import signal
from pathlib import Path
from typing import Final

from cordon.settings import Settings
from model.state import State
from model.steps import Reached, Step
from store.pool import Store

ORDER: Final = "order"
DEATHS: Final = "deaths"  # ACT STEP LANE COMMIT_NO PID
DIGESTS: Final = "digests"  # committing|recovered LANE COMMIT_NO DIGEST PID
ACTS: Final = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}
STEPS: Final = {str(step): step for step in Step}


class Doom:
    """A ``model.steps.Probe`` that does what the orders in a folder say."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._order: tuple[int, int] | None = None  # inode and time of the file read last
        self._act = ""
        self._step = Step.READY
        self._left = 0

    def reached(self, reached: Reached) -> None:
        """Note the state that is about to be committed; end or freeze where it is ordered."""
        if reached.step == Step.COMMIT:
            self._note("committing", reached.lane, reached.commit_no, reached.state)
        if reached.work and self._ordered(reached.step):
            self._left -= 1
            if self._left <= 0:
                self._die(reached)

    def recovered(self, lane: int, commit_no: int, state: State) -> None:
        """Note a state as it was rebuilt."""
        self._note("recovered", lane, commit_no, state)

    def _ordered(self, step: Step) -> bool:
        path = self._folder / ORDER
        try:
            found = path.stat()
            if self._order != (found.st_ino, found.st_mtime_ns):
                act, *name, count = path.read_text().split()
                self._act, self._step, self._left = act, STEPS[" ".join(name)], int(count)
                self._order = found.st_ino, found.st_mtime_ns
        except FileNotFoundError:
            return False
        return self._step == step

    def _die(self, reached: Reached) -> None:
        try:
            (self._folder / ORDER).unlink()
        except FileNotFoundError:  # another process was first
            return
        self._line(DEATHS, f"{self._act}\t{reached.step}\t{reached.lane}\t{reached.commit_no}\t{os.getpid()}")
        os.kill(os.getpid(), ACTS[self._act])

    def _note(self, what: str, lane: int, commit_no: int, state: State) -> None:
        self._line(DIGESTS, f"{what}\t{lane}\t{commit_no}\t{state.digest()}\t{os.getpid()}")

    def _line(self, name: str, line: str) -> None:
        # One write to a file opened for appending: processes do not cut each other's lines.
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)


def bind(store: Store, settings: Settings) -> None:
    """Let a worker's store listen to orders, where the settings name a folder of them."""
    if settings.doom_dir is not None:
        store.probe = Doom(settings.doom_dir)
