import { expect, test } from "vitest";
import { unheard, waitingP1 } from "./cue";
import { known, sample } from "./samples";

test("only P1 that nobody has taken waits, in the queue's order: who is there now before who has left", () => {
  const alerts = known(
    sample({ id: 1, next_due: "2026-11-22T08:05:00Z" }),
    sample({ id: 2, next_due: "2026-11-22T08:01:00Z" }),
    sample({ id: 3, severity: "P2" }),
    sample({ id: 5, condition: "ended", next_due: "2026-11-22T08:00:00Z" }),
    sample({ id: 4, handling: "acknowledged" }),
  );
  expect(waitingP1(alerts).map((alert) => alert.id)).toEqual([2, 1, 5]);
});

test("an occurrence is announced once, whatever happens to it; the next one again", () => {
  const announced = new Set<string>();
  expect(unheard([sample()], announced)).toHaveLength(1);
  expect(unheard([sample({ version: "c2-h1", late: true })], announced)).toHaveLength(0);
  expect(unheard([sample({ version: "c1-h1" })], announced)).toHaveLength(0); // as after a reconnect
  expect(unheard([sample({ version: "c3-h2", occurrences: 2 })], announced)).toHaveLength(1);
});

test("what was taken and comes back is announced again, and so is each level it is escalated to", () => {
  const announced = new Set<string>();
  unheard([sample()], announced);
  expect(unheard([sample({ level: 1 })], announced)).toHaveLength(1);
  expect(unheard([], announced)).toHaveLength(0); // acknowledged
  expect(unheard([sample({ level: 1 })], announced)).toHaveLength(1); // left alone, and anybody's again
});
