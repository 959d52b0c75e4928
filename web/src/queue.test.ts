import { describe, expect, test } from "vitest";
import { forgetClosed, put, replace } from "./queue";
import { known, sample } from "./samples";

describe("put", () => {
  test("a new alert joins", () => {
    expect([...put(known(), sample()).keys()]).toEqual([12]);
  });

  test("a newer condition or handling replaces what was known", () => {
    const ended = sample({ version: "c2-h1", condition: "ended" });
    expect(put(known(sample()), ended).get(12)).toBe(ended);
    const taken = sample({ version: "c1-h2", handling: "acknowledged" });
    expect(put(known(sample()), taken).get(12)).toBe(taken);
  });

  test("what the stream repeats after a reconnect changes nothing, and draws nothing", () => {
    const alerts = known(sample({ version: "c2-h2", handling: "acknowledged" }));
    expect(put(alerts, sample({ version: "c2-h2" }))).toBe(alerts);
    expect(put(alerts, sample({ version: "c1-h1" }))).toBe(alerts);
    expect(put(alerts, sample({ version: "c2-h1" }))).toBe(alerts);
  });

  test("versions are counted, not compared as text", () => {
    const tenth = sample({ version: "c10-h1" });
    expect(put(known(sample({ version: "c9-h1" })), tenth).get(12)).toBe(tenth);
  });

  test("an answer that breaks the contract is said, not guessed at", () => {
    expect(() => put(known(sample()), sample({ version: "7" }))).toThrow("c1-h1");
  });
});

describe("replace", () => {
  test("what is not in the list any more is gone", () => {
    expect(replace(known(sample({ id: 1 })), [sample({ id: 2 })]).has(1)).toBe(false);
  });

  test("an alert known further than the list stays as it is known", () => {
    const closed = sample({ version: "c1-h3", handling: "closed" });
    expect(replace(known(closed), [sample({ version: "c1-h2" })]).get(12)).toBe(closed);
  });
});

test("closed alerts are forgotten, but for the one looked at", () => {
  const alerts = known(sample({ id: 1 }), sample({ id: 2, handling: "closed" }), sample({ id: 3, handling: "closed" }));
  expect([...forgetClosed(alerts, 3).keys()]).toEqual([1, 3]);
  const open = known(sample({ id: 1 }));
  expect(forgetClosed(open, null)).toBe(open);
});
