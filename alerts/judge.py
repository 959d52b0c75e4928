"""A batch becomes what is stored of it: the one way anything is judged, by workers, rehearsals, evidence and verify alike."""

from collections.abc import Iterable

import numpy as np

from alerts.fault import faults_of
from alerts.hearing import Heard, hear, lapse, sweep, wind
from alerts.late import judge_late
from alerts.presence import as_it_came, sights
from alerts.quality import assess, identity_order
from alerts.standing import attended_late, missed_at, stand, stood_upto
from alerts.step import ranked
from alerts.track import look, runs, track_of
from alerts.world import World
from model.alert import Judged
from model.arrays import Array, Bool, plain
from model.batch import Batch
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
    assessed = assess(world.rules, world.terms, state, batch.fixes)
    hits = look(world.look, assessed.track, assessed.before)
    entered = ranked(world.rules, world.terms, state, assessed.track, hits)
    stood = stand(world, state, assessed.track, hits, entered)
    changes = [change for _, change in entered]
    fixes, requalified = assessed.fixes, assessed.requalified
    if assessed.disordered.any():
        late = judge_late(world, state, assessed, changes, history)
        fixes, changes = late.fixes, changes + late.changes
        requalified = np.concatenate([requalified, late.requalified])
        # By their own quality: what history makes of it is not known to a state that is rebuilt.
        back = assessed.disordered
        stood += attended_late(world, state, assessed.fixes[back], assessed.lane_us[back])
    changes += stood
    seen = sights(world.rules, world.terms, assessed.track, hits)
    track, seen = as_it_came(assessed, seen)
    heard = Heard(assessed.came, assessed.came_us, batch.events, track, seen, faults_of(world.rules, assessed))
    changes += hear(world.rules, world.terms, state, heard)
    _remember(world, state, assessed.after, batch.events)
    changes += sweep(world.rules, world.terms, state, now_us, stood_upto(state, assessed.track))
    state.watermark_us = max(state.watermark_us, now_us)
    state.control_seq = world.control_seq
    return Judged(fixes, tuple(changes), requalified)


def rejudge(world: World, state: State, tags: Iterable[int], at_us: int) -> Judged:
    """Judge each tag's last fix once more because a control change came into force at ``at_us``; no fix is stored.

    ``event_at`` and ``ended_at`` are the instant. Pairs whose zone version and wearer are as they were are left alone: one fix
    never counts twice. A last fix older than a fix speaks for is possible at most, and then raises alone, as no second one is to
    be had; its alert says how old it is.
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
    track = track._replace(able=track.able & ~stale, late=np.zeros(len(last), bool), alone=stale)
    moved = last.copy()
    moved["fix_at_us"] = at
    hits = world.look(moved, np.zeros(len(last), FIX))
    missed = missed_at(world.terms, state, known.tolist(), at_us)
    entered = ranked(world.rules, world.terms, state, track, hits, again=True)
    changes = [change for _, change in entered] + missed
    changes += stand(world, state, track, hits, entered, again=True)
    changes += sweep(world.rules, world.terms, state, at_us - 1)
    state.watermark_us = max(state.watermark_us, at_us)
    changes += lapse(world.rules, world.terms, state, known.tolist(), at_us, track, sights(world.rules, world.terms, track, hits))
    wind(world.rules, world.terms, state, state.rows(known), again=True)
    changes += sweep(world.rules, world.terms, state, at_us)
    state.control_seq = world.control_seq
    return Judged(np.zeros(0, FIX), tuple(changes), np.zeros(0, FIX))


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
    plain(state.tags)[rows] = plain(after)
    if len(events):
        of_events = state.rows(events["tag"])
        np.maximum.at(state.tags["contact_us"], of_events, events["received_us"])
        rows = np.concatenate([rows, of_events])  # maybe some twice
    wind(world.rules, world.terms, state, rows)
