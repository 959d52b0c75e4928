// The operator's screen: how fresh it is and what is worst on top, the queue at the left, the chosen alert at the right.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { alert as whole } from "../api";
import { useCue, waitingP1 } from "../cue";
import { useHold } from "../hold";
import { type Shown, useKeys } from "../keys";
import { linked } from "../link";
import { type Live, LiveQueue } from "../live";
import { arrange, neighbour, same } from "../order";
import type { Alerts } from "../queue";
import { type Account, leave as signOut } from "../session";
import { AlertPane } from "./AlertPane";
import { Banner } from "./Banner";
import { Caseload } from "./Caseload";
import { Changes } from "./Changes";
import { ChangesButton } from "./ChangesButton";
import { Channels } from "./Channels";
import { Handover } from "./Handover";
import { KeysDialog } from "./KeysDialog";
import { Line, Proof } from "./Line";
import { Owed } from "./Owed";
import { Queue } from "./Queue";
import { ShiftButton } from "./ShiftButton";
import { Strip } from "./Strip";

const SOUND = "cordon.sound"; // localStorage: a workstation's choice, not a person's

export function Console({ account }: { account: Account }) {
  const queries = useQueryClient();
  const queue = useMemo(() => new LiveQueue((id) => queries.invalidateQueries({ queryKey: ["alert", id] })), [queries]);
  useEffect(() => {
    queue.start();
    return () => queue.stop();
  }, [queue]);
  const live = useSyncExternalStore(queue.watch, queue.read);

  const [selected, setSelected] = useState(() => linked(location.hash));
  useLink(queue, live, selected, setSelected);
  const list = useRef<HTMLDivElement>(null);
  const pane = useRef<HTMLElement>(null);
  const { held, touch } = useHold(list);
  const order = useOrder(live.alerts, held);
  useEffect(() => {
    if (!held) queue.forgetClosed(selected);
  }, [queue, held, selected]);

  const waiting = useMemo(() => waitingP1(live.alerts), [live.alerts]);
  const [sound, setSound] = useState(() => localStorage.getItem(SOUND) !== "off");
  const toggleSound = useCallback(() => {
    setSound((on) => {
      localStorage.setItem(SOUND, on ? "off" : "on");
      return !on;
    });
  }, []);
  useCue(waiting, live.loaded, sound);

  const [showKeys, setShowKeys] = useState(false);
  const [page, setPage] = useState<Shown | null>(null);
  const [refusal, setRefusal] = useState<unknown>(null);
  const open = useCallback((alert: number | null) => {
    setPage(null);
    setRefusal(null); // it is looked after
    setSelected(alert);
  }, []);
  const goHome = () => {
    signOut().catch((error: unknown) => {
      setRefusal(error);
      setPage("shift");
    });
  };
  const worst = waiting[0] ?? null;
  const move = (step: 1 | -1) => {
    touch();
    open(neighbour(order, selected, step));
  };
  const leave = () => {
    if (page === null) setSelected(null); // from a page one comes back to the alert that was open
    setPage(null);
    setRefusal(null);
    list.current?.focus();
  };
  const press = (name: string) =>
    pane.current?.querySelector<HTMLElement>(`[data-key="${name}"]:not(:disabled)`)?.click();
  useKeys({
    next: () => move(1),
    previous: () => move(-1),
    worst: () => open(worst?.id ?? order[0] ?? null),
    press,
    sound: toggleSound,
    show: (wanted) => may(wanted, account) && setPage(wanted),
    keys: () => setShowKeys(true),
    leave,
  });

  const chosen = selected === null ? undefined : live.alerts.get(selected);
  return (
    <div className="console" data-view={chosen === undefined ? "queue" : "alert"}>
      <header className="bar">
        <h1>Cordon</h1>
        <Line live={live} />
        <Proof live={live} />
        <div className="bar-end">
          <button type="button" aria-pressed={sound} onClick={toggleSound}>
            Sound {sound ? "on" : "off"}
          </button>
          <ShiftButton me={account.id} pressed={page === "shift"} onPress={() => setPage("shift")} />
          {may("changes", account) && (
            <ChangesButton me={account.id} pressed={page === "changes"} onPress={() => setPage("changes")} />
          )}
          {(["caseload", "channels"] as const)
            .filter((name) => may(name, account))
            .map((name) => (
              <button key={name} type="button" aria-pressed={page === name} onClick={() => setPage(name)}>
                {TITLES[name]} <kbd>{PAGE_KEYS[name]}</kbd>
              </button>
            ))}
          <button type="button" className="bar-keys" onClick={() => setShowKeys(true)}>
            <span className="unseen">Keys</span> <kbd>?</kbd>
          </button>
          <span className="who">{account.name}</span>
          <button type="button" onClick={goHome}>
            Sign out
          </button>
        </div>
        <Banner live={live} />
      </header>
      <Strip waiting={waiting} loaded={live.loaded} onOpen={open} />
      {page === "changes" && <Changes me={account} onLeave={leave} />}
      {page === "caseload" && <Caseload me={account} onLeave={leave} />}
      {page === "channels" && <Channels me={account} onLeave={leave} />}
      {page === "shift" && (
        <Handover me={account} refusal={refusal} known={live.alerts} onOpen={open} onLeave={leave} />
      )}
      <div className="work" hidden={page !== null}>
        <Queue
          live={live}
          order={order}
          held={held}
          selected={selected}
          me={account.id}
          list={list}
          onSelect={open}
          owed={account.permissions.includes("see_contacts") && <Owed onOpen={() => setPage("shift")} />}
        />
        <AlertPane alert={chosen} me={account} pane={pane} onChanged={queue.put} onLeave={leave} />
      </div>
      <KeysDialog open={showKeys} onClose={() => setShowKeys(false)} />
    </div>
  );
}

const PAGE_KEYS = { caseload: "o", channels: "w" };

const TITLES = { caseload: "Caseload", channels: "Channels" };

/** What somebody must be allowed for a page to be theirs: an operator's bar holds what an operator does. */
const NEEDS: Record<Shown, string> = {
  shift: "see_queue",
  changes: "edit_wearers",
  caseload: "edit_wearers",
  channels: "see_channels",
};

function may(page: Shown, account: Account): boolean {
  return account.permissions.includes(NEEDS[page]);
}

/** Follows the link of a message, also to an alert that the queue has no more: one that was closed. */
function useLink(queue: LiveQueue, live: Live, selected: number | null, select: (id: number) => void) {
  useEffect(() => {
    const follow = () => {
      const id = linked(location.hash);
      if (id !== null) select(id);
    };
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, [select]);
  const absent = selected !== null && live.loaded && !live.alerts.has(selected) ? selected : null;
  useEffect(() => {
    if (absent === null) return;
    const left = new AbortController();
    whole(absent, left.signal).then(
      (alert) => queue.put(alert),
      () => undefined, // there is none, or it is not theirs to see: the queue is what they have
    );
    return () => left.abort();
  }, [queue, absent]);
}

/** The order shown, kept from one drawing to the next so that it can be held. */
function useOrder(alerts: Alerts, held: boolean): number[] {
  const shown = useRef<number[]>([]);
  const order = arrange(shown.current, alerts, held);
  if (!same(order, shown.current)) shown.current = order;
  return shown.current;
}
