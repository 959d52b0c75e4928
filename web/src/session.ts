// Who is signed in: a short-lived access token in memory, the refresh token in this tab only, one refresh at a time.
import { useSyncExternalStore } from "react";
import { learn } from "./clock";
import { Problem, problemOf } from "./problem";

const TOKEN_URL = "/api/v1/token";
const KEPT = "cordon.refresh"; // sessionStorage: it ends with the tab, and no other tab can spend it
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

let access: { token: string; untilMs: number } | null = null;
let account: Account | null = null;
let refreshing: Promise<string> | null = null;
const watchers = new Set<() => void>();

function signedIn(): boolean {
  return sessionStorage.getItem(KEPT) !== null;
}

export type Standing = "out" | "returning" | "in";

function standing(): Standing {
  if (!signedIn()) return "out";
  return account === null ? "returning" : "in";
}

function watch(changed: () => void): () => void {
  watchers.add(changed);
  return () => watchers.delete(changed);
}

function changed(): void {
  for (const tell of watchers) tell();
}

/** Whether somebody is signed in ("returning": the page was loaded again and their token is not yet exchanged). */
export function useStanding(): Standing {
  return useSyncExternalStore(watch, standing);
}

/** Who is signed in; null until that is known. */
export function useAccount(): Account | null {
  return useSyncExternalStore(watch, () => account);
}

export async function signIn(username: string, password: string): Promise<void> {
  await exchange({ grant_type: "password", username, password });
}

/** End the session here at once and on the server as soon as it answers. */
export function signOut(): void {
  const kept = sessionStorage.getItem(KEPT);
  forget();
  if (kept === null) return;
  const body = JSON.stringify({ refresh_token: kept });
  const request = { method: "DELETE", body, headers: { "Content-Type": "application/json" }, keepalive: true };
  fetch(TOKEN_URL, request).catch(() => undefined); // unreachable: the token ends by itself within the shift
}

function forget(): void {
  access = null;
  account = null;
  sessionStorage.removeItem(KEPT);
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
  const kept = sessionStorage.getItem(KEPT);
  if (kept === null) throw new Problem(401, "Sign in again", "Your session has ended.");
  try {
    return await exchange({ grant_type: "refresh_token", refresh_token: kept });
  } catch (error) {
    if (error instanceof Problem && error.status >= 400 && error.status < 429) forget();
    throw error;
  }
}

async function exchange(form: Record<string, string>): Promise<string> {
  const answer = await fetch(TOKEN_URL, { method: "POST", body: new URLSearchParams(form) });
  learn(answer.headers.get("Date"));
  if (!answer.ok) throw await problemOf(answer);
  const tokens: Tokens = await answer.json();
  access = { token: tokens.access_token, untilMs: performance.now() + tokens.expires_in * 1_000 };
  sessionStorage.setItem(KEPT, tokens.refresh_token);
  if (account?.id !== tokens.account.id) {
    account = tokens.account;
    changed();
  }
  return tokens.access_token;
}
