import { expect, test } from "vitest";
import type { Channel, Delivery } from "./api";
import { counts, standing, tested, told } from "./channels";

const NOW = Date.parse("2026-11-22T08:00:00Z");

function channel(part: Partial<Channel> = {}): Channel {
  return {
    id: 3,
    name: "Duty desk",
    kind: "webhook",
    target: "https://desk.example/cordon",
    kinds: null,
    severities: null,
    tells: null,
    active: true,
    digest: null,
    off_because: null,
    failing_since: null,
    delivered: 412,
    failed: 2,
    version: 1,
    ...part,
  };
}

test("a channel is told of everything unless something narrows it", () => {
  expect(told(channel())).toBe("everything");
  const narrow = channel({ severities: ["P1", "P2"], kinds: ["strap_brief"], tells: ["raised", "duty_manager"] });
  expect(told(narrow)).toBe("P1, P2; strap brief; raised, duty manager");
  expect(told(channel({ digest: { at: "07:00", timezone: "Europe/London" } }))).toBe(
    "numbers each day at 07:00 Europe/London",
  );
});

test("whether messages get through is said, and since when not", () => {
  expect(standing(channel(), NOW)).toEqual({ words: "Messages get through", grade: "well" });
  expect(standing(channel({ delivered: 0, failed: 0 }), NOW).words).toBe("Nothing sent yet");
  const vain = channel({ delivered: 0, failed: 4 });
  expect(standing(vain, NOW)).toEqual({ words: "Nothing delivered yet: 4 tries failed", grade: "trouble" });
  expect(standing({ ...vain, failed: 1 }, NOW).words).toBe("Nothing delivered yet: 1 try failed");
  const failing = standing(channel({ failing_since: "2026-11-22T07:50:00Z" }), NOW);
  expect(failing).toEqual({ words: "Nothing gets through since 10 min ago", grade: "trouble" });
  const gone = channel({ active: false, off_because: "the receiver answers 410" });
  expect(standing(gone, NOW)).toEqual({ words: "Off: the receiver answers 410", grade: "off" });
  expect(standing(channel({ active: false }), NOW).words).toBe("Switched off");
});

test("what came and what failed is counted, once", () => {
  expect(counts(channel())).toBe("412 delivered, 2 tries failed");
  expect(counts(channel({ delivered: 0, failed: 4 }))).toBe("");
  expect(counts(channel({ delivered: 0, failed: 0 }))).toBe("");
  const failing = channel({ delivered: 0, failed: 1, failing_since: "2026-11-22T07:50:00Z" });
  expect(counts(failing)).toBe("0 delivered, 1 try failed");
});

test("a test is waited for, then said how it went", () => {
  const delivery: Delivery = { id: 1, state: "waiting", last_error: null };
  expect(tested(delivery)).toBeNull();
  expect(tested({ ...delivery, state: "delivered" })).toBe("The test message was taken.");
  expect(tested({ ...delivery, state: "dead", last_error: "the receiver answers 500" })).toBe(
    "The test message did not get through: the receiver answers 500.",
  );
});
