// Something offered by one person to another that waits for an answer: in words, with what the reader may answer.
import type { ReactNode } from "react";

interface Answer {
  words: string;
  give(): void;
}

interface Props {
  note: string | null;
  busy: boolean;
  accept: Answer | null;
  withdraw: Answer | null; // also to decline it
  children: ReactNode;
}

export function Offer({ note, busy, accept, withdraw, children }: Props) {
  return (
    <div className="shift-offer">
      <p>
        {children}
        {note !== null && <q>{note}</q>}
      </p>
      <div className="actions-row">
        {accept !== null && (
          <button type="button" className="primary" disabled={busy} onClick={accept.give}>
            {accept.words}
          </button>
        )}
        {withdraw !== null && (
          <button type="button" disabled={busy} onClick={withdraw.give}>
            {withdraw.words}
          </button>
        )}
      </div>
    </div>
  );
}
