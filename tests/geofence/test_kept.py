"""An index that was kept is the index it was, or is refused: whatever happened to its file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from geofence.kept import DamagedError, Kept, load, save
from model.instant import FOREVER_US
from model.zone import Assignment, Monitored
from tests.chance import times
from tests.geofence.check import fixes_at, no_last, zone


def anything(_: str) -> bool:
    """Any mark will do."""
    return True


def index() -> ZoneIndex:
    """Polygons with and without holes, a circle, two versions, a schedule, a zone for everyone."""
    ring = shapely.Point(-2.95, 53.05).buffer(0.04, 40)
    zones = [
        zone(1, shapely.box(-3.0, 53.0, -2.9, 53.1), in_force_to_us=1000),
        zone(1, shapely.box(-3.0, 53.0, -2.95, 53.1), version=2, in_force_from_us=1000),
        zone(2, ring.difference(shapely.Point(-2.95, 53.05).buffer(0.01)), intervals=((0, 5), (9, FOREVER_US))),
        zone(3, shapely.Point(-2.95, 53.05), 500.0, buffer_m=200.0),
        zone(4, shapely.box(-2.99, 53.04, -2.94, 53.06)),
    ]
    assigned = [Assignment(tag, number, 0, FOREVER_US) for tag in (7, 8) for number in (1, 2, 3)]
    return ZoneIndex.build(zones, assigned, [Monitored(tag, 1, 1, 0, FOREVER_US) for tag in (7, 9)], [4])


def arrays(of: ZoneIndex) -> list[bytes]:
    """All that the kernels read."""
    flat = [part for part in of.plan if not isinstance(part, tuple)]
    return [part.tobytes() for part in (*flat, *of.plan.tree, *of.plan.shapes, of.tags)]


def again(path: Path) -> ZoneIndex:
    """The index that a file holds."""
    kept = load(path, anything, threads=2)
    assert isinstance(kept, Kept)
    return ZoneIndex(kept.compiled, kept.reach)


def test_what_was_kept_is_what_is_loaded(tmp_path: Path) -> None:
    made, path = index(), tmp_path / "zones"
    save(made, path, "here 1")
    found = again(path)
    assert arrays(found) == arrays(made)
    assert [*found.zones] == [*made.zones]
    assert all(found.zones[key] == made.zones[key]._replace(wkb=b"") for key in made.zones)
    fixes = fixes_at(7, np.random.default_rng(1).uniform((-3.01, 52.99), (-2.89, 53.11), (300, 2)))
    assert np.array_equal(evaluate(found, fixes, no_last(1)), evaluate(made, fixes, no_last(1)))
    assert path.stat().st_mode & 0o777 == 0o600, "it holds where people must not go, and why"
    assert [*tmp_path.iterdir()] == [path]


def test_a_loaded_index_goes_on_and_its_file_stays_as_it_is(tmp_path: Path) -> None:
    made, path = index(), tmp_path / "zones"
    save(made, path, "here 1")
    before, found = path.read_bytes(), again(path)
    old = arrays(found)
    put = [zone(number, shapely.Point(-2.9 + number / 1e3, 53.0).buffer(0.01)) for number in range(5, 60)]
    changed, other = found, made
    for one in put:
        changed, other = changed.changed([one]), other.changed([one])
    changed, other = changed.changed(drop=[(2, 1)], assignments=[]), other.changed(drop=[(2, 1)], assignments=[])
    assert arrays(changed) == arrays(other)
    assert arrays(found) == old, "who judges by the index before goes on"
    assert path.read_bytes() == before
    save(changed, path, "here 2")
    assert arrays(again(path)) == arrays(changed)
    assert arrays(found) == old, "also when its file was replaced"


def test_no_file_and_another_mark_give_nothing(tmp_path: Path) -> None:
    path = tmp_path / "zones"
    assert load(path, anything) is None
    save(index(), path, "here 1")
    assert load(path, lambda mark: mark == "here 2") is None
    found = load(path, lambda mark: mark == "here 1")
    assert found is not None
    assert found.mark == "here 1"


@given(data=st.data())
@settings(max_examples=times(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, data: Any) -> None:
    """One byte other than it was, anywhere, an end that is missing, or more than there was."""
    path = tmp_path / "zones"
    if not path.exists():
        save(index(), path, "here 1")
    whole, damaged = path.read_bytes(), tmp_path / "damaged"
    how = data.draw(st.sampled_from(["changed", "cut", "longer", "other"]))
    at = data.draw(st.integers(0, len(whole) - 1))
    if how == "changed":
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :])
    else:
        damaged.write_bytes({"cut": whole[:at], "longer": whole + b"\0", "other": b"?" * at}[how])
    try:
        found = again(damaged)
    except DamagedError:
        return
    assert how == "changed", "only what is room behind an array may be anything"
    assert arrays(found) == arrays(index())


def test_nothing_at_all_is_kept_too(tmp_path: Path) -> None:
    save(ZoneIndex.build([]), tmp_path / "zones", "")
    assert len(again(tmp_path / "zones").zones) == 0


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "zones"
    save(index(), path, "here 1")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        save(index(), path, "here 2")
    monkeypatch.undo()
    assert [*tmp_path.iterdir()] == [path]
    assert load(path, lambda mark: mark == "here 1") is not None


def test_a_version_without_outline_that_was_never_compiled_is_an_error() -> None:
    made = index()
    with pytest.raises(ValueError, match="zone 1 version 1 has no outline"):
        ZoneIndex.build(made.zones)
    again_built = ZoneIndex.build(made.zones, before=made.compiled)
    assert again_built.plan.shapes.shape.tobytes() == made.plan.shapes.shape.tobytes()
