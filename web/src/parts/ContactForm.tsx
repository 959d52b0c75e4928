// A call or message as it was made, into the contact log: with whom, what came of it, and when to try again.
import { useState } from "react";
import type { Contacting, PersonCalled } from "../api";
import type { Sending } from "../once";
import { CALLED } from "../words";
import { type Done, Form, text } from "./Form";

interface Props {
  alert: number;
  person: PersonCalled;
  callback: boolean; // opened to agree a callback
  busy: boolean;
  onLog(contact: Contacting, key: string, done: Done): void;
  onCancel(): void;
}

const WAYS: Record<string, Pick<Contacting, "way" | "direction">> = {
  "I called": { way: "call", direction: "out" },
  "They called": { way: "call", direction: "in" },
  "I wrote": { way: "message", direction: "out" },
  "They wrote": { way: "message", direction: "in" },
};

const OUTCOMES: Record<Contacting["outcome"], string> = {
  spoke: "Spoke",
  no_answer: "No answer",
  refused: "Refused",
  dead_number: "Dead number",
};

const AGAIN_MIN = [5, 10, 15, 30, 60];

export function ContactForm({ alert, person: first, callback, busy, onLog, onCancel }: Props) {
  const [person, setPerson] = useState<PersonCalled>(first);

  function save(typed: FormData, { key, atMs }: Sending, done: Done): void {
    const said = (name: string) => text(typed, name);
    const again = Number(said("again"));
    const contact: Contacting = {
      alert,
      person,
      ...(WAYS[said("way")] ?? { way: "call", direction: "out" }),
      outcome: said("outcome") as Contacting["outcome"],
      ...(said("number") !== "" && { number: said("number") }),
      ...(said("words") !== "" && { words: said("words") }),
      ...(said("reference") !== "" && { police_reference: said("reference") }),
      ...(again > 0 && { callback_at: new Date(atMs + again * 60_000).toISOString() }),
    };
    onLog(contact, key, done);
  }

  return (
    <Form label="Log a contact" save="Log contact" busy={busy} onSave={save} onCancel={onCancel}>
      <div className="form-pair">
        <label>
          With
          <select name="person" value={person} onChange={(event) => setPerson(event.target.value as PersonCalled)}>
            {Object.entries(CALLED).map(([code, said]) => (
              <option key={code} value={code}>
                {said}
              </option>
            ))}
          </select>
        </label>
        <label>
          How
          <select name="way">
            {Object.keys(WAYS).map((said) => (
              <option key={said}>{said}</option>
            ))}
          </select>
        </label>
      </div>
      <fieldset>
        <legend>What came of it</legend>
        <div className="choices">
          {Object.entries(OUTCOMES).map(([code, said]) => (
            <label className="choice" key={code}>
              <input type="radio" name="outcome" value={code} required /> {said}
            </label>
          ))}
        </div>
      </fieldset>
      <div className="form-pair">
        <label>
          Call back
          <select name="again" defaultValue={callback ? "15" : ""}>
            <option value="">None</option>
            {AGAIN_MIN.map((minutes) => (
              <option key={minutes} value={minutes}>
                in {minutes} min
              </option>
            ))}
          </select>
        </label>
        <label>
          Number
          <input name="number" maxLength={200} inputMode="tel" autoComplete="off" />
        </label>
      </div>
      {person === "police" && (
        <label>
          Police reference
          <input name="reference" maxLength={200} autoComplete="off" />
        </label>
      )}
      <label>
        What was said
        <textarea name="words" rows={2} maxLength={4000} />
      </label>
    </Form>
  );
}
