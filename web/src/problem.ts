// Answers that are not what was asked for, into words an operator can act on (RFC 9457 problem+json).

export class Problem extends Error {
  readonly status: number; // 0 where no answer came
  readonly title: string;
  readonly said: Readonly<Record<string, unknown>>; // the whole body, of which some kinds of problem say more

  constructor(status: number, title: string, detail: string, said: Readonly<Record<string, unknown>> = {}) {
    super(detail === "" ? title : detail);
    this.status = status;
    this.title = title;
    this.said = said;
  }
}

/** The problem an answer describes; where it describes none, its status in words. */
export async function problemOf(answer: Response): Promise<Problem> {
  const body: unknown = await answer.json().catch(() => null);
  const said = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const { title, detail } = said;
  const words = WORDS[answer.status] ?? `The server answered ${answer.status}.`;
  return new Problem(
    answer.status,
    typeof title === "string" ? title : words,
    typeof detail === "string" ? detail : typeof title === "string" ? title : words,
    said,
  );
}

const WORDS: Record<number, string> = {
  401: "You are not signed in any more. Sign in again.",
  403: "Your role may not do this.",
  404: "It is not there any more.",
  409: "Somebody else changed it first. Look again, then repeat.",
  412: "Somebody else changed it first. Look again, then repeat.",
  429: "Too many requests. Wait a moment, then repeat.",
  500: "The server failed. Nothing was changed; repeat, and tell the engineer if it fails again.",
  503: "The server cannot take this now. Repeat in a moment.",
};

/** Any failure in words. */
export function words(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (error instanceof TypeError) return "The server cannot be reached.";
  return error instanceof Error ? error.message : String(error);
}

/** Several failures in words, the first first, nothing twice; null: there is none. Empty where all is well. */
export function troubles(...errors: unknown[]): string {
  return [...new Set(errors.filter((error) => error !== null).map(words))].join(" ");
}
