// The queue as it is this moment: the list once, then every change as the stream tells it, with how fresh that is.
import { type Alert, openAlerts, STREAM, type Status } from "./api";
import { now } from "./clock";
import { words } from "./problem";
import { type Alerts, forgetClosed, put, replace } from "./queue";
import { accessToken, refused } from "./session";
import { follow, wait } from "./stream";

export interface Live {
  alerts: Alerts;
  loaded: boolean;
  line: "opening" | "live" | "lost";
  freshMs: number; // when the line was last known to be good
  judging: Status | null;
  trouble: string | null; // why the list could not be read
}

const NOTHING: Live = {
  alerts: new Map(),
  loaded: false,
  line: "opening",
  freshMs: 0,
  judging: null,
  trouble: null,
};

/** Holds the queue for one signed-in person, from ``start`` until ``stop``. */
export class LiveQueue {
  #live = NOTHING;
  #forgotten = new Map<number, string>(); // versions as of the closing: no answer from before it brings one back
  #watchers = new Set<() => void>();
  #ending: AbortController | null = null;
  #telling: ReturnType<typeof setTimeout> | undefined;
  #told: (id: number) => void;

  constructor(told: (id: number) => void) {
    this.#told = told;
  }

  readonly watch = (changed: () => void): (() => void) => {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  };

  readonly read = (): Live => this.#live;

  start(): void {
    this.#ending = new AbortController();
    void this.#run(this.#ending.signal);
  }

  stop(): void {
    this.#ending?.abort();
  }

  /** What an action or a reading answered: shown at once, not only when the stream brings it. */
  readonly put = (alert: Alert): void => {
    const alerts = put(this.#live.alerts, alert, this.#forgotten);
    if (alerts !== this.#live.alerts) this.#set({ alerts });
  };

  forgetClosed(kept: number | null): void {
    const alerts = forgetClosed(this.#live.alerts, kept);
    for (const [id, alert] of this.#live.alerts) if (!alerts.has(id)) this.#forgotten.set(id, alert.version);
    this.#set({ alerts });
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        const { alerts, position } = await openAlerts(signal);
        this.#set({ alerts: replace(this.#live.alerts, alerts), loaded: true, trouble: null });
        failures = 0;
        await this.#follow(position, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#set({ line: "lost", trouble: words(error) });
        await new Promise((resolve) => setTimeout(resolve, wait(failures)));
        failures += 1;
      }
    }
  }

  /** Returns when the list must be loaded again. */
  async #follow(position: number, signal: AbortSignal): Promise<void> {
    const reading = new AbortController();
    const stop = () => reading.abort();
    signal.addEventListener("abort", stop, { once: true });
    const heard = {
      opened: () => this.#set({ line: "live", freshMs: now() }),
      alive: () => this.#set({ freshMs: now() }),
      lost: () => this.#set({ line: "lost" }),
      event: (name: string, data: string) => {
        if (name === "reset") reading.abort();
        else this.#event(name, JSON.parse(data));
      },
    };
    await follow(STREAM, { token: accessToken, refused }, heard, reading.signal, String(position));
    signal.removeEventListener("abort", stop);
  }

  #event(name: string, data: unknown): void {
    if (name === "hello") this.#set({ judging: (data as { status: Status }).status });
    else if (name === "status") this.#set({ judging: data as Status });
    else if (name === "alert") {
      const alert = data as Alert;
      this.put(alert);
      this.#told(alert.id);
    }
  }

  #set(part: Partial<Live>): void {
    this.#live = { ...this.#live, ...part };
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      for (const tell of this.#watchers) tell();
    }); // a thousand events after a long break are drawn once
  }
}
