"""A folder becomes a file system of its own that can be told to have no room left, where this machine lets us mount one."""

import os
import subprocess
from pathlib import Path
from typing import Final

TRIES: Final = 100  # somebody writes all the time
ROOM_BYTES: Final = 3 * 1024**3  # of memory, and only as far as it is written to


class Disk:
    """A file system in memory at a folder. Without the right to mount, it is a plain folder: ``own`` says so."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.own = os.geteuid() == 0 and self._mount("-t", "tmpfs", "-o", f"size={ROOM_BYTES},mode=755", "tmpfs")

    def fill(self) -> None:
        """Leave no room beyond what is used; looked at again where more was written meanwhile."""
        for _ in range(TRIES):
            found = os.statvfs(self._folder)
            used = (found.f_blocks - found.f_bfree) * found.f_frsize
            if self._sized(used):
                return
        raise OSError(f"the file system at {self._folder} cannot be made as small as what it holds")

    def free(self) -> None:
        """Give the room back."""
        if not self._sized(ROOM_BYTES):
            raise OSError(f"the file system at {self._folder} cannot be made {ROOM_BYTES} bytes large")

    def close(self) -> None:
        """Unmount it."""
        if self.own:
            subprocess.run(["umount", "--lazy", self._folder], check=True)

    def _sized(self, size_bytes: int) -> bool:
        return self._mount("-o", f"remount,size={size_bytes}")

    def _mount(self, *words: str) -> bool:
        return subprocess.run(["mount", *words, self._folder], check=False, capture_output=True).returncode == 0
