// A pause of paging that was asked for on an alert, in words.
import type { Alert, Entry, Pause, Pausing } from "./api";

/** Entries into zones; store/pauses.py has the same. No two people mute a P1 of these kinds. */
const ENTRIES: ReadonlySet<string> = new Set(["exclusion", "exclusion_possible", "crossed", "approach"]);

/** Why the alert pages all the same under such a pause, in a sentence; null where it would be muted. */
export function spared(
  alert: Pick<Alert, "kind" | "severity" | "zone_purpose">,
  { including_p1 }: Pick<Pausing, "including_p1">,
): string | null {
  if (ENTRIES.has(alert.kind) && alert.zone_purpose !== "area") {
    return "This alert pages all the same: its zone may protect a victim, and such an entry is never muted.";
  }
  return alert.severity === "P1" && !including_p1 ? "This alert pages all the same: it is P1." : null;
}

/** Whether somebody has answered it: the alert's history names a pause once it is in force, or withdrawn. */
export function answered(pause: Pick<Pause, "id">, history: readonly Pick<Entry, "details">[]): boolean {
  return history.some((entry) => entry.details.pause === pause.id);
}

/** What is said where no change waits for a second person: pauses may, elsewhere; undefined: nobody knows of them. */
export function noChange(pauses: readonly Pick<Pause, "state" | "longer">[] | undefined): string {
  if (pauses === undefined) return "No change waits here.";
  const count = pauses.filter((pause) => pause.state === "waiting" || pause.longer !== null).length;
  if (count === 0) return "Nothing waits for a second person.";
  return `No change waits here; pauses wait in the shift handover (h): ${count}.`;
}
