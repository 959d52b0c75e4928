// P1 alerts that nobody has taken, in a strip that is always there, so that one arriving moves nothing else.
import type { Alert } from "../api";
import { useNow } from "../clock";
import { due, sentence } from "../words";

interface Props {
  waiting: readonly Alert[];
  loaded: boolean;
  onOpen(id: number): void;
}

export function Strip({ waiting, loaded, onOpen }: Props) {
  const worst = waiting[0];
  if (worst === undefined) {
    return (
      <div className="strip" data-waiting="no">
        {loaded ? "No P1 is waiting." : "Reading the queue…"}
        <Spoken text="" />
      </div>
    );
  }
  const more = waiting.length === 1 ? "" : `, and ${waiting.length - 1} more`;
  return (
    <div className="strip" data-waiting="yes">
      <button type="button" onClick={() => onOpen(worst.id)}>
        <strong>P1 waiting</strong>
        <span className="strip-what">
          {sentence(worst)}
          {more}
        </span>
        <DueWords alert={worst} />
        <kbd>p</kbd>
      </button>
      <Spoken text={`P1. ${sentence(worst)}${more}`} />
    </div>
  );
}

/** Read out once when it changes, which a counting clock would do every second. */
function Spoken({ text }: { text: string }) {
  return (
    <span className="unseen" role="alert">
      {text}
    </span>
  );
}

function DueWords({ alert }: { alert: Alert }) {
  const clock = due(alert, useNow());
  return clock === null ? null : (
    <span className="strip-due" data-overdue={clock.overdue}>
      {clock.act} {clock.words}
    </span>
  );
}
