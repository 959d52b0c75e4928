// An alert, its zone and the wearer's track into what the map draws and the same in words.
import type { Feature, LineString, Point, Polygon } from "geojson";
import type { Alert, Evidence, Fix, Track, Zone } from "../api";
import { type Box, boxOf, circle, compass, northernmost } from "../geo";
import { ago, span, wall } from "../instant";
import { asks, distance, length } from "../words";

const GAP_MS = 10 * 60_000; // between points farther apart than this nobody knows the way: no solid line

/** Every feature says by ``part`` what it is; ``style`` draws by that. */
export interface Drawn {
  part: "zone" | "name" | "accuracy" | "way" | "gap" | "point" | "first" | "last";
  label?: string;
  age?: number; // 0 newest to 1 oldest of the track
  heading?: number | null; // degrees clockwise from north
}

export interface Scene {
  features: Feature<Zone["geometry"] | LineString, Drawn>[];
  box: Box | null; // what must be in sight
  possible: boolean; // drawn dashed: it may be so
}

/** What is known of where the wearer was: what the scene is made of. */
export interface Known {
  alert: Alert;
  zone: Zone | null;
  evidence: readonly Evidence[];
  track: Track | null;
}

export function sceneOf({ alert, zone, evidence, track }: Known): Scene {
  const fixes = inOrder(track);
  const last = lastOf(fixes, evidence);
  const zoned = zone === null ? [] : zoneOf(zone);
  const marks = marksOf(evidence[0]?.fixes.at(0) ?? null, last);
  const sure =
    last === null || last.accuracy_m === null
      ? []
      : [drawn(circle(last.lon, last.lat, last.accuracy_m), { part: "accuracy" })];
  const way = wayOf(fixes);
  const matters = [...zoned, ...marks, ...sure];
  return {
    features: [...zoned, ...sure, ...way, ...fixes.map((fix, at) => pointOf(fix, ageOf(at, fixes.length))), ...marks],
    box: boxOf(matters.length > 0 ? matters : way),
    possible: alert.confidence !== "definite",
  };
}

function inOrder(track: Track | null): Fix[] {
  return track === null ? [] : track.features.map(placed).sort((a, b) => Date.parse(a.fix_at) - Date.parse(b.fix_at));
}

function lastOf(fixes: readonly Fix[], evidence: readonly Evidence[]): Fix | null {
  return fixes.at(-1) ?? evidence.at(-1)?.fixes.at(-1) ?? null;
}

function drawn<Shape extends Feature["geometry"]>(geometry: Shape, properties: Drawn): Feature<Shape, Drawn> {
  return { type: "Feature", geometry, properties };
}

function placed(feature: Track["features"][number]): Fix {
  const [lon, lat] = feature.geometry.coordinates;
  return { ...feature.properties, lon: lon ?? feature.properties.lon, lat: lat ?? feature.properties.lat };
}

/** The zone's shape, and its name above its northernmost corner, clear of what goes on inside. */
function zoneOf(zone: Zone): Scene["features"] {
  const { geometry, properties } = zone;
  const shape = drawn(geometry.type === "Point" ? disc(geometry, properties.radius_m ?? 0) : geometry, {
    part: "zone",
  });
  const top = northernmost([shape]);
  return top === null
    ? [shape]
    : [shape, drawn({ type: "Point", coordinates: top }, { part: "name", label: properties.name })];
}

function disc({ coordinates: [lon = 0, lat = 0] }: Point, radiusM: number): Polygon {
  return circle(lon, lat, radiusM);
}

/** Where the alert began and where the wearer was last; one mark, the last one's, where these are one fix. */
function marksOf(first: Fix | null, last: Fix | null): Feature<Point, Drawn>[] {
  if (first?.fix_at === last?.fix_at) return marked(last, "last", "Alert and last");
  return [...marked(first, "first", "Alert"), ...marked(last, "last", "Last")];
}

function marked(fix: Fix | null, part: "first" | "last", name: string): Feature<Point, Drawn>[] {
  if (fix === null) return [];
  return [drawn({ type: "Point", coordinates: [fix.lon, fix.lat] }, { part, label: `${name} ${hourOf(fix.fix_at)}` })];
}

function hourOf(at: string): string {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }).format(new Date(at));
}

function ageOf(at: number, count: number): number {
  return count < 2 ? 0 : 1 - at / (count - 1);
}

function pointOf(fix: Fix, age: number): Feature<Point, Drawn> {
  const moving = fix.heading_deg !== null && (fix.speed_mps ?? 0) >= 0.5;
  return drawn(
    { type: "Point", coordinates: [fix.lon, fix.lat] },
    { part: "point", age, heading: moving ? fix.heading_deg : null },
  );
}

/** The way between consecutive points, apart where there is a gap in time. */
function wayOf(fixes: readonly Fix[]): Feature<LineString, Drawn>[] {
  return fixes.slice(1).map((fix, at) => {
    const before = fixes[at] ?? fix;
    const gap = Date.parse(fix.fix_at) - Date.parse(before.fix_at) > GAP_MS;
    const coordinates = [
      [before.lon, before.lat],
      [fix.lon, fix.lat],
    ];
    return drawn({ type: "LineString", coordinates }, { part: gap ? "gap" : "way", age: ageOf(at, fixes.length) });
  });
}

/** The scene for those who cannot see it, or read it out: the same facts, as of now. */
export function wordsOf({ alert, zone, evidence, track }: Known, nowMs: number): string[] {
  const fixes = inOrder(track);
  const last = lastOf(fixes, evidence);
  const said: string[] = [];
  if (zone !== null) said.push(`Zone: ${zone.properties.name}, ${asks(alert).toLowerCase()}, ${shape(zone)}.`);
  said.push(...evidence.flatMap((item) => judgement(item, nowMs)));
  if (last !== null) {
    const sure = last.accuracy_m === null ? "" : `, accurate to ${length(last.accuracy_m)}`;
    said.push(`Last location point: ${wall(last.fix_at, nowMs)}, ${ago(last.fix_at, nowMs)}${sure}${motion(last)}.`);
  }
  const [first] = fixes;
  const end = fixes.at(-1);
  if (first !== undefined && end !== undefined && fixes.length > 1) {
    const long = span(Date.parse(end.fix_at) - Date.parse(first.fix_at));
    said.push(
      `Trail: ${fixes.length} location points over ${long}, from ${wall(first.fix_at, nowMs)} to ${wall(end.fix_at, nowMs)}.`,
    );
  }
  return said;
}

/** What stands in place of a map that would show the world and nobody on it; undefined: it is not known yet where they were last. */
export function nowhere(last: Fix | null | undefined, nowMs: number): string {
  const none = "No position known.";
  if (last === undefined) return none;
  if (last === null) return `${none} None came in the day before either.`;
  const sure = last.accuracy_m === null ? "" : `, accurate to ${length(last.accuracy_m)}`;
  const where = `${last.lat.toFixed(5)}, ${last.lon.toFixed(5)}`;
  return `${none} The last one before was ${wall(last.fix_at, nowMs)}, ${ago(last.fix_at, nowMs)}: ${where}${sure}.`;
}

/** What the fixes that raised the alert showed, and what those that ended it did. */
function judgement({ distance_m, fixes }: Evidence, nowMs: number): string[] {
  const at = fixes.at(-1)?.fix_at;
  return distance_m === null || at === undefined ? [] : [`At ${wall(at, nowMs)} judged ${distance(distance_m)}.`];
}

function shape(zone: Zone): string {
  const { geometry, properties } = zone;
  if (geometry.type === "Point") return `circle of radius ${length(properties.radius_m ?? 0)}`;
  return geometry.type === "Polygon" ? "polygon" : `${geometry.coordinates.length} polygons`;
}

function motion(fix: Fix): string {
  if (fix.speed_mps === null) return "";
  if (fix.speed_mps < 0.5) return ", not moving";
  const towards = fix.heading_deg === null ? "" : ` ${compass(fix.heading_deg)}`;
  return `, moving${towards} at ${Math.round(fix.speed_mps * 3.6)} km/h`;
}
