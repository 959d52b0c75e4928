"""Turns the mark in an environment, and a folder, into the processes that are alive of them."""

import os
from pathlib import Path


def alive(mark: str, folder: Path) -> dict[int, str]:
    """Every living process but our own with the mark, or of the folder, by id: what it runs. Not by parent, so that orphans show.

    Parameters
    ----------
    mark : a text in the environment of whatever was started with it; children inherit it
    folder : named in a process's words, or where it works
    """
    found = {}
    here = os.fsencode(folder)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
            marked = mark.encode() in (entry / "environ").read_bytes()
            ours = marked or here in words or here in os.fsencode((entry / "cwd").readlink())
            living = (entry / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        except OSError:  # gone meanwhile
            continue
        if ours and living:
            found[int(entry.name)] = words.replace(b"\0", b" ").decode(errors="replace").strip()
    return found
