// Name and password into a session.
import { type FormEvent, useEffect, useRef, useState } from "react";
import { words } from "../problem";
import { signIn } from "../session";

/** ``ended``: the session ended by itself, and the queue is watched by nobody here. */
export function SignIn({ ended }: { ended: boolean }) {
  useEffect(() => {
    document.title = ended ? "Signed out – Cordon" : "Cordon";
  }, [ended]);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setTrouble(null);
    try {
      await signIn(String(form.get("username")), String(form.get("password")));
    } catch (error) {
      setTrouble(words(error));
      setBusy(false);
    }
  }

  return (
    <main className="sign-in">
      <h1>Cordon</h1>
      {ended && (
        <p role="alert" className="line" data-state="lost">
          Your session has ended. No alerts are shown here until you sign in.
        </p>
      )}
      <form onSubmit={submit} aria-busy={busy}>
        <label>
          Name
          <input ref={first} name="username" autoComplete="username" required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <button type="submit" className="primary" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
        <p role="alert" className="trouble">
          {trouble}
        </p>
      </form>
    </main>
  );
}
