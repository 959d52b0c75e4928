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

/** Whether two people may mute P1, too: of one kind alone, and never of an entry into a zone. */
export function mutesP1({ kind }: Pick<Pausing, "kind">): boolean {
  return kind !== null && !ENTRIES.has(kind);
}

const LONGEST_MS = 24 * 3_600_000; // store/pauses.py has the same

/** When a pause must end at the latest, in milliseconds since 1970. */
export function latest({ from }: Pick<Pause, "from">): number {
  return Date.parse(from) + LONGEST_MS;
}

/** Whether somebody has answered it: the alert's history names a pause once it is in force, or withdrawn. */
export function answered(pause: Pick<Pause, "id">, history: readonly Pick<Entry, "details">[]): boolean {
  return history.some((entry) => entry.details.pause === pause.id);
}

type Asked = Pick<Pause, "state" | "longer">;

/** How many pauses, or later ends of theirs, wait for a second person. */
function waiting(pauses: readonly Asked[]): number {
  return pauses.filter((pause) => pause.state === "waiting" || pause.longer !== null).length;
}

/** What is said where no change waits for a second person: pauses may, elsewhere; undefined: nobody knows of them. */
export function noChange(pauses: readonly Asked[] | undefined): string {
  if (pauses === undefined) return "No change waits here.";
  return waiting(pauses) === 0 ? "Nothing waits for a second person." : "No change waits here.";
}

/** What waits for a second person elsewhere, whether or not changes do here; null where nothing does. */
export function elsewhere(pauses: readonly Asked[] | undefined): string | null {
  const count = waiting(pauses ?? []);
  return count === 0 ? null : `Pauses wait in the shift handover (h): ${count}.`;
}
