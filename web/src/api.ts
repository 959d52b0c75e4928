// The officers' API (docs/api.md) as typed calls: what this page needs of it and no more.
import type { Feature, FeatureCollection, MultiPolygon, Point, Polygon } from "geojson";
import { learn } from "./clock";
import { problemOf } from "./problem";
import { accessToken, refused } from "./session";

const PREFIX = "/api/v1";

export type Severity = "P1" | "P2" | "P3" | "P4";
export type Handling = "new" | "acknowledged" | "in_progress" | "closed";

export interface Person {
  id: number;
  name: string;
}

export interface Alert {
  id: number;
  kind: string;
  severity: Severity;
  condition: "active" | "ended" | "withdrawn";
  handling: Handling;
  owner: Person | null;
  wearer_id: number | null; // null where it concerns no one wearer: monitoring down, a gateway's outage
  wearer: string | null;
  subject: string | null; // what it concerns instead: a gateway's name
  tag: number | null;
  zone_id: number | null;
  zone_version: number | null;
  zone_name: string | null;
  zone_purpose: "victim" | "area" | null;
  event_at: string;
  detected_at: string;
  ended_at: string | null;
  late: boolean;
  confidence: "definite" | "possible" | "inferred";
  occurrences: number;
  due: Record<Clock, string | null>;
  next_due: string | null;
  held_under: number | null; // the alert it follows from
  outcome: string | null;
  closed_at: string | null;
  version: string; // "c1-h1": how often the condition changed, and the handling
}

export type Clock = "acknowledge" | "contact" | "decision";

export interface Fix {
  tag: number;
  fix_at: string;
  received_at: string;
  lon: number;
  lat: number;
  accuracy_m: number | null;
  speed_mps: number | null;
  heading_deg: number | null;
  source: string;
  quality: string;
  flags: string[];
}

/** What the device said of itself. */
export interface DeviceEvent {
  tag: number;
  kind: string;
  at: string;
  received_at: string;
}

export interface Evidence {
  position: number;
  distance_m: number | null;
  fixes: Fix[];
  events: DeviceEvent[];
}

export interface Entry {
  position: number;
  at: string;
  actor: Person | null;
  what: string;
  text: string;
}

export interface Detail extends Alert {
  evidence: Evidence[];
  history: Entry[];
}

export interface Status {
  state: "live" | "behind" | "stopped";
  as_of: string | null;
  text: string;
  failing: Check[];
  seen_at: string | null; // every lane's synthetic alert has come since
}

/** Something the system found wrong with itself; the text names nobody. */
export interface Check {
  name: string;
  text: string;
}

export interface ZoneProperties {
  name: string;
  kind: string;
  purpose: string;
  radius_m?: number;
}

export interface Zone extends Feature<Polygon | MultiPolygon | Point, ZoneProperties> {
  version: number;
}

export type Track = FeatureCollection<Point, Fix>;

export interface Closing {
  outcome: string;
  note: string;
  victim?: { notified: boolean; reason?: string };
}

interface List<Item> {
  items: Item[];
  next: string | null;
}

/** Every open alert, and the position in the feed from which the stream carries on. */
export async function openAlerts(signal: AbortSignal): Promise<{ alerts: Alert[]; position: number }> {
  const first = await call<List<Alert> & { position: number }>("/alerts?limit=500", { signal });
  const alerts = [...first.items];
  for (let cursor = first.next; cursor !== null; ) {
    const more = await call<List<Alert>>(`/alerts?limit=500&cursor=${encodeURIComponent(cursor)}`, { signal });
    alerts.push(...more.items);
    cursor = more.next;
  }
  return { alerts, position: first.position };
}

export function alert(id: number, signal: AbortSignal): Promise<Detail> {
  return call(`/alerts/${id}`, { signal });
}

/** The zone as it was when the alert was judged, not as it may be drawn now. */
export async function zone(id: number, version: number, signal: AbortSignal): Promise<Zone | null> {
  const { items } = await call<List<Zone>>(`/zones/${id}/versions`, { signal });
  return items.find((found) => found.version === version) ?? null;
}

export function track(wearer: number, from: string, to: string, signal: AbortSignal): Promise<Track> {
  const query = new URLSearchParams({ wearer: String(wearer), from, to });
  return call(`/fixes?${query}`, { signal, headers: { Accept: "application/geo+json" } });
}

/** Something done to an alert as it was seen: the server refuses where it has moved on since. */
export function act(seen: Alert, action: string, body: object): Promise<Detail> {
  return call(`/alerts/${seen.id}/${action}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "If-Match": `"${seen.version}"` },
    body: JSON.stringify(body),
  });
}

async function call<Answer>(path: string, request: RequestInit): Promise<Answer> {
  let answer = await authorised(path, request);
  if (answer.status === 401) answer = await authorised(path, request); // its token had just ended
  if (!answer.ok) throw await problemOf(answer);
  return answer.json();
}

async function authorised(path: string, request: RequestInit): Promise<Response> {
  const token = await accessToken();
  const headers = new Headers(request.headers);
  headers.set("Authorization", `Bearer ${token}`);
  const answer = await fetch(PREFIX + path, { ...request, headers });
  learn(answer.headers.get("Date"));
  if (answer.status === 401) refused(token);
  return answer;
}

export const STREAM = `${PREFIX}/alerts/stream`;
