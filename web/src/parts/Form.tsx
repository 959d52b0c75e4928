// What every form that is opened, filled in and left has: it begins at its first field, is saved or cancelled, and waits for the answer.
import { type FormEvent, type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { now } from "../clock";
import { Once, type Sending } from "../once";

interface Props {
  label?: string; // where it is not clear from what stands beside it
  save: string;
  busy: boolean;
  onSave(typed: FormData, sending: Sending): void;
  onCancel(): void;
  children: ReactNode;
}

export function Form({ label, save, busy, onSave, onCancel, children }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const once = useOnce();
  useEffect(() => form.current?.querySelector<HTMLElement>("input, select, textarea")?.focus(), []);
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const typed = new FormData(event.currentTarget);
    onSave(typed, once.of(typed));
  }
  function left(event: KeyboardEvent): void {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // leaves the form, not the alert
    onCancel();
  }
  return (
    <form ref={form} className="form" aria-label={label} onSubmit={submit} onKeyDown={left}>
      {children}
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

/** For a form that creates something. */
export function useOnce(): Once {
  return useState(() => new Once(now))[0];
}

/** Empty a form that stays open once what was typed is saved, unless something else has been typed since; whether it was emptied. */
export function emptied(form: HTMLFormElement, saved: FormData): boolean {
  const said = (typed: FormData) => JSON.stringify([...typed]);
  const same = said(new FormData(form)) === said(saved);
  if (same) form.reset();
  return same;
}

/** What was typed into a field, without the blanks round it; empty where there is no such field. */
export function text(typed: FormData, name: string): string {
  return String(typed.get(name) ?? "").trim();
}
