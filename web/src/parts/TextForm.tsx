// A person's own words, saved or left.
import { type FormEvent, type KeyboardEvent, useEffect, useRef } from "react";

interface Props {
  label: string;
  save: string;
  busy: boolean;
  onSave(text: string): void;
  onCancel(): void;
}

export function TextForm({ label, save, busy, onSave, onCancel }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    onSave(field.current?.value.trim() ?? "");
  }
  return (
    <form className="form" onSubmit={submit} onKeyDown={(event) => cancelled(event, onCancel)}>
      <label>
        {label}
        <textarea ref={field} rows={3} required />
      </label>
      <div className="actions-row">
        <button type="submit" className="primary" disabled={busy}>
          {save}
        </button>
        <button type="button" onClick={onCancel}>
          Cancel <kbd>Esc</kbd>
        </button>
      </div>
    </form>
  );
}

/** Escape leaves the form, not the alert. */
export function cancelled(event: KeyboardEvent, onCancel: () => void): void {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  onCancel();
}
