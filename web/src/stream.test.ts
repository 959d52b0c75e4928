import { afterEach, expect, test, vi } from "vitest";
import { follow, wait } from "./stream";

/** A server that answers each read with the next of these bodies, and keeps what it was asked. */
function serve(...bodies: (string[] | number)[]) {
  const asked: Headers[] = [];
  vi.stubGlobal("fetch", (_url: string, request: RequestInit) => {
    asked.push(new Headers(request.headers));
    const body = bodies.shift();
    if (body === undefined) return silence(request.signal);
    if (typeof body === "number") return Promise.resolve(new Response("{}", { status: body }));
    const chunks = new ReadableStream({
      start(controller) {
        for (const chunk of body) controller.enqueue(new TextEncoder().encode(chunk));
        controller.close();
      },
    });
    return Promise.resolve(new Response(chunks));
  });
  return asked;
}

/** A line that stays open and says nothing, until it is given up. */
function silence(given: AbortSignal | null | undefined): Promise<Response> {
  return new Promise((_, reject) => given?.addEventListener("abort", () => reject(given.reason)));
}

async function heardFrom(reads: number, from: string | null, ...bodies: (string[] | number)[]) {
  vi.useFakeTimers();
  const asked = serve(...bodies);
  const ending = new AbortController();
  const events: string[] = [];
  const said: string[] = [];
  const refused: string[] = [];
  const listener = {
    opened: () => said.push("opened"),
    alive: () => undefined,
    lost: () => said.push("lost"),
    event: (name: string, data: string, id: string) => events.push(`${name} ${data} ${id}`),
  };
  const access = { token: async () => "key", refused: (token: string) => refused.push(token) };
  const done = follow("/stream", access, listener, ending.signal, from);
  while (asked.length < reads) await vi.advanceTimersByTimeAsync(1_000);
  ending.abort();
  await done;
  return { asked, events, said, refused };
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("an event split between chunks is heard once and whole", async () => {
  const { events } = await heardFrom(2, null, ["id: 7\nevent: al", "ert\nda", "ta: x\n\n"]);
  expect(events).toEqual(["alert x 7"]);
});

test("a broken read resumes after the last event heard, with the key in a header", async () => {
  const { asked, said } = await heardFrom(3, "5", ["id: 7\nevent: alert\ndata: x\n\n"], ["id: 9\ndata: y\n\n"]);
  expect(asked.map((headers) => headers.get("Last-Event-ID"))).toEqual(["5", "7", "9"]);
  expect(asked[0]?.get("Authorization")).toBe("Bearer key");
  expect(said).toEqual(["opened", "lost", "opened", "lost"]);
});

test("an event cut off before its end is not taken for heard", async () => {
  const { asked, events } = await heardFrom(2, "5", ["id: 7\nevent: alert\ndata: x\n"]);
  expect(events).toEqual([]);
  expect(asked[1]?.get("Last-Event-ID")).toBe("5");
});

test("events without an id do not move the place to resume from", async () => {
  const { asked } = await heardFrom(2, "5", ["event: status\ndata: {}\n\n"]);
  expect(asked[1]?.get("Last-Event-ID")).toBe("5");
});

test("a refused key is given back and the read repeated", async () => {
  const { refused, said } = await heardFrom(2, "5", 401);
  expect(refused).toEqual(["key"]);
  expect(said).toEqual(["lost"]);
});

test("a line that says nothing at all is given up and opened again", async () => {
  const { said } = await heardFrom(2, "5");
  expect(said).toEqual(["lost"]);
});

test("waits grow, keep a limit, and differ between consoles", () => {
  expect(wait(0, () => 0)).toBe(250);
  expect(wait(1, () => 1)).toBe(1_000);
  expect(wait(99, () => 1)).toBe(10_000);
});
