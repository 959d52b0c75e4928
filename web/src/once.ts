// What is sent again because no answer came, as the very same request: done once, however often it is sent.

/** What makes one request of several. */
export interface Sending {
  key: string; // Idempotency-Key
  atMs: number; // from when "in 15 min" counts: another moment would be another request
}

/** Of one form: the same words are the same request until it is answered, others are another one. */
export class Once {
  #typed = "";
  #sending: Sending | null = null;
  #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  of(typed: FormData): Sending {
    const said = JSON.stringify([...typed]);
    if (this.#sending === null || said !== this.#typed) {
      this.#typed = said;
      this.#sending = { key: crypto.randomUUID(), atMs: this.#now() };
    }
    return this.#sending;
  }

  answered(): void {
    this.#sending = null;
  }
}
