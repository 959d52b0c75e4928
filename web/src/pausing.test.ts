import { expect, test } from "vitest";
import { answered, spared } from "./pausing";
import { sample } from "./samples";

test("a pause waits until the history names it", () => {
  expect(answered({ id: 4 }, [])).toBe(false);
  expect(answered({ id: 4 }, [{ details: {} }, { details: { pause: 3 } }])).toBe(false);
  expect(answered({ id: 4 }, [{ details: { pause: 4 } }])).toBe(true);
});

test("what pages all the same is said beforehand", () => {
  const but = { including_p1: false };
  const possible = sample({ kind: "exclusion_possible", severity: "P2" });
  expect(spared(possible, but)).toContain("may protect a victim");
  expect(spared({ ...possible, zone_purpose: null }, but)).toContain("may protect a victim");
  expect(spared({ ...possible, zone_purpose: "area" }, but)).toBeNull();
  const strap = sample({ kind: "strap", zone_purpose: null });
  expect(spared(strap, but)).toBe("This alert pages all the same: it is P1.");
  expect(spared(strap, { including_p1: true })).toBeNull();
  expect(spared({ ...strap, severity: "P2" }, but)).toBeNull();
});
