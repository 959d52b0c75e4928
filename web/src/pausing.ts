// A pause of paging that was asked for on an alert, in words.
import type { Entry, Pause } from "./api";

/** Whether somebody has answered it: the alert's history names a pause once it is in force, or withdrawn. */
export function answered(pause: Pick<Pause, "id">, history: readonly Pick<Entry, "details">[]): boolean {
  return history.some((entry) => entry.details.pause === pause.id);
}
