// What the system found wrong with itself, into what a person on shift is told: how bad, what, and what to do.
import type { Status } from "./api";
import { ago, wall } from "./instant";

export interface Trouble {
  grade: "blind" | "note"; // blind: people may be unwatched; note: an engineer's work, alerts still come
  head: string;
  what: string;
  todo: string;
}

const BLIND = new Set(["database", "lanes", "progress", "synthetic"]);

/** The trouble there is, or null. */
export function trouble(status: Status, nowMs: number): Trouble | null {
  const what = [...new Set(status.failing.map((check) => check.text))].join(" · ");
  const live = status.state === "live";
  if (live && status.failing.length === 0) return null;
  if (live && !status.failing.some((check) => BLIND.has(check.name))) {
    return { grade: "note", head: "Alerts come, but not all is well", what, todo: "Tell the engineer on call." };
  }
  return {
    grade: "blind",
    head: head(status, nowMs),
    what,
    todo: "Silence means nothing until this is gone. Tell the engineer on call, and ring those who must be known about.",
  };
}

function head(status: Status, nowMs: number): string {
  if (status.state === "live") return "Monitoring may be down";
  if (status.as_of === null) return status.state === "behind" ? "Not judged yet" : "Monitoring is down";
  const asOf = `judging as of ${wall(status.as_of, nowMs)}, ${ago(status.as_of, nowMs)}`;
  return status.state === "stopped" ? `Monitoring is down: ${asOf}` : asOf.charAt(0).toUpperCase() + asOf.slice(1);
}
