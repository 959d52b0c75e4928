// One endless read of the server's events, resumed from the last one seen whenever it breaks.
import { EventSourceParserStream } from "eventsource-parser/stream";
import { learn } from "./clock";
import { problemOf } from "./problem";

const SILENCE_MS = 40_000; // the server sends at least a comment every 15 s; two missed and the line is dead
const WAITS_MS = [500, 1_000, 2_000, 5_000, 10_000];

export interface Listener {
  /** The read is open: what was missed follows as events. */
  opened(): void;
  /** Something came, if only a comment: the line is good. */
  alive(): void;
  event(name: string, data: string, id: string): void;
  /** The read broke; it is tried again by itself. */
  lost(): void;
}

interface Access {
  token(): Promise<string>;
  refused(token: string): void;
}

/** Follow ``url`` until ``signal`` ends it. Events are given once and in order; ``Last-Event-ID`` carries on after them. */
export async function follow(
  url: string,
  access: Access,
  listener: Listener,
  signal: AbortSignal,
  from: string | null = null,
): Promise<void> {
  let last = from;
  let failures = 0;
  while (!signal.aborted) {
    try {
      await read(url, access, last, signal, {
        ...listener,
        opened: () => {
          failures = 0;
          listener.opened();
        },
        event: (name, data, id) => {
          listener.event(name, data, id);
          if (id !== "") last = id;
        },
      });
    } catch {
      // Every failure means the same here: say that it broke and try again.
    }
    if (signal.aborted) return;
    listener.lost();
    await pause(wait(failures), signal);
    failures += 1;
  }
}

async function read(
  url: string,
  access: Access,
  last: string | null,
  signal: AbortSignal,
  to: Listener,
): Promise<void> {
  const line = new AbortController();
  const stop = () => line.abort();
  signal.addEventListener("abort", stop, { once: true });
  let silence = setTimeout(stop, SILENCE_MS);
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(stop, SILENCE_MS);
  };
  try {
    const token = await access.token();
    const headers: Record<string, string> = { Accept: "text/event-stream", Authorization: `Bearer ${token}` };
    if (last !== null) headers["Last-Event-ID"] = last;
    const answer = await fetch(url, { headers, signal: line.signal, cache: "no-store" });
    learn(answer.headers.get("Date"));
    if (answer.status === 401) access.refused(token);
    if (!answer.ok || answer.body === null) throw await problemOf(answer);
    to.opened();
    let seen = last ?? "";
    const watched = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        heard();
        to.alive();
        controller.enqueue(chunk);
      },
    });
    const events = answer.body
      .pipeThrough(watched)
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const message of events) {
      seen = message.id ?? seen;
      to.event(message.event ?? "message", message.data, seen);
    }
  } finally {
    clearTimeout(silence);
    signal.removeEventListener("abort", stop);
    line.abort();
  }
}

/** Longer after each failure in a row, and not all consoles at once when a server comes back. */
export function wait(failures: number, random: () => number = Math.random): number {
  const longest = WAITS_MS[Math.min(failures, WAITS_MS.length - 1)] ?? 0;
  return longest * (0.5 + random() / 2);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
