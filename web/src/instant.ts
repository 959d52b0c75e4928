// Moments into words: how long ago, at what local time, how long is left.

/** In which the browser reads times that are typed. */
export const ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A length of time in the two largest units that matter: "40 s", "6 min", "1 h 5 min", "2 days 3 h". */
export function span(ms: number): string {
  const length = Math.abs(ms);
  if (length < MINUTE_MS) return `${Math.floor(length / SECOND_MS)} s`;
  if (length < HOUR_MS) return `${Math.floor(length / MINUTE_MS)} min`;
  if (length < DAY_MS) return pair(length, HOUR_MS, "h", MINUTE_MS, "min");
  const days = Math.floor(length / DAY_MS);
  return pair(length, DAY_MS, days === 1 ? "day" : "days", HOUR_MS, "h");
}

function pair(length: number, large: number, largeName: string, small: number, smallName: string): string {
  const whole = Math.floor(length / large);
  const rest = Math.floor((length % large) / small);
  return rest === 0 ? `${whole} ${largeName}` : `${whole} ${largeName} ${rest} ${smallName}`;
}

/** "6 min ago", "just now", or "in 2 min" for a moment still to come. */
export function ago(at: string, nowMs: number): string {
  const passed = nowMs - Date.parse(at);
  if (passed < -5 * SECOND_MS) return `in ${span(passed)}`;
  return passed < 5 * SECOND_MS ? "just now" : `${span(passed)} ago`;
}

/** How old something is, where there is no room for "ago": "6 min", "now". */
export function age(at: string, nowMs: number): string {
  const passed = nowMs - Date.parse(at);
  return passed < 5 * SECOND_MS ? "now" : span(passed);
}

/** Minutes and seconds to watch run down: "1:05", "12:00"; hours as a span. */
export function countdown(ms: number): string {
  if (ms >= HOUR_MS) return span(ms);
  const seconds = Math.ceil(ms / SECOND_MS);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Local wall time with its zone, "02:14:05 GMT"; with the day in front where that is not today, and the year where it is another. */
export function wall(at: string, nowMs: number, timeZone?: string, seconds = true): string {
  const moment = new Date(at);
  const zone = timeZone === undefined ? {} : { timeZone };
  const time = new Intl.DateTimeFormat("en-GB", {
    ...zone,
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds ? { second: "2-digit" as const } : {}),
    timeZoneName: "short",
  }).format(moment);
  const year = new Intl.DateTimeFormat("en-GB", { ...zone, year: "numeric" });
  const another = year.format(moment) === year.format(nowMs) ? {} : { year: "numeric" as const };
  const day = new Intl.DateTimeFormat("en-GB", {
    ...zone,
    weekday: "short",
    day: "numeric",
    month: "short",
    ...another,
  });
  return day.format(moment) === day.format(nowMs) ? time : `${day.format(moment)} ${time}`;
}

/** Local wall time for where there is little room, "02:14": its zone only where the clocks have changed since. */
export function brief(at: string, nowMs: number, timeZone?: string): string {
  const said = wall(at, nowMs, timeZone, false);
  const zone = ` ${wall(new Date(nowMs).toISOString(), nowMs, timeZone, false).split(" ").at(-1)}`;
  return said.endsWith(zone) ? said.slice(0, -zone.length) : said;
}

/** Whether a moment is 24 hours ago, or longer. */
export function dayOld(at: string, nowMs: number): boolean {
  return nowMs - Date.parse(at) >= DAY_MS;
}

/**
 * A local time that was typed as an end, in milliseconds since 1970. On the night the clocks go back an hour comes twice: it is over
 * when it is over for the last time (DOMAIN.md, local times).
 */
export function ending(typed: string): number {
  const first = new Date(typed).getTime();
  const again = [HOUR_MS, HOUR_MS / 2].map((back) => first + back).find((ms) => local(ms) === typed);
  return again ?? first;
}

/** A moment as a field for local time has it, to the minute: "2026-11-22T08:30". */
export function local(ms: number): string {
  return new Date(ms - new Date(ms).getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);
}
