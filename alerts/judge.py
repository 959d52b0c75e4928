"""A batch becomes what is stored of it: the one way anything is judged, by workers, rehearsals, evidence and verify alike."""

from collections.abc import Iterable

import numpy as np

from alerts.fault import faults_of
from alerts.hearing import Heard, hear, lapse, sweep, wind
from alerts.late import judge_late, overtaken
from alerts.passed import with_passed
from alerts.pieces import Pool, pieces
from alerts.presence import as_it_came, sights, with_afar
from alerts.quality import assess, identity_order
from alerts.standing import attended_late, missed_at, stand, stood_upto
from alerts.step import ranked
from alerts.track import look, remember_sure, runs, sure_of, track_of
from alerts.urgency import timed
from alerts.world import World
from model.alert import NO_EVENTS, Judged
from model.arrays import Array, Bool
from model.batch import Batch
from model.event import sent_us
from model.fix import FIX
from model.history import NO_HISTORY, History
from model.state import State


def judge(world: World, state: State, batch: Batch, now_us: int, history: History = NO_HISTORY) -> Judged:
    """Judge the admitted records of a batch; the state becomes what it is after it.

    Parameters
    ----------
    world : zones, orders and rules; each fix is judged by the versions in force at its ``fix_at``
    state : the lane's; changed in place, so that a caller whose commit fails must drop it
    batch : records not seen before, in arrival order
    now_us : lane time once the batch is consumed
    history : what ``alerts.late.windows`` asked for; without it data that is out of order is judged by itself alone

    Returns
    -------
    Judged
        Fixes in identity order; live changes in the order of arrival, then those that disordered data made. They are the same
        however in-order data was cut into batches.
    """
    parts = pieces(world, state, batch, now_us)
    if not parts:
        return _judged(world, state, batch, now_us, history, np.zeros(len(batch.events), bool))
    pool = Pool(history)
    for part, upto_us in parts:
        told_back = overtaken(world.rules, world.terms, state, part.fixes, part.events)
        pool.add(part, _judged(world, state, part, upto_us, pool.history(world, state, part), told_back))
    return pool.judged()


def _judged(world: World, state: State, batch: Batch, now_us: int, history: History, told_back: Bool) -> Judged:
    """Judge a batch, or a piece of one; ``told_back`` (m,) says which of its events came out of order."""
    assessed = assess(world.rules, world.terms, state, batch.fixes)
    before = sure_of(state, assessed.before)
    hits = look(world.look, assessed.track, before)
    track, of_zones = with_passed(world, state, assessed.track, hits)
    entered = ranked(world.rules, world.terms, state, track, of_zones)
    stood = stand(world, state, track, of_zones, entered)
    changes = [change for _, change in entered]
    fixes, requalified = assessed.fixes, assessed.requalified
    back = assessed.disordered
    if back.any():
        # By their own quality: what history makes of it, is known only after.
        stood += attended_late(world, state, assessed.fixes[back], assessed.lane_us[back])
    changes += stood
    seen = sights(world.rules, world.terms, assessed.track, hits)
    seen = with_afar(world.look, world.rules, assessed.track, seen, state, batch.events)
    track, seen = as_it_came(assessed, seen)
    heard = Heard(assessed.came, assessed.came_us, batch.events, track, seen, faults_of(world.rules, assessed))
    changes += hear(world.rules, world.terms, state, heard)
    remember_sure(state, assessed.track, before, assessed.after)
    _remember(world, state, assessed.after, batch.events)
    changes += sweep(world.rules, world.terms, state, now_us, stood_upto(state, assessed.track))
    if back.any() or told_back.any() or assessed.overtaken.any():
        late = judge_late(world, state, assessed, batch.events, told_back, changes, history)
        fixes, changes = late.fixes, changes + late.changes
        requalified = np.concatenate([requalified, late.requalified])
    state.watermark_us = max(state.watermark_us, now_us)
    state.control_seq = world.control_seq
    return Judged(fixes, tuple(timed(world.rules, world.terms, changes)), requalified)


def rejudge(world: World, state: State, tags: Iterable[int], at_us: int, history: History = NO_HISTORY) -> Judged:
    """Judge each tag's last fix once more because a control change came into force at ``at_us``; no fix is stored.

    ``event_at`` and ``ended_at`` are the instant. Pairs whose zone version and wearer are as they were are left alone: one fix
    never counts twice. A last fix older than a fix speaks for is possible at most, and then raises alone, as no second one is to
    be had; its alert says how old it is. One that was taken before the present wearer had the tag says nothing of them.

    Parameters
    ----------
    history : what ``alerts.standing.missed_windows`` asked for
    """
    known = np.unique(np.fromiter(tags, np.int64))
    rows = state.find(known)
    known, rows = known[rows >= 0], rows[rows >= 0]
    last = state.tags["last"][rows]
    last = last[last["tag"] != 0]
    at = np.maximum(last["fix_at_us"], at_us)
    lane_us = np.maximum(at, state.watermark_us)
    track = track_of(last, at, lane_us, np.arange(len(last)), np.zeros(len(last), bool))
    stale = at - last["fix_at_us"] > world.rules.whereabouts_us
    others = last["fix_at_us"] < world.terms.worn_us(last["tag"], at)  # taken before whoever has the tag now was fitted with it
    track = track._replace(able=track.able & ~stale & ~others, late=np.zeros(len(last), bool), alone=stale)
    moved = last.copy()
    moved["fix_at_us"] = at
    hits = world.look(moved, np.zeros(len(last), FIX))
    hits = hits[~others[hits["fix_row"]]]
    missed = missed_at(world, state, known.tolist(), at_us, history)
    entered = ranked(world.rules, world.terms, state, track, hits, again=True)
    changes = [change for _, change in entered] + missed
    changes += stand(world, state, track, hits, entered, again=True)
    changes += sweep(world.rules, world.terms, state, at_us - 1)
    state.watermark_us = max(state.watermark_us, at_us)
    seen = sights(world.rules, world.terms, track, hits)
    seen = with_afar(world.look, world.rules, track, seen, state, NO_EVENTS)
    changes += lapse(world.rules, world.terms, state, known.tolist(), at_us, track, seen)
    wind(world.rules, world.terms, state, state.rows(known), again=True)
    changes += sweep(world.rules, world.terms, state, at_us)
    state.control_seq = world.control_seq
    return Judged(np.zeros(0, FIX), tuple(timed(world.rules, world.terms, changes)), np.zeros(0, FIX))


def doubtful(state: State, fixes: Array) -> Bool:
    """Which of (n,) FIX may already be stored, or be twice in the batch itself; (n,) bool.

    The rest are newer than anything stored for their tag and alone at their instant: they need no look at the table.
    """
    order = identity_order(fixes)
    tag, at_us = fixes["tag"][order], fixes["fix_at_us"][order]
    tag_at = runs(tag)
    newest_us = np.repeat(state.newest_us(state.find(tag[tag_at[:-1]])), np.diff(tag_at))
    twin = np.zeros(len(fixes) + 1, bool)
    twin[1:-1] = (tag[1:] == tag[:-1]) & (at_us[1:] == at_us[:-1])
    doubt = np.empty(len(fixes), bool)
    doubt[order] = (at_us <= newest_us) | twin[1:] | twin[:-1]
    return doubt


def _remember(world: World, state: State, after: Array, events: Array) -> None:
    """Write down what each tag left behind, and when its clock next runs out."""
    rows = state.rows(after["tag"])
    state.keep(rows, after)
    if len(events):
        of_events = state.rows(events["tag"])
        np.maximum.at(state.tags["contact_us"], of_events, events["received_us"])
        np.maximum.at(state.tags["newest_us"], of_events, sent_us(events))
        rows = np.concatenate([rows, of_events])  # maybe some twice
    wind(world.rules, world.terms, state, rows)
