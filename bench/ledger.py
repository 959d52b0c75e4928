"""Turns a gateway door's answers into an account of what was promised: each acknowledged fix counted, and listed if asked.

The file is what crash tests count against: what it lists was acknowledged, so it must be in the store exactly once. A record is
written after the answer and before anything else is sent on that line, so a killed sender has listed too little, never too much.
"""

from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

# One acknowledged fix: its identity (DESIGN.md section 3.3). Little-endian, no header; an unfinished last record is not one.
ENTRY: Final = np.dtype([("tag", "<i8"), ("fix_at_us", "<i8"), ("seq", "<i8"), ("source", "<i8")])


class Ledger:
    """Totals of one sender, and the list of what was acknowledged where a file is given."""

    def __init__(self, path: Path | None = None) -> None:
        self.requests = 0  # bodies sent, repeats included
        self.acknowledged = 0  # fixes and events the door took
        self.stored = 0  # of them new
        self.duplicate = 0  # of them held already
        self.rejected = 0  # refused one by one, with a reason
        self.undecided = 0  # acknowledged by a log whose commit is still to come: stored and duplicate unknown
        self.busy = 0  # 429 or 503
        self.broken = 0  # no answer, or one that was no answer: sent again
        self.reasons: list[str] = []  # the first few refusals, for a person to read
        self._file: BinaryIO | None = None
        if path is not None:
            self._file = path.open("ab")
            self._file.truncate(self._file.tell() // ENTRY.itemsize * ENTRY.itemsize)

    def answered(self, sent: Any, answer: dict[str, Any]) -> None:
        """Enter one 200 answer to (n,) REPORT rows: fixes first, then events, as they stood in the body."""
        fixes = sent[sent["event"] == 0]
        refused = answer["rejected"]
        bad = np.zeros(len(fixes), np.bool_)
        bad[[one["index"] for one in refused if one["in"] == "fixes"]] = True
        good = fixes[~bad]
        if self._file is not None:
            entries = np.zeros(len(good), ENTRY)
            for field in ENTRY.names or ():
                entries[field] = good[field]
            self._file.write(entries.tobytes())
            self._file.flush()
        self.acknowledged += int(answer["accepted"])
        self.rejected += len(refused)
        self.reasons += [one["reason"] for one in refused][: 5 - len(self.reasons)]
        if answer["stored"] is None:
            self.undecided += int(answer["accepted"])
        else:
            self.stored += int(answer["stored"])
            self.duplicate += int(answer["duplicate"])

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def line(self) -> str:
        """The totals in one line; numbers only, no names, no places."""
        said = f"acknowledged {self.acknowledged:,} (new {self.stored:,}, held already {self.duplicate:,})"
        if self.undecided:
            said += f", undecided {self.undecided:,}"
        return f"{said}, rejected {self.rejected:,}, busy {self.busy:,}, sent again {self.broken:,}"


def read(path: Path) -> Any:
    """(n,) ENTRY rows of a ledger's file, in the order they were acknowledged."""
    raw = path.read_bytes()
    return np.frombuffer(raw[: len(raw) // ENTRY.itemsize * ENTRY.itemsize], ENTRY)
