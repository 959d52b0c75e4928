// Keys into what they do; the same table is what "?" shows.
import { useEffect, useRef } from "react";
import { tinykeys } from "tinykeys";

export interface Actions {
  next(): void;
  previous(): void;
  worst(): void;
  press(button: string): void;
  sound(): void;
  show(page: Shown): void;
  keys(): void;
  leave(): void;
}

/** What stands in place of queue and alert. */
export type Shown = "shift" | "changes" | "caseload" | "channels";

interface Key {
  shown: string;
  binding: string;
  does: string;
  run(actions: Actions): void;
}

export const KEYS: readonly Key[] = [
  { shown: "j", binding: "j", does: "next alert", run: (to) => to.next() },
  { shown: "k", binding: "k", does: "previous alert", run: (to) => to.previous() },
  { shown: "p", binding: "p", does: "the first P1 that waits, else the top of the queue", run: (to) => to.worst() },
  { shown: "a", binding: "a", does: "acknowledge", run: (to) => to.press("a") },
  { shown: "m", binding: "m", does: "assign to me", run: (to) => to.press("m") },
  { shown: "l", binding: "l", does: "log a contact", run: (to) => to.press("l") },
  { shown: "n", binding: "n", does: "write a note", run: (to) => to.press("n") },
  { shown: "c", binding: "c", does: "close with an outcome", run: (to) => to.press("c") },
  { shown: "f", binding: "f", does: "fit the map to what matters", run: (to) => to.press("f") },
  { shown: "h", binding: "h", does: "shift handover", run: (to) => to.show("shift") },
  { shown: "v", binding: "v", does: "approvals: what waits for a second person", run: (to) => to.show("changes") },
  { shown: "o", binding: "o", does: "caseload: orders, cover, transfers", run: (to) => to.show("caseload") },
  { shown: "w", binding: "w", does: "channels: who is told outside", run: (to) => to.show("channels") },
  { shown: "s", binding: "s", does: "sound on or off", run: (to) => to.sound() },
  { shown: "Esc", binding: "Escape", does: "back to the queue", run: (to) => to.leave() },
  { shown: "?", binding: "[Shift]+?", does: "this list", run: (to) => to.keys() },
];

/** Listen while shown. Keys typed into a field, or while a dialog is open, are not commands. */
export function useKeys(actions: Actions): void {
  const newest = useRef(actions);
  newest.current = actions;
  useEffect(() => {
    const bindings = KEYS.map((key) => [
      key.binding,
      (event: KeyboardEvent) => {
        const walks = key.shown === "j" || key.shown === "k";
        if (document.querySelector("dialog[open]") !== null || (event.repeat && !walks)) return;
        event.preventDefault();
        key.run(newest.current);
      },
    ]);
    return tinykeys(window, Object.fromEntries(bindings));
  }, []);
}
