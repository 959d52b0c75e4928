import { expect, test } from "vitest";
import type { Entry } from "./api";
import { sample } from "./samples";
import { done, script, unlogged, warnings } from "./script";

const KINDS =
  "exclusion exclusion_possible crossed approach strap strap_brief case no_contact no_location jamming battery_low battery_dead curfew_absence curfew_unverified inclusion_exit attendance_missed not_fitted no_first_fix tag_fault paperwork".split(
    " ",
  );

function entry(what: string, part: Partial<Entry> = {}): Entry {
  return { position: 1, at: "2026-11-22T08:00:00Z", actor: null, what, text: "", details: {}, ...part };
}

test.each(KINDS)("%s has a script, and what must never be said stands beside it", (kind) => {
  const alert = sample({ kind });
  expect(script(alert).length).toBeGreaterThan(0);
  expect(warnings(alert).join(" ")).toContain("Never say whom a zone protects");
});

test("whoever is called says who they are before anything is said to them", () => {
  for (const kind of KINDS) {
    const says = script(sample({ kind })).map((step) => step.say);
    const called = says.indexOf("Call the device wearer.");
    if (called >= 0) expect(says[called + 1]).toContain("date of birth");
  }
});

test("no script tells the wearer of a victim or of a zone", () => {
  for (const kind of KINDS) {
    for (const step of script(sample({ kind }))) {
      if (step.does === "step" && step.code === "instruct") expect(step.say).not.toMatch(/victim|zone|edge|metre/i);
    }
  }
});

test("a victim is called where it is their zone, and only there", () => {
  const says = (purpose: "victim" | "area") =>
    script(sample({ zone_purpose: purpose }))
      .map((step) => step.say)
      .join();
  expect(says("victim")).toContain("victim");
  expect(says("area")).not.toContain("victim");
});

test("what concerns no wearer has no word to a wearer", () => {
  const down = sample({ kind: "monitoring_down", wearer_id: null, wearer: null });
  expect(script(down).map((step) => step.say)).toEqual([
    "Call the engineer on call.",
    "Find out what has failed, and put it right.",
  ]);
  expect(warnings(down)).toEqual([]);
});

test.each(["fleet_outage", "monitoring_down", "undelivered"])(
  "engineers, who log no contacts, log a step of %s, again and again",
  (kind) => {
    const steps = script(sample({ kind, wearer_id: null, wearer: null }));
    expect(steps.map((step) => step.does === "step" && step.again)).toEqual([false, true]);
  },
);

test("steps are ticked by what the history shows, since the last occurrence", () => {
  const steps = script(sample({ kind: "battery_low" }));
  expect(steps.map((step) => step.does)).toEqual(["contact", "step", "step", "step", "callback"]);
  const history = [
    entry("opened"),
    entry("contact", { details: { person: "wearer", callback: "2026-11-22T08:20:00Z" } }),
    entry("step", { text: "Verify name and date of birth.", details: { step: "other" } }),
  ];
  expect(done(steps, history)).toEqual([true, true, false, false, true]);
  expect(done(steps, [...history, entry("opened")])).toEqual([false, false, false, false, false]);
  expect(done(steps, [entry("step", { details: { step: "call_wearer" } })])[0]).toBe(true);
  expect(done(steps, [entry("contact", { details: { person: "police", callback: null } })])[0]).toBe(false);
  expect(done(steps, [entry("contact", { details: { person: "wearer", outcome: "no_answer" } })])[0]).toBe(true);
  expect(done(steps, [entry("contact", { details: { person: "wearer", outcome: "dead_number" } })])[0]).toBe(false);
  const missed = { person: "wearer", direction: "in", outcome: "no_answer" };
  expect(done(steps, [entry("contact", { details: missed })])[0]).toBe(false);
});

test("whoever logs no contacts logs a call as a step, which ticks it for those who do", () => {
  const steps = script(sample({ kind: "monitoring_down" }));
  expect(steps.map(unlogged).map((step) => [step.say, step.does])).toEqual(steps.map((step) => [step.say, "step"]));
  const [call] = steps;
  expect(call?.does).toBe("contact");
  const logged = [entry("step", { text: call?.say ?? "", details: { step: "other" } })];
  expect(done(steps, logged)).toEqual([true, false]);
  expect(done(steps.map(unlogged), logged)).toEqual([true, false]);
});

test("whoever is called to be told has been told only where they were spoken to", () => {
  const steps = script(sample({ kind: "exclusion", zone_purpose: "victim" }));
  for (const person of ["police", "victim"] as const) {
    const place = steps.findIndex((step) => step.does === "contact" && step.person === person);
    for (const outcome of ["spoke", "no_answer", "refused", "dead_number"]) {
      expect(done(steps, [entry("contact", { details: { person, outcome } })])[place]).toBe(outcome === "spoke");
      expect(done(steps, [entry("step", { details: { step: `call_${person}`, result: outcome } })])[place]).toBe(
        outcome === "spoke",
      );
    }
  }
});
