import { afterEach, expect, test, vi } from "vitest";
import { age, ago, brief, countdown, dayOld, ending, local, span, wall } from "./instant";

const MIN = 60_000;
const HOUR = 60 * MIN;
const NOW = Date.parse("2026-11-22T08:10:00Z");

test.each([
  [0, "0 s"],
  [59_999, "59 s"],
  [MIN, "1 min"],
  [59 * MIN + 59_000, "59 min"],
  [HOUR, "1 h"],
  [HOUR + 5 * MIN, "1 h 5 min"],
  [24 * HOUR, "1 day"],
  [51 * HOUR, "2 days 3 h"],
  [-4 * MIN, "4 min"],
])("span of %d ms is %s", (ms, words) => {
  expect(span(ms)).toBe(words);
});

test("how long ago, or how soon", () => {
  expect(ago("2026-11-22T08:04:00Z", NOW)).toBe("6 min ago");
  expect(ago("2026-11-22T08:09:58Z", NOW)).toBe("just now");
  expect(ago("2026-11-22T08:12:00Z", NOW)).toBe("in 2 min");
});

test("how old, where there is little room", () => {
  expect(age("2026-11-22T08:04:00Z", NOW)).toBe("6 min");
  expect(age("2026-11-22T08:12:00Z", NOW)).toBe("now");
});

test("a countdown never shows less time than is left, and a minute as a minute", () => {
  expect(countdown(60_000)).toBe("1:00");
  expect(countdown(59_001)).toBe("1:00");
  expect(countdown(5_000)).toBe("0:05");
  expect(countdown(2 * HOUR)).toBe("2 h");
});

test("local time names its zone, and its day where that is another", () => {
  expect(wall("2026-11-22T08:00:00Z", NOW, "Europe/London")).toBe("08:00:00 GMT");
  expect(wall("2026-07-01T08:00:00Z", NOW, "Europe/London")).toContain("1 Jul");
  expect(wall("2026-07-01T08:00:00Z", NOW, "Europe/London")).toContain("09:00:00 BST");
  expect(wall("2026-11-21T23:59:00Z", NOW, "Europe/London", false)).toContain("21 Nov");
  expect(wall("2026-11-21T23:59:00Z", NOW, "Europe/London", false)).not.toContain("2026");
  expect(wall("2030-11-22T08:10:00Z", NOW, "Europe/London", false)).toContain("22 Nov 2030");
});

test("a row says its zone only where the clocks have changed since", () => {
  expect(brief("2026-11-22T08:00:00Z", NOW, "Europe/London")).toBe("08:00");
  expect(brief("2026-11-21T23:59:00Z", NOW, "Europe/London")).toMatch(/21 Nov.* 23:59$/);
  expect(brief("2026-10-25T00:30:00Z", Date.parse("2026-10-25T03:00:00Z"), "Europe/London")).toBe("01:30 BST");
});

test("the night's second 01:30 is told from its first", () => {
  const after = Date.parse("2026-10-25T03:00:00Z");
  expect(wall("2026-10-25T00:30:00Z", after, "Europe/London", false)).toBe("01:30 BST");
  expect(wall("2026-10-25T01:30:00Z", after, "Europe/London", false)).toBe("01:30 GMT");
});

test("a moment as a field for local time has it", () => {
  const at = new Date(2026, 10, 22, 8, 30, 59).getTime();
  expect(local(at)).toBe("2026-11-22T08:30");
  expect(new Date(local(at)).getTime()).toBe(at - 59_000);
});

test.each([
  ["Europe/London", "2026-10-25T01:30", "2026-10-25T01:30:00.000Z"],
  ["Europe/London", "2026-10-25T00:30", "2026-10-24T23:30:00.000Z"],
  ["Europe/London", "2026-10-25T02:00", "2026-10-25T02:00:00.000Z"],
  ["Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T15:15:00.000Z"],
  ["Europe/London", "2026-11-22T08:30", "2026-11-22T08:30:00.000Z"],
])("an end typed in %s as %s is the last time it is that", (zone, typed, at) => {
  vi.stubEnv("TZ", zone);
  expect(new Date(ending(typed)).toISOString()).toBe(at);
});

afterEach(() => vi.unstubAllEnvs());

test("what is a day old, which midnight alone does not make it", () => {
  const now = new Date(2026, 10, 22, 0, 2).getTime();
  expect(dayOld(new Date(2026, 10, 21, 23, 58).toISOString(), now)).toBe(false);
  expect(dayOld(new Date(2026, 10, 21, 0, 3).toISOString(), now)).toBe(false);
  expect(dayOld(new Date(2026, 10, 21, 0, 2).toISOString(), now)).toBe(true);
});
