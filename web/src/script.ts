// An alert's kind into what is to be said and done about it, step by step, and which steps the history shows as done.
import type { Alert, Entry, PersonCalled } from "./api";

export type Step =
  | { say: string; does: "contact"; person: PersonCalled }
  | { say: string; does: "callback" }
  | { say: string; does: "step"; code: "instruct" | "send_visit" | "other"; again?: true }; // again: whoever is at it still may say so

const VERIFY: Step = { say: "Verify name and date of birth.", does: "step", code: "other" };
const WHERE: Step = { say: "Ask where they are, and who is with them.", does: "step", code: "other" };
const CALLBACK: Step = { say: "Agree when you call back.", does: "callback" };
const WEARER: Step = call("Call the device wearer.", "wearer");
const OFFICER: Step = call("Call the responsible officer.", "officer");
const ENGINEER: Step = call("Call the engineer on call.", "other");

function call(say: string, person: PersonCalled): Step {
  return { say, does: "contact", person };
}

function instruct(say: string): Step {
  return { say, does: "step", code: "instruct" };
}

/** What takes its time, and is asked about again meanwhile of engineers, too, who log no contacts. */
function ours(say: string): Step {
  return { say, does: "step", code: "other", again: true };
}

/** A call to the wearer: who they are first, then where, then what they are to do. */
function spoken(...instructions: string[]): Step[] {
  return [WEARER, VERIFY, WHERE, ...instructions.map(instruct), CALLBACK];
}

const LEAVE = "Tell them to leave the area now, the way they came.";
const HOME = "Tell them to go home now, and to say when they will be there.";
const UNREACHED: Step = call("No answer, or they do not leave: call the police.", "police");
const VISIT: Step = { say: "Send a visit to inspect the tag.", does: "step", code: "send_visit" };

const SCRIPTS: Record<string, Step[]> = {
  exclusion: [...spoken(LEAVE), UNREACHED],
  exclusion_possible: spoken(LEAVE),
  crossed: [...spoken("Ask which way they have come."), OFFICER],
  approach: spoken("Tell them to turn back."),
  strap: [...spoken("Tell them to stay there and not to touch the tag."), VISIT],
  strap_brief: [...spoken("Tell them not to touch the strap."), VISIT],
  case: [...spoken("Tell them to stay there and not to touch the tag."), VISIT],
  no_contact: spoken("Tell them to go into the open, and to charge the tag."),
  no_location: spoken("Tell them to go into the open and to keep the tag uncovered."),
  jamming: spoken("Tell them to uncover the tag, and to move away from where they are."),
  battery_low: spoken("Tell them to charge the tag now, and to stay with it."),
  battery_dead: spoken("Tell them to charge the tag now, and to stay with it."),
  curfew_absence: spoken(HOME),
  curfew_unverified: spoken("Tell them to stand by the home unit, or at a window."),
  inclusion_exit: spoken("Tell them to go back now, and to say when they will be there."),
  attendance_missed: [...spoken("Ask why they did not attend."), OFFICER],
  not_fitted: [OFFICER, { say: "Send a visit to fit the tag.", does: "step", code: "send_visit" }],
  no_first_fix: spoken("Tell them to go into the open for ten minutes."),
  tag_fault: [VISIT, OFFICER],
  paperwork: [OFFICER],
  fleet_outage: [
    call("Call whoever runs the gateway.", "other"),
    ours("Check by telephone on those with a victim's zone."),
  ],
  monitoring_down: [ENGINEER, ours("Find out what has failed, and put it right.")],
  undelivered: [ENGINEER, ours("Find out why the channel fails, and send a test.")],
};

/** What to do about an alert, in order. */
export function script(alert: Alert): Step[] {
  const steps = SCRIPTS[alert.kind] ?? (alert.wearer_id === null ? [] : spoken());
  const guarded = alert.kind === "exclusion" && alert.zone_purpose !== "area";
  return guarded ? [...steps, call("Call the victim, or their contact.", "victim")] : steps;
}

/** What must not be said, and what comes before all else; empty where no wearer is spoken to. */
export function warnings(alert: Alert): string[] {
  if (alert.wearer_id === null) return [];
  return [
    "Never say whom a zone protects, where its edge is, or that anybody else was told.",
    "If you fear for anybody's safety, call emergency services first.",
  ];
}

/** A step for whoever logs no contacts, as engineers: a call is to be made all the same, and is logged as a step. */
export function unlogged(step: Step): Step {
  return step.does === "step" ? step : ours(step.say);
}

/** The steps the history shows as done since the last occurrence began. */
export function done(steps: readonly Step[], history: readonly Entry[]): boolean[] {
  const began = history.findLastIndex((entry) => entry.what === "opened");
  const since = history.slice(began + 1);
  return steps.map((step) => since.some((entry) => shows(entry, step)));
}

function shows(entry: Entry, step: Step): boolean {
  if (entry.what === "step" && entry.text === step.say) return true;
  if (step.does === "step") return false;
  if (step.does === "callback") return entry.what === "contact" && typeof entry.details.callback === "string";
  const { person, direction, outcome, step: code, result } = entry.details;
  if (entry.what === "contact") return person === step.person && reached(step.person, outcome, direction);
  return entry.what === "step" && code === `call_${step.person}` && reached(step.person, result, "out");
}

/** Whether a call did what the script asks: the wearer is to be tried, which may be in vain; everybody else is to be told. */
function reached(person: PersonCalled, outcome: unknown, direction: unknown): boolean {
  if (person !== "wearer") return outcome === "spoke";
  return outcome !== "dead_number" && !(direction === "in" && outcome === "no_answer");
}
