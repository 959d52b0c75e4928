// The end of a shift: what the next one must know, to whom it is handed over, and what is offered to me.
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import * as api from "../api";
import { useNow } from "../clock";
import { type Act, useDoing } from "../doing";
import { ago, wall } from "../instant";
import { byQueue } from "../order";
import { Problem, troubles, words } from "../problem";
import type { Alerts as Known } from "../queue";
import { type Account, signOut } from "../session";
import { has, left, makes, OVER } from "../shift";
import { CALLED, due, HANDLING, owner, SEVERITY, sentence, until } from "../words";
import { text, useOnce } from "./Form";
import { Offer } from "./Offer";
import { Page, Part } from "./Page";
import { Pauses } from "./Pauses";
import { TextForm } from "./TextForm";

interface Props {
  me: Account;
  refusal: unknown; // why signing out was refused; null where it was not
  known: Known; // the queue, by whose words what keeps somebody is named
  onOpen(alert: number): void;
  onLeave(): void;
}

const REREAD_MS = 10_000;

export function Handover({ me, refusal, known, onOpen, onLeave }: Props) {
  const shift = useQuery({
    queryKey: ["shift"],
    queryFn: ({ signal }) => api.shift(signal),
    refetchInterval: REREAD_MS,
    staleTime: 0,
  });
  const act = useDoing("shift", "offers");
  const told = shift.data;
  const works = me.permissions.includes("work_alerts");
  return (
    <Page title="Shift handover" trouble={troubles(act.error, shift.error)} onLeave={onLeave}>
      {refusal !== null && <Refusal of={refusal} known={known} owed={told?.calls_owed ?? []} onOpen={onOpen} />}
      {told !== undefined && (
        <>
          <Offers offers={told.offers} me={me} busy={act.isPending} onAct={act.mutate} />
          {works && <OfferForm people={told.people} me={me} busy={act.isPending} onAct={act.mutate} />}
          <div className="shift-parts">
            <Alerts alerts={told.alerts} me={me} onOpen={onOpen} />
            <div className="shift-rest">
              <Calls calls={told.calls_owed} people={told.people} me={me} onOpen={onOpen} />
              <Pauses pauses={told.pauses} me={me} busy={act.isPending} onAct={act.mutate} />
              <Visits visits={told.visits} />
              <Blind blind={told.blind} />
              <People people={told.people} me={me} busy={act.isPending} onAct={act.mutate} />
            </div>
          </div>
        </>
      )}
    </Page>
  );
}

interface RefusalProps {
  of: unknown;
  known: Known;
  owed: api.Contact[]; // in whose words the calls that keep somebody are named
  onOpen(alert: number): void;
}

/** Who owns or owes something has to do something about it, and is told what; who only could not be heard may leave all the same. */
function Refusal({ of, known, owed, onOpen }: RefusalProps) {
  const nowMs = useNow();
  const owns = of instanceof Problem && of.status === 409;
  const { owned, calls } = left(of);
  return (
    <div className="shift-refusal">
      <p role="alert" className="trouble">
        Not signed out: {words(of).replace(/\.$/, "")}.
      </p>
      {owned.length + calls.length > 0 && (
        <ul aria-label="What keeps you">
          {owned.map((one) => {
            const alert = known.get(one.id);
            return (
              <li key={one.id}>
                <button type="button" onClick={() => onOpen(one.id)}>
                  {one.severity} {alert === undefined ? `Alert ${one.id}` : sentence(alert)}
                </button>{" "}
                {OVER[one.condition]}
              </li>
            );
          })}
          {calls.map((call) => {
            const about = owed.find((one) => one.id === call.id)?.wearer_name ?? null;
            return (
              <li key={`call ${call.id}`}>
                Call owed: {CALLED[call.person]}
                {about !== null && `, about ${about}`}, {wall(call.callback_at, nowMs, undefined, false)}{" "}
                {call.alert !== null && (
                  <button type="button" onClick={() => onOpen(call.alert ?? 0)}>
                    Alert {call.alert}
                  </button>
                )}
              </li>
            );
          })}
        </ul>
      )}
      {!owns && (
        <button type="button" onClick={signOut}>
          Leave all the same
        </button>
      )}
    </div>
  );
}

function Offers({ offers, me, busy, onAct }: { offers: api.Handover[]; me: Account; busy: boolean; onAct: Act }) {
  return offers.map((offer) => {
    const mine = offer.from.id === me.id;
    const answer = (what: "accept" | "withdraw") => () => onAct(() => api.answer(offer.id, what));
    return (
      <Offer
        key={offer.id}
        note={offer.note}
        busy={busy}
        accept={mine ? null : { words: "Accept handover", give: answer("accept") }}
        withdraw={{ words: mine ? "Withdraw" : "Decline", give: answer("withdraw") }}
      >
        {mine ? (
          <>
            You have offered what you own to <b>{offer.to.name}</b>, who has not accepted yet.
          </>
        ) : (
          <>
            <b>{offer.from.name}</b> hands over to you: {has(offer.alerts.length, offer.calls.length)}.
          </>
        )}
      </Offer>
    );
  });
}

function OfferForm({ people, me, busy, onAct }: { people: api.Colleague[]; me: Account; busy: boolean; onAct: Act }) {
  const { owns, calls } = people.find((person) => person.id === me.id) ?? { owns: 0, calls: 0 };
  const once = useOnce();
  // Kept here, as the browser would choose the next one by itself for who is not among the people any more.
  const [chosen, setChosen] = useState<api.Colleague | null>(null);
  const stands = people.find((person) => person.id === chosen?.id);
  const why = unable(chosen, stands);
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const to = Number(form.get("to"));
    const { key } = once.of(form);
    onAct(async () => {
      await api.offer(to, text(form, "note"), key);
      once.answered();
    });
  }
  if (owns + calls === 0)
    return <p className="quiet">You own nothing and owe no call: there is nothing to hand over.</p>;
  return (
    <form className="form shift-form" aria-label="Hand over" onSubmit={submit}>
      <p>
        You own <b>{has(owns, calls)}</b>. {owns + calls === 1 ? "It stays" : "They stay"} yours until your colleague
        accepts.
      </p>
      <div className="form-pair">
        <label>
          Hand over to
          <select
            name="to"
            required
            value={stands?.id ?? ""}
            aria-describedby="takes-over"
            onChange={(event) => setChosen(people.find((person) => String(person.id) === event.target.value) ?? null)}
          >
            <option value="" disabled>
              Choose who takes over
            </option>
            {people
              .filter((person) => person.id !== me.id)
              .map((person) => (
                // Who is chosen stays so: a form leaves out what is disabled, and would be sent to nobody.
                <option key={person.id} value={person.id} disabled={person.barred !== null && person !== stands}>
                  {person.name === person.role ? person.name : `${person.name}, ${person.role}`}
                  {person.signed_in ? "" : " (not signed in)"}
                  {person.barred !== null && `: ${person.barred}`}
                </option>
              ))}
          </select>
        </label>
        <label>
          Note
          <input name="note" maxLength={4000} autoComplete="off" />
        </label>
      </div>
      <p id="takes-over" role="status" className={why === "" ? "" : "warning"}>
        {why}
      </p>
      <div className="actions-row">
        <button type="submit" disabled={busy}>
          Offer
        </button>
      </div>
    </form>
  );
}

/** Why who was chosen cannot take over after all, as it was read since; empty where they can. */
function unable(chosen: api.Colleague | null, stands: api.Colleague | undefined): string {
  if (chosen === null || stands?.barred === null) return "";
  return `${chosen.name} ${stands?.barred ?? "cannot be handed anything any more"}: choose somebody who can.`;
}

function Alerts({ alerts: open, me, onOpen }: { alerts: api.Alert[]; me: Account; onOpen(alert: number): void }) {
  const nowMs = useNow();
  return (
    <Part title="Open P1 and P2" empty="None." count={open.length}>
      {byQueue(open).map((alert) => {
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

interface CallsProps {
  calls: api.Contact[];
  people: api.Colleague[];
  me: Account;
  onOpen(alert: number): void;
}

function Calls({ calls, people, me, onOpen }: CallsProps) {
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
              set by {call.by.name} at {wall(call.at, nowMs)}; {makes(call, me.id, people)}
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
  const gateways = blind.gateways.filter((gateway) => gateway.silent > 0);
  const count = blind.failing.length + blind.lanes.length + gateways.length;
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
      {gateways.map((gateway) => (
        <li key={gateway.name}>
          Gateway {gateway.name}: {gateway.silent} of {gateway.worn} tags silent
          {gateway.unknown > 0 && `, of ${gateway.unknown} not known yet`}
        </li>
      ))}
    </Part>
  );
}

interface PeopleProps {
  people: api.Colleague[];
  me: Account;
  busy: boolean;
  onAct: Act;
}

function People({ people, me, busy, onAct }: PeopleProps) {
  const [releasing, setReleasing] = useState<number | null>(null);
  const holding = people.filter((person) => person.owns + person.calls > 0 || person.signed_in);
  const may = me.permissions.includes("release_alerts");
  return (
    <Part title="Who holds what" empty="Nobody is signed in." count={holding.length}>
      {holding.map((person) => (
        <li key={person.id}>
          <b>{person.name}</b> ({person.role}): {has(person.owns, person.calls)}
          {!person.signed_in && <em>Not signed in</em>}
          {may && person.owns + person.calls > 0 && (
            <button
              type="button"
              aria-expanded={releasing === person.id}
              aria-label={`Release what ${person.name} holds`}
              onClick={() => setReleasing(person.id)}
            >
              Release
            </button>
          )}
          {releasing === person.id && (
            <TextForm
              label={`Why what ${person.name} holds goes back to the queue, new and nobody's`}
              save="Put back"
              busy={busy}
              onSave={(reason, done) =>
                onAct(async () => {
                  await api.release(person.id, reason);
                  done();
                })
              }
              onCancel={() => setReleasing(null)}
            />
          )}
        </li>
      ))}
    </Part>
  );
}
