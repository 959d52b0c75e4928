// What stands in place of a page that broke: nobody may take an empty screen for a quiet night.
import { useEffect } from "react";

const RELOAD_MS = 5_000;

export function Broken() {
  useEffect(() => {
    const timer = setTimeout(() => location.reload(), RELOAD_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <main className="sign-in">
      <h1>Cordon</h1>
      <p role="alert" className="line" data-state="lost">
        This page has broken and shows no alerts. It loads itself again in a few seconds.
      </p>
      <button type="button" className="primary" onClick={() => location.reload()}>
        Load it again now
      </button>
    </main>
  );
}
