import { expect, test } from "vitest";
import type { Status } from "./api";
import { trouble } from "./trouble";

const NOW_MS = Date.parse("2026-11-22T08:05:00Z");
const WELL: Status = { state: "live", as_of: "2026-11-22T08:05:00Z", text: "judging live", failing: [], seen_at: null };

test("nothing is said while all is well", () => {
  expect(trouble(WELL, NOW_MS)).toBeNull();
});

test("a lane that is behind says as of when it judges", () => {
  const failing = [{ name: "lanes", text: "judging as of 08:02 UTC" }];
  const told = trouble({ ...WELL, state: "behind", as_of: "2026-11-22T08:02:00Z", failing }, NOW_MS);
  expect(told?.grade).toBe("blind");
  expect(told?.head).toMatch(/^Judging as of .*08:02:00.*, 3 min ago$/);
});

test("an alert that does not come may mean that nobody is watched", () => {
  const failing = [{ name: "synthetic", text: "lane 1's synthetic alert of 08:04:00 UTC has not come" }];
  const told = trouble({ ...WELL, failing }, NOW_MS);
  expect([told?.grade, told?.head]).toEqual(["blind", "Monitoring may be down"]);
  expect(told?.what).toContain("lane 1");
});

test("what only an engineer must know is a note", () => {
  const told = trouble({ ...WELL, failing: [{ name: "duties", text: "duty forgetting fails" }] }, NOW_MS);
  expect(told?.grade).toBe("note");
});
