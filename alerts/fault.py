"""What quality found becomes faults of tags: a clock far wrong, a jump that nothing confirmed; each with when it was settled."""

from typing import Final, NamedTuple

import numpy as np

from alerts.quality import Assessed
from alerts.rules import Rules
from model.arrays import Array
from model.fix import FIX, IDENTITY, Quality

_NO_FIX: Final = np.zeros(0, FIX)


class Fault(NamedTuple):
    """That a tag was wrong once."""

    tag: int
    lane_us: int  # when that was settled: a jump by the next good fix, which did not confirm it
    fix: Array  # (1,) FIX

    @property
    def at_us(self) -> int:
        """When it was so: by our own clock where the tag's is wrong."""
        return int(self.fix["received_us" if self.fix["quality"][0] == Quality.SKEWED else "fix_at_us"][0])


def faults_of(rules: Rules, assessed: Assessed) -> list[Fault]:
    """The faults of a batch, by tag, each tag's in the order in which they were settled.

    A jump at the end of the batch still waits for a second one; one that waited since before is settled by the first good fix.
    """
    fixes, before = assessed.fixes, assessed.before
    skewed = fixes["quality"] == Quality.SKEWED
    wrong = skewed & (fixes["fix_at_us"] - fixes["received_us"] >= rules.fault_skew_us)
    good = ~skewed & ~assessed.disordered
    jumped = good & (fixes["quality"] == Quality.IMPLAUSIBLE)
    doubted = before["tag"][before["doubt"]["tag"] != 0]
    if not wrong.any() and not jumped.any() and not len(doubted):
        return []
    found = [
        Fault(int(fixes["tag"][row]), int(assessed.lane_us[row]), fixes[row : row + 1].copy()) for row in np.flatnonzero(wrong)
    ]
    confirmed = set(assessed.requalified[list(IDENTITY)].tolist())
    for tag in np.union1d(doubted, fixes["tag"][jumped]).tolist():
        rows = np.flatnonzero(good & (fixes["tag"] == tag)).tolist()
        doubt = before["doubt"][np.searchsorted(before["tag"], tag)].reshape(1)
        waiting = doubt if doubt["tag"][0] and doubt[list(IDENTITY)].tolist()[0] not in confirmed else _NO_FIX
        for row in rows:
            if len(waiting):
                found.append(Fault(tag, int(assessed.lane_us[row]), waiting.copy()))
            waiting = fixes[row : row + 1] if jumped[row] else _NO_FIX
    return sorted(found, key=lambda fault: (fault.tag, fault.lane_us, fault.at_us))
