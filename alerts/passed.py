"""A track becomes one that also has the instants at which controls ended before its fixes came: each seen by the fix before it.

At such an instant a lane judges last fixes again (``alerts.judge.rejudge``); but a fix taken before it and received after it was
not there then, and what it raises nothing else would end: where no authority holds, nobody may judge what comes later.
"""

from collections.abc import Mapping

import numpy as np

from alerts.track import Track, look
from alerts.world import World
from model.arrays import I64, Array, joined
from model.hit import HIT
from model.state import State


def with_passed(
    world: World, state: State, track: Track, hits: Array, until: Mapping[int, int] | None = None
) -> tuple[Track, Array]:
    """The track with such instants, and the hits of both; instants only of tags that have to do with any zone.

    After a fix come the instants up to the next one's time, and those up to its own lane time unless the next one came with it.
    So it does not matter how records are cut into batches, as long as a frame is not cut.

    Parameters
    ----------
    hits : (h,) HIT, ``fix_row`` a row of the track
    until : by tag, where the track is judged as things were taken: up to when, after its last row
    """
    if not len(track.at_us):
        return track, hits
    last_us = max(int(track.lane_us.max()), int(track.at_us.max()), *(until or {}).values())
    if not world.terms.anything_ends(int(track.at_us.min()), last_us):
        return track, hits
    rows = np.flatnonzero(track.forward)
    tags, at_us, lane_us = track.fixes["tag"][rows], track.at_us[rows], track.lane_us[rows]
    follows = np.append(tags[1:] == tags[:-1], np.zeros(min(len(tags), 1), bool))
    next_us, next_lane_us = (np.where(follows, np.append(one[1:], one[-1:]), 0) for one in (at_us, lane_us))
    if until is None:
        upto_us = np.maximum(next_us, np.where(next_lane_us == lane_us, 0, lane_us))
    else:
        upto_us = next_us
        upto_us[~follows] = [until[tag] for tag in tags[~follows].tolist()]
    passed = np.flatnonzero(world.terms.may_end(at_us, np.maximum(upto_us, at_us))) if len(rows) else rows
    if not len(passed):
        return track, hits
    concerned = np.append(track.fixes["tag"][hits["fix_row"]], np.array([*state.pairs.tags, *state.places.tags], np.int64))
    passed = passed[np.isin(tags[passed], concerned) | (world.terms.staying(tags[passed]) > 0)]
    spans = zip(passed.tolist(), tags[passed].tolist(), at_us[passed].tolist(), upto_us[passed].tolist(), strict=True)
    found = [(k, instant_us) for k, *span in spans for instant_us in world.terms.ends(*span)]
    if not found:
        return track, hits
    of, instants_us = np.array(found, np.int64).T
    more = _seen_at(world, track, rows[of], instants_us)
    more = more._replace(
        lane_us=np.maximum(more.lane_us, np.where(follows[of], np.minimum(instants_us, next_lane_us[of]), instants_us))
    )
    found_hits = look(world.look, more, np.zeros(0, track.fixes.dtype))
    return _merged(track, hits, more, found_hits, rows[of])


def _seen_at(world: World, track: Track, rows: I64, at_us: I64) -> Track:
    """Rows of a track as seen at later instants: not definite any more where they are too old to speak for then."""
    more = track.taken(rows)
    nothing = np.zeros(len(rows), bool)
    stale = at_us - more.fixes["fix_at_us"] > world.rules.whereabouts_us
    return more._replace(at_us=at_us, forward=nothing, able=more.able & ~stale, alone=nothing, passed=~nothing)


def _merged(track: Track, hits: Array, more: Track, found: Array, after: I64) -> tuple[Track, Array]:
    """One track and its hits of two, the rows of the second each behind a row of the first, in the order given."""
    whole = Track(
        joined([track.fixes, more.fixes], track.fixes.dtype),
        *(np.concatenate(pair) for pair in zip(track[1:], more[1:], strict=True)),
    )
    order = np.argsort(np.concatenate([np.arange(len(track.fixes)), after + 0.5]), kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    hits, found = hits.copy(), found.copy()
    hits["fix_row"] = place[hits["fix_row"]]
    found["fix_row"] = place[len(track.fixes) + found["fix_row"]]
    return whole.taken(order), joined([hits, found], HIT)
