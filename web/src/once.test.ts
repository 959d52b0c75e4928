import { expect, test } from "vitest";
import { Once } from "./once";

function typed(words: string): FormData {
  const form = new FormData();
  form.append("words", words);
  return form;
}

test("the same words are the same request until it is answered, whenever they are sent again", () => {
  let nowMs = 1_000;
  const once = new Once(() => nowMs);
  const first = once.of(typed("Rang out."));
  nowMs = 9_000;
  expect(once.of(typed("Rang out."))).toEqual(first);
  expect(first.atMs).toBe(1_000);
  const other = once.of(typed("Spoke."));
  expect(other.key).not.toBe(first.key);
  expect(other.atMs).toBe(9_000);
  once.answered();
  expect(once.of(typed("Spoke.")).key).not.toBe(other.key);
});
