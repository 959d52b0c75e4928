import { expect, test } from "vitest";
import { linked } from "./link";

test.each([
  ["#alert=12", 12],
  ["#alert=1", 1],
  ["", null],
  ["#alert=", null],
  ["#alert=0", null],
  ["#alert=12x", null],
  ["#alert=-3", null],
  ["#alert=1e3", null],
] as const)("%s is alert %s", (hash, id) => {
  expect(linked(hash)).toBe(id);
});
