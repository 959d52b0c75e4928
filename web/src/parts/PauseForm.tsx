// A pause of paging as it is asked for: of this kind or of all, for how long, and why. A second person approves it.
import { type FormEvent, useEffect, useRef, useState } from "react";
import type { Alert, Pausing } from "../api";
import { now } from "../clock";
import { mutesP1, spared } from "../pausing";
import { plain } from "../words";
import { cancelled } from "./TextForm";

interface Props {
  alert: Alert;
  wearer: number;
  busy: boolean;
  onAsk(pause: Pausing): void;
  onCancel(): void;
}

const HOURS = [1, 2, 4, 8, 12, 24];

export function PauseForm({ alert, wearer, busy, onAsk, onCancel }: Props) {
  const start = useRef<HTMLSelectElement>(null);
  useEffect(() => start.current?.focus(), []);
  const [every, setEvery] = useState(false);
  const [p1, setP1] = useState(false);
  const kind = every ? null : alert.kind;
  const able = mutesP1({ kind });
  const muting = { kind, including_p1: able && p1 };
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onAsk({
      wearer,
      ...muting,
      reason: String(form.get("reason")).trim(),
      until: new Date(now() + Number(form.get("hours")) * 3_600_000).toISOString(),
    });
  }
  return (
    <form
      className="form"
      aria-label="Ask for a pause"
      onSubmit={submit}
      onKeyDown={(event) => cancelled(event, onCancel)}
    >
      <p>
        Nobody is paged meanwhile; alerts stay in the queue and their clocks run. It begins when a second person
        approves it. Entries into a victim zone are never muted.
      </p>
      <div className="form-pair">
        <label>
          What is not paged
          <select
            ref={start}
            value={every ? "all" : "this"}
            onChange={(event) => setEvery(event.target.value === "all")}
          >
            <option value="this">{`Only: ${plain(alert.kind)}`}</option>
            <option value="all">Every kind, P1 excepted</option>
          </select>
        </label>
        <label>
          For how long
          <select name="hours" defaultValue="4">
            {HOURS.map((hours) => (
              <option key={hours} value={hours}>
                {hours === 1 ? "1 hour" : `${hours} hours`}
              </option>
            ))}
          </select>
        </label>
      </div>
      <label className="choice">
        <input
          type="checkbox"
          disabled={!able}
          checked={able && p1}
          onChange={(event) => setP1(event.target.checked)}
        />{" "}
        {every || able ? "P1 of this kind, too" : "P1 of this kind, too: never of an entry into a zone"}
      </label>
      <p role="status">{spared(alert, muting)}</p>
      <label>
        Why
        <textarea name="reason" rows={2} required maxLength={4000} />
      </label>
      <div className="actions-row">
        <button type="submit" className="primary" disabled={busy}>
          Ask for the pause
        </button>
        <button type="button" onClick={onCancel}>
          Cancel <kbd>Esc</kbd>
        </button>
      </div>
    </form>
  );
}
