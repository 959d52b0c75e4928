import { expect, test } from "vitest";
import { Problem } from "./problem";
import { has, left, makes } from "./shift";

test.each([
  [0, 0, "nothing"],
  [1, 0, "1 alert"],
  [0, 1, "1 owed call"],
  [2, 3, "2 alerts and 3 owed calls"],
])("%i alerts and %i calls are %s", (alerts, calls, said) => {
  expect(has(alerts, calls)).toBe(said);
});

test("what keeps somebody is what the refusal names", () => {
  const owned = [{ id: 12, kind: "exclusion", severity: "P1", condition: "ended" }];
  const calls = [{ id: 5, alert: null, person: "victim", callback_at: "2026-11-22T09:00:00Z" }];
  expect(left(new Problem(409, "", "you own 1 alert", { owned, calls }))).toEqual({ owned, calls });
  expect(left(new Problem(0, "", "The server does not answer"))).toEqual({ owned: [], calls: [] });
  expect(left(new TypeError("no line"))).toEqual({ owned: [], calls: [] });
});

test("who is to make a call is said", () => {
  const kim = { id: 2, name: "kim", role: "operator", signed_in: true, owns: 0, calls: 1, barred: null };
  expect(makes({ owed_by: null }, 1, [kim])).toBe("anybody's to make");
  expect(makes({ owed_by: { id: 1, name: "operator" } }, 1, [kim])).toBe("yours to make");
  expect(makes({ owed_by: { id: 2, name: "kim" } }, 1, [kim])).toBe("kim's to make");
  for (const people of [[{ ...kim, signed_in: false }], []])
    expect(makes({ owed_by: { id: 2, name: "kim" } }, 1, people)).toBe("kim's, not signed in: anybody's to make");
});
