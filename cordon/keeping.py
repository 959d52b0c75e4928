"""A worker's compiled zones are kept in its data folder, so that the next start reads a file instead of compiling again."""

import os
from pathlib import Path
from typing import Final

import structlog

from cordon.kernels import sources
from geofence.index import ZoneIndex
from geofence.kept import DamagedError, Kept, load, save

NAME: Final = "zones"
# Zones compiled since the file was written from which on it is written anew: fewer are compiled again in a tenth of a second.
WORTH: Final = 20_000

log = structlog.get_logger()


class Keeping:
    """The file of one data folder; workers that share the folder share it. None of its failures ends a worker."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / NAME
        self._code = sources()
        self._worth = 0

    def load(self) -> Kept | None:
        """What is kept and made by this code; None where nothing is, or it is damaged. Takes a processor, not the loop."""
        if self._path is None:
            return None
        try:
            return load(self._path, lambda mark: mark.split()[0] == self._code, len(os.sched_getaffinity(0)))
        except (DamagedError, OSError) as error:
            log.warning("kept zones cannot be read; all are compiled again", file=str(self._path), reason=str(error))
            return None

    def compiled(self, zones: int) -> bool:
        """Note that so many were compiled; whether it is worth keeping them by now."""
        self._worth += zones
        return self._path is not None and self._worth >= WORTH

    def save(self, index: ZoneIndex, control_seq: int, said_us: int) -> None:
        """Keep an index, made of the controls at a position that were said at a time. Takes a processor, not the loop."""
        if self._path is None:
            return
        self._worth = 0
        try:
            save(index, self._path, f"{self._code} {control_seq} {said_us}")
            log.info("zones kept", zones=len(index.zones), file=str(self._path))
        except OSError as error:
            log.warning("compiled zones cannot be kept", file=str(self._path), reason=str(error))


def said(kept: Kept) -> tuple[int, int]:
    """The position of the control change that kept zones were made at, and when that was said."""
    _, control_seq, said_us = kept.mark.split()
    return int(control_seq), int(said_us)
