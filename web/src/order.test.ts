import { describe, expect, test } from "vitest";
import { arrange, neighbour, same } from "./order";
import { known, sample } from "./samples";

const p1 = sample({ id: 1, next_due: "2026-11-22T08:05:00Z" });
const p1Overdue = sample({ id: 2, next_due: "2026-11-22T07:50:00Z" });
const p2Overdue = sample({ id: 3, severity: "P2", next_due: "2026-11-22T07:00:00Z" });
const p2Idle = sample({ id: 4, severity: "P2", next_due: null });
const p4Old = sample({ id: 5, severity: "P4", next_due: null, event_at: "2026-11-22T01:00:00Z" });
const p4New = sample({ id: 6, severity: "P4", next_due: null, event_at: "2026-11-22T02:00:00Z" });

describe("arrange", () => {
  test("worst first, then most overdue, then no clock, then oldest", () => {
    expect(arrange([], known(p4New, p4Old, p2Idle, p2Overdue, p1, p1Overdue), false)).toEqual([2, 1, 3, 4, 5, 6]);
  });

  test("of equally grave ones, who is there now stands before who has left, however overdue", () => {
    const left = { ...p1Overdue, condition: "ended" as const };
    expect(arrange([], known(left, p1, p2Overdue), false)).toEqual([1, 2, 3]);
  });

  test("closed alerts leave the queue", () => {
    expect(arrange([1, 2], known({ ...p1, handling: "closed" }, p1Overdue), false)).toEqual([2]);
  });

  test("while held no row moves: new ones join below, closed ones stay", () => {
    const alerts = known({ ...p2Overdue, handling: "closed" }, p4Old, p1);
    expect(arrange([3, 5], alerts, true)).toEqual([3, 5, 1]);
  });

  test("while held, several that join keep their own order of urgency", () => {
    expect(arrange([5], known(p4Old, p2Idle, p1), true)).toEqual([5, 1, 4]);
  });

  test("once let go everything is in its place again", () => {
    expect(arrange([5, 1], known(p4Old, p1), false)).toEqual([1, 5]);
  });
});

test("an unchanged order is known as such", () => {
  expect(same([1, 2], [1, 2])).toBe(true);
  expect(same([1, 2], [2, 1])).toBe(false);
  expect(same([1], [1, 2])).toBe(false);
});

test("walking stops at both ends and begins at the top", () => {
  const order = [7, 8, 9];
  expect(neighbour(order, null, 1)).toBe(7);
  expect(neighbour(order, 7, 1)).toBe(8);
  expect(neighbour(order, 9, 1)).toBe(9);
  expect(neighbour(order, 7, -1)).toBe(7);
  expect(neighbour([], null, 1)).toBeNull();
});
