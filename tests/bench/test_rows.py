"""Measured runs become medians, a ratio, and words that hide nothing."""

import io

from rich.console import Console

from bench.machine import Machine, Meter
from bench.rows import Measured, alone
from bench.table import tables

ONE = Measured(
    workload="fences",
    case="unsorted",
    unit="fixes/s",
    values=(5e6, 2e6, 3e6),
    threads=2,
    baseline="somebody else's, 1 thread",
    baseline_values=(1e6, 0.5e6, 9e6),
    at_least=3.0,
    checked=20_000_000,
    wrong=0,
)
QUIET = Machine("A processor", 2, 8.0, "Linux x86_64", "Python 3.11", 0.0)


def shown(measured: list[Measured], machine: Machine = QUIET, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(*tables(measured, machine, quick=False), sep="\n")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_nothing_is_filled_up_to_the_width_of_a_file_which_has_none() -> None:
    assert max(map(len, shown([ONE], width=10_000).splitlines())) < 200


def test_the_ratio_is_that_of_the_medians() -> None:
    assert (ONE.row()["value"], ONE.row()["baseline_value"], ONE.row()["ratio"], ONE.row()["runs"]) == (3e6, 1e6, 3.0, 3)


def test_an_aim_is_met_from_the_very_ratio_on() -> None:
    assert ONE.met is True
    assert ONE._replace(at_least=3.01).met is False
    assert ONE._replace(at_least=None).met is None


def test_an_upper_limit_is_met_up_to_the_very_ratio() -> None:
    most = ONE._replace(at_least=None, at_most=3.0)
    assert (most.met, most.aim) == (True, "≤ 3 x")
    assert most._replace(at_most=2.9).met is False


def test_without_a_baseline_the_value_itself_is_aimed_at() -> None:
    one = alone("memory", "away", "B", [1000.0], at_most=1024.0)
    assert (one.met, one.aim) == (True, "≤ 1,024 B")
    assert alone("memory", "away", "B", [1000.0], at_most=999.0).met is False
    assert alone("pipeline", "rate", "fixes/s", [5.0, 7.0, 9.0], threads=2, at_least=7.5).met is False
    row = one.row()
    assert (row["value"], row["baseline"], row["baseline_value"], row["ratio"]) == (1000.0, None, None, None)
    text = shown([one])
    assert "≤ 1,024 B: met" in text
    assert "one run" in text


def test_each_unit_has_a_table_of_its_own() -> None:
    text = shown([ONE, ONE._replace(case="bytes", unit="B", values=(5.0,)), ONE._replace(case="more", unit="B")])
    assert text.count("ours on 2 threads") == 2
    assert "fences: fixes/s, median and range of 3 runs" in text
    assert "fences: B, median and range of 1 to 3 runs" in text


def test_wrong_lost_and_twice_are_all_faults() -> None:
    assert ONE.faults == 0
    assert ONE._replace(wrong=1, lost=2, twice=4).faults == 7


def test_a_missed_aim_is_said_and_so_is_a_met_one() -> None:
    assert "≥ 3 x: met" in shown([ONE])
    missed = shown([ONE._replace(at_least=30.0)])
    assert "≥ 30 x: missed" in missed
    assert "met" not in missed.replace("missed", "")


def test_the_table_shows_median_and_range_of_both_and_what_was_compared() -> None:
    text = shown([ONE._replace(wrong=13)])
    assert "3 M" in text
    assert "2 to 5" in text
    assert "0.5 to 9" in text
    assert "13" in text
    assert "of 20 M" in text
    assert "unsorted: somebody else's, 1 thread" in text
    assert "ours on 2 threads" in text
    assert "A processor, 2 cores, 8 GB" in text


def test_other_work_on_the_machine_is_not_kept_quiet() -> None:
    assert "trust the ratios" not in shown([ONE])
    assert "Other work took 40% of the processors meanwhile: trust the ratios" in shown([ONE], QUIET._replace(others=0.4))
    assert "Other work" not in shown([ONE], QUIET._replace(others=None))


def test_the_meter_knows_this_machine() -> None:
    machine = Meter().read()
    assert machine.cores >= 1
    assert machine.memory_gb > 0.1
    assert machine.processor
    assert "numpy" in machine.versions
    assert machine.others is None or 0.0 <= machine.others <= 1.0


def test_the_name_of_a_case_is_never_cut_short() -> None:
    wide = ONE._replace(values=(123.4e3, 567.8e3, 901.2e3), baseline_values=(123.4e3, 567.8e3, 901.2e3))
    text = shown(
        [wide, wide._replace(case="a case with many words at 50000"), wide._replace(case="a case with many words at 5000")]
    )
    assert "…" not in text
    assert "50000" in text
