// What every form that is opened, filled in and left has: it begins at its first field, is saved or cancelled, and is closed by its
// own answer, unless something else has been typed into it since.
import { type FormEvent, type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { now } from "../clock";
import { Once, type Sending } from "../once";

interface Props {
  label?: string; // where it is not clear from what stands beside it
  save: string;
  busy: boolean;
  onSave(typed: FormData, sending: Sending, done: Done): void;
  onCancel(): void;
  children: ReactNode;
}

/** To be called when what a form sent has been done: leaves that form as it was opened then, and no other. */
export type Done = () => void;

export function Form({ label, save, busy, onSave, onCancel, children }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const once = useOnce();
  const [rest, setRest] = useState(false); // whether more stands here than was done
  useEffect(() => form.current?.querySelector<HTMLElement>("input, select, textarea")?.focus(), []);
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    if (busy) return;
    const typed = new FormData(event.currentTarget);
    setRest(false);
    onSave(typed, once.of(typed), () => {
      if (form.current === null) return; // left meanwhile, and perhaps opened anew
      if (same(form.current, typed)) onCancel();
      else setRest(true);
    });
  }
  function left(event: KeyboardEvent): void {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // leaves the form, not the alert
    onCancel();
  }
  return (
    <form ref={form} className="form" aria-label={label} onSubmit={submit} onKeyDown={left}>
      {children}
      {rest && (
        <p role="alert" className="warning">
          Done as it stood when you pressed “{save}”. What you have changed since is not saved yet.
        </p>
      )}
      <div className="actions-row">
        {/* Not disabled: that takes the focus away, and Escape would leave the alert. */}
        <button type="submit" className="primary" aria-disabled={busy}>
          {save}
        </button>
        <button type="button" onClick={onCancel}>
          Cancel <kbd>Esc</kbd>
        </button>
      </div>
    </form>
  );
}

/** For a form that creates something. */
export function useOnce(): Once {
  return useState(() => new Once(now))[0];
}

/** Empty a form that stays open once what was typed is saved, unless something else has been typed since; whether it was emptied. */
export function emptied(form: HTMLFormElement, saved: FormData): boolean {
  const still = same(form, saved);
  if (still) form.reset();
  return still;
}

/** Whether in a form stands what was sent of it. */
function same(form: HTMLFormElement, sent: FormData): boolean {
  const said = (typed: FormData) => JSON.stringify([...typed]);
  return said(new FormData(form)) === said(sent);
}

/** What was typed into a field, without the blanks round it; empty where there is no such field. */
export function text(typed: FormData, name: string): string {
  return String(typed.get(name) ?? "").trim();
}
