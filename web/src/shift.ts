// What somebody has to do when their shift ends, into words: what they own and owe, and what keeps them.
import type { Alert, Colleague, Contact, Left } from "./api";
import { Problem } from "./problem";

/** Whether an alert that somebody owns still goes on. */
export const OVER: Record<Alert["condition"], string> = {
  active: "– goes on",
  ended: "– over, not closed",
  withdrawn: "– withdrawn, not closed",
};

/** How much somebody has to do: "1 alert and 2 owed calls", "nothing". */
export function has(alerts: number, calls: number): string {
  const said = [];
  if (alerts > 0) said.push(alerts === 1 ? "1 alert" : `${alerts} alerts`);
  if (calls > 0) said.push(calls === 1 ? "1 owed call" : `${calls} owed calls`);
  return said.join(" and ") || "nothing";
}

/** What keeps somebody from signing out, where that is why they were refused. */
export function left(refusal: unknown): Left {
  const { owned = [], calls = [] } = refusal instanceof Problem ? (refusal.said as Partial<Left>) : {};
  return { owned, calls };
}

/** Who is to make a call that is owed, to be read after who set it: anybody, where whose it is has gone. */
export function makes({ owed_by }: Pick<Contact, "owed_by">, me: number, people: readonly Colleague[]): string {
  if (owed_by === null) return "anybody's to make";
  if (owed_by.id === me) return "yours to make";
  const there = people.some((person) => person.id === owed_by.id && person.signed_in);
  return there ? `${owed_by.name}'s to make` : `${owed_by.name}'s, not signed in: anybody's to make`;
}
