// What the system found wrong with itself, or that it is not heard, into what a person on shift is told: how bad, what, and what to do.
import type { Status } from "./api";
import { ago, wall } from "./instant";
import type { Live } from "./live";

const GRACE_MS = 3_000; // a line that breaks and comes back within this was no news
const SILENT_MS = 30_000; // what is not heard for longer is not a moment's weakness of the line

export interface Trouble {
  grade: "blind" | "note"; // blind: people may be unwatched; note: an engineer's work, alerts still come
  head: string;
  what: string;
  todo: string;
}

const UNWATCHED =
  "Silence means nothing until this is gone. Tell the engineer on call, and ring those who must be known about.";
const BLIND = new Set(["database", "lanes", "progress", "synthetic"]);

type Heard = Pick<Live, "line" | "freshMs" | "judging">;

/** Whether the line has been broken for long enough to say so. */
export function broken(live: Heard, nowMs: number): boolean {
  return live.line === "lost" && nowMs - live.freshMs > GRACE_MS;
}

/** What is to be told, or null. While nothing is heard, that alerts came is no longer known. */
export function told(live: Heard, nowMs: number): Trouble | null {
  if (live.line === "lost" && live.freshMs > 0 && nowMs - live.freshMs > SILENT_MS) {
    const since = wall(new Date(live.freshMs).toISOString(), nowMs);
    return { grade: "blind", head: `The server has not been heard since ${since}`, what: "", todo: UNWATCHED };
  }
  const found = live.judging === null ? null : trouble(live.judging, nowMs);
  return found?.grade === "note" && broken(live, nowMs) ? null : found;
}

/** The trouble there is, or null. */
export function trouble(status: Status, nowMs: number): Trouble | null {
  const what = [...new Set(status.failing.map((check) => check.text))].join(" · ");
  const live = status.state === "live";
  if (live && status.failing.length === 0) return null;
  if (live && !status.failing.some((check) => BLIND.has(check.name))) {
    return { grade: "note", head: "Alerts come, but not all is well", what, todo: "Tell the engineer on call." };
  }
  return { grade: "blind", head: head(status, nowMs), what, todo: UNWATCHED };
}

function head(status: Status, nowMs: number): string {
  if (status.state === "live") return "Monitoring may be down";
  if (status.as_of === null) return status.state === "behind" ? "Not judged yet" : "Monitoring is down";
  const asOf = `judging as of ${wall(status.as_of, nowMs)}, ${ago(status.as_of, nowMs)}`;
  return status.state === "stopped" ? `Monitoring is down: ${asOf}` : asOf.charAt(0).toUpperCase() + asOf.slice(1);
}
