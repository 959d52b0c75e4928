import { expect, test } from "vitest";
import type { Alert, Evidence, Fix, Track, Zone } from "../api";
import { sample } from "../samples";
import { sceneOf, wordsOf } from "./scene";

const NOW = Date.parse("2026-11-22T08:10:00Z");

function fix(at: string, part: Partial<Fix> = {}): Fix {
  return {
    tag: 1,
    fix_at: at,
    received_at: at,
    lon: -2.98,
    lat: 53.4,
    accuracy_m: 10,
    speed_mps: null,
    heading_deg: null,
    source: "gnss",
    quality: "ok",
    flags: [],
    ...part,
  };
}

function track(...fixes: Fix[]): Track {
  return {
    type: "FeatureCollection",
    features: fixes.map((properties) => ({
      type: "Feature",
      properties,
      geometry: { type: "Point", coordinates: [properties.lon, properties.lat] },
    })),
  };
}

const zone: Zone = {
  type: "Feature",
  version: 1,
  properties: { name: "School", kind: "exclusion", purpose: "victim", radius_m: 300 },
  geometry: { type: "Point", coordinates: [-2.98, 53.4] },
};

const evidence: Evidence[] = [{ position: 1, distance_m: -35.2, fixes: [fix("2026-11-22T08:00:00Z")], events: [] }];

function known(alert: Alert, at: Zone | null, judged: readonly Evidence[], seen: Track | null) {
  return { alert, zone: at, evidence: judged, track: seen };
}

function parts(scene: ReturnType<typeof sceneOf>): string[] {
  return scene.features.map((feature) => feature.properties.part);
}

test("zone, last point with its accuracy, first point and trail are all drawn", () => {
  const scene = sceneOf(
    known(sample(), zone, evidence, track(fix("2026-11-22T08:04:00Z"), fix("2026-11-22T08:05:00Z"))),
  );
  expect(new Set(parts(scene))).toEqual(new Set(["zone", "name", "accuracy", "way", "point", "first", "last"]));
  expect(scene.possible).toBe(false);
});

test("an alert just begun has one mark, and it is the last point's", () => {
  const scene = sceneOf(known(sample(), zone, evidence, track(fix("2026-11-22T08:00:00Z"))));
  expect(parts(scene)).toContain("last");
  expect(parts(scene)).not.toContain("first");
});

test("nobody knows the way across a gap: it is not drawn as if they did", () => {
  const scene = sceneOf(known(sample(), null, [], track(fix("2026-11-22T07:00:00Z"), fix("2026-11-22T08:05:00Z"))));
  expect(parts(scene)).toContain("gap");
  expect(parts(scene)).not.toContain("way");
});

test("points that came out of order are joined in the order they were taken", () => {
  const later = fix("2026-11-22T08:05:00Z", { lon: -2.9 });
  const earlier = fix("2026-11-22T08:04:00Z", { lon: -3.0 });
  const way = sceneOf(known(sample(), null, [], track(later, earlier))).features.find(
    (f) => f.properties.part === "way",
  );
  expect(way?.geometry.type === "LineString" && way.geometry.coordinates).toEqual([
    [-3.0, 53.4],
    [-2.9, 53.4],
  ]);
});

test("what is possible is drawn dashed", () => {
  expect(sceneOf(known(sample({ confidence: "possible" }), zone, evidence, null)).possible).toBe(true);
});

test("the words say all that the picture says", () => {
  const moving = fix("2026-11-22T08:05:00Z", { speed_mps: 2, heading_deg: 90 });
  const text = wordsOf(known(sample(), zone, evidence, track(fix("2026-11-22T08:04:00Z"), moving)), NOW).join(" ");
  expect(text).toContain("School, exclusion, victim zone, circle of radius 300 m");
  expect(text).toContain("judged 35 m inside the edge");
  expect(text).toContain("5 min ago, accurate to 10 m, moving east at 7 km/h");
  expect(text).toContain("2 location points over 1 min");
});

test("with nothing known there is nothing to fit to", () => {
  expect(sceneOf(known(sample(), null, [], null)).box).toBeNull();
});
