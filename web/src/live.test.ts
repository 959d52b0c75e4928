import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Alert } from "./api";
import { sample } from "./samples";

vi.mock("./session", () => ({ accessToken: async () => "key", refused: () => undefined }));
const { LiveQueue } = await import("./live");

/** A server with a list and a stream, to be fed from the test. */
class Server {
  lists: { items: Alert[]; position: number }[] = [];
  streams: { from: string | null; send(text: string): void; end(): void }[] = [];

  readonly fetch = async (url: string, request: RequestInit): Promise<Response> => {
    if (url.includes("/stream")) return new Response(this.#stream(request));
    const list = this.lists.shift();
    return list === undefined
      ? new Response("{}", { status: 503 })
      : new Response(JSON.stringify({ ...list, next: null }));
  };

  #stream(request: RequestInit): ReadableStream<Uint8Array> {
    const headers = new Headers(request.headers);
    return new ReadableStream({
      start: (controller) => {
        request.signal?.addEventListener("abort", () => controller.error(request.signal?.reason));
        this.streams.push({
          from: headers.get("Last-Event-ID"),
          send: (text) => controller.enqueue(new TextEncoder().encode(text)),
          end: () => controller.close(),
        });
      },
    });
  }
}

function event(name: string, id: number, data: object): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

let server: Server;
let queue: InstanceType<typeof LiveQueue>;
let told: number[];

beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  vi.stubGlobal("fetch", server.fetch);
  told = [];
  queue = new LiveQueue((id) => told.push(id));
});

afterEach(() => {
  queue.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = (ms = 50) => vi.advanceTimersByTimeAsync(ms);

test("the stream carries on where the list was read, and a new alert joins", async () => {
  server.lists.push({ items: [sample({ id: 1 })], position: 41 });
  queue.start();
  await settle();
  expect(server.streams.map((stream) => stream.from)).toEqual(["41"]);
  server.streams[0]?.send(event("alert", 42, sample({ id: 2 })));
  await settle();
  expect([...queue.read().alerts.keys()]).toEqual([1, 2]);
  expect(queue.read().line).toBe("live");
  expect(told).toEqual([2]);
});

test("a break is said at once and what was missed comes after it", async () => {
  server.lists.push({ items: [], position: 41 });
  queue.start();
  await settle();
  server.streams[0]?.send(event("alert", 42, sample({ id: 1 })));
  await settle();
  server.streams[0]?.end();
  await settle(1);
  expect(queue.read().line).toBe("lost");
  await settle(1_000);
  expect(server.streams[1]?.from).toBe("42");
  expect(queue.read().line).toBe("live");
});

test("where the server cannot resume, the list is read again and replaces what was known", async () => {
  server.lists.push({ items: [sample({ id: 1 })], position: 41 }, { items: [sample({ id: 2 })], position: 99 });
  queue.start();
  await settle();
  server.streams[0]?.send(event("reset", 99, { position: 99, reason: "too long ago" }));
  await settle();
  expect([...queue.read().alerts.keys()]).toEqual([2]);
  expect(server.streams[1]?.from).toBe("99");
});

test("a list that cannot be read is asked for until it can, with the reason to show", async () => {
  queue.start();
  await settle();
  expect(queue.read()).toMatchObject({ line: "lost", loaded: false });
  expect(queue.read().trouble).toContain("cannot take this now");
  server.lists.push({ items: [], position: 1 });
  await settle(1_000);
  expect(queue.read()).toMatchObject({ line: "live", loaded: true, trouble: null });
});

test("how far judging has come is known from the first event on", async () => {
  server.lists.push({ items: [], position: 1 });
  queue.start();
  await settle();
  const behind = { state: "behind", as_of: "2026-11-22T08:00:00Z", text: "judging as of 08:00" };
  server.streams[0]?.send(event("hello", 1, { position: 1, status: behind }));
  await settle();
  expect(queue.read().judging).toEqual(behind);
  server.streams[0]?.send(`event: status\ndata: ${JSON.stringify({ ...behind, state: "live" })}\n\n`);
  await settle();
  expect(queue.read().judging?.state).toBe("live");
});

test("a thousand events at once are drawn a few times, not a thousand", async () => {
  server.lists.push({ items: [], position: 0 });
  queue.start();
  await settle();
  let drawn = 0;
  queue.watch(() => {
    drawn += 1;
  });
  const burst = Array.from({ length: 1_000 }, (_, at) => event("alert", at + 1, sample({ id: at + 1 })));
  server.streams[0]?.send(burst.join(""));
  await settle();
  expect(queue.read().alerts.size).toBe(1_000);
  expect(drawn).toBeLessThan(10);
});

test("an answer from before an alert was closed and forgotten does not bring it back, what came after does", async () => {
  server.lists.push({ items: [sample({ version: "c1-h1" })], position: 41 });
  queue.start();
  await settle();
  const closed = sample({ version: "c2-h3", handling: "closed" });
  queue.put(closed);
  queue.forgetClosed(null);
  queue.put(sample({ version: "c2-h2", handling: "acknowledged" }));
  expect(queue.read().alerts.size).toBe(0);
  queue.put(closed); // as its link is followed
  expect(queue.read().alerts.get(12)?.handling).toBe("closed");
  queue.forgetClosed(null);
  queue.put(sample({ version: "c2-h4", handling: "in_progress" }));
  expect(queue.read().alerts.get(12)?.handling).toBe("in_progress");
});
