"""A tiny world is judged once, so that no real fix waits for the compiler."""

from typing import Final

import numpy as np
import shapely

from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from model.fix import FIX, empty_fixes
from model.instant import FOREVER_US
from model.zone import Assignment, Monitored, Purpose, Zone, ZoneKind

_ZONES: Final = (
    Zone(1, 1, ZoneKind.EXCLUSION, Purpose.AREA, shapely.box(0.0, 0.0, 0.001, 0.001).wkb, 0.0, 0.0, 0),
    Zone(2, 1, ZoneKind.EXCLUSION, Purpose.AREA, shapely.Point(0.0, 0.0).wkb, 100.0, 0.0, 0),
)


def warm() -> None:
    """Compile every kernel that judges fixes in order, or load it where it is kept (half a minute, or half a second).

    A worker does so before it joins; it puts fixes in order itself.
    """
    index = ZoneIndex.build(_ZONES, [Assignment(1, 1, 0, FOREVER_US)], [Monitored(1, 1, 1, 0, FOREVER_US)], [2])
    fixes = empty_fixes(1)
    fixes["tag"] = 1
    fixes["accuracy_m"] = 5.0
    if not len(evaluate(index, fixes, np.zeros(1, FIX))) == len(_ZONES):
        raise RuntimeError(
            "the warm-up world was judged wrongly: the compiled kernels are not to be trusted, remove their folder"
        )
