"""Turns the runs of one case into the row that `cordon bench --json` prints."""

from statistics import median
from typing import Any, NamedTuple


class Measured(NamedTuple):
    """One case of one workload: ours and the baseline, measured in the same run, and their answers compared."""

    workload: str
    case: str
    unit: str
    values: tuple[float, ...]  # ours, a value a run
    threads: int  # ours used so many
    baseline: str  # what it is, its threads included
    baseline_values: tuple[float, ...]
    at_least: float | None  # the ratio aimed at (DESIGN.md section 4); None where the row only informs
    checked: int | None  # answers compared with the baseline's
    wrong: int | None  # of them, how many were not the same
    lost: int | None = None
    twice: int | None = None

    @property
    def ratio(self) -> float:
        """Ours to the baseline, by their medians."""
        return median(self.values) / median(self.baseline_values)

    @property
    def met(self) -> bool | None:
        """Whether the ratio aimed at is reached; None without an aim."""
        return None if self.at_least is None else self.ratio >= self.at_least

    @property
    def faults(self) -> int:
        """Answers that must not be: wrong, lost or given twice."""
        return sum(count or 0 for count in (self.wrong, self.lost, self.twice))

    def row(self) -> dict[str, Any]:
        """The row of CONTRACT.md: medians; ``runs`` is their number."""
        return {
            "workload": self.workload,
            "case": self.case,
            "value": median(self.values),
            "unit": self.unit,
            "baseline": self.baseline,
            "baseline_value": median(self.baseline_values),
            "ratio": self.ratio,
            "checked": self.checked,
            "wrong": self.wrong,
            "lost": self.lost,
            "twice": self.twice,
            "runs": len(self.values),
        }
