// New P1 alerts into what cannot be missed: the tab's title while any waits, and one sound when one begins to.
import { useEffect, useRef } from "react";
import type { Alert } from "./api";
import { now } from "./clock";
import { byQueue } from "./order";
import type { Alerts } from "./queue";
import { waits } from "./words";

/** P1 alerts that nobody has taken, in the queue's order: one that is going on before one that is over. */
export function waitingP1(alerts: Alerts): Alert[] {
  return byQueue([...alerts.values()].filter((alert) => alert.severity === "P1" && waits(alert)));
}

/** One name for one reason to call: an occurrence, or a level it was escalated to. Amending or reconnecting gives no new one. */
function reason(alert: Alert): string {
  return `${alert.id}:${alert.occurrences}:${alert.level}`;
}

/** Those among the waiting that have not been announced; announces them. One that was taken and comes back is announced again. */
export function unheard(waiting: readonly Alert[], announced: Set<string>): Alert[] {
  const fresh = waiting.filter((alert) => !announced.has(reason(alert)));
  announced.clear();
  for (const alert of waiting) announced.add(reason(alert));
  return fresh;
}

/** Whether two people have said that nobody is to be called about it for now. */
function muted(alert: Alert, nowMs: number): boolean {
  return alert.paused !== null && Date.parse(alert.paused.until) > nowMs;
}

export function useCue(waiting: readonly Alert[], loaded: boolean, sound: boolean): void {
  const announced = useRef<Set<string> | null>(null);
  useEffect(() => {
    document.title = waiting.length === 0 ? "Cordon" : `(${waiting.length} P1) Cordon`;
    if (!loaded) return;
    if (announced.current === null) {
      announced.current = new Set();
      unheard(waiting, announced.current); // those there at sign-in stand on the screen already
    } else {
      const fresh = unheard(waiting, announced.current);
      if (sound && fresh.some((alert) => !muted(alert, now()))) chime();
    }
  }, [waiting, loaded, sound]);
}

const NOTES_HZ = [660, 880, 660, 880];
const NOTE_S = 0.18;

let audio: AudioContext | null = null;

/** Four short notes, twice up: heard across a room, over in under a second. */
export function chime(): void {
  audio ??= new AudioContext();
  const context = audio;
  NOTES_HZ.forEach((pitch, at) => {
    const tone = context.createOscillator();
    const volume = context.createGain();
    const start = context.currentTime + at * NOTE_S;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.25, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + NOTE_S);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + NOTE_S);
  });
}
