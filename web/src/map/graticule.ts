// The visible box into lines of whole longitude and latitude, few enough to count and labelled at the edges.
import type { Feature, FeatureCollection, LineString } from "geojson";
import type { Box } from "../geo";

const STEPS_DEG = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001];
const LINES = 6; // across the wider side, at most

/** Degrees between lines so that at most six fit the span. */
export function stepFor(spanDeg: number): number {
  return STEPS_DEG.findLast((step) => spanDeg / step <= LINES) ?? 30;
}

export interface Tick {
  at: number; // degrees
  label: string;
}

/** The whole multiples of a step strictly inside a span, with words: "53.40° N". */
export function ticks(from: number, to: number, step: number, [positive, negative]: readonly [string, string]): Tick[] {
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const first = Math.floor(from / step) + 1;
  const count = Math.max(0, Math.ceil(to / step) - first);
  return Array.from({ length: count }, (_, index) => {
    const at = Number(((first + index) * step).toFixed(digits));
    const side = at === 0 ? "" : ` ${at > 0 ? positive : negative}`;
    return { at, label: `${Math.abs(at).toFixed(digits)}°${side}` };
  });
}

export function graticule([west, south, east, north]: Box): FeatureCollection<LineString> {
  const step = stepFor(Math.max(east - west, north - south));
  const line = (coordinates: [number, number][]): Feature<LineString> => ({
    type: "Feature",
    properties: {},
    geometry: { type: "LineString", coordinates },
  });
  return {
    type: "FeatureCollection",
    features: [
      ...ticks(west, east, step, ["E", "W"]).map(({ at }) =>
        line([
          [at, south],
          [at, north],
        ]),
      ),
      ...ticks(south, north, step, ["N", "S"]).map(({ at }) =>
        line([
          [west, at],
          [east, at],
        ]),
      ),
    ],
  };
}
