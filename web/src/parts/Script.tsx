// The script of an alert's kind: what is to be said and done, in order, ticked as it is done. It opens once somebody has taken
// the alert: before that the map is to be seen.
import { useState } from "react";
import type { Alert, Entry } from "../api";
import { done, type Step, script, unlogged, warnings } from "../script";

interface Props {
  alert: Alert;
  history: readonly Entry[];
  busy: boolean;
  logs: boolean; // contacts
  onStep(step: Step): void;
}

export function Script({ alert, history, busy, logs, onStep }: Props) {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const open = chosen ?? alert.handling !== "new";
  const steps = script(alert);
  if (steps.length === 0) return null;
  const ticked = done(steps, history); // also by a contact that somebody else has logged
  const left = ticked.filter((one) => !one).length;
  return (
    <details
      className="script"
      open={open}
      onToggle={(event) => {
        if (event.currentTarget.open !== open) setChosen(event.currentTarget.open);
      }}
    >
      <summary>
        <h3>Script</h3> {left === 0 ? "all steps done" : `${left} of ${steps.length} steps to do`}
      </summary>
      <p className="script-warning">{warnings(alert).join(" ")}</p>
      <ol>
        {(logs ? steps : steps.map(unlogged)).map((step, at) => (
          <li key={step.say}>
            <button
              type="button"
              aria-pressed={ticked[at]}
              disabled={busy || (ticked[at] && step.does === "step" && step.again !== true)}
              onClick={() => onStep(step)}
            >
              <span className="script-mark" aria-hidden="true">
                {ticked[at] ? "✓" : at + 1}
              </span>
              {step.say}
            </button>
          </li>
        ))}
      </ol>
    </details>
  );
}
