// An alert into the stretch of the wearer's track worth drawing.
import type { Alert } from "../api";
import { now } from "../clock";

const HOUR_MS = 3_600_000;
const BEFORE_MS = HOUR_MS; // how they came
const AFTER_MS = HOUR_MS / 2; // where they went
const LONGEST_MS = 12 * HOUR_MS; // an alert days old: its last hours

export function trackWindow(alert: Alert, nowMs: number = now()): { from: string; to: string } {
  const end = alert.ended_at === null ? nowMs : Math.min(nowMs, Date.parse(alert.ended_at) + AFTER_MS);
  const start = Math.max(Date.parse(alert.event_at) - BEFORE_MS, end - LONGEST_MS);
  return { from: new Date(start).toISOString(), to: new Date(end).toISOString() };
}
