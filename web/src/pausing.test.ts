import { expect, test } from "vitest";
import { answered, elsewhere, latest, mutesP1, noChange, spared } from "./pausing";
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

test("pauses that wait elsewhere are said, whether or not a change waits", () => {
  const longer = { until: "2026-11-22T12:00:00Z", requested_by: { id: 3, name: "j.malik" } };
  expect(noChange(undefined)).toBe("No change waits here.");
  expect(noChange([{ state: "in_force", longer: null }])).toBe("Nothing waits for a second person.");
  const waiting = [
    { state: "waiting", longer: null },
    { state: "in_force", longer },
  ] as const;
  expect(noChange(waiting)).toBe("No change waits here.");
  expect(elsewhere(waiting)).toBe("Pauses wait in the shift handover (h): 2.");
  expect(elsewhere([{ state: "in_force", longer: null }])).toBeNull();
  expect(elsewhere(undefined)).toBeNull();
});

test("P1 of one kind may be muted, but of no entry into a zone", () => {
  expect(mutesP1({ kind: "strap" })).toBe(true);
  expect(mutesP1({ kind: "approach" })).toBe(false);
  expect(mutesP1({ kind: null })).toBe(false);
});

test("a pause ends a day after it began at the latest", () => {
  expect(latest({ from: "2026-11-22T08:00:30Z" })).toBe(Date.parse("2026-11-23T08:00:30Z"));
});
