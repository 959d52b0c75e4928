import { expect, test } from "vitest";
import type { Status } from "./api";
import { told, trouble } from "./trouble";

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

test("while nothing is heard nobody is told that alerts come, and soon that silence means nothing", () => {
  const failing = [{ name: "duties", text: "duty forgetting fails" }];
  const lost = { line: "lost", freshMs: NOW_MS, judging: { ...WELL, failing } } as const;
  expect(told({ ...lost, line: "live" }, NOW_MS + 31_000)?.grade).toBe("note");
  expect(told(lost, NOW_MS + 3_000)?.grade).toBe("note");
  expect(told(lost, NOW_MS + 3_001)).toBeNull();
  expect(told(lost, NOW_MS + 30_000)).toBeNull();
  const silent = told({ ...lost, judging: WELL }, NOW_MS + 30_001);
  expect(silent?.grade).toBe("blind");
  expect(silent?.head).toMatch(/^The server has not been heard since .*08:05:00/);
  expect(told({ ...lost, freshMs: 0 }, NOW_MS)).toBeNull();
});

test("what was known to be wrong stays known while nothing is heard", () => {
  const failing = [{ name: "lanes", text: "lane 1 stands still" }];
  const lost = { line: "lost", freshMs: NOW_MS, judging: { ...WELL, failing } } as const;
  expect(told(lost, NOW_MS + 10_000)?.what).toBe("lane 1 stands still");
});
