import { expect, test } from "vitest";
import type { Held, Transfer } from "./api";
import { held, level, orders, sendable } from "./caseload";

const ORDER: Held = {
  order: 3,
  wearer_name: "Test Wearer",
  type: "bail",
  status: "unlawfully_at_large",
  officer: { id: 2, name: "Kim" },
  covered: false,
  transfer: null,
};

test("an order says how it stands and by whom it is answered for", () => {
  expect(held(ORDER)).toBe("order 3: bail, unlawfully at large");
  expect(held({ ...ORDER, covered: true })).toBe("order 3: bail, unlawfully at large – covered for Kim");
  expect(held({ ...ORDER, transfer: 4 })).toBe("order 3: bail, unlawfully at large – offered to somebody");
});

test("only one's own that is not on its way is sent", () => {
  expect([ORDER, { ...ORDER, covered: true }, { ...ORDER, transfer: 4 }].map(sendable)).toEqual([true, false, false]);
});

test("a transfer counts its orders, a level names both of its people", () => {
  const transfer: Transfer = { id: 1, orders: [3], from: { id: 1, name: "a" }, to: { id: 2, name: "b" }, note: null };
  expect(orders(transfer)).toBe("order 3");
  expect(orders({ ...transfer, orders: [3, 4] })).toBe("orders 3, 4");
  expect(level({ office: "duty_officer", otherwise: "duty_manager" })).toBe(
    "duty officer, outside office hours duty manager",
  );
  expect(level({ office: "police", otherwise: "police" })).toBe("police");
});
