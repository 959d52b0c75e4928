import { expect, test } from "vitest";
import type { Change, OrderChange } from "./api";
import { ofChange, ofOrder } from "./changes";

const NOW = Date.parse("2026-11-22T08:00:00Z");

function change(part: Partial<Change>): Change {
  return {
    id: 6,
    kind: "curfew",
    subject: 2,
    name: "Test Wearer",
    state: "waiting",
    relaxes: "The grace would be 20 minutes, no longer 5.",
    change: { grace_min: 20 },
    wearer: "Test Wearer",
    before: null,
    numbers: [],
    requested_by: { id: 2, name: "officer" },
    requested_at: "2026-11-22T07:00:00Z",
    ...part,
  };
}

function lines(part: Partial<Change>): string[] {
  return ofChange(change(part), NOW).lines;
}

test("a curfew says whose it is and what would be kept", () => {
  const asked = ofChange(change({}), NOW);
  expect(asked).toMatchObject({
    path: "/changes/6",
    about: "Curfew of Test Wearer",
    relaxes: ["The grace would be 20 minutes, no longer 5."],
    lines: ["Grace: 20 min"],
    overtaken: false,
  });
  const windows = [
    { days: ["mon", "tue"], from: "19:00", to: "07:00" },
    { days: ["sat"], from: "20:00", to: "24:00" },
  ];
  const exceptions = [
    { date: "2026-12-25", windows: [] },
    { date: "2026-12-31", windows: [{ from: "23:00", to: "24:00" }] },
  ];
  expect(lines({ change: { windows, exceptions } })).toEqual([
    "At home: mon tue 19:00 to 07:00; sat 20:00 to 24:00",
    "On single days: 2026-12-25 none; 2026-12-31 23:00 to 24:00",
  ]);
});

test("what stands already is not told again", () => {
  expect(lines({ before: { grace_min: 5, home: 3 }, change: { grace_min: 20, home: 3 } })).toEqual([
    "Grace: 5 min, then 20 min",
  ]);
});

test("what would end has nothing to be kept", () => {
  expect(lines({ kind: "zone", name: "School", change: null, relaxes: "The zone would end." })).toEqual([]);
});

test("a zone says its measures, not its coordinates, nor whom it is for by number", () => {
  const properties = { name: "School", kind: "exclusion", radius_m: 150, schedule: null, applies_to: { wearer: 7 } };
  const circle = { type: "Feature", geometry: { type: "Point", coordinates: [-2.98, 53.4] }, properties };
  expect(lines({ kind: "zone", change: circle })).toEqual(["Name: School", "Kind: exclusion", "Radius: 150 m"]);
  const ring = [
    [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 0],
    ],
  ];
  const polygon = { type: "Feature", geometry: { type: "Polygon", coordinates: ring }, properties: { name: "Park" } };
  expect(lines({ kind: "zone", change: polygon })).toEqual(["Name: Park", "Shape: polygon of 3 corners"]);
});

test("a wearer, a group and an absence are told by what is sent of them", () => {
  expect(lines({ kind: "wearer", change: { name: null, details: { risk: "standard" } } })).toEqual(["Risk: standard"]);
  expect(lines({ kind: "group", change: { name: null, wearers: [] } })).toEqual(["Wearers: none"]);
  const absence = { from: "2026-11-22T18:00:00Z", to: "2026-11-24T06:00:00Z", authoriser: "Court", reason: "Work." };
  expect(lines({ kind: "absence", change: absence }).map((line) => line.split(":")[0])).toEqual([
    "From",
    "Until",
    "Authoriser",
    "Why",
  ]);
});

test("settings are told in words, each number once", () => {
  const numbers = ["No contact, without any message: 60 min, then 90 min"];
  const asked = ofChange(
    change({ kind: "settings", name: "order 7", subject: 4, change: { no_contact: { standard_min: 90 } }, numbers }),
    NOW,
  );
  expect(asked.about).toBe("Settings of order 7 of Test Wearer");
  expect([...asked.relaxes, ...asked.lines]).toEqual(numbers);
});

test("a zone says whose it is, whom it protects, and only what would be otherwise", () => {
  const properties = { name: "School", kind: "exclusion", purpose: "victim", radius_m: 300, applies_to: { wearer: 7 } };
  const before = { type: "Feature", geometry: { type: "Point", coordinates: [-2.98, 53.4] }, properties };
  const smaller = { ...before, properties: { ...properties, radius_m: 150 } };
  const asked = ofChange(change({ kind: "zone", name: "School", before, change: smaller }), NOW);
  expect(asked.about).toBe("Zone School of Test Wearer");
  expect(asked.lines).toEqual(["It protects a victim", "Radius: 300 m, then 150 m"]);
  const elsewhere = { ...before, geometry: { type: "Point", coordinates: [-2.9, 53.4] } };
  expect(lines({ kind: "zone", before, change: elsewhere })).toEqual([
    "It protects a victim",
    "It would lie elsewhere, or have another shape",
  ]);
  expect(lines({ kind: "zone", before, change: null })).toEqual(["It protects a victim"]);
});

test("an order says what stood there, and then what", () => {
  const varied: OrderChange = {
    order: 3,
    wearer_name: "Test Wearer",
    number: 2,
    fields: { status: "unlawfully_at_large", ends: null },
    before: { status: "active" },
    relaxes: ["it would end earlier"],
    words: "By consent.",
    proposed_by: null,
    proposed_at: "2026-11-22T07:00:00Z",
    overtaken: true,
  };
  expect(ofOrder(varied, NOW)).toMatchObject({
    path: "/orders/3/changes/2",
    about: "Order 3 of Test Wearer",
    relaxes: ["It would end earlier"],
    lines: ["Status: active, then unlawfully at large"],
    why: "By consent.",
    overtaken: true,
  });
});
