import { expect, test } from "vitest";
import { boxOf, circle, compass, degreesPerMetre } from "./geo";

// Meridian and parallel arcs of one degree, metres: National Geospatial-Intelligence Agency's published table for WGS84.
test.each([
  [0, 110_574, 111_320],
  [45, 111_132, 78_847],
  [60, 111_412, 55_800],
])("a degree at latitude %d", (lat, metresLat, metresLon) => {
  const scale = degreesPerMetre(lat);
  expect(1 / scale.lat / metresLat).toBeCloseTo(1, 3);
  expect(1 / scale.lon / metresLon).toBeCloseTo(1, 3);
});

test("a circle closes, and reaches its radius north and east", () => {
  const [ring = []] = circle(-2.98, 53.4, 300).coordinates;
  expect(ring.at(0)).toEqual(ring.at(-1));
  const scale = degreesPerMetre(53.4);
  expect(Math.max(...ring.map(([, lat = 0]) => lat)) - 53.4).toBeCloseTo(300 * scale.lat, 9);
  expect(Math.max(...ring.map(([lon = 0]) => lon)) + 2.98).toBeCloseTo(300 * scale.lon, 9);
});

test("a box round one point is wide enough to see its surroundings", () => {
  const box = boxOf([{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [0, 0] } }], 200);
  const [west = 0, south = 0, east = 0, north = 0] = box ?? [];
  expect((east - west) / degreesPerMetre(0).lon).toBeCloseTo(200);
  expect((north - south) / degreesPerMetre(0).lat).toBeCloseTo(200);
  expect(boxOf([])).toBeNull();
});

test.each([
  [0, "north"],
  [359, "north"],
  [44, "north-east"],
  [181, "south"],
  [-90, "west"],
])("heading %d is %s", (deg, word) => {
  expect(compass(deg)).toBe(word);
});
