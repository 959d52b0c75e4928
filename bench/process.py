"""Sees to it that nothing that a benchmark started outlives it: what is alive is found by a mark, and ends as we do."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

ENDS: Final = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def ended_in_order() -> Iterator[None]:
    """Whoever ends this process by a signal meanwhile has it leave by its ``finally`` clauses, as Ctrl-C does.

    Without effect in any thread but the main one, which alone hears signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _: FrameType | None) -> NoReturn:
        for end in ENDS:  # once is enough: what leaves takes its time
            signal.signal(end, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in ENDS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_with_parent() -> None:
    """End this process when its standard input closes: who holds the other end is gone, by whatever signal."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


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
