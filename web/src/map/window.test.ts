import { expect, test } from "vitest";
import { sample } from "../samples";
import { trackWindow } from "./window";

test("from an hour before it began until now, or until they were well away", () => {
  const now = Date.parse("2026-11-22T09:00:00Z");
  expect(trackWindow(sample(), now)).toEqual({ from: "2026-11-22T07:00:00.000Z", to: "2026-11-22T09:00:00.000Z" });
  const left = sample({ ended_at: "2026-11-22T08:10:00Z" });
  expect(trackWindow(left, now).to).toBe("2026-11-22T08:40:00.000Z");
  expect(trackWindow(left, Date.parse("2026-11-22T08:12:00Z")).to).toBe("2026-11-22T08:12:00.000Z");
});

test("of an alert that is days old its last twelve hours", () => {
  expect(trackWindow(sample(), Date.parse("2026-11-25T00:00:00Z")).from).toBe("2026-11-24T12:00:00.000Z");
});
