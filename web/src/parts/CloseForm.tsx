// An outcome and why, into a closing; for a victim zone also whether the victim was told.
import { type FormEvent, useEffect, useRef, useState } from "react";
import type { Alert, Closing } from "../api";
import { closesActive, OUTCOMES } from "../words";
import { cancelled } from "./TextForm";

interface Props {
  alert: Alert;
  busy: boolean;
  onClose(closing: Closing): void;
  onCancel(): void;
}

export function CloseForm({ alert, busy, onClose, onCancel }: Props) {
  const first = useRef<HTMLSelectElement>(null);
  useEffect(() => first.current?.focus(), []);
  const victim = alert.kind === "exclusion" && alert.zone_purpose === "victim";
  const warning = closesActive(alert);
  const [told, setTold] = useState<"yes" | "no" | null>(null);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const closing: Closing = { outcome: String(form.get("outcome")), note: String(form.get("note")).trim() };
    if (victim)
      closing.victim =
        told === "yes" ? { notified: true } : { notified: false, reason: String(form.get("reason")).trim() };
    onClose(closing);
  }

  return (
    <form className="form" onSubmit={submit} onKeyDown={(event) => cancelled(event, onCancel)}>
      <p role="status" className={warning === null ? "" : "warning"}>
        {warning}
      </p>
      <label>
        Outcome
        <select ref={first} name="outcome" required defaultValue="">
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
      <div className="actions-row">
        <button type="submit" className="primary" disabled={busy}>
          Close alert
        </button>
        <button type="button" onClick={onCancel}>
          Cancel <kbd>Esc</kbd>
        </button>
      </div>
    </form>
  );
}
