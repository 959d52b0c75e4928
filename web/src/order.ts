// Alerts into the order an operator works them, without moving rows under the hand that points at one.
import type { Alert } from "./api";
import type { Alerts } from "./queue";

interface Place {
  id: number;
  severity: string;
  over: boolean;
  dueMs: number;
  sinceMs: number;
}

/** Worst first; of equals who is there now before who has left; then the one whose clock ran out, or runs out, first; then the oldest. It does not depend on the time. */
function byUrgency(one: Place, other: Place): number {
  if (one.severity !== other.severity) return one.severity < other.severity ? -1 : 1;
  if (one.over !== other.over) return one.over ? 1 : -1;
  return one.dueMs - other.dueMs || one.sinceMs - other.sinceMs || one.id - other.id;
}

/** What the order goes by, read once for each alert and not at each comparison: a thousand take a millisecond. */
function placeOf({ id, severity, condition, next_due, event_at }: Alert): Place {
  const dueMs = next_due === null ? Number.MAX_SAFE_INTEGER : Date.parse(next_due);
  return { id, severity, over: condition !== "active", dueMs, sinceMs: Date.parse(event_at) };
}

/** Alerts in the queue's order, for whatever names the worst of them. */
export function byQueue(alerts: readonly Alert[]): Alert[] {
  const placed = alerts.map((alert) => ({ alert, place: placeOf(alert) }));
  return placed.sort((one, other) => byUrgency(one.place, other.place)).map(({ alert }) => alert);
}

/**
 * Ids in the order to show. While held, every row stays where it is (closed ones too) and new ones join below;
 * otherwise open alerts are shown by urgency.
 */
export function arrange(previous: readonly number[], alerts: Alerts, held: boolean): number[] {
  const open = [...alerts.values()].filter((alert) => alert.handling !== "closed");
  const sorted = open
    .map(placeOf)
    .sort(byUrgency)
    .map((place) => place.id);
  if (!held) return sorted;
  const kept = previous.filter((id) => alerts.has(id));
  const known = new Set(kept);
  return [...kept, ...sorted.filter((id) => !known.has(id))];
}

/** Whether two orders are the same, so that an unchanged one is not drawn again. */
export function same(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((id, at) => id === other[at]);
}

/** The id a step up or down from the selected one; at an end, or with nothing selected, the nearest there is. */
export function neighbour(order: readonly number[], selected: number | null, step: 1 | -1): number | null {
  const at = selected === null ? -1 : order.indexOf(selected);
  const next = at === -1 ? 0 : Math.min(Math.max(at + step, 0), order.length - 1);
  return order[next] ?? null;
}
