import { afterEach, beforeEach, expect, test, vi } from "vitest";

type Session = typeof import("./session");

const account = { id: 1, name: "operator", role: "operator", permissions: [] };

/** A token server that answers in turn and keeps the forms it was sent; no answer left: it cannot be reached. */
function serve(...answers: { status?: number; expires?: number }[]): URLSearchParams[] {
  const forms: URLSearchParams[] = [];
  vi.stubGlobal("fetch", async (_url: string, request: RequestInit) => {
    forms.push(new URLSearchParams(request.body as URLSearchParams));
    const answer = answers.shift();
    if (answer === undefined) throw new TypeError("unreachable");
    const { status = 200, expires = 900 } = answer;
    const number = forms.length;
    const tokens = { access_token: `a${number}`, refresh_token: `r${number}`, expires_in: expires, account };
    const body = status === 204 ? null : JSON.stringify(status === 200 ? tokens : { title: "no" });
    return new Response(body, { status });
  });
  return forms;
}

let session: Session;
const stored = new Map<string, string>();
let page: EventTarget;

/** What would be there after a reload. */
function carried(): string[] {
  page.dispatchEvent(new Event("pagehide"));
  return [...stored.values()];
}

/** The page as it is loaded, with what an earlier one left. */
async function load(): Promise<void> {
  page = new EventTarget();
  vi.stubGlobal("window", page);
  vi.resetModules();
  session = await import("./session");
}

beforeEach(async () => {
  stored.clear();
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => stored.set(name, value),
    removeItem: (name: string) => stored.delete(name),
  });
  await load();
});

afterEach(() => vi.unstubAllGlobals());

test("a fresh token is used as it is", async () => {
  const forms = serve({});
  await session.signIn("operator", "secret");
  expect(await session.accessToken()).toBe("a1");
  expect(forms).toHaveLength(1);
});

test("a reload carries the session over; a duplicated tab finds nothing to spend", async () => {
  const forms = serve({}, {});
  await session.signIn("operator", "secret");
  expect([...stored.values()]).toEqual([]);
  expect(carried()).toEqual(["r1"]);
  await load();
  expect([...stored.values()]).toEqual([]);
  expect(await session.accessToken()).toBe("a2");
  expect(forms[1]?.get("refresh_token")).toBe("r1");
});

test("a token near its end is exchanged once, however many ask; a refresh token is never spent twice", async () => {
  const forms = serve({ expires: 10 }, {});
  await session.signIn("operator", "secret");
  const tokens = await Promise.all([session.accessToken(), session.accessToken(), session.accessToken()]);
  expect(tokens).toEqual(["a2", "a2", "a2"]);
  expect(forms[1]?.get("refresh_token")).toBe("r1");
  expect(forms).toHaveLength(2);
  expect(carried()).toEqual(["r2"]);
});

test("a token the server refused is exchanged, an older one's refusal is not held against the newer", async () => {
  serve({}, {});
  await session.signIn("operator", "secret");
  session.refused("a1");
  expect(await session.accessToken()).toBe("a2");
  session.refused("a1");
  expect(await session.accessToken()).toBe("a2");
});

test("a refresh token that is no longer good ends the session", async () => {
  serve({ expires: 0 }, { status: 401 }, {});
  await session.signIn("operator", "secret");
  await expect(session.accessToken()).rejects.toThrow();
  expect(carried()).toEqual([]);
  expect(session.standing()).toBe("ended");
  await session.signIn("operator", "secret");
  expect(session.standing()).toBe("in");
});

test("signing out while a token is being exchanged stays signed out", async () => {
  serve({ expires: 0 }, {});
  await session.signIn("operator", "secret");
  const asked = session.accessToken();
  session.signOut();
  await expect(asked).rejects.toThrow();
  expect(carried()).toEqual([]);
  expect(session.standing()).toBe("out");
});

test.each([[409], [429], [500], [503], [0]])(
  "who cannot be let go (%d) stays signed in and is told, and may leave all the same",
  async (status) => {
    serve({}, ...(status === 0 ? [] : [{ status }]));
    await session.signIn("operator", "secret");
    await expect(session.leave()).rejects.toMatchObject({ status });
    expect(session.standing()).toBe("in");
    expect(await session.accessToken()).toBe("a1");
    session.signOut();
    expect(session.standing()).toBe("out");
  },
);

test.each([[204], [401], [404], [422]])(
  "who is let go, or whose token is worth nothing any more (%d), is signed out",
  async (status) => {
    serve({}, { status });
    await session.signIn("operator", "secret");
    await session.leave();
    expect(session.standing()).toBe("out");
    expect(carried()).toEqual([]);
  },
);

test.each([[503], [429], [0]])("a server that cannot answer now (%d) does not end it", async (status) => {
  serve({ expires: 0 }, ...(status === 0 ? [] : [{ status }]));
  await session.signIn("operator", "secret");
  await expect(session.accessToken()).rejects.toThrow();
  expect(carried()).toEqual(["r1"]);
});
