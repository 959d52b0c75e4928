// Who is signed in: tokens in memory, the refresh token carried over a reload and nowhere else, one refresh at a time.
import { useSyncExternalStore } from "react";
import { learn } from "./clock";
import { Problem, problemOf } from "./problem";

const TOKEN_URL = "/api/v1/token";
const KEPT = "cordon.refresh"; // in sessionStorage, and only from unloading to loading
const ENDED = new Problem(401, "Sign in again", "Your session has ended.");
const EARLY_MS = 30_000; // a token this near its end is exchanged before it is used

export interface Account {
  id: number;
  name: string;
  role: string;
  permissions: string[];
}

interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number; // seconds
  account: Account;
}

// A refresh token works once, and a duplicated tab has a copy of sessionStorage: were it kept there meanwhile, the two tabs
// would end each other's session.
let kept = take();

function take(): string | null {
  const found = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  return found;
}

window.addEventListener("pagehide", () => {
  if (kept !== null) sessionStorage.setItem(KEPT, kept);
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) sessionStorage.removeItem(KEPT); // back from the browser's cache, memory and all
});

let access: { token: string; untilMs: number } | null = null;
let account: Account | null = null;
let refreshing: Promise<string> | null = null;
const watchers = new Set<() => void>();

export type Standing = "out" | "ended" | "returning" | "in";

let expired = false; // the session ended by itself: nobody asked for it, so somebody must be told

export function standing(): Standing {
  if (kept === null) return expired ? "ended" : "out";
  return account === null ? "returning" : "in";
}

function watch(changed: () => void): () => void {
  watchers.add(changed);
  return () => watchers.delete(changed);
}

function changed(): void {
  for (const tell of watchers) tell();
}

/** Whether somebody is signed in ("ended": until the server ended it; "returning": the page was loaded again and their token is not yet exchanged). */
export function useStanding(): Standing {
  return useSyncExternalStore(watch, standing);
}

/** Who is signed in; null until that is known. */
export function useAccount(): Account | null {
  return useSyncExternalStore(watch, () => account);
}

export async function signIn(username: string, password: string): Promise<void> {
  hold(await exchange({ grant_type: "password", username, password }));
}

const LEAVE_MS = 5_000; // a server that does not answer by then is one that cannot be asked
const UNHEARD = new Problem(
  0,
  "The server does not answer",
  "The server does not answer, so nobody can say whether you still own an open alert or owe a call. Try again, or leave all the same.",
);

/**
 * Sign out. Where the server refuses because something is still owned or owed, or cannot say, that is thrown and the session goes
 * on: nobody is to leave an open alert or a call without knowing it. `signOut` leaves all the same.
 */
export async function leave(): Promise<void> {
  const body = JSON.stringify({ refresh_token: kept });
  const headers = { "Content-Type": "application/json" };
  const request = { method: "DELETE", body, headers, keepalive: true, signal: AbortSignal.timeout(LEAVE_MS) };
  const answer = await fetch(TOKEN_URL, request).catch(() => null);
  if (answer === null) throw UNHEARD;
  if (answer.status === 409 || answer.status === 429 || answer.status >= 500) throw await problemOf(answer);
  forget(false); // also where the token is worth nothing any more: there is no session to go on
}

/** End the session here at once and on the server as soon as it answers. */
export function signOut(): void {
  const body = JSON.stringify({ refresh_token: kept });
  forget(false);
  const request = { method: "DELETE", body, headers: { "Content-Type": "application/json" }, keepalive: true };
  fetch(TOKEN_URL, request).catch(() => undefined); // unreachable: the token ends by itself within the shift
}

function forget(byItself: boolean): void {
  expired = expired || byItself;
  access = null;
  account = null;
  kept = null;
  changed();
}

/** An access token good for at least half a minute. Signs out where the refresh token is no longer accepted. */
export async function accessToken(): Promise<string> {
  if (access !== null && access.untilMs - EARLY_MS > performance.now()) return access.token;
  refreshing ??= refresh().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

/** Forget an access token that the server refused, unless it has been replaced since. */
export function refused(token: string): void {
  if (access?.token === token) access = null;
}

async function refresh(): Promise<string> {
  const spent = kept;
  if (spent === null) throw ENDED;
  try {
    const tokens = await exchange({ grant_type: "refresh_token", refresh_token: spent });
    if (kept !== spent) throw ENDED; // signed out meanwhile
    return hold(tokens);
  } catch (error) {
    if (error instanceof Problem && error.status >= 400 && error.status < 429) forget(kept === spent);
    throw error;
  }
}

function hold(tokens: Tokens): string {
  access = { token: tokens.access_token, untilMs: performance.now() + tokens.expires_in * 1_000 };
  kept = tokens.refresh_token;
  expired = false;
  if (account?.id !== tokens.account.id) {
    account = tokens.account;
    changed();
  }
  return tokens.access_token;
}

async function exchange(form: Record<string, string>): Promise<Tokens> {
  const answer = await fetch(TOKEN_URL, { method: "POST", body: new URLSearchParams(form) });
  learn(answer.headers.get("Date"));
  if (!answer.ok) throw await problemOf(answer);
  return answer.json();
}
