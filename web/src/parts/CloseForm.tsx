// An outcome and why, into a closing; for a victim zone also whether the victim was told.
import { useState } from "react";
import type { Alert, Closing } from "../api";
import type { Sending } from "../once";
import { closesActive, OUTCOMES } from "../words";
import { type Done, Form, text } from "./Form";

interface Props {
  alert: Alert;
  busy: boolean;
  onClose(closing: Closing, done: Done): void;
  onCancel(): void;
}

export function CloseForm({ alert, busy, onClose, onCancel }: Props) {
  const victim = alert.kind === "exclusion" && alert.zone_purpose === "victim";
  const warning = closesActive(alert);
  const [told, setTold] = useState<"yes" | "no" | null>(null);

  function save(typed: FormData, _: Sending, done: Done): void {
    const closing: Closing = { outcome: text(typed, "outcome"), note: text(typed, "note") };
    if (victim)
      closing.victim = told === "yes" ? { notified: true } : { notified: false, reason: text(typed, "reason") };
    onClose(closing, done);
  }

  return (
    <Form save="Close alert" busy={busy} onSave={save} onCancel={onCancel}>
      <p role="status" className={warning === null ? "" : "warning"}>
        {warning}
      </p>
      <label>
        Outcome
        <select name="outcome" required defaultValue="">
          <option value="" disabled>
            Choose what it was
          </option>
          {Object.entries(OUTCOMES).map(([code, said]) => (
            <option key={code} value={code}>
              {said}
            </option>
          ))}
        </select>
      </label>
      {victim && (
        <fieldset>
          <legend>Was the victim notified?</legend>
          <label className="choice">
            <input type="radio" name="told" required checked={told === "yes"} onChange={() => setTold("yes")} /> Yes,
            notified
          </label>
          <label className="choice">
            <input type="radio" name="told" checked={told === "no"} onChange={() => setTold("no")} /> No
          </label>
          {told === "no" && (
            <label>
              Why not
              <input name="reason" required />
            </label>
          )}
        </fieldset>
      )}
      <label>
        Note
        <textarea name="note" rows={3} required />
      </label>
    </Form>
  );
}
