// What asks less of a wearer and waits for a second person: in words, to be approved by somebody else than who asked.
import { useQuery } from "@tanstack/react-query";
import * as api from "../api";
import { type Asked, ofChange, ofOrder } from "../changes";
import { useNow } from "../clock";
import { useDoing } from "../doing";
import { ago } from "../instant";
import { elsewhere, noChange } from "../pausing";
import { troubles } from "../problem";
import type { Account } from "../session";
import { Page, Part } from "./Page";

const REREAD_MS = 15_000; // what waits is on no stream

export function useWaiting() {
  return useQuery({
    queryKey: ["changes"],
    queryFn: ({ signal }) => api.waiting(signal),
    refetchInterval: REREAD_MS,
  });
}

export function Changes({ me, onLeave }: { me: Account; onLeave(): void }) {
  const nowMs = useNow();
  const waiting = useWaiting();
  const shift = useQuery({
    queryKey: ["shift"],
    queryFn: ({ signal }) => api.shift(signal),
    enabled: me.permissions.includes("see_queue"),
    refetchInterval: REREAD_MS,
    staleTime: 0,
  });
  const decide = useDoing("changes");
  const pauses = shift.isError ? undefined : shift.data?.pauses;
  const besides = elsewhere(pauses);
  const asked = [
    ...(waiting.data?.orders ?? []).map((one) => ofOrder(one, nowMs)),
    ...(waiting.data?.others ?? []).map((one) => ofChange(one, nowMs)),
  ].sort((one, other) => one.at.localeCompare(other.at));
  return (
    <Page title="Approvals" trouble={troubles(decide.error, waiting.error)} onLeave={onLeave}>
      <p className="quiet">
        What asks less of a device wearer is in force only when a second person has approved it. What asks more is in
        force at once, and is not here.
      </p>
      {besides !== null && <p>{besides}</p>}
      {waiting.data !== undefined && (
        <Part title="Waiting" empty={noChange(pauses)} count={asked.length}>
          {asked.map((one) => (
            <li key={one.path} className="asked">
              <One
                asked={one}
                me={me}
                nowMs={nowMs}
                busy={decide.isPending}
                onDecide={(what) => decide.mutate(() => api.decide(one.path, what))}
              />
            </li>
          ))}
        </Part>
      )}
    </Page>
  );
}

interface OneProps {
  asked: Asked;
  me: Account;
  nowMs: number;
  busy: boolean;
  onDecide(what: "approve" | "refuse"): void;
}

function One({ asked, me, nowMs, busy, onDecide }: OneProps) {
  const may = me.permissions.includes("approve_relaxed");
  const mine = asked.by?.id === me.id;
  return (
    <>
      <h4>{asked.about}</h4>
      {asked.relaxes.map((sentence) => (
        <p key={sentence} className="asked-less">
          {sentence}
        </p>
      ))}
      {asked.lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {asked.why !== null && <q>{asked.why}</q>}
      <small>
        Asked for by {mine ? "you" : (asked.by?.name ?? "Cordon")} {ago(asked.at, nowMs)}
        {asked.overtaken && "; something else has changed since: refuse it, and have it asked for again"}
      </small>
      {may && (
        <div className="actions-row">
          {!asked.overtaken && !mine && (
            <button
              type="button"
              className="primary"
              aria-label={`Approve: ${asked.about}`}
              disabled={busy}
              onClick={() => onDecide("approve")}
            >
              Approve
            </button>
          )}
          <button
            type="button"
            aria-label={`Refuse: ${asked.about}`}
            disabled={busy}
            onClick={() => onDecide("refuse")}
          >
            Refuse
          </button>
          {mine && <span className="quiet">Somebody else must approve what you asked for.</span>}
        </div>
      )}
    </>
  );
}
