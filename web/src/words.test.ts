import { describe, expect, test } from "vitest";
import { sample } from "./samples";
import {
  asks,
  clocks,
  closesActive,
  distance,
  due,
  escalated,
  flags,
  found,
  happened,
  owner,
  place,
  remarks,
  sentence,
  tagSays,
  visited,
  warned,
} from "./words";

const NOW = Date.parse("2026-11-22T08:01:02Z");
const ME = 1;

describe("sentence", () => {
  test.each([
    [{}, "Test Wearer is inside School"],
    [{ condition: "ended" }, "Test Wearer was inside School"],
    [{ kind: "exclusion_possible" }, "Test Wearer may be inside School"],
    [{ kind: "exclusion_possible", condition: "ended" }, "Test Wearer may have been inside School"],
    [{ kind: "crossed" }, "Test Wearer seems to have crossed School"],
    [{ kind: "no_contact", zone_id: null, zone_name: null }, "Test Wearer is out of contact"],
    [{ kind: "strap", zone_id: null, zone_name: null }, "Test Wearer has an open strap"],
    [{ kind: "paperwork", reason: "unworked_visit", zone_id: null, zone_name: null }, "Test Wearer – visit not made"],
    [
      { kind: "paperwork", reason: "of_old", zone_id: null, zone_name: null },
      "Test Wearer has papers that do not agree",
    ],
    [{ kind: "inclusion_exit" }, "Test Wearer is not at School"],
    [{ kind: "not_in_words_yet", zone_id: null, zone_name: null }, "Test Wearer not in words yet"],
  ] as const)("%o reads %s", (part, said) => {
    expect(sentence(sample(part))).toBe(said);
  });

  test("what concerns no wearer is named by what it is about", () => {
    const nobody = { wearer: null, wearer_id: null, zone_id: null, zone_name: null };
    expect(sentence(sample({ ...nobody, kind: "undelivered", subject: "Duty desk" }))).toBe(
      "Message to Duty desk cannot be delivered",
    );
    expect(sentence(sample({ ...nobody, kind: "fleet_outage", subject: "gw-1" }))).toBe("Gateway gw-1 has gone silent");
    const network = sample({ ...nobody, kind: "fleet_outage", subject: "network EE" });
    expect(sentence(network)).toBe("Network EE has gone silent");
    expect(sentence(sample({ ...nobody, kind: "monitoring_down" }))).toBe("Monitoring is down");
  });

  test("a strap that the tag says is closed again is not said to be open, nor to be over", () => {
    const strap = { kind: "strap", zone_id: null, zone_name: null, cleared_at: "2026-11-22T02:13:00Z" };
    expect(sentence(sample(strap))).toMatch(/^Test Wearer – strap closed again .*02:13, not inspected$/);
    expect(sentence(sample({ ...strap, condition: "ended" }))).toBe("Test Wearer had an open strap");
  });

  test("an approach says how near, never nearer than it was", () => {
    expect(sentence(sample({ kind: "approach", nearest_m: 1_260 }))).toBe("Test Wearer is within 1.3 km of School");
    expect(sentence(sample({ kind: "approach", nearest_m: 991 }))).toBe("Test Wearer is within 1.0 km of School");
    expect(sentence(sample({ kind: "approach", nearest_m: 81, condition: "ended" }))).toBe(
      "Test Wearer was within 90 m of School",
    );
  });

  test("what was withdrawn is never said to have happened", () => {
    expect(sentence(sample({ condition: "withdrawn" }))).toBe("Test Wearer was reported inside School");
  });

  test("a crossing is never said to have been inside", () => {
    for (const condition of ["active", "ended", "withdrawn"] as const) {
      expect(sentence(sample({ kind: "crossed", condition }))).not.toContain("inside");
    }
    const said = remarks(sample({ kind: "crossed", confidence: "inferred" })).map((remark) => remark.long);
    expect(said).toEqual(["Inferred from path"]);
  });
});

describe("due", () => {
  test("names the clock that runs out next and counts it down", () => {
    expect(due(sample(), NOW)).toEqual({ act: "Acknowledge", words: "in 1:00", overdue: false });
    const taken = sample({ next_due: "2026-11-22T08:05:02Z", running: ["contact", "decision"] });
    expect(due(taken, NOW)).toEqual({ act: "First contact", words: "in 4:00", overdue: false });
  });

  test("says how long it has been overdue", () => {
    expect(due(sample(), NOW + 5 * 60_000)).toEqual({ act: "Acknowledge", words: "overdue 4 min", overdue: true });
  });

  test("says nothing where no clock runs", () => {
    expect(due(sample({ next_due: null }), NOW)).toBeNull();
  });
});

describe("clocks", () => {
  test("each says how long is left, or that it was stopped", () => {
    const called = sample({ running: ["decision"], next_due: "2026-11-22T08:10:02Z" });
    expect(clocks(called, NOW)).toEqual([
      { act: "Acknowledge", words: "done", overdue: false, stopped: true },
      { act: "First contact", words: "done", overdue: false, stopped: true },
      { act: "Decision", words: "in 9:00", overdue: false, stopped: false },
    ]);
  });

  test("a severity without a clock has none", () => {
    const due = { acknowledge: "2026-11-22T08:02:02Z", contact: null, decision: null };
    expect(clocks(sample({ due, running: ["acknowledge"] }), NOW).map((clock) => clock.act)).toEqual(["Acknowledge"]);
  });
});

test("a row says how far it was escalated, that a call is owed, and that nobody is paged, until the pause is over", () => {
  const paused = { id: 1, until: "2026-11-22T08:30:00Z", reason: "In hospital." };
  const alert = sample({ level: 2, callback_at: "2026-11-22T08:05:00Z", paused });
  expect(flags(alert, ME, NOW)).toEqual(["Level 2", "Call owed", "Paused"]);
  expect(flags(alert, ME, NOW + 60 * 60_000)).toEqual(["Level 2", "Call overdue"]);
  expect(flags(sample(), ME, NOW)).toEqual([]);
});

describe("a minute before an alert is nobody's again", () => {
  const mine = sample({ owner: { id: ME, name: "operator" }, returns_at: new Date(NOW + 45_000).toISOString() });
  test("whoever has it is told, on its row and in a sentence that does not count down", () => {
    expect(flags(mine, ME, NOW)).toEqual(["Log a step, 0:45 left"]);
    expect(warned(mine, ME, NOW)).toMatch(/^Log a step, or it pages again at .*\d\d:\d\d:47/);
    expect(warned(mine, ME, NOW + 10_000)).toBe(warned(mine, ME, NOW));
  });
  test("nobody else is, nor sooner, nor once it is over", () => {
    expect(warned(mine, 2, NOW)).toBeNull();
    expect(warned(mine, ME, NOW - 16_000)).toBeNull();
    expect(warned(mine, ME, NOW + 46_000)).toBeNull();
    expect(warned(sample({ owner: mine.owner }), ME, NOW)).toBeNull();
    expect(flags(mine, 2, NOW)).toEqual([]);
  });
  test("where nobody is paged it does not say that it pages", () => {
    const paused = { id: 1, until: "2026-11-22T08:30:00Z", reason: "In hospital." };
    expect(warned({ ...mine, paused }, ME, NOW)).toMatch(/^Log a step, or it is nobody's again at /);
  });
});

test("an escalation says to whom it is due, and whether anybody was told", () => {
  const alert = sample({ level: 3, escalated_to: "police" });
  expect(escalated(alert, undefined)).toBe("level 3, due to the police");
  expect(escalated(alert, "nobody")).toBe("level 3, due to the police – nobody was told");
  expect(escalated(alert, "waiting")).toBe("level 3, due to the police – not sent yet");
  expect(escalated(alert, "delivered")).toBe("level 3, due to the police – message delivered");
});

test("a closing says its outcome, and whether the victim was told", () => {
  const victim = { notified: false, reason: "No answer." };
  expect(happened({ what: "closed", details: { outcome: "explained", victim } })).toBe(
    "closed: explained; victim not told: No answer.",
  );
  const told = { outcome: "false_alarm", victim: { notified: true, reason: null } };
  expect(happened({ what: "closed", details: told })).toBe("closed: false alarm; victim told");
  expect(happened({ what: "callback_owed", details: {} })).toBe("callback owed");
});

test("a pause that does not mute the alert says so", () => {
  expect(happened({ what: "paused", details: { pause: 4, pages: true } })).toBe(
    "paused (this alert pages all the same)",
  );
  expect(happened({ what: "paused", details: { pause: 4, pages: false } })).toBe("paused");
});

test("an alert is mine, somebody's or nobody's", () => {
  const mine = sample({ owner: { id: 3, name: "j.malik" } });
  expect(owner(mine, 3)).toBe("You");
  expect(owner(mine, 4)).toBe("j.malik");
  expect(owner(sample(), 3)).toBe("Nobody");
});

test("a distance says which side of the edge; the edge itself is inside", () => {
  expect(distance(-35.2)).toBe("35 m inside the edge");
  expect(distance(1_240)).toBe("1.2 km outside the edge");
  expect(distance(0)).toBe("0 m inside the edge");
});

describe("a curfew's alert", () => {
  test("reads as where somebody should be, not as a zone that protects", () => {
    const away = sample({
      kind: "curfew_absence",
      zone_id: 4,
      zone_name: "Bail address",
      zone_purpose: "area",
      wearer: "Test Wearer",
    });
    expect(sentence(away)).toBe("Test Wearer is under curfew and not at Bail address");
    expect(sentence({ ...away, condition: "ended" })).toBe("Test Wearer was under curfew and not at Bail address");
    expect(sentence({ ...away, kind: "curfew_unverified" })).toBe(
      "Test Wearer is under curfew and not known to be at Bail address",
    );
    expect([place(away), asks(away)]).toEqual(["", "Home"]);
    expect(asks(sample({ kind: "exclusion", zone_id: 4, zone_purpose: "area" }))).toBe("Exclusion, area zone");
  });
});

describe("visited", () => {
  const visit = {
    id: 7,
    wearer_name: "Test Wearer",
    kind: "inspect" as const,
    officer: { id: 4, name: "Kim" },
    from: "2026-11-22T07:00:00Z",
    to: "2026-11-22T09:00:00Z",
    status: "planned",
  };

  test("says who is at the door, and what is due or was missed", () => {
    expect(visited({ ...visit, status: "at_door" }, NOW)).toContain("Inspect: Kim is at the door");
    expect(visited(visit, NOW)).toMatch(/^Inspect: Kim, due by /);
    expect(visited({ ...visit, officer: null }, NOW)).toMatch(/^Inspect: nobody goes yet, due by /);
    expect(visited({ ...visit, to: "2026-11-22T08:00:00Z" }, NOW)).toMatch(/^Inspect: not made, was due by /);
    expect(visited({ ...visit, status: "done" }, NOW)).toBe("Inspect: done");
  });
});

test("before an alert is closed that still goes on it is said what closing ends, and what not", () => {
  expect(closesActive(sample())).toBe(
    "It still goes on: Test Wearer is inside School. Closing ends the work on it and stops its clocks, not what goes on: nobody is paged for it any more, unless it ends and happens again.",
  );
  expect(closesActive(sample({ condition: "ended" }))).toBeNull();
  expect(closesActive(sample({ condition: "withdrawn" }))).toBeNull();
});

test("what a tag says of itself and by what a point was found is in words, not in codes", () => {
  expect(["strap_tamper", "no_gnss", "home_unit_no_mains_clear"].map(tagSays)).toEqual([
    "strap opened",
    "no satellites in view",
    "home unit on mains again",
  ]);
  expect(found({ source: "gnss", quality: "ok", flags: [] })).toEqual(["by satellites"]);
  expect(found({ source: "cell", quality: "skewed", flags: ["late", "disordered"] })).toEqual([
    "by mobile masts",
    "the tag's clock is wrong",
    "late",
    "came out of order",
  ]);
});
