// The page by who is there: the sign-in form, or the console.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Problem, words } from "../problem";
import { type Account, accessToken, signOut, useAccount, useStanding } from "../session";
import { Console } from "./Console";
import { SignIn } from "./SignIn";

export function App() {
  const standing = useStanding();
  const account = useAccount();
  const out = standing === "out" || standing === "ended";
  const queries = useQueryClient();
  useEffect(() => {
    if (out) queries.clear(); // nothing of one person's session is shown to the next
  }, [out, queries]);
  if (out) return <SignIn ended={standing === "ended"} />;
  if (account === null) return <Returning />;
  if (!account.permissions.includes("see_queue")) return <NoQueue account={account} />;
  return <Console account={account} />;
}

const AGAIN_MS = 3_000;

/** The page was loaded again: exchange the kept token for a new one, as often as it takes to reach the server. */
function Returning() {
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    let timer: number | undefined;
    const attempt = () => {
      accessToken().catch((error: unknown) => {
        if (error instanceof Problem && error.status === 401) return;
        setTrouble(words(error));
        timer = window.setTimeout(attempt, AGAIN_MS);
      });
    };
    attempt();
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <main className="sign-in">
      <p role="status">{trouble === null ? "Signing you in again…" : `${trouble} Trying again.`}</p>
      <button type="button" onClick={signOut}>
        Sign out
      </button>
    </main>
  );
}

function NoQueue({ account }: { account: Account }) {
  return (
    <main className="sign-in">
      <h1>Cordon</h1>
      <p>
        You are signed in as {account.name}. The role {account.role} has no alert queue, and this page has nothing else
        yet.
      </p>
      <button type="button" onClick={signOut}>
        Sign out
      </button>
    </main>
  );
}
