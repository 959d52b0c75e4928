"""The picture in docs/geometry.md is what its script draws."""

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs" / "pictures" / "geometry.py"


def test_the_picture_is_what_its_script_draws() -> None:
    drawn = runpy.run_path(str(SCRIPT))["drawn"]()
    assert SCRIPT.with_suffix(".svg").read_text() == drawn, "run python docs/pictures/geometry.py"
