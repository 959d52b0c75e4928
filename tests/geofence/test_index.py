"""Who is judged by which version of what, and when; and an index that changed equals one built anew."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geofence import index, shape
from geofence.evaluate import evaluate
from geofence.index import ZoneIndex
from geofence.shape import Shapes, compile_shapes, gathered
from geofence.within import within
from model.instant import FOREVER_US
from model.zone import Assignment, Monitored, Zone
from model.zones import merged
from tests.chance import times
from tests.geofence.check import fixes_at, no_last, zone

HERE = shapely.box(-3.0, 53.0, -2.9, 53.1)
INSIDE = (-2.95, 53.05)


def judged(zones: ZoneIndex, *at_us: int, tag: int = 1) -> list[list[tuple[int, int]]]:
    """For each instant the (zone, version) a fix inside ``HERE`` is judged by."""
    fixes = fixes_at(tag, [INSIDE] * len(at_us))
    fixes["fix_at_us"] = at_us
    hits = evaluate(zones, fixes, no_last(1))
    return [[(int(h["zone"]), int(h["version"])) for h in hits if h["fix_row"] == i] for i in range(len(at_us))]


def test_each_fix_is_judged_by_the_version_in_force_when_it_was_taken() -> None:
    versions = [
        zone(7, HERE, version=1, in_force_from_us=100, in_force_to_us=200),
        zone(7, HERE, version=2, in_force_from_us=200, in_force_to_us=300),
        zone(7, HERE, version=3, in_force_from_us=400),
    ]
    index = ZoneIndex.build(versions, [Assignment(1, 7, 0, FOREVER_US)])
    assert judged(index, 99, 100, 199, 200, 299, 300, 400) == [[], [(7, 1)], [(7, 1)], [(7, 2)], [(7, 2)], [], [(7, 3)]]


def test_of_two_versions_in_force_the_newer_one_judges() -> None:
    index = ZoneIndex.build([zone(7, HERE, version=2), zone(7, HERE, version=1)], [Assignment(1, 7, 0, FOREVER_US)])
    assert judged(index, 5) == [[(7, 2)]]


def test_a_zone_applies_in_its_intervals_whose_ends_are_open() -> None:
    scheduled = zone(7, HERE, intervals=((300, 400), (100, 200), (200, 250), (500, 500)))
    index = ZoneIndex.build([scheduled], [Assignment(1, 7, 0, FOREVER_US)])
    assert [bool(x) for x in judged(index, 99, 100, 200, 249, 250, 299, 300, 399, 400, 500)] == [
        *(False, True, True, True, False),
        *(False, True, True, False, False),
    ]
    never = ZoneIndex.build([zone(7, HERE, intervals=())], [Assignment(1, 7, 0, FOREVER_US)])
    assert judged(never, 5) == [[]]


def test_an_assignment_holds_from_its_first_instant_to_before_its_last() -> None:
    index = ZoneIndex.build([zone(7, HERE)], [Assignment(1, 7, 100, 200), Assignment(1, 7, 150, 180), Assignment(1, 7, 300, 400)])
    assert judged(index, 99, 100, 160, 199, 200, 300, 400) == [[], *[[(7, 1)]] * 3, [], [(7, 1)], []]


def test_shared_zones_apply_to_whoever_is_monitored_then() -> None:
    index = ZoneIndex.build([zone(7, HERE), zone(8, HERE)], [Assignment(1, 8, 0, 150)], [Monitored(1, 5, 6, 100, 200)], [7, 8])
    assert judged(index, 99, 100, 160, 200) == [[(8, 1)], [(7, 1), (8, 1)], [(7, 1), (8, 1)], []]
    assert judged(index, 160, tag=2) == [[]]


def test_a_zone_nobody_gave_is_refused_not_ignored() -> None:
    with pytest.raises(ValueError, match="zone 9 applies to somebody"):
        ZoneIndex.build([zone(7, HERE)], [Assignment(1, 9, 0, FOREVER_US)])
    with pytest.raises(ValueError, match="zone 9 applies to somebody"):
        ZoneIndex.build([zone(7, HERE)], shared=[9])
    index = ZoneIndex.build([zone(7, HERE)], [Assignment(1, 7, 0, FOREVER_US)])
    with pytest.raises(ValueError, match="zone 7 applies to somebody"):
        index.changed(drop=[(7, 1)])


@pytest.mark.parametrize(
    ("geometry", "radius_m", "words"),
    [
        (shapely.Point(0, 0), 0.0, "is a Point"),
        (shapely.LineString([(0, 0), (1, 1)]), 0.0, "is a LineString"),
        (HERE, 5.0, "is a Polygon with radius 5 m"),
        (shapely.Polygon(), 0.0, "is empty"),
    ],
)
def test_what_is_no_zone_is_not_compiled(geometry: Any, radius_m: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ZoneIndex.build([zone(1, geometry, radius_m)])


CIRCLE = shapely.Point(-2.5, 53.05)
SHAPES = [HERE, shapely.box(-2.94, 53.04, -2.8, 53.2), shapely.MultiPolygon([HERE, shapely.box(-2.8, 53.0, -2.7, 53.1)])]


@st.composite
def versions(draw: st.DrawFn) -> Zone:
    start = draw(st.integers(0, 50))
    return zone(
        draw(st.integers(1, 4)),
        draw(st.sampled_from(SHAPES)),
        version=draw(st.integers(1, 3)),
        in_force_from_us=start,
        in_force_to_us=start + draw(st.integers(1, 60)),
        buffer_m=draw(st.sampled_from([0.0, 900.0])),
    )


def closed_up(shapes: Shapes) -> Shapes:
    """The same shapes without anything between them that nobody refers to."""
    return gathered((shapes,), np.zeros(len(shapes.shape), np.int64), np.arange(len(shapes.shape)))


def worlds() -> Any:
    return st.lists(versions(), max_size=8).map(lambda zones: {(z.id, z.version): z for z in zones})


@given(
    before=worlds(),
    after=worlds(),
    spans=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(0, 99)), max_size=8),
)
@settings(max_examples=times(150), deadline=None)
def test_changed_equals_built_anew(before: Any, after: Any, spans: Any) -> None:
    ids = {key[0] for key in after}
    assignments = [Assignment(tag, number, at, at + 30) for tag, number, at in spans if number in ids]
    monitored = [Monitored(tag, 1, 1, at, at + 50) for tag, _, at in spans]
    shared = sorted(ids)[:2]
    built = ZoneIndex.build(after.values(), assignments, monitored, shared)
    put = [z for key, z in after.items() if before.get(key) != z]
    changed = ZoneIndex.build(before.values()).changed(put, before.keys() - after.keys(), assignments, monitored, shared)
    for name, one, other in zip(built.plan._fields, built.plan, changed.plan, strict=True):
        if not isinstance(one, tuple):
            np.testing.assert_array_equal(one, other, err_msg=name)
    for one, other in ((built.plan.tree, changed.plan.tree), (built.plan.shapes, closed_up(changed.plan.shapes))):
        for name, array, again in zip(one._fields, one, other, strict=True):
            np.testing.assert_array_equal(array, again, err_msg=name)
    assert built.tags.tolist() == changed.tags.tolist()


def arrays(of: ZoneIndex) -> list[bytes]:
    """All that the kernels read."""
    flat = [part for part in of.plan if not isinstance(part, tuple)]
    return [part.tobytes() for part in (*flat, *of.plan.tree, *of.plan.shapes, of.tags)]


@example([(0, 1, HERE, True), (1, 2, HERE, True), (1, 2, SHAPES[1], True)])
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5), st.sampled_from(SHAPES), st.booleans()), max_size=12))
@settings(max_examples=times(60), deadline=None)
def test_an_index_stays_what_it_is_whatever_is_made_of_it(changes: Any) -> None:
    """Several may be made of one, in any order: what they put behind its arrays is theirs alone."""
    many = [zone(number, HERE) for number in range(100, 180)]  # so that there is room behind them for some more
    made = [ZoneIndex.build([zone(1, HERE), zone(2, CIRCLE, 300.0), *many], [Assignment(1, 1, 0, FOREVER_US)], [], [2])]
    was = [arrays(made[0])]
    for at, number, geometry, turned in changes:
        before = made[at % len(made)]
        put = zone(number + 2, geometry if turned else geometry.reverse())
        made.append(before.changed([put]))
        was.append(arrays(made[-1]))
    fixes = fixes_at(1, [INSIDE, (-2.85, 53.15), (-2.5, 53.05)])
    for one in made:
        evaluate(one, fixes, no_last(1))
        within(one, fixes)
    assert [arrays(one) for one in made] == was
    for one in made:
        assert one.nbytes == sum(map(len, arrays(one))), "the memory reported is that of the arrays"


@pytest.mark.parametrize("piece", [1, 7, 64, 1 << 18])
def test_pieces_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    rng = np.random.default_rng(piece)
    turns = [np.linspace(0.0, 2.0 * np.pi, corners, endpoint=False) for corners in rng.integers(3, 90, 40)]
    rings = [np.column_stack([-2.0 + 0.05 * np.cos(turn), 53.0 + 0.05 * np.sin(turn)]) for turn in turns]
    zones = [zone(number, shapely.Polygon(ring)) for number, ring in enumerate(rings)]
    zones.insert(20, zone(99, shapely.Point(-2.0, 53.0), radius_m=100.0))
    # Teeth as high as the zone: so many edges in its rows that there is too little room at first, with others' in it already.
    teeth = [(-2.0 + 0.001 * i + 0.0005 * k, 53.1 if k else 53.0) for i in range(200) for k in (0, 1)]
    zones.insert(30, zone(98, shapely.Polygon([*teeth, (-1.8, 52.99), (-2.0, 52.99)])))
    whole = ZoneIndex.build(zones).plan.shapes
    monkeypatch.setattr(shape, "_PIECE", piece)
    for threads in (1, 3):
        cut = ZoneIndex.build(reversed(zones), threads=threads).plan.shapes
        assert [part.tobytes() for part in cut] == [part.tobytes() for part in whole]


def test_unchanged_geometry_is_not_compiled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ZoneIndex.build([zone(1, HERE), zone(2, SHAPES[1])], [Assignment(1, 1, 0, FOREVER_US)])
    compiled: list[int] = []
    monkeypatch.setattr(
        index,
        "compile_shapes",
        lambda zones, threads: compiled.extend(zones.row["id"][zones.outlines.row].tolist()) or compile_shapes(zones, threads),
    )
    ended = before.changed(put=[zone(1, HERE, in_force_to_us=50), zone(3, SHAPES[2])])
    assert judged(ended, 49, 50) == [[(1, 1)], []]
    assert compiled == [3]


def test_overlapping_intervals_become_one() -> None:
    assert merged([(5, 9), (1, 3), (3, 4), (6, 7), (8, 8)]) == [(1, 4), (5, 9)]


def test_thousands_of_shared_zones_are_found_as_if_each_were_looked_at() -> None:
    rng = np.random.default_rng(5)
    corners = rng.uniform((-180.0, -60.0), (180.0, 70.0), (3000, 2))
    corners[:1000] = rng.uniform((179.9, -17.0), (180.0, -16.9), (1000, 2))
    corners[1000:2000] = rng.uniform((-180.0, -17.0), (-179.9, -16.9), (1000, 2))
    sizes = rng.choice([0.001, 0.01, 3.0], (3000, 1), p=[0.6, 0.3, 0.1])
    boxes = np.hstack([corners, np.clip(corners + sizes, -180.0, 180.0)])
    boxes = boxes[boxes[:, 2] > boxes[:, 0]]
    zones = [zone(i + 1, shapely.box(*box)) for i, box in enumerate(boxes)]
    everyone = ZoneIndex.build(zones, monitored=[Monitored(1, 1, 1, 0, FOREVER_US)], shared=[z.id for z in zones])
    own = ZoneIndex.build(zones, [Assignment(1, z.id, 0, FOREVER_US) for z in zones])
    points = np.concatenate(
        [corners[::15], rng.uniform((179.9, -17.0), (180.0, -16.9), (100, 2)), [[-180.0, -16.95], [180.0, -16.95]]]
    )
    fixes = fixes_at(1, points, accuracy_m=500.0)
    hits = evaluate(everyone, fixes, no_last(1))
    assert len(hits) > 1000
    assert hits.tobytes() == evaluate(own, fixes, no_last(1)).tobytes()


HOLED = HERE.difference(shapely.box(-2.98, 53.02, -2.97, 53.03))
NEIGHBOURS = st.lists(
    st.sampled_from([(HERE, 0.0), (HOLED, 0.0), (SHAPES[2], 0.0), (CIRCLE, 400.0), (shapely.box(1.0, 50.0, 1.1, 50.1), 0.0)]),
    min_size=2,
)


@given(NEIGHBOURS, st.floats(-3.01, -2.89), st.floats(52.99, 53.11))
@settings(max_examples=times(100), deadline=None)
def test_a_zone_is_judged_the_same_whatever_zones_lie_before_and_after_it(
    kinds: list[tuple[Any, float]], lon: float, lat: float
) -> None:
    """All in one index, circles between polygons too, against each in an index of its own."""
    zones = [zone(i, shape_, radius_m=radius_m) for i, (shape_, radius_m) in enumerate(kinds, 1)]
    fixes = fixes_at(1, [(lon, lat), (-2.5, 53.052), (-2.975, 53.025)])
    together = evaluate(ZoneIndex.build(zones, [Assignment(1, z.id, 0, FOREVER_US) for z in zones]), fixes, no_last(1))
    alone = [evaluate(ZoneIndex.build([z], [Assignment(1, z.id, 0, FOREVER_US)]), fixes, no_last(1)) for z in zones]
    apart = np.concatenate(alone)
    order = np.lexsort((apart["zone"], apart["fix_row"]))
    assert np.sort(together, order=["fix_row", "zone"]).tobytes() == apart[order].tobytes()
