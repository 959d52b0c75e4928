// An officer's caseload: the orders they answer for, who covers it and when, what is handed to another officer, and who is told
// when nobody answers.
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import * as api from "../api";
import { held, level, orders, sendable } from "../caseload";
import { now, useNow } from "../clock";
import { type Act, useDoing } from "../doing";
import { ending, wall, ZONE } from "../instant";
import { troubles } from "../problem";
import type { Account } from "../session";
import { emptied, text, useOnce } from "./Form";
import { Offer } from "./Offer";
import { Page, Part } from "./Page";

const REREAD_MS = 20_000;

export function Caseload({ me, onLeave }: { me: Account; onLeave(): void }) {
  const [officer, setOfficer] = useState(me.id);
  const read = useQuery({
    queryKey: ["caseload", officer],
    queryFn: ({ signal }) => api.caseload(officer, signal),
    refetchInterval: REREAD_MS,
    staleTime: 0,
  });
  const officers = useQuery({ queryKey: ["officers"], queryFn: ({ signal }) => api.officers(signal) });
  const act = useDoing("caseload");
  const may = me.permissions.includes("edit_wearers");
  const anybodys = may && me.permissions.includes("release_alerts");
  const told = read.data;
  const others = (officers.data ?? []).filter((person) => person.id !== officer);
  return (
    <Page title="Caseload" trouble={troubles(act.error, read.error, officers.error)} onLeave={onLeave}>
      {anybodys && (
        <label>
          Whose{" "}
          <select value={officer} onChange={(event) => setOfficer(Number(event.target.value))}>
            {!(officers.data ?? []).some((person) => person.id === me.id) && <option value={me.id}>{me.name}</option>}
            {(officers.data ?? []).map((person) => (
              <option key={person.id} value={person.id}>
                {person.name}
              </option>
            ))}
          </select>
        </label>
      )}
      {told !== undefined && (
        <>
          <Offered transfers={told.transfers} me={me} anybodys={anybodys} busy={act.isPending} onAct={act.mutate} />
          <div className="shift-parts">
            <Orders
              key={officer}
              held={told.held}
              others={others}
              may={may && (officer === me.id || anybodys)}
              busy={act.isPending}
              onSend={(orders, to, note, key, done) =>
                act.mutate(async () => {
                  await api.transfer(orders, officer, to, note, key);
                  done();
                })
              }
            />
            <div className="shift-rest">
              <Covers
                key={officer}
                covers={told.covers}
                officer={officer}
                others={others}
                may={may && (officer === me.id || anybodys)}
                busy={act.isPending}
                onAct={act.mutate}
              />
              <Chain chain={told.chain} />
            </div>
          </div>
        </>
      )}
    </Page>
  );
}

interface OfferedProps {
  transfers: api.Transfer[];
  me: Account;
  anybodys: boolean;
  busy: boolean;
  onAct: Act;
}

function Offered({ transfers, me, anybodys, busy, onAct }: OfferedProps) {
  return transfers.map((one) => {
    const toMe = one.to.id === me.id;
    const answer = (what: "accept" | "withdraw") => () => onAct(() => api.answerTransfer(one.id, what));
    const may = toMe || one.from.id === me.id || anybodys;
    return (
      <Offer
        key={one.id}
        note={one.note}
        busy={busy}
        accept={toMe ? { words: "Accept transfer", give: answer("accept") } : null}
        withdraw={may ? { words: toMe ? "Decline" : "Withdraw", give: answer("withdraw") } : null}
      >
        <b>{one.from.name}</b> sends {orders(one)} to <b>{toMe ? "you" : one.to.name}</b>, who {toMe ? "have" : "has"}{" "}
        not accepted yet.
      </Offer>
    );
  });
}

interface OrdersProps {
  held: api.Held[];
  others: api.Person[];
  may: boolean;
  busy: boolean;
  onSend(orders: number[], to: number, note: string, key: string, done: () => void): void;
}

function Orders({ held: mine, others, may, busy, onSend }: OrdersProps) {
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const once = useOnce();
  const sending = mine.filter((one) => chosen.has(one.order) && sendable(one)).map((one) => one.order);
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    form.append("orders", sending.join()); // they are ticked beside it
    onSend(sending, Number(form.get("to")), text(form, "note"), once.of(form).key, () => {
      once.answered();
      setChosen((ticked) => new Set([...ticked].filter((order) => !sending.includes(order))));
    });
  }
  function choose(order: number, on: boolean): void {
    const next = new Set(chosen);
    if (on) next.add(order);
    else next.delete(order);
    setChosen(next);
  }
  return (
    <div>
      <Part title="Orders answered for now" empty="None." count={mine.length}>
        {mine.map((one) => {
          const words = (
            <>
              <b>{one.wearer_name}</b>, {held(one)}
            </>
          );
          return (
            <li key={one.order}>
              {may && sendable(one) ? (
                <label className="choice">
                  <input
                    type="checkbox"
                    checked={chosen.has(one.order)}
                    onChange={(event) => choose(one.order, event.target.checked)}
                  />{" "}
                  <span>{words}</span>
                </label>
              ) : (
                words
              )}
            </li>
          );
        })}
      </Part>
      {sending.length > 0 && (
        <form className="form" aria-label="Hand orders over" onSubmit={submit}>
          <p>They stay where they are until the other officer accepts.</p>
          <Officer
            name="to"
            label={`Send ${sending.length === 1 ? "1 order" : `${sending.length} orders`} to`}
            of={others}
          />
          <label>
            Note
            <input name="note" maxLength={4000} autoComplete="off" />
          </label>
          <div className="actions-row">
            <button type="submit" disabled={busy}>
              Send
            </button>
          </div>
        </form>
      )}
    </div>
  );
}

interface CoversProps {
  covers: api.Cover[];
  officer: number;
  others: api.Person[];
  may: boolean;
  busy: boolean;
  onAct: Act;
}

function Covers({ covers, officer, others, may, busy, onAct }: CoversProps) {
  const nowMs = useNow();
  const once = useOnce();
  const ahead = covers.filter((cover) => Date.parse(cover.until) > nowMs);
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const sent = event.currentTarget;
    const form = new FormData(sent);
    onAct(async () => {
      const asked = {
        officer,
        covered_by: Number(form.get("by")),
        from: new Date(text(form, "from")).toISOString(),
        until: new Date(ending(text(form, "until"))).toISOString(),
        ...(text(form, "reason") !== "" && { reason: text(form, "reason") }),
      };
      await api.cover(asked, once.of(form).key);
      once.answered();
      emptied(sent, form);
    });
  }
  return (
    <div>
      <Part title="Cover" empty="Nobody covers, now or ahead." count={ahead.length}>
        {ahead.map((cover) => (
          <li key={cover.id}>
            <b>{cover.covered_by.name}</b> for {cover.officer.name}, {wall(cover.from, nowMs, undefined, false)} to{" "}
            {wall(cover.until, nowMs, undefined, false)}
            {cover.in_force && <em className="flag">Now</em>}
            {cover.reason !== null && <q>{cover.reason}</q>}
            {may && cover.officer.id === officer && cover.in_force && (
              <button type="button" disabled={busy} onClick={() => onAct(() => api.endCover(cover, now()))}>
                End it now
              </button>
            )}
          </li>
        ))}
      </Part>
      {may && (
        <form className="form" aria-label="Have it covered" onSubmit={submit}>
          <Officer name="by" label="Covered by" of={others} />
          <div className="form-pair">
            <label>
              From ({ZONE})
              <input type="datetime-local" name="from" required />
            </label>
            <label>
              Until ({ZONE})
              <input type="datetime-local" name="until" required />
            </label>
          </div>
          <label>
            Why
            <input name="reason" maxLength={4000} autoComplete="off" />
          </label>
          <div className="actions-row">
            <button type="submit" disabled={busy}>
              Have it covered
            </button>
          </div>
        </form>
      )}
    </div>
  );
}

function Officer({ name, label, of }: { name: string; label: string; of: api.Person[] }) {
  return (
    <label>
      {label}
      <select name={name} required defaultValue="">
        <option value="" disabled>
          Choose an officer
        </option>
        {of.map((person) => (
          <option key={person.id} value={person.id}>
            {person.name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Chain({ chain }: { chain: api.Chain | null }) {
  if (chain === null) return null;
  return (
    <Part title="When nobody answers" empty="Nobody is told." count={chain.levels.length}>
      {chain.levels.map((one, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a level is its place in the chain
        <li key={i}>
          Level {i + 1}: <b>{level(one)}</b>
        </li>
      ))}
      <li>
        <small>
          One level for each clock that runs out: how long they are depends on the severity, and each alert shows its
          own. While one is out, the next level after every {chain.repeat_min} min in which nobody does anything. Office
          hours are of {chain.timezone}. Orders may have a chain of their own.
        </small>
      </li>
    </Part>
  );
}
