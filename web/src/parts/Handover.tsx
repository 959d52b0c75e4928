// The end of a shift: what the next one must know, to whom it is handed over, and what is offered to me.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useEffect, useRef } from "react";
import * as api from "../api";
import { useNow } from "../clock";
import { ago, wall } from "../instant";
import { words } from "../problem";
import type { Account } from "../session";
import { CALLED, due, HANDLING, owner, plain, SEVERITY, sentence, until } from "../words";

interface Props {
  me: Account;
  refusal: string | null; // why signing out was refused
  onOpen(alert: number): void;
  onLeave(): void;
}

const REREAD_MS = 10_000;

export function Handover({ me, refusal, onOpen, onLeave }: Props) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  const queries = useQueryClient();
  const shift = useQuery({
    queryKey: ["shift"],
    queryFn: ({ signal }) => api.shift(signal),
    refetchInterval: REREAD_MS,
    staleTime: 0,
  });
  const act = useMutation({
    mutationFn: (doing: () => Promise<unknown>) => doing(),
    onSettled: () => queries.invalidateQueries({ queryKey: ["shift"] }),
  });
  const told = shift.data;
  const works = me.permissions.includes("work_alerts");
  return (
    <section className="shift" aria-labelledby="shift-title">
      <div className="shift-head">
        <h2 id="shift-title" ref={title} tabIndex={-1}>
          Shift handover
        </h2>
        <button type="button" onClick={onLeave}>
          Back to the queue <kbd>Esc</kbd>
        </button>
      </div>
      {refusal !== null && (
        <p role="alert" className="trouble">
          Not signed out: {refusal}.
        </p>
      )}
      <p role="alert" className="trouble">
        {shift.isError ? words(shift.error) : act.isError ? words(act.error) : ""}
      </p>
      {told !== undefined && (
        <>
          <Offers offers={told.offers} me={me} busy={act.isPending} onAct={act.mutate} />
          {works && <OfferForm people={told.people} me={me} busy={act.isPending} onAct={act.mutate} />}
          <div className="shift-parts">
            <Alerts alerts={told.alerts} me={me} onOpen={onOpen} />
            <div className="shift-rest">
              <Calls calls={told.calls_owed} onOpen={onOpen} />
              <Pauses pauses={told.pauses} me={me} busy={act.isPending} onAct={act.mutate} />
              <Visits visits={told.visits} />
              <Blind blind={told.blind} />
              <People people={told.people} />
            </div>
          </div>
        </>
      )}
    </section>
  );
}

type Act = (doing: () => Promise<unknown>) => void;

function Offers({ offers, me, busy, onAct }: { offers: api.Handover[]; me: Account; busy: boolean; onAct: Act }) {
  return offers.map((offer) => {
    const mine = offer.from.id === me.id;
    return (
      <div className="shift-offer" key={offer.id}>
        <p>
          {mine ? (
            <>
              You have offered what you own to <b>{offer.to.name}</b>, who has not accepted yet.
            </>
          ) : (
            <>
              <b>{offer.from.name}</b> hands over to you: {alerts(offer.alerts.length)}.
            </>
          )}
          {offer.note !== null && <q>{offer.note}</q>}
        </p>
        <div className="actions-row">
          {!mine && (
            <button
              type="button"
              className="primary"
              disabled={busy}
              onClick={() => onAct(() => api.answer(offer.id, "accept"))}
            >
              Accept handover
            </button>
          )}
          <button type="button" disabled={busy} onClick={() => onAct(() => api.answer(offer.id, "withdraw"))}>
            {mine ? "Withdraw" : "Decline"}
          </button>
        </div>
      </div>
    );
  });
}

function OfferForm({ people, me, busy, onAct }: { people: api.Colleague[]; me: Account; busy: boolean; onAct: Act }) {
  const mine = people.find((person) => person.id === me.id)?.owns ?? 0;
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const to = Number(form.get("to"));
    const note = String(form.get("note")).trim();
    onAct(() => api.offer(to, note));
  }
  if (mine === 0) return <p className="quiet">You own nothing: there is nothing to hand over.</p>;
  return (
    <form className="form shift-form" aria-label="Hand over" onSubmit={submit}>
      <p>
        You own <b>{alerts(mine)}</b>. They stay yours until your colleague accepts.
      </p>
      <div className="form-pair">
        <label>
          Hand over to
          <select name="to" required defaultValue="">
            <option value="" disabled>
              Choose who takes over
            </option>
            {people
              .filter((person) => person.id !== me.id)
              .map((person) => (
                <option key={person.id} value={person.id}>
                  {person.name}, {person.role}
                  {person.signed_in ? "" : " (not signed in)"}
                </option>
              ))}
          </select>
        </label>
        <label>
          Note
          <input name="note" maxLength={4000} autoComplete="off" />
        </label>
      </div>
      <div className="actions-row">
        <button type="submit" disabled={busy}>
          Offer
        </button>
      </div>
    </form>
  );
}

function Part({ title, empty, count, children }: { title: string; empty: string; count: number; children: ReactNode }) {
  return (
    <section className="shift-part">
      <h3>
        {title} {count > 0 && <span>{count}</span>}
      </h3>
      {count === 0 ? <p className="quiet">{empty}</p> : <ul>{children}</ul>}
    </section>
  );
}

function Alerts({ alerts: open, me, onOpen }: { alerts: api.Alert[]; me: Account; onOpen(alert: number): void }) {
  const nowMs = useNow();
  return (
    <Part title="Open P1 and P2" empty="None." count={open.length}>
      {open.map((alert) => {
        const clock = due(alert, nowMs);
        return (
          <li key={alert.id}>
            <button type="button" className="shift-alert" onClick={() => onOpen(alert.id)}>
              <span className="severity" data-severity={alert.severity}>
                <b>{alert.severity}</b> {SEVERITY[alert.severity]}
              </span>
              <b>{sentence(alert)}</b>
              <span>
                {HANDLING[alert.handling]}, {owner(alert, me.id)}
              </span>
              {clock !== null && (
                <span data-overdue={clock.overdue}>
                  {clock.act} <b>{clock.words}</b>
                </span>
              )}
            </button>
          </li>
        );
      })}
    </Part>
  );
}

function Calls({ calls, onOpen }: { calls: api.Contact[]; onOpen(alert: number): void }) {
  const nowMs = useNow();
  return (
    <Part title="Calls owed" empty="None." count={calls.length}>
      {calls.map((call) => {
        const at = call.callback_at ?? call.at;
        const left = until(at, nowMs);
        return (
          <li key={call.id}>
            <span data-overdue={left.overdue}>
              <b>{left.words}</b>
            </span>{" "}
            {CALLED[call.person]}
            {call.name !== null && ` (${call.name})`}
            {call.wearer_name !== null && `, about ${call.wearer_name}`}
            {call.number !== null && `, ${call.number}`}
            <small>
              {" "}
              agreed by {call.by.name} at {wall(call.at, nowMs)}
            </small>
            {call.alert !== null && (
              <button type="button" onClick={() => onOpen(call.alert ?? 0)}>
                Alert {call.alert}
              </button>
            )}
          </li>
        );
      })}
    </Part>
  );
}

function Pauses({ pauses, me, busy, onAct }: { pauses: api.Pause[]; me: Account; busy: boolean; onAct: Act }) {
  const nowMs = useNow();
  const may = me.permissions.includes("approve_pauses");
  return (
    <Part title="Pauses" empty="Nobody is paused." count={pauses.length}>
      {pauses.map((pause) => (
        <li key={pause.id}>
          <b>{pause.wearer_name}</b>, {pause.kind === null ? "all kinds" : plain(pause.kind)}, until{" "}
          {wall(pause.until, nowMs)}
          {pause.state === "waiting" && " – not in force: a second person must approve"}
          <q>{pause.reason}</q>
          {pause.state === "waiting" && may && pause.requested_by.id !== me.id && (
            <button type="button" disabled={busy} onClick={() => onAct(() => api.approve(pause))}>
              Approve
            </button>
          )}
        </li>
      ))}
    </Part>
  );
}

function Visits({ visits }: { visits: api.Visit[] }) {
  const nowMs = useNow();
  return (
    <Part title="Visits" empty="None within 24 hours." count={visits.length}>
      {visits.map((visit) => {
        const missed = visit.status === "planned" && Date.parse(visit.to) < nowMs;
        return (
          <li key={visit.id}>
            <b>{visit.wearer_name}</b>, {visit.kind}, {visit.officer === null ? "nobody goes yet" : visit.officer.name},{" "}
            {visit.status === "at_door" ? "at the door now" : `${wall(visit.from, nowMs)} to ${wall(visit.to, nowMs)}`}
            {missed && <em className="flag">Not made</em>}
          </li>
        );
      })}
    </Part>
  );
}

function Blind({ blind }: { blind: api.Shift["blind"] }) {
  const nowMs = useNow();
  const count = blind.failing.length + blind.lanes.length + blind.gateways.length;
  return (
    <Part title="Where we are blind" empty="Nowhere: everything is judged, every gateway is heard." count={count}>
      {blind.failing.map((check) => (
        <li key={check.name}>{check.text}</li>
      ))}
      {blind.lanes.map((lane) => (
        <li key={lane.partition}>
          Lane {lane.partition} is {lane.state}: judged until {ago(lane.watermark, nowMs)}
        </li>
      ))}
      {blind.gateways.map((gateway) => (
        <li key={gateway.name}>
          Gateway {gateway.name}: {gateway.silent} of {gateway.worn} tags silent
          {gateway.unknown > 0 && `, of ${gateway.unknown} not known yet`}
        </li>
      ))}
    </Part>
  );
}

function People({ people }: { people: api.Colleague[] }) {
  const holding = people.filter((person) => person.owns > 0 || person.signed_in);
  return (
    <Part title="Who holds what" empty="Nobody is signed in." count={holding.length}>
      {holding.map((person) => (
        <li key={person.id}>
          <b>{person.name}</b> ({person.role}): {alerts(person.owns)}
          {!person.signed_in && <em>Not signed in</em>}
        </li>
      ))}
    </Part>
  );
}

function alerts(count: number): string {
  return count === 0 ? "nothing" : count === 1 ? "1 alert" : `${count} alerts`;
}
