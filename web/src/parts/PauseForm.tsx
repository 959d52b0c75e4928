// A pause of paging as it is asked for: of this kind or of all, for how long, and why. A second person approves it.
import { useState } from "react";
import type { Alert, Pausing } from "../api";
import type { Sending } from "../once";
import { mutesP1, spared } from "../pausing";
import { plain } from "../words";
import { type Done, Form, text } from "./Form";

interface Props {
  alert: Alert;
  wearer: number;
  busy: boolean;
  onAsk(pause: Pausing, key: string, done: Done): void;
  onCancel(): void;
}

const HOURS = [1, 2, 4, 8, 12, 24];

export function PauseForm({ alert, wearer, busy, onAsk, onCancel }: Props) {
  const [every, setEvery] = useState(false);
  const [p1, setP1] = useState(false);
  const kind = every ? null : alert.kind;
  const able = mutesP1({ kind });
  const muting = { kind, including_p1: able && p1 };
  function save(typed: FormData, { key, atMs }: Sending, done: Done): void {
    const until = new Date(atMs + Number(text(typed, "hours")) * 3_600_000).toISOString();
    onAsk({ wearer, ...muting, reason: text(typed, "reason"), until }, key, done);
  }
  return (
    <Form label="Ask for a pause" save="Ask for the pause" busy={busy} onSave={save} onCancel={onCancel}>
      <p>
        Nobody is paged meanwhile; alerts stay in the queue and their clocks run. It begins when a second person
        approves it. Entries into a victim zone are never muted.
      </p>
      <div className="form-pair">
        <label>
          What is not paged
          <select
            name="kinds"
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
          name="p1"
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
    </Form>
  );
}
