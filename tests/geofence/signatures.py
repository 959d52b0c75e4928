"""Says, as JSON, what a warm process compiles besides when it judges by indexes and fixes of every form: run by test_warm."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numba.core.dispatcher import Dispatcher

from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from geofence.kept import load, save
from geofence.warm import warm
from geofence.within import within
from model.arrays import Array
from model.zone import Assignment, Monitored
from model.zones import Zones
from tests.geofence.check import no_last, zone
from tests.geofence.small_world import small_world


def kernels() -> dict[str, Any]:
    """Every compiled function of the geofence, by name."""
    modules = [module for name, module in sys.modules.items() if name.startswith("geofence.")]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)]
    return {f"{one.py_func.__module__}.{one.py_func.__name__}": one for one in found}


def counted() -> dict[str, int]:
    """How many signatures each has been compiled for."""
    return {name: len(one.signatures) for name, one in kernels().items()}


def fixed(array: Array) -> Array:
    """The same, not to be written."""
    out = array.copy()
    out.flags.writeable = False
    return out


def askew(array: Array) -> Array:
    """The same, an odd byte into a buffer nobody may write."""
    return np.frombuffer(b"\0" + array.tobytes(), array.dtype, offset=1)


def indexes() -> Iterator[tuple[str, Callable[[], ZoneIndex]]]:
    """Ways to come to an index."""
    made, _ = small_world()
    more = zone(90, shapely.box(-3.0, 53.0, -2.9, 53.1))
    table = Zones.of([more, zone(91, shapely.Point(-2.99, 53.01), 50.0)])
    assigned, watched = np.array([Assignment(1, 90, 0, 9), Assignment(1, 91, 0, 9)]), np.array([Monitored(1, 1, 1, 0, 9)])
    yield "as built", lambda: made
    yield "changed", lambda: made.changed([more])
    yield "changed twice, and less", lambda: made.changed([more]).changed([zone(92, shapely.box(0, 0, 1, 1))], [(90, 1)])
    yield "kept and loaded", lambda: loaded(made)
    yield "loaded and changed", lambda: loaded(made).changed([more])
    yield "of nothing", lambda: ZoneIndex.build([])
    yield "of columns", lambda: ZoneIndex.build(table, assigned, watched, threads=2)
    yield "of columns not to be written", lambda: ZoneIndex.build(table, fixed(assigned), fixed(watched))
    yield "of columns one by one", lambda: ZoneIndex.build(table, *map(np.asfortranarray, (assigned, watched)))
    yield "of what was compiled", lambda: ZoneIndex.build(loaded(made).zones, before=loaded(made).compiled)


def loaded(index: ZoneIndex) -> ZoneIndex:
    """An index, kept in a file and loaded again."""
    with tempfile.TemporaryDirectory() as folder:
        save(index, Path(folder) / "zones", "here")
        kept = load(Path(folder) / "zones", lambda mark: mark == "here", threads=2)
        assert kept is not None
        return ZoneIndex(kept.compiled, kept.reach)


def steps() -> Iterator[tuple[str, Callable[[], object]]]:
    """What a worker may come to do."""
    made, fixes = small_world()
    for name, index in indexes():
        yield name, lambda index=index: evaluate(index(), fixes, no_last(1), threads=2)  # type: ignore[misc]
    before = fixes[:1]
    for name, form in (("fixed", fixed), ("askew", askew), ("in pieces", lambda of: np.repeat(of, 2)[::2])):
        yield f"fixes {name}", lambda form=form: evaluate(made, form(fixes), no_last(1))  # type: ignore[misc]
        yield f"last {name}", lambda form=form: evaluate(made, fixes[1:], form(before))  # type: ignore[misc]
        yield f"within, fixes {name}", lambda form=form: contained(form(fixes))  # type: ignore[misc]


def contained(fixes: Array) -> None:
    """Containment alone, of fixes sieved and of those that are not: with a zone for everyone nothing is."""
    for index in (small_world()[0], ZoneIndex.build([zone(1, shapely.box(-3.0, 53.0, -2.9, 53.1))], [Assignment(1, 1, 0, 9)])):
        within(index, fixes)


def main() -> None:
    """Warm up, then count after each step."""
    warm()
    contained(small_world()[1])
    known = counted()
    said: dict[str, Any] = {"kernels": len(known), "warmed": sum(map(bool, known.values())), "steps": {}}
    for name, step in steps():
        step()
        now = counted()
        said["steps"][name] = {kernel: count for kernel, count in now.items() if count != known.get(kernel, 0)}
        known = now
    said["fast"] = [name for name, one in kernels().items() if one.targetoptions.get("fastmath")]
    said["locked"] = [name for name, one in kernels().items() if not one.targetoptions.get("nogil")]
    print(json.dumps(said))


if __name__ == "__main__":
    main()
