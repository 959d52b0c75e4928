import { expect, test } from "vitest";
import { stepFor, ticks } from "./graticule";

test("at most six lines fit, and not fewer than a finer step would allow", () => {
  expect(stepFor(360)).toBe(30);
  expect(stepFor(6)).toBe(1);
  expect(stepFor(0.02)).toBe(0.005);
});

test("ticks are whole multiples with their side of the world", () => {
  expect(ticks(-0.011, 0.011, 0.01, ["E", "W"])).toEqual([
    { at: -0.01, label: "0.01° W" },
    { at: 0, label: "0.00°" },
    { at: 0.01, label: "0.01° E" },
  ]);
});
