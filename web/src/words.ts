// Codes into the words an operator reads (DOMAIN.md): what happened, how sure, how urgent, who has it.
import type { Alert, Clock, Detail, Entry, Fix, Handling, PersonCalled, Severity, Visit } from "./api";
import { now } from "./clock";
import { brief, countdown, span, wall } from "./instant";

export const SEVERITY: Record<Severity, string> = { P1: "Act now", P2: "Urgent", P3: "Soon", P4: "For review" };

export const HANDLING: Record<Handling, string> = {
  new: "New",
  acknowledged: "Acknowledged",
  in_progress: "In progress",
  closed: "Closed",
};

export const OUTCOMES: Record<string, string> = {
  apparent_non_compliance: "Apparent non-compliance",
  authorised: "Authorised",
  explained: "Explained",
  false_alarm: "False alarm",
  equipment_fault: "Equipment fault",
  welfare: "Welfare concern",
  other: "Other",
};

const SAYS: Record<string, Record<Alert["condition"], string>> = {
  exclusion: { active: "is inside", ended: "was inside", withdrawn: "was reported inside" },
  exclusion_possible: { active: "may be inside", ended: "may have been inside", withdrawn: "was reported near" },
  crossed: { active: "seems to have crossed", ended: "seems to have crossed", withdrawn: "was reported to cross" },
  monitoring_down: { active: "is down", ended: "was down", withdrawn: "was reported down" },
  fleet_outage: { active: "has gone silent", ended: "was silent", withdrawn: "was reported silent" },
  strap: { active: "has an open strap", ended: "had an open strap", withdrawn: "was reported with an open strap" },
  strap_brief: {
    active: "opened the strap briefly",
    ended: "opened the strap briefly",
    withdrawn: "was reported with an open strap",
  },
  case: { active: "has an opened tag", ended: "had an opened tag", withdrawn: "was reported with an opened tag" },
  no_contact: { active: "is out of contact", ended: "was out of contact", withdrawn: "was reported out of contact" },
  jamming: { active: "has a jammed tag", ended: "had a jammed tag", withdrawn: "was reported with a jammed tag" },
  battery_low: {
    active: "has a low battery",
    ended: "had a low battery",
    withdrawn: "was reported with a low battery",
  },
  battery_dead: {
    active: "has a dead battery",
    ended: "had a dead battery",
    withdrawn: "was reported with a dead battery",
  },
  approach: {
    active: "is close to",
    ended: "was close to",
    withdrawn: "was reported close to",
  },
  curfew_absence: {
    active: "is under curfew and not at",
    ended: "was under curfew and not at",
    withdrawn: "was reported, under curfew, as not at",
  },
  curfew_unverified: {
    active: "is under curfew and not known to be at",
    ended: "was under curfew and not known to be at",
    withdrawn: "was reported, under curfew, as not known to be at",
  },
  inclusion_exit: {
    active: "is not at",
    ended: "was not at",
    withdrawn: "was reported outside",
  },
  attendance_missed: {
    active: "did not attend",
    ended: "did not attend",
    withdrawn: "was reported not to attend",
  },
  no_location: {
    active: "is in contact, but moves without a location",
    ended: "was in contact without a location",
    withdrawn: "was reported without a location",
  },
  not_fitted: {
    active: "has no tag fitted",
    ended: "had no tag fitted",
    withdrawn: "was reported without a tag",
  },
  no_first_fix: {
    active: "has sent no position since fitting",
    ended: "had sent no position since fitting",
    withdrawn: "was reported with a tag without a place",
  },
  tag_fault: {
    active: "has a faulty tag",
    ended: "had a faulty tag",
    withdrawn: "was reported with a faulty tag",
  },
  paperwork: {
    active: "has papers that do not agree",
    ended: "had papers that did not agree",
    withdrawn: "was reported with papers that do not agree",
  },
  undelivered: {
    active: "cannot be delivered",
    ended: "could not be delivered",
    withdrawn: "was reported undelivered",
  },
};

/** What does not agree, by the reason (docs/orders.md); it reads the same once it is put right, beside "Over". */
const PAPERS: Readonly<Record<string, string>> = {
  order_without_activation: "– order in force, no tag fitted",
  activation_without_order: "– tag worn, no order asks for it",
  recheck: "– order to be checked again",
  unworked_visit: "– visit not made",
  unowned: "– no responsible officer",
  unworked_alert: "– alerts not taken up",
};

/** Whom or what it is about: the wearer's name, a gateway's, a channel's messages, or our own monitoring. */
export function who(alert: Alert): string {
  if (alert.wearer !== null) return alert.wearer;
  if (alert.subject === null) return "Monitoring";
  if (alert.kind === "undelivered") return `Message to ${alert.subject}`;
  const named = /^(network|model) (.+)$/.exec(alert.subject); // of tags; everything else is a gateway's name
  return named === null ? `Gateway ${alert.subject}` : `${named[1] === "model" ? "Model" : "Network"} ${named[2]}`;
}

/** What a tag says is closed again, which is over only once somebody has inspected it. */
const CLOSED: Readonly<Record<string, string>> = { strap: "strap", case: "tag's case" };

/** What the wearer does or did, to be read after their name and before the zone's: "is inside", "may have been inside". */
export function verb(alert: Alert, nowMs: number = now()): string {
  const closed = CLOSED[alert.kind];
  if (closed !== undefined && alert.cleared_at !== null && alert.condition === "active") {
    return `– ${closed} closed again ${brief(alert.cleared_at, nowMs)}, not inspected`;
  }
  if (alert.nearest_m !== null && alert.condition !== "withdrawn") {
    return `${alert.condition === "active" ? "is" : "was"} within ${bound(alert.nearest_m)} of`;
  }
  const papers = alert.kind === "paperwork" && alert.condition !== "withdrawn" ? PAPERS[alert.reason ?? ""] : undefined;
  return papers ?? SAYS[alert.kind]?.[alert.condition] ?? plain(alert.kind);
}

/** Kinds that are about where somebody should be: their zone protects nobody. */
const ASKED: Readonly<Record<string, string>> = {
  curfew_absence: "Home",
  curfew_unverified: "Home",
  inclusion_exit: "Inclusion",
  attendance_missed: "Inclusion",
};

/** Whom the zone protects, in two words; empty where the alert has none, or where it is one to be in. */
export function place(alert: Alert): string {
  if (alert.zone_id === null || alert.kind in ASKED) return "";
  return alert.zone_purpose === "area" ? "area zone" : "victim zone";
}

/** What the zone asks, and whom it protects: "Exclusion, victim zone", "Home". */
export function asks(alert: Alert): string {
  return ASKED[alert.kind] ?? `Exclusion, ${place(alert)}`;
}

/** The alert in one short sentence: who, what, and the zone by its name. */
export function sentence(alert: Alert): string {
  return `${who(alert)} ${verb(alert)} ${alert.zone_name ?? ""}`.trimEnd();
}

/** What is to be known before an alert is closed that still goes on; null where it does not. */
export function closesActive(alert: Alert): string | null {
  if (alert.condition !== "active") return null;
  return `It still goes on: ${sentence(alert)}. Closing ends the work on it and stops its clocks, not what goes on: nobody is paged for it any more, unless it ends and happens again.`;
}

/** How far it was escalated, and whether that reached anybody: to whom it is due is not yet whom it was told. */
export function escalated(alert: Alert, told: Detail["escalation_told"] | undefined): string {
  const due = `level ${alert.level}, due to the ${plain(alert.escalated_to ?? "next in the chain")}`;
  if (told === "nobody") return `${due} – nobody was told`;
  if (told === "waiting") return `${due} – not sent yet`;
  return told === "delivered" ? `${due} – message delivered` : due;
}

export interface Remark {
  short: string; // for a row
  long: string;
}

/** What is to be known about how it stands, besides: over, withdrawn, inferred, late, repeated. */
export function remarks(alert: Alert): Remark[] {
  const said: Remark[] = [];
  if (alert.condition === "ended") said.push({ short: "Over", long: "It is over" });
  if (alert.condition === "withdrawn") {
    said.push({ short: "Withdrawn", long: "Withdrawn: later data showed that it never was" });
  }
  if (alert.confidence === "inferred") said.push({ short: "Inferred", long: "Inferred from path" });
  if (alert.late) said.push({ short: "Late data", long: "From late data" });
  if (alert.held_under !== null) said.push({ short: "Follows", long: `Follows from alert ${alert.held_under}` });
  if (alert.occurrences > 1) said.push({ short: `${alert.occurrences} times`, long: `${alert.occurrences} times` });
  return said;
}

const WARNED_MS = 60_000; // long enough to log a step while somebody is on the telephone

/** When whoever has it must have logged a step, where that is soon: else it is nobody's again. Of others' alerts null. */
function goesBack(alert: Alert, me: number, nowMs: number): { at: string; leftMs: number; what: string } | null {
  if (alert.owner?.id !== me || alert.returns_at === null) return null;
  const leftMs = Date.parse(alert.returns_at) - nowMs;
  if (leftMs < 0 || leftMs > WARNED_MS) return null;
  return { at: alert.returns_at, leftMs, what: muted(alert, nowMs) ? "it is nobody's again" : "it pages again" };
}

/** The same to whoever has it, in a sentence that stays the same while the time runs down. */
export function warned(alert: Alert, me: number, nowMs: number): string | null {
  const back = goesBack(alert, me, nowMs);
  return back && `Log a step, or ${back.what} at ${wall(back.at, nowMs)}.`;
}

/** Whether two people have said that nobody is paged about it for now. */
function muted(alert: Alert, nowMs: number): boolean {
  return alert.paused !== null && Date.parse(alert.paused.until) > nowMs;
}

/** What a row shows besides, of what people have to do: that it is nobody's in a moment, how far it was escalated, a call that is owed, that nobody is paged. */
export function flags(alert: Alert, me: number, nowMs: number): string[] {
  const said: string[] = [];
  const back = goesBack(alert, me, nowMs);
  if (back !== null) said.push(`Log a step, ${countdown(back.leftMs)} left`);
  if (alert.level > 0) said.push(`Level ${alert.level}`);
  if (alert.callback_at !== null) said.push(Date.parse(alert.callback_at) < nowMs ? "Call overdue" : "Call owed");
  if (muted(alert, nowMs)) said.push("Paused");
  return said;
}

/** A moment that is waited for: "in 4:10", "overdue 3 min". */
export function until(at: string, nowMs: number): { words: string; overdue: boolean } {
  const left = Date.parse(at) - nowMs;
  const overdue = left < 0;
  return { overdue, words: overdue ? `overdue ${span(left)}` : `in ${countdown(left)}` };
}

/** How a visit stands: "Inspect: Kim is at the door", "Fit: due by 12:00 UTC", "Fit: not made, was due by 12:00 UTC". */
export function visited(visit: Visit, nowMs: number): string {
  const kind = visit.kind[0]?.toUpperCase() + visit.kind.slice(1);
  const who = visit.officer?.name ?? "somebody";
  if (visit.status === "at_door")
    return `${kind}: ${who} is at the door; an opened strap is the visit's until sign-out`;
  if (visit.status === "done") return `${kind}: done`;
  const missed = Date.parse(visit.to) < nowMs;
  return `${kind}: ${missed ? "not made, was due" : `${visit.officer?.name ?? "nobody goes yet"}, due`} by ${wall(visit.to, nowMs)}`;
}

export interface ClockWords {
  act: string;
  words: string;
  overdue: boolean;
  stopped: boolean;
}

/** Each clock the alert has, in order: how long is left of it, or that it was stopped. */
export function clocks(alert: Alert, nowMs: number): ClockWords[] {
  return (Object.keys(ACT) as Clock[]).flatMap((name): ClockWords[] => {
    const at = alert.due[name];
    if (at === null) return [];
    if (!alert.running.includes(name)) return [{ act: ACT[name], words: "done", overdue: false, stopped: true }];
    return [{ act: ACT[name], ...until(at, nowMs), stopped: false }];
  });
}

export const CALLED: Record<PersonCalled, string> = {
  wearer: "Device wearer",
  victim: "Victim",
  police: "Police",
  officer: "Responsible officer",
  other: "Somebody else",
};

const ACT: Record<Clock, string> = { acknowledge: "Acknowledge", contact: "First contact", decision: "Decision" };

export interface Due {
  act: string;
  words: string;
  overdue: boolean;
}

/** The clock that runs out next: "Acknowledge in 1:20", "Acknowledge overdue 4 min"; null where none runs. */
export function due(alert: Alert, nowMs: number): Due | null {
  if (alert.next_due === null) return null;
  const clock = alert.running.find((name) => alert.due[name] === alert.next_due) ?? "decision";
  return { act: ACT[clock], ...until(alert.next_due, nowMs) };
}

/** Who has it: "You", a name, or "Nobody". */
export function owner(alert: Alert, me: number): string {
  if (alert.owner === null) return "Nobody";
  return alert.owner.id === me ? "You" : alert.owner.name;
}

/** An alert that waits for anybody to take it. */
export function waits(alert: Alert): boolean {
  return alert.handling === "new";
}

/** How close to the zone a judged fix was: "35 m inside the edge". */
export function distance(metres: number): string {
  return `${length(Math.abs(metres))} ${metres <= 0 ? "inside" : "outside"} the edge`;
}

/** A length as it is read out: "35 m", "1.2 km". */
export function length(metres: number): string {
  return metres < 1_000 ? `${Math.round(metres)} m` : `${(metres / 1_000).toFixed(1)} km`;
}

/** A length that is not shorter than it is: "40 m", "1.3 km". */
function bound(metres: number): string {
  const m = Math.max(metres, 0);
  return m < 990 ? `${Math.ceil(m / 10) * 10} m` : `${(Math.ceil(m / 100) / 10).toFixed(1)} km`;
}

/** What an entry of the history says happened; of a closing its outcome, and whether the victim was told; of a pause that it does not mute the alert. */
export function happened({ what, details }: Pick<Entry, "what" | "details">): string {
  if (details.pages === true) return `${plain(what)} (this alert pages all the same)`;
  if (what !== "closed") return plain(what);
  const outcome = typeof details.outcome === "string" ? details.outcome : "";
  const said = outcome === "" ? "closed" : `closed: ${(OUTCOMES[outcome] ?? plain(outcome)).toLowerCase()}`;
  if (details.victim === undefined) return said;
  return details.victim.notified ? `${said}; victim told` : `${said}; victim not told: ${details.victim.reason ?? ""}`;
}

/** What a device says of itself (DOMAIN.md's events), as it is read out: "The tag says: strap opened". */
const TAG_SAYS: Readonly<Record<string, string>> = {
  strap_tamper: "strap opened",
  strap_tamper_clear: "strap closed again",
  case_tamper: "case opened",
  case_tamper_clear: "case closed again",
  battery_low: "battery low",
  battery_low_clear: "battery no longer low",
  battery_critical: "battery almost empty",
  battery_critical_clear: "battery no longer almost empty",
  charging: "charging",
  charging_clear: "no longer charging",
  no_gnss: "no satellites in view",
  no_gnss_clear: "satellites in view again",
  jamming: "its signal is jammed",
  jamming_clear: "its signal is no longer jammed",
  shielding: "its signal is shielded",
  shielding_clear: "its signal is no longer shielded",
  motion: "moving",
  motion_clear: "not moving",
  home_unit_moved: "home unit moved",
  home_unit_moved_clear: "home unit back in its place",
  home_unit_no_mains: "home unit without mains",
  home_unit_no_mains_clear: "home unit on mains again",
  power_off: "switched off",
  power_off_clear: "switched on",
  beacon_in: "in range of the home unit",
  beacon_out: "out of range of the home unit",
  contact: "in contact",
};

/** A device event in words. */
export function tagSays(kind: string): string {
  return TAG_SAYS[kind] ?? plain(kind);
}

/** What a position was found by. */
const BY: Readonly<Record<string, string>> = {
  gnss: "by satellites",
  wifi: "by Wi-Fi",
  cell: "by mobile masts",
  rf: "by radio",
};

/** What is odd about a location point. */
const ODD: Readonly<Record<string, string>> = {
  implausible: "implausible jump",
  skewed: "the tag's clock is wrong",
  accuracy_assumed: "accuracy assumed",
  unassigned: "nobody wore the tag",
  disordered: "came out of order",
};

/** How a location point was found, and what is odd about it. */
export function found({ source, quality, flags }: Pick<Fix, "source" | "quality" | "flags">): string[] {
  const odd = quality === "ok" ? flags : [quality, ...flags];
  return [BY[source] ?? plain(source), ...odd.map((code) => ODD[code] ?? plain(code))];
}

/** A code nobody has put into words yet, made readable. */
export function plain(code: string): string {
  return code.replaceAll("_", " ");
}
