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
  level: number; // how far it was escalated
  escalated_to: string | null;
  owner: Person | null;
  wearer_id: number | null; // null where it concerns no one wearer: monitoring down, a gateway's outage
  wearer: string | null;
  subject: string | null; // what it concerns instead: a gateway's name
  reason: string | null; // of paperwork
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
  running: Clock[]; // those that nobody has stopped
  returns_at: string | null; // acknowledged: new again then, unless a step is logged
  callback_at: string | null; // the first call that is owed
  paused: Paused | null; // nobody is paged about it
  held_under: number | null; // the alert it follows from
  outcome: string | null;
  closed_at: string | null;
  version: string; // "c1-h1": how often the condition changed, and the handling
}

export interface Paused {
  id: number;
  until: string;
  reason: string;
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
  details: {
    person?: unknown;
    direction?: unknown;
    outcome?: unknown;
    callback?: unknown;
    step?: unknown;
    result?: unknown;
  }; // of many, those this page reads
}

export type PersonCalled = "wearer" | "victim" | "police" | "officer" | "other";

/** A call or message as it is logged. */
export interface Contacting {
  alert: number;
  way: "call" | "message";
  direction: "out" | "in";
  person: PersonCalled;
  outcome: "spoke" | "no_answer" | "refused" | "dead_number";
  number?: string;
  words?: string;
  police_reference?: string;
  callback_at?: string;
}

export interface Contact {
  id: number;
  alert: number | null;
  wearer_name: string | null;
  at: string;
  by: Person;
  person: PersonCalled;
  name: string | null;
  number: string | null;
  words: string | null;
  callback_at: string | null;
}

export interface Pause {
  id: number;
  state: "waiting" | "planned" | "in_force" | "over" | "ended";
  wearer_name: string;
  kind: string | null;
  reason: string;
  until: string;
  requested_by: Person;
  version: number;
}

export interface Visit {
  id: number;
  wearer_name: string;
  kind: "fit" | "inspect" | "swap" | "remove";
  officer: Person | null;
  from: string;
  to: string;
  status: string;
}

export interface Colleague extends Person {
  role: string;
  signed_in: boolean;
  owns: number;
}

export interface Handover {
  id: number;
  from: Person;
  to: Person;
  note: string | null;
  alerts: number[];
  offered_at: string;
}

/** What the next shift must know. */
export interface Shift {
  alerts: Alert[];
  calls_owed: Contact[];
  pauses: Pause[];
  visits: Visit[];
  blind: {
    failing: Check[];
    lanes: { partition: number; state: string; watermark: string }[];
    gateways: { name: string; worn: number; silent: number; unknown: number }[];
  };
  people: Colleague[];
  offers: Handover[];
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
  return send(`/alerts/${seen.id}/${action}`, body, { "If-Match": `"${seen.version}"` });
}

/** Log a call or message; the key makes one of a form that is sent twice. */
export function logContact(contact: Contacting, key: string): Promise<Contact> {
  return send("/contacts", contact, { "Idempotency-Key": key });
}

export async function callsOwed(signal: AbortSignal): Promise<Contact[]> {
  return (await call<List<Contact>>("/contacts?owed=true&limit=500", { signal })).items;
}

/** The visits to a wearer that are under way or planned, and the last that was made. */
export async function visits(wearer: number, signal: AbortSignal): Promise<Visit[]> {
  const { items } = await call<List<Visit>>(`/visits?wearer=${wearer}&limit=500`, { signal });
  const open = items.filter((visit) => visit.status === "planned" || visit.status === "at_door");
  return [...items.filter((visit) => visit.status === "done").slice(-1), ...open];
}

export function shift(signal: AbortSignal): Promise<Shift> {
  return call("/handover", { signal });
}

export function offer(to: number, note: string): Promise<Handover> {
  return send("/handover", note === "" ? { to } : { to, note });
}

export function answer(handover: number, what: "accept" | "withdraw"): Promise<Handover> {
  return send(`/handover/${handover}/${what}`);
}

/** A second person's yes. */
export function approve(pause: Pause): Promise<Pause> {
  return send(`/pauses/${pause.id}`, { approved: true }, { "If-Match": `"${pause.version}"` }, "PATCH");
}

function send<Answer>(
  path: string,
  body?: object,
  headers: Record<string, string> = {},
  method = "POST",
): Promise<Answer> {
  if (body === undefined) return call(path, { method, headers });
  const json = { "Content-Type": "application/json" };
  return call(path, { method, headers: { ...json, ...headers }, body: JSON.stringify(body) });
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
