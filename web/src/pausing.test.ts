import { expect, test } from "vitest";
import { answered, noChange, spared } from "./pausing";
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

test("pauses that wait elsewhere are said where no change waits", () => {
  const longer = { until: "2026-11-22T12:00:00Z", requested_by: { id: 3, name: "j.malik" } };
  expect(noChange(undefined)).toBe("No change waits here.");
  expect(noChange([{ state: "in_force", longer: null }])).toBe("Nothing waits for a second person.");
  const waiting = [
    { state: "waiting", longer: null },
    { state: "in_force", longer },
  ] as const;
  expect(noChange(waiting)).toBe("No change waits here; pauses wait in the shift handover (h): 2.");
});
