// Everything that happened to the alert, by machine and people, newest first.
import type { Entry } from "../api";
import { useNow } from "../clock";
import { wall } from "../instant";
import { happened } from "../words";

export function History({ entries, me }: { entries: readonly Entry[]; me: number }) {
  const nowMs = useNow();
  return (
    <section aria-labelledby="history-title">
      <h3 id="history-title">History</h3>
      <ol className="history">
        {entries.toReversed().map((entry) => (
          <li key={`${entry.position} ${entry.what} ${entry.at}`}>
            <time dateTime={entry.at}>{wall(entry.at, nowMs)}</time>
            <span>
              <b>{happened(entry)}</b> by {who(entry, me)}
              {entry.text !== "" && <q>{entry.text}</q>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function who(entry: Entry, me: number): string {
  if (entry.actor === null) return "Cordon";
  return entry.actor.id === me ? "you" : entry.actor.name;
}
