// The server's clock, as well as answers tell it: an operator's wrong clock must not make an alert look on time.
import { useSyncExternalStore } from "react";

let aheadMs = 0;
let shownMs = Date.now();
const watchers = new Set<() => void>();
let timer: number | undefined;

/** Learn from an answer's Date header, which counts whole seconds: smaller differences are not known to be there. */
export function learn(dateHeader: string | null): void {
  const server = dateHeader === null ? Number.NaN : Date.parse(dateHeader);
  if (Number.isNaN(server)) return;
  const found = server + 500 - Date.now();
  aheadMs = Math.abs(found) < 2_000 ? 0 : found;
}

/** The server's time now, milliseconds since 1970. */
export function now(): number {
  return Date.now() + aheadMs;
}

/** The time as shown on screen: every part of the page reads the same second. */
export function useNow(): number {
  return useSyncExternalStore(watch, () => shownMs);
}

function watch(changed: () => void): () => void {
  watchers.add(changed);
  if (timer === undefined) {
    shownMs = now(); // it stood still while nobody watched
    timer = window.setInterval(() => {
      shownMs = now();
      for (const tell of watchers) tell();
    }, 1_000);
  }
  return () => {
    watchers.delete(changed);
    if (watchers.size > 0) return;
    window.clearInterval(timer);
    timer = undefined;
  };
}
