// A person's own words, saved or left.
import { type Done, Form, text } from "./Form";

interface Props {
  label: string;
  save: string;
  busy: boolean;
  onSave(text: string, done: Done): void;
  onCancel(): void;
}

export function TextForm({ label, save, busy, onSave, onCancel }: Props) {
  return (
    <Form save={save} busy={busy} onSave={(typed, _, done) => onSave(text(typed, "text"), done)} onCancel={onCancel}>
      <label>
        {label}
        <textarea name="text" rows={3} required />
      </label>
    </Form>
  );
}
