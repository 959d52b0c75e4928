// One alert as docs/api.md shows it, for tests to vary.
import type { Alert } from "./api";

export function sample(part: Partial<Alert> = {}): Alert {
  return {
    id: 12,
    kind: "exclusion",
    severity: "P1",
    condition: "active",
    handling: "new",
    level: 0,
    escalated_to: null,
    owner: null,
    wearer_id: 7,
    wearer: "Test Wearer",
    subject: null,
    reason: null,
    tag: 356307042441013,
    zone_id: 4,
    zone_version: 1,
    zone_name: "School",
    zone_purpose: "victim",
    event_at: "2026-11-22T08:00:00Z",
    since: "2026-11-22T08:00:00Z",
    detected_at: "2026-11-22T08:00:02Z",
    ended_at: null,
    cleared_at: null,
    nearest_m: null,
    late: false,
    confidence: "definite",
    occurrences: 1,
    due: { acknowledge: "2026-11-22T08:02:02Z", contact: "2026-11-22T08:05:02Z", decision: "2026-11-22T08:10:02Z" },
    next_due: "2026-11-22T08:02:02Z",
    running: ["acknowledge", "contact", "decision"],
    returns_at: null,
    callback_at: null,
    paused: null,
    held_under: null,
    outcome: null,
    closed_at: null,
    version: "c1-h1",
    ...part,
  };
}

export function known(...alerts: Alert[]): Map<number, Alert> {
  return new Map(alerts.map((alert) => [alert.id, alert]));
}
