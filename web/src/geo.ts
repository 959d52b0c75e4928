// Circles in metres on the ellipsoid and boxes round geometry, for drawing only: verdicts are the server's alone.
import type { Feature, Geometry, Polygon, Position } from "geojson";

export type Box = [west: number, south: number, east: number, north: number];

const A_M = 6_378_137; // WGS84 semi-major axis
const E2 = 0.00669437999014; // WGS84 first eccentricity squared
const CORNERS = 96;

/** Longitude and latitude degrees that one metre spans at a latitude, by the ellipsoid's own curvatures there. */
export function degreesPerMetre(lat: number): { lon: number; lat: number } {
  const phi = (lat * Math.PI) / 180;
  const w = 1 - E2 * Math.sin(phi) ** 2;
  const meridian = (A_M * (1 - E2)) / w ** 1.5;
  const prime = A_M / Math.sqrt(w);
  const degree = 180 / Math.PI;
  return { lon: degree / (prime * Math.max(Math.cos(phi), 1e-6)), lat: degree / meridian };
}

/** A circle as a polygon of 96 corners. */
export function circle(lon: number, lat: number, radiusM: number): Polygon {
  const scale = degreesPerMetre(lat);
  const ring: Position[] = Array.from({ length: CORNERS + 1 }, (_, corner) => {
    const angle = (2 * Math.PI * (corner % CORNERS)) / CORNERS;
    return [lon + radiusM * Math.sin(angle) * scale.lon, lat + radiusM * Math.cos(angle) * scale.lat];
  });
  return { type: "Polygon", coordinates: [ring] };
}

/** The box round everything given, at least ``leastM`` metres wide and high; null for nothing. */
export function boxOf(features: readonly Feature[], leastM = 200): Box | null {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const feature of features) {
    for (const [lon, lat] of positions(feature.geometry)) {
      if (lon === undefined || lat === undefined) continue;
      west = Math.min(west, lon);
      east = Math.max(east, lon);
      south = Math.min(south, lat);
      north = Math.max(north, lat);
    }
  }
  if (west > east) return null;
  const scale = degreesPerMetre((south + north) / 2);
  const wide = Math.max(0, leastM * scale.lon - (east - west)) / 2;
  const high = Math.max(0, leastM * scale.lat - (north - south)) / 2;
  return [west - wide, south - high, east + wide, north + high];
}

/** The corner farthest north; null for nothing. */
export function northernmost(features: readonly Feature[]): Position | null {
  let top: Position | null = null;
  for (const feature of features) {
    for (const position of positions(feature.geometry))
      if (top === null || (position[1] ?? 0) > (top[1] ?? 0)) top = position;
  }
  return top;
}

function* positions(geometry: Geometry): Generator<Position> {
  switch (geometry.type) {
    case "Point":
      yield geometry.coordinates;
      return;
    case "LineString":
    case "MultiPoint":
      yield* geometry.coordinates;
      return;
    case "Polygon":
    case "MultiLineString":
      for (const line of geometry.coordinates) yield* line;
      return;
    case "MultiPolygon":
      for (const polygon of geometry.coordinates) for (const ring of polygon) yield* ring;
      return;
    case "GeometryCollection":
      for (const part of geometry.geometries) yield* positions(part);
  }
}

const COMPASS = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"] as const;

/** A heading in degrees as one of eight words. */
export function compass(headingDeg: number): string {
  return COMPASS[Math.round((((headingDeg % 360) + 360) % 360) / 45) % 8] ?? "north";
}
