// What waits for a second person, into words: whose it is, what it would ask less, and what would stand there instead.
import type { Change, OrderChange, Person } from "./api";
import { wall } from "./instant";

/** One change, of whatever, as it is shown. */
export interface Asked {
  path: string; // where it is approved or refused
  about: string;
  relaxes: string[];
  lines: string[]; // what would be saved
  by: Person | null;
  at: string;
  why: string | null;
  overtaken: boolean; // it can only be refused
}

const ABOUT: Record<Change["kind"], string> = {
  zone: "Zone",
  curfew: "Curfew of",
  wearer: "Device wearer",
  group: "Group",
  absence: "Absence of",
  settings: "Settings of",
};

export function ofChange(change: Change, nowMs: number): Asked {
  const named = change.name ?? String(change.subject);
  const whose = change.wearer === null || change.wearer === change.name ? "" : ` of ${change.wearer}`;
  return {
    path: `/changes/${change.id}`,
    about: `${ABOUT[change.kind]} ${named}${whose}`,
    relaxes: change.kind === "settings" ? [] : [change.relaxes], // its numbers say the same, and all of it
    lines: change.kind === "settings" ? change.numbers : would(change, nowMs),
    by: change.requested_by,
    at: change.requested_at,
    why: null,
    overtaken: change.state === "overtaken",
  };
}

/** What would be otherwise, "Grace: 5 min, then 20 min"; of what is new all of it; of a zone first what it is there for. */
function would({ kind, change, before }: Change, nowMs: number): string[] {
  const read = kind === "zone" ? zone : kind === "wearer" ? wearer : asItIs;
  const fields = read(change);
  const stood = read(before);
  const differing = Object.entries(fields ?? {}).filter(
    ([field, value]) => stood === null || !same(value, stood[field]),
  );
  const moved =
    kind === "zone" && change !== null && before !== null && !same(asItIs(change)?.geometry, asItIs(before)?.geometry);
  return [
    ...(kind === "zone" ? purpose(stood ?? fields) : []),
    ...(moved ? ["It would lie elsewhere, or have another shape"] : []),
    ...lines(Object.fromEntries(differing), nowMs, stood ?? {}),
  ];
}

function asItIs(saved: Fields | null): Fields | null {
  return saved;
}

function same(value: unknown, other: unknown): boolean {
  return JSON.stringify(value ?? null) === JSON.stringify(other ?? null);
}

const PURPOSES: Record<string, string> = { victim: "It protects a victim", area: "It protects an area" };

function purpose(fields: Fields | null): string[] {
  if (fields?.kind !== undefined && fields.kind !== "exclusion") return [];
  const said = PURPOSES[String(fields?.purpose)];
  return said === undefined ? [] : [said];
}

export function ofOrder(change: OrderChange, nowMs: number): Asked {
  return {
    path: `/orders/${change.order}/changes/${change.number}`,
    about: `Order ${change.order} of ${change.wearer_name}`,
    relaxes: change.relaxes.map(capital),
    lines: lines(change.fields, nowMs, change.before),
    by: change.proposed_by,
    at: change.proposed_at,
    why: change.words,
    overtaken: change.overtaken,
  };
}

/** What was sent, of which these are read by name. */
interface Fields {
  [field: string]: unknown;
  coordinates?: unknown;
  date?: unknown;
  days?: unknown;
  details?: unknown;
  from?: unknown;
  kind?: unknown;
  purpose?: unknown;
  geometry?: unknown;
  name?: unknown;
  properties?: unknown;
  to?: unknown;
  type?: unknown;
  windows?: unknown;
}

function zone(saved: Fields | null): Fields | null {
  if (saved === null) return null;
  const { applies_to: _, ...properties } = object(saved.properties);
  const geometry = object(saved.geometry);
  const corners = geometry.type === "Polygon" ? (geometry.coordinates as unknown[][])[0]?.length : undefined;
  return corners === undefined ? properties : { ...properties, shape: `polygon of ${corners - 1} corners` };
}

function wearer(saved: Fields | null): Fields | null {
  return saved && { name: saved.name, ...object(saved.details) };
}

const NAMES: Record<string, string> = {
  at: "At",
  buffer_m: "Warned within",
  confirm_fixes: "Fixes to confirm",
  ends: "Ends",
  exceptions: "On single days",
  from: "From",
  grace_min: "Grace",
  home: "Home",
  radius_m: "Radius",
  reason: "Why",
  risk: "Risk",
  starts: "Begins",
  timezone: "Time zone",
  to: "Until",
  windows: "At home",
};

/** "Grace: 20 min", or where it is known what stood there, "Status: active, then completed"; what says nothing is left out. */
function lines(fields: Fields, nowMs: number, before: Fields = {}): string[] {
  return Object.entries(fields).flatMap(([field, value]) => {
    const name = NAMES[field] ?? capital(field.replaceAll("_", " "));
    const said = worded(field, value, nowMs);
    if (field in before) return [`${name}: ${worded(field, before[field], nowMs) || "none"}, then ${said || "none"}`];
    return said === "" ? [] : [`${name}: ${said}`];
  });
}

const INSTANT = /^\d{4}-\d\d-\d\dT.*Z$/;

function worded(field: string, value: unknown, nowMs: number): string {
  if (value === null || value === undefined || value === "") return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return `${value}${field.endsWith("_m") ? " m" : field.endsWith("_min") ? " min" : ""}`;
  if (typeof value === "string") return INSTANT.test(value) ? wall(value, nowMs) : value.replaceAll("_", " ");
  if (Array.isArray(value)) return value.map((item) => worded("", item, nowMs)).join("; ") || "none";
  return windowed(object(value), nowMs);
}

/** A window of a timetable, "mon tue 19:00 to 07:00"; an exception, "2026-12-25 none"; anything else name by name. */
function windowed(item: Fields, nowMs: number): string {
  if ("from" in item && "to" in item) {
    const days = Array.isArray(item.days) ? `${item.days.join(" ")} ` : "";
    return `${days}${item.from} to ${item.to}`;
  }
  if ("date" in item) return `${item.date} ${worded("", item.windows, nowMs)}`;
  return lines(item, nowMs).join(", ");
}

function object(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
