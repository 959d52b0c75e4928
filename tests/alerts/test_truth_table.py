"""The table of docs/alerts.md, held row by row: what a fix says of a zone."""

from pathlib import Path

import numpy as np
import pytest

from alerts.rules import Rules
from alerts.sighting import Said, weigh
from alerts.track import track_of
from model.fix import Quality, Source, empty_fixes
from model.hit import Verdict
from tests.rows import empty_hits

PAGE = Path(__file__).parents[2] / "docs" / "alerts.md"
QUALITY = {"ok": Quality.OK, "low accuracy": Quality.LOW_ACCURACY, "jump": Quality.IMPLAUSIBLE, "wrong clock": Quality.SKEWED}


def rows() -> list[list[str]]:
    lines = PAGE.read_text().splitlines()
    start = lines.index("| source | quality | accuracy | centre | says |") + 2
    found = []
    for text in lines[start:]:
        if not text.startswith("|"):
            break
        found.append([cell.strip() for cell in text.strip("|").split("|")])
    return found


def test_the_table_is_there() -> None:
    assert len(rows()) > 20
    assert {row[4] for row in rows()} == {said.name.lower() for said in Said}


@pytest.mark.parametrize(("source", "quality", "accuracy", "centre", "says"), rows())
def test_what_a_fix_says(source: str, quality: str, accuracy: str, centre: str, says: str) -> None:
    fixes, hits = empty_fixes(1), empty_hits(1)
    accuracy_m = float(accuracy.removesuffix(" m"))
    metres, side = centre.split(" m ")
    distance_m = -float(metres) if side == "inside" else float(metres)
    fixes["source"], fixes["quality"], fixes["accuracy_m"] = Source[source.upper()], QUALITY[quality], accuracy_m
    hits["distance_m"] = distance_m
    hits["verdict"] = Verdict.OUTSIDE if distance_m > accuracy_m else Verdict.POSSIBLE
    if distance_m <= -accuracy_m:
        hits["verdict"] = Verdict.INSIDE
    none = np.zeros(1, np.int64)
    track = track_of(fixes, none, none, none, np.ones(1, bool))
    assert Said(int(weigh(Rules(), track, hits, np.zeros(1))[0])).name.lower() == says
