// Who is told outside: each channel, what it is told of and whether it gets through; to test, switch off, or add one.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import * as api from "../api";
import { counts, standing, tested, told } from "../channels";
import { useNow } from "../clock";
import { type Act, useDoing } from "../doing";
import { troubles, words } from "../problem";
import type { Account } from "../session";
import { SEVERITY } from "../words";
import { emptied, text, useOnce } from "./Form";
import { Page, Part } from "./Page";

const REREAD_MS = 10_000;
const SECRETS = ["secrets"];
const TEST_MS = 1_000; // between two looks at what became of a test

export function Channels({ me, onLeave }: { me: Account; onLeave(): void }) {
  const queries = useQueryClient();
  const channels = useQuery({
    queryKey: ["channels"],
    queryFn: ({ signal }) => api.channels(signal),
    refetchInterval: REREAD_MS,
    staleTime: 0,
  });
  // Kept beside the page, as each is told once: its answer may come when the page has been left, or that of another channel.
  const secrets = useQuery<api.NewChannel[]>({ queryKey: SECRETS, initialData: [], enabled: false, gcTime: Infinity });
  const keep = (change: (had: api.NewChannel[]) => api.NewChannel[]) =>
    queries.setQueryData<api.NewChannel[]>(SECRETS, (had = []) => change(had));
  const act = useDoing("channels");
  const may = me.permissions.includes("edit_channels");
  return (
    <Page title="Channels" trouble={troubles(act.error, channels.error)} onLeave={onLeave}>
      {secrets.data.map((made) => (
        <div className="shift-offer" role="status" key={made.id}>
          <p>
            The secret that signs the messages of <b>{made.name}</b>. It is shown now and never again: <br />
            <code>{made.secret}</code>
          </p>
          <button type="button" onClick={() => keep((had) => had.filter((one) => one.id !== made.id))}>
            I have it
          </button>
        </div>
      ))}
      {channels.data !== undefined && (
        <Part title="Who is told outside" empty="Nobody: messages go nowhere." count={channels.data.length}>
          {channels.data.map((channel) => (
            <li key={channel.id} className="channel">
              <One channel={channel} may={may} busy={act.isPending} onAct={act.mutate} />
            </li>
          ))}
        </Part>
      )}
      {may && (
        <AddForm
          busy={act.isPending}
          onAdd={(channel, key, done) =>
            act.mutate(async () => {
              const made = await api.addChannel(channel, key);
              if (made.secret !== null) keep((had) => [...had, made]);
              done();
            })
          }
        />
      )}
    </Page>
  );
}

interface OneProps {
  channel: api.Channel;
  may: boolean;
  busy: boolean;
  onAct: Act;
}

function One({ channel, may, busy, onAct }: OneProps) {
  const nowMs = useNow();
  const [test, setTest] = useState<number | null>(null);
  const stands = standing(channel, nowMs);
  return (
    <>
      <p>
        <b>{channel.name}</b>, {channel.kind}: <span className="channel-target">{channel.target}</span>
      </p>
      <p>Told of {told(channel)}</p>
      <p className="channel-state" data-grade={stands.grade}>
        <b>{stands.words}</b>
        <small> {counts(channel)}</small>
      </p>
      {may && (
        <div className="actions-row">
          {channel.active && (
            <button
              type="button"
              aria-label={`Send a test: ${channel.name}`}
              disabled={busy}
              onClick={() => onAct(async () => setTest((await api.testChannel(channel.id)).id))}
            >
              Send a test
            </button>
          )}
          <button
            type="button"
            aria-label={`Switch ${channel.active ? "off" : "on"}: ${channel.name}`}
            disabled={busy}
            onClick={() => onAct(() => api.switchChannel(channel, !channel.active))}
          >
            {channel.active ? "Switch off" : "Switch on"}
          </button>
        </div>
      )}
      {test !== null && <Tested delivery={test} />}
    </>
  );
}

function Tested({ delivery }: { delivery: number }) {
  const found = useQuery({
    queryKey: ["delivery", delivery],
    queryFn: ({ signal }) => api.delivery(delivery, signal),
    refetchInterval: (query) => (query.state.data === undefined || tested(query.state.data) === null ? TEST_MS : false),
  });
  return (
    <p role="status">
      {found.isError ? words(found.error) : ((found.data && tested(found.data)) ?? "The test message is on its way…")}
    </p>
  );
}

interface AddProps {
  busy: boolean;
  onAdd(channel: api.Channelling, key: string, done: () => void): void;
}

function AddForm({ busy, onAdd }: AddProps) {
  const once = useOnce();
  const [kind, setKind] = useState<api.Channel["kind"]>("webhook");
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const sent = event.currentTarget;
    const form = new FormData(sent);
    const severities = form.getAll("severity").map(String) as api.Severity[];
    onAdd(
      {
        name: text(form, "name"),
        kind,
        target: text(form, "target"),
        severities: severities.length === 0 ? null : severities,
      },
      once.of(form).key,
      () => {
        once.answered();
        if (emptied(sent, form)) setKind("webhook");
      },
    );
  }
  return (
    <form className="form shift-form" aria-label="Add a channel" onSubmit={submit}>
      <h3>Add a channel</h3>
      <div className="form-pair">
        <label>
          Name
          <input name="name" required maxLength={200} autoComplete="off" />
        </label>
        <label>
          By
          <select name="kind" value={kind} onChange={(event) => setKind(event.target.value as api.Channel["kind"])}>
            <option value="webhook">Webhook, signed</option>
            <option value="mail">Mail</option>
          </select>
        </label>
      </div>
      <label>
        {kind === "webhook" ? "Address, https" : "Mail address"}
        <input name="target" required maxLength={2000} autoComplete="off" spellCheck={false} />
      </label>
      <fieldset className="choices">
        <legend>Told of (none chosen: all)</legend>
        {(Object.keys(SEVERITY) as api.Severity[]).map((severity) => (
          <label className="choice" key={severity}>
            <input type="checkbox" name="severity" value={severity} /> {severity}, {SEVERITY[severity]}
          </label>
        ))}
      </fieldset>
      <div className="actions-row">
        <button type="submit" disabled={busy}>
          Add channel
        </button>
      </div>
    </form>
  );
}
