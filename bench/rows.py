"""Turns the runs of one case into the row that `cordon bench --json` prints."""

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple


class Along(NamedTuple):
    """Where a case stands on a curve of its workload: what changes from case to case, and how much of it this one has."""

    axis: str
    at: float


class Measured(NamedTuple):
    """One case of one workload: ours and the baseline, measured in the same run, and their answers compared."""

    workload: str
    case: str
    unit: str
    values: tuple[float, ...]  # ours, a value a run
    threads: int  # ours used so many
    baseline: str | None  # what it is, its threads included; None where there is nothing to compare with
    baseline_values: tuple[float, ...]  # empty without a baseline
    at_least: float | None  # the ratio aimed at (DESIGN.md section 4); None where the row only informs
    checked: int | None  # answers compared with the baseline's
    wrong: int | None  # of them, how many were not the same
    lost: int | None = None
    twice: int | None = None
    at_most: float | None = None  # the ratio not to be passed, where less is better
    along: Along | None = None  # None where the case stands alone

    @property
    def ratio(self) -> float | None:
        """Ours to the baseline, by their medians; None without a baseline."""
        return median(self.values) / median(self.baseline_values) if self.baseline_values else None

    @property
    def met(self) -> bool | None:
        """Whether what is aimed at is reached, by the ratio, or by the value itself without a baseline; None without an aim."""
        reached = median(self.values) if self.ratio is None else self.ratio
        if self.at_least is not None:
            return reached >= self.at_least
        return None if self.at_most is None else reached <= self.at_most

    @property
    def aim(self) -> str | None:
        """What is aimed at: ``≥ 30 x``, ``≤ 1024 B``."""
        unit = self.unit if self.ratio is None else "x"
        if self.at_least is not None:
            return f"≥ {_plain(self.at_least)} {unit}"
        return None if self.at_most is None else f"≤ {_plain(self.at_most)} {unit}"

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
            "baseline_value": median(self.baseline_values) if self.baseline_values else None,
            "ratio": self.ratio,
            "checked": self.checked,
            "wrong": self.wrong,
            "lost": self.lost,
            "twice": self.twice,
            "runs": len(self.values),
        }


def alone(
    workload: str,
    case: str,
    unit: str,
    values: Sequence[float],
    *,
    threads: int = 1,
    at_least: float | None = None,
    at_most: float | None = None,
    checked: int | None = None,
    wrong: int | None = None,
    along: Along | None = None,
) -> Measured:
    """A case with nothing to compare it with: its aim, where it has one, is of the value itself."""
    return Measured(
        workload, case, unit, tuple(values), threads, None, (), at_least, checked, wrong, at_most=at_most, along=along
    )


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:.4g}"
