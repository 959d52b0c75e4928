// What the list said and what the stream says since, as one set of alerts that never goes backwards.
import type { Alert } from "./api";

export type Alerts = ReadonlyMap<number, Alert>;
export type Versions = ReadonlyMap<number, string>;

/**
 * Put one alert in; an older version of a known one changes nothing, as when the stream repeats after a reconnect, nor does what
 * was answered before one was closed and forgotten.
 */
export function put(alerts: Alerts, incoming: Alert, forgotten: Versions = new Map()): Alerts {
  const known = alerts.get(incoming.id);
  if (known !== undefined && !newer(incoming.version, known.version)) return alerts;
  const closed = forgotten.get(incoming.id);
  if (closed !== undefined && newer(closed, incoming.version)) return alerts;
  return new Map(alerts).set(incoming.id, incoming);
}

/** A fresh list replaces what was known, but for alerts the stream has brought further meanwhile. */
export function replace(alerts: Alerts, list: readonly Alert[]): Alerts {
  return new Map(
    list.map((incoming) => {
      const known = alerts.get(incoming.id);
      return [incoming.id, known !== undefined && !newer(incoming.version, known.version) ? known : incoming];
    }),
  );
}

/** Forget alerts that are closed, once nobody looks at them. */
export function forgetClosed(alerts: Alerts, kept: number | null): Alerts {
  const open = [...alerts].filter(([id, alert]) => alert.handling !== "closed" || id === kept);
  return open.length === alerts.size ? alerts : new Map(open);
}

function newer(incoming: string, known: string): boolean {
  const [condition, handling] = counts(incoming);
  const [knownCondition, knownHandling] = counts(known);
  if (condition < knownCondition || handling < knownHandling) return false;
  return condition > knownCondition || handling > knownHandling;
}

function counts(version: string): [condition: number, handling: number] {
  const found = /^c(\d+)-h(\d+)$/.exec(version);
  if (found === null) throw new Error(`an alert's version reads "${version}" instead of c1-h1`);
  return [Number(found[1]), Number(found[2])];
}
