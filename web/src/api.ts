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
  event_at: string; // of the first occurrence
  since: string; // of the last
  detected_at: string;
  ended_at: string | null;
  cleared_at: string | null; // of a strap or case: the tag says it is closed again, and nobody has inspected it
  nearest_m: number | null; // of an approach
  late: boolean;
  confidence: "definite" | "possible" | "inferred";
  occurrences: number;
  due: Record<Clock, string | null>;
  next_due: string | null;
  running: Clock[]; // those that nobody has stopped
  returns_at: string | null; // in somebody's hands: new again then, unless a step is logged
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
    victim?: { notified: boolean; reason: string | null };
    callback?: unknown;
    step?: unknown;
    result?: unknown;
    pause?: unknown;
    pages?: unknown;
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
  owed_by: Person | null; // who is to make the call that is owed; null: nobody in particular
}

export interface Pause {
  id: number;
  state: "waiting" | "planned" | "in_force" | "over" | "ended";
  wearer_name: string;
  kind: string | null;
  reason: string;
  from: string;
  until: string;
  requested_by: Person;
  longer: { until: string; requested_by: Person } | null; // a later end, that waits for a second person
  version: number;
}

/** A pause as it is asked for. */
export interface Pausing {
  wearer: number;
  kind: string | null; // null: of every kind
  including_p1: boolean;
  reason: string;
  until: string;
}

/** What relaxes a zone, a curfew and so on, and waits for a second person. */
export interface Change {
  id: number;
  kind: "zone" | "curfew" | "wearer" | "group" | "absence" | "settings";
  subject: number;
  name: string | null;
  state: string;
  relaxes: string;
  change: Record<string, unknown> | null; // null: it would end
  wearer: string | null; // whom it concerns, or a group, or everyone
  before: Record<string, unknown> | null; // what stands there now
  numbers: string[]; // of settings, in words: from what to what
  requested_by: Person;
  requested_at: string;
}

/** The same of an order. */
export interface OrderChange {
  order: number;
  wearer_name: string;
  number: number;
  fields: Record<string, unknown>;
  before: Record<string, unknown>;
  relaxes: string[];
  words: string | null;
  proposed_by: Person | null;
  proposed_at: string;
  overtaken: boolean;
}

/** Who is told outside. */
export interface Channel {
  id: number;
  name: string;
  kind: "webhook" | "mail";
  target: string;
  kinds: string[] | null; // null: all, as of the next two
  severities: Severity[] | null;
  tells: string[] | null;
  active: boolean;
  digest: { at: string; timezone: string } | null;
  off_because: string | null;
  failing_since: string | null;
  delivered: number;
  failed: number;
  version: number;
}

export type Channelling = Pick<Channel, "name" | "kind" | "target" | "severities">;

export interface NewChannel extends Channel {
  secret: string | null; // shown once
}

export interface Delivery {
  id: number;
  state: "waiting" | "delivered" | "superseded" | "dead";
  last_error: string | null;
}

/** An order somebody answers for. */
export interface Held {
  order: number;
  wearer_name: string;
  type: string;
  status: string;
  officer: Person | null;
  covered: boolean;
  transfer: number | null;
}

export interface Cover {
  id: number;
  officer: Person;
  covered_by: Person;
  from: string;
  until: string;
  reason: string | null;
  in_force: boolean;
  version: number;
}

export interface Transfer {
  id: number;
  orders: number[];
  from: Person;
  to: Person;
  note: string | null;
}

/** Who is told when nobody answers, level by level. */
export interface Chain {
  order: number | null; // null: of every order without one of its own
  timezone: string;
  levels: { office: string; otherwise: string }[];
  repeat_min: number;
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
  owns: number; // open alerts
  calls: number; // that they owe
  barred: string | null; // why what I have to do cannot be theirs: "cannot work alert 12"
}

export interface Handover {
  id: number;
  from: Person;
  to: Person;
  note: string | null;
  alerts: number[];
  calls: number[];
  offered_at: string;
}

/** What keeps somebody from signing out, as the refusal names it. */
export interface Left {
  owned: { id: number; severity: Severity; condition: Alert["condition"] }[];
  calls: { id: number; alert: number | null; person: PersonCalled; callback_at: string }[];
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
  listed: Listed[]; // an outage's tags, those to be looked after first on top
  escalation_told: "delivered" | "waiting" | "nobody" | null; // whether a channel took the newest escalation
}

export interface Listed {
  tag: number;
  wearer_id: number | null; // null where we may not see wearers
  wearer: string | null;
  check_first: boolean | null; // a victim is to be protected from its wearer; null for whoever may not see wearers
  since: string; // overdue
  back_at: string | null;
  silence: number | null; // the alert of its silence
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

/** Where a wearer was last in the day before a moment. */
export async function lastBefore(wearer: number, to: string, signal: AbortSignal): Promise<Fix | null> {
  const from = new Date(Date.parse(to) - 24 * 3_600_000).toISOString();
  return (await track(wearer, from, to, signal)).features.at(-1)?.properties ?? null;
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

/** Handovers to or from me that wait for an answer: all that has to be asked again and again. */
export async function offers(signal: AbortSignal): Promise<Handover[]> {
  return (await call<List<Handover>>("/handover/offers", { signal })).items;
}

export function offer(to: number, note: string, key: string): Promise<Handover> {
  return send("/handover", note === "" ? { to } : { to, note }, { "Idempotency-Key": key });
}

export function answer(handover: number, what: "accept" | "withdraw"): Promise<Handover> {
  return send(`/handover/${handover}/${what}`);
}

/** Everything that waits for a second person. */
export async function waiting(signal: AbortSignal): Promise<{ orders: OrderChange[]; others: Change[] }> {
  const [orders, others] = await Promise.all([
    call<List<OrderChange>>("/orders/changes", { signal }),
    call<List<Change>>("/changes?waiting=true&limit=500", { signal }),
  ]);
  return { orders: orders.items, others: others.items };
}

/** What a second person says to one of them. */
export function decide(path: string, what: "approve" | "refuse"): Promise<unknown> {
  return send(`${path}/${what}`);
}

/** All that somebody owns goes back into the queue. */
export function release(account: number, reason: string): Promise<{ alerts: number[] }> {
  return send("/handover/release", { account, reason });
}

export function askPause(pause: Pausing, key: string): Promise<Pause> {
  return send("/pauses", pause, { "Idempotency-Key": key });
}

/** A second person's yes. */
export function approve(pause: Pause): Promise<Pause> {
  return send(`/pauses/${pause.id}`, { approved: true }, { "If-Match": `"${pause.version}"` }, "PATCH");
}

/** Another end: sooner holds at once, later waits for a second person; the same drops a later one that waits. */
export function movePause(pause: Pause, until: string): Promise<Pause> {
  return send(`/pauses/${pause.id}`, { until }, { "If-Match": `"${pause.version}"` }, "PATCH");
}

export function endPause(pause: Pause): Promise<Pause> {
  return send(`/pauses/${pause.id}`, { ended: true }, { "If-Match": `"${pause.version}"` }, "PATCH");
}

export async function channels(signal: AbortSignal): Promise<Channel[]> {
  return (await call<List<Channel>>("/channels?limit=500", { signal })).items;
}

export function addChannel(channel: Channelling, key: string): Promise<NewChannel> {
  return send("/channels", channel, { "Idempotency-Key": key });
}

export function switchChannel(channel: Channel, active: boolean): Promise<Channel> {
  return send(`/channels/${channel.id}`, { active }, { "If-Match": `"${channel.version}"` }, "PATCH");
}

export function testChannel(channel: number): Promise<Delivery> {
  return send(`/channels/${channel}/test`);
}

export function delivery(id: number, signal: AbortSignal): Promise<Delivery> {
  return call(`/deliveries/${id}`, { signal });
}

/** What an officer answers for, and what is under way to change that. */
export async function caseload(officer: number, signal: AbortSignal) {
  const [held, covers, transfers, chains] = await Promise.all([
    call<List<Held>>(`/caseload?officer=${officer}&limit=500`, { signal }),
    call<List<Cover>>(`/covers?officer=${officer}&limit=500`, { signal }),
    call<List<Transfer>>(`/transfers?officer=${officer}&offered=true&limit=500`, { signal }),
    call<List<Chain>>("/escalations?limit=500", { signal }),
  ]);
  const chain = chains.items.find((one) => one.order === null) ?? null;
  return { held: held.items, covers: covers.items, transfers: transfers.items, chain };
}

const ANSWER_FOR_ORDERS: readonly string[] = ["officer", "supervisor", "admin"];

/** Whoever may answer for orders. */
export async function officers(signal: AbortSignal): Promise<Person[]> {
  return (await shift(signal)).people.filter((person) => ANSWER_FOR_ORDERS.includes(person.role));
}

export function transfer(orders: number[], from: number, to: number, note: string, key: string): Promise<Transfer> {
  const body = { orders, from, to, ...(note !== "" && { note }) };
  return send("/transfers", body, { "Idempotency-Key": key });
}

export function answerTransfer(id: number, what: "accept" | "withdraw"): Promise<Transfer> {
  return send(`/transfers/${id}/${what}`);
}

export function cover(
  body: { officer: number; covered_by: number; from: string; until: string; reason?: string },
  key: string,
): Promise<Cover> {
  return send("/covers", body, { "Idempotency-Key": key });
}

export function endCover(one: Cover, atMs: number): Promise<Cover> {
  const until = new Date(atMs).toISOString();
  return send(`/covers/${one.id}`, { until }, { "If-Match": `"${one.version}"` }, "PATCH");
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
