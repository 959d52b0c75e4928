import { expect, test } from "vitest";
import { answered } from "./pausing";

test("a pause waits until the history names it", () => {
  expect(answered({ id: 4 }, [])).toBe(false);
  expect(answered({ id: 4 }, [{ details: {} }, { details: { pause: 3 } }])).toBe(false);
  expect(answered({ id: 4 }, [{ details: { pause: 4 } }])).toBe(true);
});
